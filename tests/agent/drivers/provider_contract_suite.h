// The hotplug-driver contract as a person at the registry sees it, passed by every provider:
// provider_contract_test.cc says by which here, real_kernel_contract_test.cc in a guest of the lab.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "agent/drivers/registry.h"
#include "common/error_info.h"
#include "tests/agent/drivers/driver_world.h"
#include "tests/agent/drivers/muting_provider.h"

namespace hotplugger::agent {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Provider {
  const char* name;
  v1::DriverProvider kind;
  std::unique_ptr<DriverWorld> (*make)();
};

inline void PrintTo(const Provider& provider, std::ostream* out) { *out << provider.name; }

class ProviderContractTest : public ::testing::TestWithParam<Provider> {
 protected:
  ProviderContractTest() : world_(GetParam().make()) { Sync(); }

  void Sync() { EXPECT_EQ(registry_.SyncProvider(world_->provider()).status(), absl::OkStatus()); }
  static absl::Time Soon() { return SteadyNow() + absl::Seconds(20); }
  SwitchResult SwitchTo(const std::string& driver, absl::Time deadline = Soon()) {
    return registry_.SwitchDrivers({driver}, {}, deadline);
  }

  // By the registry.
  std::vector<std::string> Running() {
    std::vector<std::string> running;
    for (const v1::Driver& driver : registry_.List()) {
      EXPECT_NE(driver.state(), v1::DRIVER_STATE_UNKNOWN) << driver.DebugString();
      const bool runs = driver.state() == v1::DRIVER_STATE_RUNNING;
      EXPECT_EQ(runs, world_->IsRunning(driver.name())) << driver.name();
      if (runs) running.push_back(driver.name());
    }
    return running;
  }
  std::vector<std::string> Listed() {
    std::vector<std::string> names;
    for (const v1::Driver& driver : registry_.List()) names.push_back(driver.name());
    return names;
  }

  // A switch to beta that runs into a driver that hangs for good: nobody waits for it for long, and
  // whatever is not as it was, or may yet change, is told.
  void ExpectBoundedAndTold(const std::string& named) {
    const absl::Time began = SteadyNow();
    const SwitchResult result = SwitchTo("beta", began + absl::Seconds(2));
    EXPECT_LT(SteadyNow() - began, absl::Seconds(10)) << "bounded, on a machine that is busy too";
    EXPECT_FALSE(result.status.ok());
    const std::string message(result.status.message());
    EXPECT_THAT(message, HasSubstr(named));
    const bool all_is_as_it_was = world_->IsRunning("alpha") && !world_->IsRunning("beta");
    if (!all_is_as_it_was) {
      EXPECT_THAT(message, HasSubstr("not undone: "));
    }
    world_->LetGo();
    const bool it_still_is = world_->IsRunning("alpha") && !world_->IsRunning("beta");
    if (all_is_as_it_was && !it_still_is) {
      EXPECT_THAT(message, HasSubstr("may still change"));
    }
  }

