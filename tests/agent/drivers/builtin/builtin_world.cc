#include <map>

#include "absl/time/clock.h"
#include "agent/drivers/builtin/builtin_provider.h"
#include "common/clock.h"
#include "tests/agent/drivers/builtin/parking_fixture.h"
#include "tests/agent/drivers/driver_world.h"

namespace hotplugger::agent {
namespace {

class BuiltinWorld final : public DriverWorld {
 public:
  DriverProvider& provider() override { return provider_; }
  // One that runs has parked a core.
  void SetRunning(const std::string& driver, bool running) override {
    ParkingWorld& world = *worlds_.at(driver);
    (void)world.driver->ChangeState(running, SteadyNow() + absl::Seconds(1));
    if (running) world.Beat(ParkingWish::Act::kPark);
  }
  bool IsRunning(const std::string& driver) override {
    return *worlds_.at(driver)->driver->IsRunning();
  }
  void MakeFail(const std::string& driver) override {
    if (!IsRunning(driver)) {
      worlds_.at(driver)->rule->begin_answer = absl::FailedPreconditionError("nothing to measure");
      return;
    }
    cpus_.SetHook([](int, bool, absl::Time) { return absl::FailedPreconditionError("no"); });
  }
  void MakeLie(const std::string& /*driver*/) override {}
  void MakeHang(const std::string& /*driver*/) override {
    cpus_.SetHook([](int, bool, absl::Time deadline) {
      absl::SleepFor(deadline - SteadyNow());
      return absl::DeadlineExceededError("the CPU had not changed at its deadline");
    });
  }
  void Remove(const std::string& /*driver*/) override {}

  std::string CannotLie() const override { return "its state is its own variable"; }
  std::string CannotHangInStart() const override { return "it measures once as it starts"; }
  std::string CannotVanish() const override { return "it is a part of the agent"; }

 private:
  static std::unique_ptr<ParkingWorld> Make(const std::string& name,
                                            std::vector<std::string> whitelist,
                                            testing::FakeCpuControl& cpus) {
    return std::make_unique<ParkingWorld>(name, cpus,
                                          ParkingSettings{.whitelist = std::move(whitelist)});
  }

  testing::FakeCpuControl cpus_;
  const std::map<std::string, std::unique_ptr<ParkingWorld>> worlds_ = [this] {
    std::map<std::string, std::unique_ptr<ParkingWorld>> worlds;
    worlds["alpha"] = Make("alpha", {"gamma"}, cpus_);
    worlds["beta"] = Make("beta", {}, cpus_);
    worlds["gamma"] = Make("gamma", {"alpha", "beta"}, cpus_);
    return worlds;
  }();
  BuiltinDriverProvider provider_{
      {worlds_.at("alpha")->driver, worlds_.at("beta")->driver, worlds_.at("gamma")->driver}};
};

}  // namespace

std::unique_ptr<DriverWorld> MakeBuiltinWorld() { return std::make_unique<BuiltinWorld>(); }

}  // namespace hotplugger::agent
