#include <cerrno>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/knob/knob_provider.h"
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

class KnobWorld final : public DriverWorld {
 public:
  KnobWorld() {
    folder_.Write("drivers.yaml", kDrivers);
    catalogue_.Reload();
    for (const auto& [name, knob] : knobs_) SetRunning(name, false);
  }

  DriverProvider& provider() override { return provider_; }
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
  void MakeFail(const std::string& driver) override {
    SetModel(driver, [](std::string*, absl::Time) { return EIO; });
  }
  void MakeLie(const std::string& driver) override {
    for (const std::string& file : knobs_.at(driver).files) {
      writer_.SetModel(file, [this, file](std::string* content, absl::Time) {
        *content = root_.Read(file);
        return 0;
      });
    }
  }
  void MakeHang(const std::string& driver) override {
    SetModel(driver, [](std::string*, absl::Time deadline) -> absl::StatusOr<int> {
      absl::SleepFor(deadline - SteadyNow());
      return absl::DeadlineExceededError("the write had not returned at its deadline");
    });
  }
  void Remove(const std::string& driver) override {
    for (const std::string& file : knobs_.at(driver).files) root_.Remove(file);
  }

 private:
  void SetModel(const std::string& driver, const testing::FakeKnobWriter::Model& model) {
    for (const std::string& file : knobs_.at(driver).files) writer_.SetModel(file, model);
  }

  const std::map<std::string, Knob> knobs_ = {
      {"alpha", {{"sys/module/alpha/parameters/enabled"}, "1", "0"}},
      {"beta", {{"sys/kernel/beta/disabled"}, "0", "1"}},
      {"gamma", {{"sys/devices/gamma0/enable", "sys/devices/gamma1/enable"}, "Y", "N"}}};
  testing::TempDir root_;
  testing::TempDir folder_;
  std::unique_ptr<FileTree> tree_ = *FileTree::Open(root_.path());
  testing::FakeKnobWriter writer_{root_};
  testing::FakeCpuControl cpus_;
  Catalogue catalogue_{{folder_.path()}};
  KnobDriverProvider provider_{*tree_, writer_, catalogue_, cpus_};
};

}  // namespace

std::unique_ptr<DriverWorld> MakeKnobWorld() { return std::make_unique<KnobWorld>(); }

}  // namespace hotplugger::agent