  std::unique_ptr<DriverWorld> world_;
  SteadyClock clock_;
  AgentCounters counters_;
  Registry registry_{clock_, counters_, {}};
};

TEST_P(ProviderContractTest, Contract06ListedInOrderAndStopped) {
  EXPECT_THAT(Listed(), ElementsAre("alpha", "beta", "gamma"));
  EXPECT_THAT(Running(), ElementsAre());
  for (const v1::Driver& driver : registry_.List()) EXPECT_EQ(driver.provider(), GetParam().kind);
}

TEST_P(ProviderContractTest, Contract01And13And14StartsAndStopsOneWithoutRegardToCase) {
  EXPECT_EQ(registry_.EnableOne("ALPHA", Soon()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("alpha"));
  EXPECT_EQ(registry_.DisableOne("Alpha", Soon()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre());
}

TEST_P(ProviderContractTest, StateIsAskedEachTime) {
  world_->SetRunning("beta", true);
  EXPECT_THAT(Running(), ElementsAre("beta"));
  world_->SetRunning("beta", false);
  EXPECT_THAT(Running(), ElementsAre());
}

TEST_P(ProviderContractTest, Contract15AlreadySoChangesNothing) {
  world_->SetRunning("alpha", true);
  for (const SwitchResult& result :
       {registry_.EnableOne("alpha", Soon()), registry_.DisableOne("beta", Soon()),
        registry_.SwitchDrivers({"alpha"}, {"beta"}, Soon())}) {
    EXPECT_EQ(result.status, absl::OkStatus());
    EXPECT_EQ(result.items.front().outcome(), v1::OUTCOME_ALREADY);
  }
  EXPECT_THAT(Running(), ElementsAre("alpha"));
}

TEST_P(ProviderContractTest, Contract07StartingOneStopsTheOthers) {
  world_->SetRunning("alpha", true);
  world_->SetRunning("gamma", true);
  EXPECT_EQ(registry_.EnableOne("beta", Soon()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("beta")) << "gamma spares beta, which doesn't spare gamma";
}

TEST_P(ProviderContractTest, Contract08ThoseThatSpareEachOtherRunTogether) {
  world_->SetRunning("alpha", true);
  EXPECT_EQ(SwitchTo("gamma").status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("alpha", "gamma"));
}

TEST_P(ProviderContractTest, Contract16AWholeTargetSet) {
  world_->SetRunning("beta", true);
  EXPECT_EQ(registry_.SwitchDrivers({"alpha", "gamma"}, {"beta"}, Soon()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("alpha", "gamma"));
}

TEST_P(ProviderContractTest, Contract17OneThatSaysYesAndDoesNotIsNamed) {
  if (!world_->CannotLie().empty()) GTEST_SKIP() << world_->CannotLie();
  world_->SetRunning("alpha", true);
  world_->MakeLie("beta");
  const SwitchResult result = SwitchTo("beta");
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("beta"));
  EXPECT_THAT(Running(), ElementsAre("alpha")) << result.status;
}

TEST_P(ProviderContractTest, Contract18AFailingStartIsUndone) {
  world_->SetRunning("alpha", true);
  world_->MakeFail("beta");
  const SwitchResult result = SwitchTo("beta");
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("beta"));
  EXPECT_THAT(Running(), ElementsAre("alpha")) << result.status;
}

TEST_P(ProviderContractTest, Contract18AFailingStopLeavesTheWantedOneStopped) {
  world_->SetRunning("alpha", true);
  world_->MakeFail("alpha");
  const SwitchResult result = SwitchTo("beta");
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(std::string(result.status.message()),
              HasSubstr(world_->stops_conflicts_itself() ? "beta" : "alpha"));
  EXPECT_THAT(Running(), ElementsAre("alpha")) << result.status;
}

TEST_P(ProviderContractTest, Contract18AHangInStartThatEndsInTimeIsNamedAndUndone) {
  if (!world_->CannotHangInStart().empty()) GTEST_SKIP() << world_->CannotHangInStart();
  world_->SetRunning("alpha", true);
  world_->MakeHangForAMoment("beta");
  const SwitchResult result = SwitchTo("beta", SteadyNow() + absl::Seconds(4));
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("beta"));
  world_->LetGo();
  EXPECT_THAT(Running(), ElementsAre("alpha")) << result.status;
}

TEST_P(ProviderContractTest, Contract18AHangInStopThatEndsInTimeIsNamedAndUndone) {
  world_->SetRunning("alpha", true);
  world_->MakeHangForAMoment("alpha");
  const SwitchResult result = SwitchTo("beta", SteadyNow() + absl::Seconds(4));
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(std::string(result.status.message()),
              HasSubstr(world_->stops_conflicts_itself() ? "beta" : "alpha"));
  world_->LetGo();
  EXPECT_THAT(Running(), ElementsAre("alpha")) << result.status;
}

TEST_P(ProviderContractTest, Contract18AHangInStartIsBoundedAndWhatIsLeftIsTold) {
  if (!world_->CannotHangInStart().empty()) GTEST_SKIP() << world_->CannotHangInStart();
  world_->SetRunning("alpha", true);
  world_->MakeHang("beta");
  ExpectBoundedAndTold("beta");
}

TEST_P(ProviderContractTest, Contract18AHangInStopIsBoundedAndWhatIsLeftIsTold) {
  world_->SetRunning("alpha", true);
  world_->MakeHang("alpha");
  ExpectBoundedAndTold(world_->stops_conflicts_itself() ? "beta" : "alpha");
}

TEST_P(ProviderContractTest, Contract18OneThatHangsAsItIsAskedIsNotGuessedAtAndCanBeStopped) {
  world_->SetRunning("alpha", true);
  MutingProvider provider(world_->provider());
  Registry registry(clock_, counters_, {});
  EXPECT_EQ(registry.SyncProvider(provider).status(), absl::OkStatus());
  provider.mute().Set("alpha");
  const absl::Time began = SteadyNow();
  const std::vector<v1::Driver> drivers = registry.List();
  EXPECT_LT(SteadyNow() - began, absl::Seconds(10)) << "bounded, on a machine that is busy too";
  ASSERT_EQ(drivers.size(), 3u);
  EXPECT_EQ(drivers[0].state(), v1::DRIVER_STATE_UNKNOWN);
  EXPECT_THAT(drivers[0].detail(), HasSubstr("alpha"));
  if (!world_->stops_conflicts_itself()) {
    const SwitchResult result = registry.SwitchDrivers({"beta"}, {}, Soon());
    EXPECT_EQ(ErrorReason(result.status), "DRIVER_STATE_UNKNOWN") << result.status;
    EXPECT_TRUE(world_->IsRunning("alpha"));
  }
  (void)registry.DisableOne("alpha", Soon());
  EXPECT_FALSE(world_->IsRunning("alpha"));
  provider.mute().Set("");
}

TEST_P(ProviderContractTest, OneThatVanishesBetweenListAndSwitchChangesNothing) {
  if (!world_->CannotVanish().empty()) GTEST_SKIP() << world_->CannotVanish();
  world_->SetRunning("alpha", true);
  EXPECT_THAT(Listed(), ElementsAre("alpha", "beta", "gamma"));
  world_->Remove("beta");
  const SwitchResult result = SwitchTo("beta");
  EXPECT_FALSE(result.status.ok());
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("beta"));
  EXPECT_TRUE(world_->IsRunning("alpha")) << result.status;
  Sync();
  EXPECT_THAT(Listed(), ElementsAre("alpha", "gamma"));
  EXPECT_EQ(SwitchTo("gamma").status, absl::OkStatus());
}

TEST_P(ProviderContractTest, Contract22WhileSwitchingIsOffReadsWorkAndSwitchesAreRefused) {
  world_->SetRunning("alpha", true);
  registry_.SetSwitching(false);
  for (const SwitchResult& result :
       {registry_.EnableOne("beta", Soon()), registry_.DisableOne("alpha", Soon()),
        registry_.DisableConflicts("beta", Soon()), SwitchTo("beta")}) {
    EXPECT_EQ(ErrorReason(result.status), "SWITCHING_OFF");
  }
  EXPECT_THAT(Running(), ElementsAre("alpha"));
}

TEST_P(ProviderContractTest, Contract04UnregisteringStopsItFirstAndItStaysAway) {
  world_->SetRunning("beta", true);
  EXPECT_EQ(registry_.Unregister("beta", Soon()).status, absl::OkStatus());
  EXPECT_FALSE(world_->IsRunning("beta"));
  Sync();
  EXPECT_THAT(Listed(), ElementsAre("alpha", "gamma"));
  registry_.SetUnregistered({});
  Sync();
  EXPECT_THAT(Listed(), ElementsAre("alpha", "gamma", "beta")) << "in order of registration";
}

}  // namespace hotplugger::agent
