// What becomes of the agent when the bus or systemd does not do as it should.
#include "agent/drivers/unit/systemd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/registry.h"
#include "agent/drivers/unit/unit_provider.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "tests/fakes/mock_systemd.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kMuch = absl::Seconds(10);

absl::Time In(absl::Duration duration) { return SteadyNow() + duration; }

TEST(SystemdTest, WithoutABusThereIsAClearStateAndNoCrash) {
  Systemd services("unix:path=/nowhere/at/all");
  const auto state = services.ReadState("a.service", In(kMuch));
  EXPECT_EQ(state.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(state.status()), "NO_SERVICE_MANAGER");
  EXPECT_EQ(ErrorReason(services.Request("a.service", true, In(kMuch))), "NO_SERVICE_MANAGER");
}

TEST(SystemdTest, UnitsAreReadStartedAndStopped) {
  testing::MockSystemd systemd;
  systemd.Define("a.service", false);
  Systemd services(systemd.address());
  EXPECT_EQ(services.ReadState("a.service", In(kMuch))->active, "inactive");
  EXPECT_EQ(services.Request("a.service", true, In(kMuch)), absl::OkStatus());
  EXPECT_EQ(services.ReadState("a.service", In(kMuch))->active, "active");
  EXPECT_EQ(services.Request("a.service", false, In(kMuch)), absl::OkStatus());
  EXPECT_EQ(services.ReadState("a.service", In(kMuch))->active, "inactive");
  EXPECT_EQ(services.ReadState("b.service", In(kMuch))->load, "not-found");
}

TEST(SystemdTest, ARefusalIsToldInSystemdsWords) {
  testing::MockSystemd systemd;
  systemd.Define("a.service", false, "refuses");
  Systemd services(systemd.address());
  const absl::Status status = services.Request("a.service", true, In(kMuch));
  EXPECT_EQ(ErrorReason(status), "UNIT_REFUSED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("Access denied"));
}

TEST(SystemdTest, ACutConnectionIsAnErrorOnceAndThenMadeAnew) {
  testing::MockSystemd systemd;
  systemd.Define("a.service", true);
  Systemd services(systemd.address());
  ASSERT_EQ(services.ReadState("a.service", In(kMuch)).status(), absl::OkStatus());
  systemd.CutBus();
  EXPECT_EQ(ErrorReason(services.ReadState("a.service", In(kMuch)).status()), "NO_SERVICE_MANAGER");
  EXPECT_EQ(ErrorReason(services.ReadState("a.service", In(kMuch)).status()), "NO_SERVICE_MANAGER");
  systemd.StartBus();
  systemd.Define("a.service", true);
  absl::StatusOr<UnitState> state;
  for (int i = 0; i < 100; ++i) {
    state = services.ReadState("a.service", In(kMuch));
    if (state.ok()) break;
    absl::SleepFor(absl::Milliseconds(100));
  }
  ASSERT_EQ(state.status(), absl::OkStatus());
  EXPECT_EQ(state->active, "active");
}

TEST(SystemdTest, OneThatFreezesIsWaitedForNoLongerThanTheDeadline) {
  testing::MockSystemd systemd;
  systemd.Define("a.service", false, "freezes");
  Systemd services(systemd.address());
  const absl::Time began = SteadyNow();
  const absl::Status status = services.Request("a.service", true, In(absl::Milliseconds(300)));
  EXPECT_EQ(ErrorReason(status), "SERVICE_MANAGER_HANGS") << status;
  EXPECT_LT(SteadyNow() - began, kMuch);
}

TEST(SystemdTest, OneThatDoesNotAnswerIsWaitedForOnceAndNotForEveryUnit) {
  constexpr absl::Duration kPatience = absl::Seconds(1);
  testing::MockSystemd systemd;
  Systemd services(systemd.address());
  EXPECT_EQ(services.ReadState("a.service", In(kMuch)).status(), absl::OkStatus());
  systemd.Freeze(true);
  const absl::Time began = SteadyNow();
  for (int i = 0; i < 20; ++i) {
    const auto state = services.ReadState(absl::StrCat(i, ".service"), In(kPatience));
    EXPECT_EQ(ErrorReason(state.status()), "SERVICE_MANAGER_HANGS") << state.status();
  }
  EXPECT_LT(SteadyNow() - began, 12 * kPatience);
  // Who has more time than that waits.
  systemd.Freeze(false);
  EXPECT_EQ(services.ReadState("a.service", In(kMuch)).status(), absl::OkStatus());
  EXPECT_EQ(services.ReadState("a.service", In(kPatience)).status(), absl::OkStatus());
}

TEST(SystemdTest, SoIsABusThatDoesNotGreet) {
  testing::MockSystemd systemd;
  systemd.Define("a.service", true);
  systemd.FreezeBus(true);
  Systemd services(systemd.address());
  const absl::Time began = SteadyNow();
  for (int i = 0; i < 2; ++i) {
    const auto state = services.ReadState("a.service", In(absl::Milliseconds(200)));
    EXPECT_EQ(ErrorReason(state.status()), "SERVICE_MANAGER_HANGS") << state.status();
  }
  EXPECT_LT(SteadyNow() - began, kMuch);
  systemd.FreezeBus(false);
  EXPECT_EQ(services.ReadState("a.service", In(kMuch)).status(), absl::OkStatus());
}

class UnitProviderTest : public ::testing::Test {
 protected:
  UnitProviderTest() {
    for (const char* name : {"alpha", "beta"}) {
      folder_.Write(absl::StrCat(name, ".yaml"),
                    absl::StrCat("apiVersion: hotplugger/v1\nkind: UnitDriver\nname: ", name,
                                 "\nunit: ", name, ".service\n"));
    }
    catalogue_.Reload();
  }
  std::vector<std::string> States() {
    EXPECT_EQ(registry_.SyncProvider(provider_).status(), absl::OkStatus());
    std::vector<std::string> states;
    for (const v1::Driver& driver : registry_.List()) {
      states.push_back(driver.name() + " " + v1::DriverState_Name(driver.state()));
    }
    return states;
  }

  // What a switch has begun by then is in its middle.
  void CutBusOnceActivating(const std::string& unit) {
    const absl::Time give_up = In(absl::Seconds(20));
    while (systemd_.ActiveState(unit) != "activating" && SteadyNow() < give_up) {
      absl::SleepFor(absl::Milliseconds(5));
    }
    systemd_.CutBus();
  }

  testing::MockSystemd systemd_;
  testing::TempDir folder_;
  Systemd services_{systemd_.address()};
  Catalogue catalogue_{{folder_.path()}};
  UnitDriverProvider provider_{services_, catalogue_};
  SteadyClock clock_;
  AgentCounters counters_;
  Registry registry_{clock_, counters_, {}};
};

TEST_F(UnitProviderTest, UnitsThatAreNotInstalledAreNoDrivers) {
  systemd_.Define("beta.service", true);
  EXPECT_THAT(States(), ElementsAre("beta DRIVER_STATE_RUNNING"));
  EXPECT_THAT(registry_.Warnings(), IsEmpty());
}

TEST_F(UnitProviderTest, WithTheBusCutDriversStayAndCannotBeAskedAndNothingIsSwitched) {
  systemd_.Define("alpha.service", true);
  systemd_.Define("beta.service", false);
  EXPECT_THAT(States(), ElementsAre("alpha DRIVER_STATE_RUNNING", "beta DRIVER_STATE_STOPPED"));
  systemd_.CutBus();
  EXPECT_THAT(States(), ElementsAre("alpha DRIVER_STATE_UNKNOWN", "beta DRIVER_STATE_UNKNOWN"));
  EXPECT_THAT(registry_.Warnings(), ElementsAre(HasSubstr("NO_SERVICE_MANAGER")));
  EXPECT_THAT(registry_.List().at(0).detail(), HasSubstr("systemd can't be asked"));
  const SwitchResult result = registry_.SwitchDrivers({"beta"}, {}, In(kMuch));
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_STATE_UNKNOWN");
}

TEST_F(UnitProviderTest, TheBusCutInTheMiddleOfASwitchIsBoundedNamedAndSaid) {
  systemd_.Define("alpha.service", true);
  systemd_.Define("beta.service", false, "hangs");
  States();
  std::thread cut([this] { CutBusOnceActivating("beta.service"); });
  const absl::Time began = SteadyNow();
  const SwitchResult result = registry_.SwitchDrivers({"beta"}, {}, In(absl::Seconds(4)));
  cut.join();
  EXPECT_LT(SteadyNow() - began, absl::Seconds(30));
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("beta"));
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("alpha")) << "it could not be undone";
}

