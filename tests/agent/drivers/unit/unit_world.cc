#include "absl/strings/str_cat.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/unit/systemd.h"
#include "agent/drivers/unit/unit_provider.h"
#include "tests/agent/drivers/driver_world.h"
#include "tests/fakes/mock_systemd.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

constexpr char kDrivers[] = R"(
apiVersion: hotplugger/v1
kind: UnitDriver
name: alpha
unit: alpha.service
whitelist: [gamma]
---
apiVersion: hotplugger/v1
kind: UnitDriver
name: beta
unit: beta.service
---
apiVersion: hotplugger/v1
kind: UnitDriver
name: gamma
unit: gamma.service
whitelist: [alpha, beta]
)";

class UnitWorld final : public DriverWorld {
 public:
  UnitWorld() {
    folder_.Write("drivers.yaml", kDrivers);
    catalogue_.Reload();
    for (const char* driver : {"alpha", "beta", "gamma"}) SetRunning(driver, false);
  }

  DriverProvider& provider() override { return provider_; }
  void SetRunning(const std::string& driver, bool running) override {
    systemd_.Define(Unit(driver), running);
  }
  bool IsRunning(const std::string& driver) override {
    const std::string state = systemd_.ActiveState(Unit(driver));
    return state != "inactive" && state != "failed";
  }
  void MakeFail(const std::string& driver) override { Behave(driver, "refuses"); }
  // systemd does, of a service that ends by itself at once.
  void MakeLie(const std::string& driver) override { Behave(driver, "ends"); }
  void MakeHang(const std::string& driver) override { Behave(driver, "hangs"); }
  void MakeHangForAMoment(const std::string& driver) override { Behave(driver, "pauses"); }
  void LetGo() override { systemd_.LetGo(); }
  void Remove(const std::string& driver) override { systemd_.Remove(Unit(driver)); }

 private:
  static std::string Unit(const std::string& driver) { return absl::StrCat(driver, ".service"); }
  void Behave(const std::string& driver, const std::string& behaviour) {
    systemd_.Define(Unit(driver), IsRunning(driver), behaviour);
  }

  testing::MockSystemd systemd_;
  testing::TempDir folder_;
  Systemd services_{systemd_.address()};
  Catalogue catalogue_{{folder_.path()}};
  UnitDriverProvider provider_{services_, catalogue_};
};

}  // namespace

std::unique_ptr<DriverWorld> MakeUnitWorld() { return std::make_unique<UnitWorld>(); }

}  // namespace hotplugger::agent
