#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/knob/knob_provider.h"
#include "agent/writer/writer_process.h"
#include "common/clock.h"
#include "tests/agent/drivers/driver_world.h"
#include "tests/fakes/fake_cpu_control.h"
#include "tests/fakes/fake_knob_writer.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

// A plain one, one whose file means the reverse, and one with two files.
constexpr char kDrivers[] = R"(
apiVersion: hotplugger/v1
kind: KnobDriver
name: alpha
paths: [sys/module/alpha/parameters/enabled]
whitelist: [gamma]
---
apiVersion: hotplugger/v1
kind: KnobDriver
name: beta
paths: [sys/kernel/beta/disabled]
on: [0, off]
off: [1]
---
apiVersion: hotplugger/v1
kind: KnobDriver
name: gamma
paths: [sys/devices/gamma*/enable]
on: [Y, 1]
off: [N, 0]
whitelist: [alpha, beta]
)";

struct Knob {
  std::vector<std::string> files;
  std::string on;
  std::string off;
};

// All but the writer.
class KnobWorld : public DriverWorld {
 public:
  void SetRunning(const std::string& driver, bool running) override {
    const Knob& knob = knobs_.at(driver);
    for (const std::string& file : knob.files) {
      root_.Write(file, absl::StrCat(running ? knob.on : knob.off, "\n"));
    }
  }
  bool IsRunning(const std::string& driver) override {
    const Knob& knob = knobs_.at(driver);
    return root_.Read(knob.files.front()) == absl::StrCat(knob.on, "\n");
  }
  void Remove(const std::string& driver) override {
    for (const std::string& file : Files(driver)) root_.Remove(file);
  }

 protected:
  KnobWorld() {
    folder_.Write("drivers.yaml", kDrivers);
    catalogue_.Reload();
    for (const auto& [name, knob] : knobs_) SetRunning(name, false);
  }

  const std::vector<std::string>& Files(const std::string& driver) const {
    return knobs_.at(driver).files;
  }

  const std::map<std::string, Knob> knobs_ = {
      {"alpha", {{"sys/module/alpha/parameters/enabled"}, "1", "0"}},
      {"beta", {{"sys/kernel/beta/disabled"}, "0", "1"}},
      {"gamma", {{"sys/devices/gamma0/enable", "sys/devices/gamma1/enable"}, "Y", "N"}}};
  testing::TempDir root_;
  testing::TempDir folder_;
  std::unique_ptr<FileTree> tree_ = *FileTree::Open(root_.path());
  testing::FakeCpuControl cpus_;
  Catalogue catalogue_{{folder_.path()}};
};

class FakeWriterKnobWorld final : public KnobWorld {
 public:
  DriverProvider& provider() override { return provider_; }
  void MakeFail(const std::string& driver) override {
    for (const std::string& file : Files(driver)) {
      writer_.SetModel(file, [](std::string*, absl::Time) { return EIO; });
    }
  }
  void MakeLie(const std::string& driver) override {
    for (const std::string& file : Files(driver)) {
      writer_.SetModel(file, [this, file](std::string* content, absl::Time) {
        *content = root_.Read(file);
        return 0;
      });
    }
  }
  void MakeHang(const std::string& driver) override {
    writer_.MakeHang(Files(driver).front(), testing::HangingWrites::Until::kLetGo);
  }
  void MakeHangForAMoment(const std::string& driver) override {
    writer_.MakeHang(Files(driver).front(), testing::HangingWrites::Until::kNextWrite);
  }
  void LetGo() override { writer_.LetGo(); }

 private:
  testing::FakeKnobWriter writer_{root_};
  KnobDriverProvider provider_{*tree_, writer_, catalogue_, cpus_};
};

// The real writer, of which a test decides what the kernel makes of a write: a writer that is
// stopped stands for one that no signal wakes in the kernel.
class WriterInAKernel final : public KernelWriter {
 public:
  enum class Hang { kForAMoment, kUntilLetGo };

  explicit WriterInAKernel(const std::string& root)
      : process_(
            *WriterProcess::Create(std::string(HOTPLUGGER_BIN_DIR) + "/hotplugger-writer", root)) {}
  // One that stands still would not end with its owner in time.
  ~WriterInAKernel() override { GoOn(); }

  // Answers this without a write.
  void SetAnswer(const std::string& path, int error_number) { answers_[path] = error_number; }
  // Of the next write to it.
  void SetHang(const std::string& path, Hang hang) { hangs_[path] = hang; }
  void GoOn() {
    Signal(SIGCONT);
    hanging_.reset();
  }

  absl::StatusOr<Answer> Change(const DeviceChange&, absl::Time) override {
    return Answer{.error_number = ENODEV};
  }
  absl::StatusOr<Answer> SetSmt(const SmtChange&, absl::Time) override {
    return Answer{.error_number = ENODEV};
  }
  absl::StatusOr<int> SetKernelDriver(absl::string_view, bool, absl::Time) override {
    return ENOENT;
  }
  absl::StatusOr<int> SetKnob(const std::string& path, const std::string& value,
                              absl::Time deadline) override {
    if (hanging_ == Hang::kForAMoment) GoOn();
    if (const auto answer = answers_.find(path); answer != answers_.end()) return answer->second;
    if (const auto hang = hangs_.extract(path)) {
      hanging_ = hang.mapped();
      Signal(SIGSTOP);
    }
    return process_->SetKnob(path, value, deadline);
  }
  void AllowKnobs(std::vector<std::string> patterns) override {
    process_->AllowKnobs(std::move(patterns));
    // Starts one that knows them, so that it is there to be stopped.
    (void)process_->SetKnob("sys/none", "1", SteadyNow() + absl::Seconds(20));
  }

 private:
  void Signal(int signal) {
    // One that isn't there has the number -1, which would mean everybody.
    ASSERT_GT(process_->pid(), 0);
    kill(process_->pid(), signal);
  }

  const std::unique_ptr<WriterProcess> process_;
  std::map<std::string, int> answers_;
  std::map<std::string, Hang> hangs_;
  std::optional<Hang> hanging_;
};

class RealWriterKnobWorld final : public KnobWorld {
 public:
  RealWriterKnobWorld() { writer_.AllowKnobs(catalogue_.KnobPatterns()); }

  DriverProvider& provider() override { return provider_; }
  void MakeFail(const std::string& driver) override { Answer(driver, EIO); }
  void MakeLie(const std::string& driver) override { Answer(driver, 0); }
  void MakeHang(const std::string& driver) override {
    writer_.SetHang(Files(driver).front(), WriterInAKernel::Hang::kUntilLetGo);
  }
  void MakeHangForAMoment(const std::string& driver) override {
    writer_.SetHang(Files(driver).front(), WriterInAKernel::Hang::kForAMoment);
  }
  // The next write, to a file that is no knob, is answered once the late one is done.
  void LetGo() override {
    writer_.GoOn();
    EXPECT_EQ(*writer_.SetKnob("sys/none", "1", SteadyNow() + absl::Seconds(20)), EACCES);
  }

 private:
  void Answer(const std::string& driver, int error_number) {
    for (const std::string& file : Files(driver)) writer_.SetAnswer(file, error_number);
  }

  WriterInAKernel writer_{root_.path()};
  KnobDriverProvider provider_{*tree_, writer_, catalogue_, cpus_};
};

}  // namespace

std::unique_ptr<DriverWorld> MakeKnobWorld() { return std::make_unique<FakeWriterKnobWorld>(); }

std::unique_ptr<DriverWorld> MakeWriterKnobWorld() {
  return std::make_unique<RealWriterKnobWorld>();
}

}  // namespace hotplugger::agent