// The switch has half of its time left when the bus is back.
TEST_F(UnitProviderTest, TheBusCutAndBackWhileThereIsTimeIsUndone) {
  systemd_.Define("alpha.service", true);
  systemd_.Define("beta.service", false, "hangs");
  States();
  std::thread cut([this] {
    CutBusOnceActivating("beta.service");
    systemd_.StartBus(R"("alpha.service", "beta.service")");
  });
  const SwitchResult result = registry_.SwitchDrivers({"beta"}, {}, In(absl::Seconds(50)));
  cut.join();
  EXPECT_FALSE(result.status.ok());
  EXPECT_EQ(systemd_.ActiveState("alpha.service"), "active") << result.status;
  EXPECT_EQ(systemd_.ActiveState("beta.service"), "inactive") << result.status;
}

TEST_F(UnitProviderTest, AMaskedUnitIsADriverAsLongAsItRuns) {
  systemd_.Define("alpha.service", true);
  systemd_.Define("beta.service", false);
  systemd_.Mask("alpha.service");
  systemd_.Mask("beta.service");
  EXPECT_THAT(States(), ElementsAre("alpha DRIVER_STATE_RUNNING"));
  EXPECT_EQ(registry_.DisableOne("alpha", In(kMuch)).status, absl::OkStatus());
  systemd_.Mask("alpha.service");
  EXPECT_THAT(States(), IsEmpty());
}

TEST_F(UnitProviderTest, AUnitThatFailsIsNamedWithWhereToLook) {
  systemd_.Define("alpha.service", false, "fails");
  States();
  const SwitchResult result = registry_.EnableOne("alpha", In(kMuch));
  EXPECT_EQ(ErrorReason(result.status), "UNIT_FAILED");
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("journalctl -u alpha.service"));
}

}  // namespace
}  // namespace hotplugger::agent
