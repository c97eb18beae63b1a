// The kernel behind knobs, as a model: the writer that writes their files as the kernel would.
#pragma once

#include <fnmatch.h>

#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/operations/kernel_writer.h"
#include "common/error_info.h"
#include "tests/fakes/hanging_writes.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::testing {

// `tree` outlives this. Not safe for concurrent use.
class FakeKnobWriter final : public agent::KernelWriter {
 public:
  // What the kernel makes of a write to one file: an errno, or 0 and `*content`, which is at first
  // what was written.
  using Model = std::function<absl::StatusOr<int>(std::string* content, absl::Time deadline)>;

  explicit FakeKnobWriter(const TempDir& tree) : tree_(tree) {}

  // Without one, a file reads as it was written.
  void SetModel(const std::string& path, Model model) { models_[path] = std::move(model); }
  // The next write to it hangs, as it would behind WriterProcess.
  void MakeHang(const std::string& path, HangingWrites::Until until) { hangs_[path] = until; }
  void LetGo() { hanging_.LetGo(); }

  // "path=value", in order.
  std::vector<std::string> TakeWrites() { return std::exchange(writes_, {}); }
  const std::vector<std::string>& patterns() const { return patterns_; }

  absl::StatusOr<Answer> Change(const agent::DeviceChange&, absl::Time) override {
    return Answer{.error_number = ENODEV};
  }
  absl::StatusOr<Answer> SetSmt(const agent::SmtChange&, absl::Time) override {
    return Answer{.error_number = ENODEV};
  }
  absl::StatusOr<int> SetKernelDriver(absl::string_view, bool, absl::Time) override {
    return ENOENT;
  }
  absl::StatusOr<int> SetKnob(const std::string& path, const std::string& value,
                              absl::Time deadline) override {
    const absl::Status entered = hanging_.Enter(deadline);
    if (!entered.ok()) return entered;
    writes_.push_back(path + "=" + value);
    if (!std::filesystem::exists(tree_.Path(path))) return ENOENT;
    std::string content = value + "\n";
    if (const auto hang = hangs_.extract(path)) {
      const absl::Status ended = hanging_.Hang(
          hang.mapped(), deadline, [this, path, content] { tree_.Write(path, content); });
      return ended.ok() ? absl::StatusOr<int>(0) : ended;
    }
    const auto model = models_.find(path);
    if (model != models_.end()) {
      const absl::StatusOr<int> answer = model->second(&content, deadline);
      if (!answer.ok() || *answer != 0) return answer;
    }
    tree_.Write(path, content);
    return 0;
  }
  void AllowKnobs(std::vector<std::string> patterns) override { patterns_ = std::move(patterns); }

 private:
  const TempDir& tree_;
  std::map<std::string, Model> models_;
  std::map<std::string, HangingWrites::Until> hangs_;
  HangingWrites hanging_;
  std::vector<std::string> writes_;
  std::vector<std::string> patterns_;
};

}  // namespace hotplugger::testing
