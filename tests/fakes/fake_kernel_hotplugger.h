// A kernel with /sys/kernel/hotplugger, as a model: its registry of drivers, the files that show
// it below a directory of the test's, and the writer that changes it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/devices/operations/kernel_writer.h"
#include "tests/fakes/hanging_writes.h"

namespace hotplugger::agent {

class FakeKernelHotplugger final : public KernelWriter {
 public:
  struct Driver {
    std::string name;
    // The kernel's own, which no file shows.
    std::vector<std::string> whitelist = {};
    bool running = false;
    // What its change_state answers; state stays where it isn't 0.
    int start_error = 0;
    int stop_error = 0;
    // Answers 0 and stays as it was.
    bool lies = false;
    // Its next change has not ended at the deadline of the write: see HangingWrites.
    std::optional<testing::HangingWrites::Until> hangs = std::nullopt;
    bool has_change_state = true;
  };

  // `root` stands for the host's root.
  explicit FakeKernelHotplugger(std::string root)
      : directory_(std::move(root) + "/sys/kernel/hotplugger") {
    std::filesystem::create_directories(directory_);
    Publish();
  }

  // A module comes or goes.
  void Load(Driver driver) {
    drivers_.push_back(std::move(driver));
    Publish();
  }
  void Unload(absl::string_view name) {
    drivers_.remove_if([name](const Driver& driver) { return driver.name == name; });
    Publish();
  }
  // The whole registry goes, files and all.
  void Remove() { std::filesystem::remove_all(directory_); }

  void set_enabled(bool enabled) {
    enabled_ = enabled;
    Publish();
  }
  // A driver starts or stops by itself.
  void SetRunning(absl::string_view name, bool running) {
    Find(name)->running = running;
    Publish();
  }
  // What the next write answers instead of being carried out, e.g. that the writer is stuck.
  void set_next_answer(absl::StatusOr<int> answer) { next_answer_ = std::move(answer); }
  // Case doesn't count. nullptr where there is none.
  Driver* Find(absl::string_view name) {
    for (Driver& driver : drivers_) {
      if (absl::EqualsIgnoreCase(driver.name, name)) return &driver;
    }
    return nullptr;
  }
  int writes() const { return writes_; }
  // What hangs does so no longer.
  void LetGo() { hanging_.LetGo(); }

  absl::StatusOr<Answer> Change(const agent::DeviceChange&, absl::Time) override {
    return Answer{.error_number = ENODEV};
  }
  absl::StatusOr<Answer> SetSmt(const agent::SmtChange&, absl::Time) override {
    return Answer{.error_number = ENODEV};
  }

  absl::StatusOr<int> SetKnob(const std::string& /*path*/, const std::string& /*value*/,
                              absl::Time /*deadline*/) override {
    return EACCES;
  }
  void AllowKnobs(std::vector<std::string> /*patterns*/) override {}

  absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                      absl::Time deadline) override {
    const absl::Status entered = hanging_.Enter(deadline);
    if (!entered.ok()) return entered;
    ++writes_;
    if (next_answer_) return *std::exchange(next_answer_, std::nullopt);
    if (!enabled_) return EPERM;
    Driver* found = Find(driver.substr(0, 30));  // the kernel reads "%30s"
    if (found == nullptr) return EINVAL;
    std::optional<testing::HangingWrites::Until> hang;
    const int error_number = Switch(*found, running, &hang);
    Publish();
    if (!hang.has_value()) return error_number;
    // It goes on where it hung, and the driver hangs no more.
    const absl::Status ended = hanging_.Hang(*hang, deadline, [this, found, running] {
      std::optional<testing::HangingWrites::Until> hangs_again;
      Switch(*found, running, &hangs_again);
      Publish();
    });
    return ended.ok() ? absl::StatusOr<int>(0) : ended;
  }

 private:
  static bool Whitelists(const Driver& driver, const std::string& name) {
    return std::any_of(driver.whitelist.begin(), driver.whitelist.end(),
                       [&](const std::string& item) { return absl::EqualsIgnoreCase(item, name); });
  }

  // Where one hangs, nothing more is done.
  int Switch(Driver& driver, bool running, std::optional<testing::HangingWrites::Until>* hang) {
    if (!driver.has_change_state || driver.running == running) return EFAULT;
    if (running) {
      const int stopped = DisableConflicts(driver, hang);
      if (stopped != 0 || hang->has_value()) return stopped;
    }
    if (driver.hangs.has_value()) {
      *hang = std::exchange(driver.hangs, std::nullopt);
      return 0;
    }
    const int answer = running ? driver.start_error : driver.stop_error;
    if (answer == 0 && !driver.lies) driver.running = running;
    return answer;
  }

  int DisableConflicts(const Driver& starting, std::optional<testing::HangingWrites::Until>* hang) {
    for (Driver& other : drivers_) {
      if (&other == &starting || !other.running) continue;
      if (Whitelists(starting, other.name) && Whitelists(other, starting.name)) continue;
      const int stopped = Switch(other, false, hang);
      if (stopped != 0 || hang->has_value()) return stopped;
    }
    return 0;
  }

  void Publish() {
    std::string all;
    std::string running;
    std::string stopped;
    for (const Driver& driver : drivers_) {
      absl::StrAppend(&all, driver.running ? absl::StrCat("[", driver.name, "]") : driver.name,
                      " ");
      absl::StrAppend(driver.running ? &running : &stopped, driver.name, " ");
    }
    Write("available_drivers", Page(all));
    Write("enable_driver", Page(running));
    Write("disable_driver", Page(stopped));
    Write("enabled", enabled_ ? "1\n" : "0\n");
  }

  // One page, less a name: what doesn't fit is cut, in the middle of a name if need be.
  static std::string Page(std::string names) {
    if (names.empty()) names = "[none]";
    return names.substr(0, 4096 - (32 + 2) - 1) + "\n";
  }

  void Write(const std::string& name, const std::string& content) {
    std::ofstream(directory_ + "/" + name) << content;
  }

  const std::string directory_;
  std::list<Driver> drivers_;
  bool enabled_ = true;
  std::optional<absl::StatusOr<int>> next_answer_;
  int writes_ = 0;
  testing::HangingWrites hanging_;
};

}  // namespace hotplugger::agent
