#include "agent/reconcile/pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class PassTest : public ::testing::Test, protected HostFixture {
 protected:
  PassResult Run() {
    announced_ = 0;
    return RunPass(*host, [this] { ++announced_; });
  }

  // Runs a pass that must succeed.
  void Apply(const v1::NodeSpec& spec) {
    SetSpec(spec);
    const PassResult result = Run();
    EXPECT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED) << result.report.DebugString();
  }

  static v1::NodeSpec Spec(const std::string& offline,
                           const std::vector<std::string>& active = {}) {
    v1::NodeSpec spec;
    spec.set_cpu_offline(offline);
    for (const std::string& driver : active) spec.add_drivers_active(driver);
    return spec;
  }

  int announced_ = 0;
};

TEST_F(PassTest, AppliesTheSpecAndReportsIt) {
  SetSpec(Spec("2-3"));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(result.report.digest(), host->state().spec_digest());
  EXPECT_THAT(result.report.items(), SizeIs(2));
  EXPECT_EQ(result.inventory->cpus_online(), "0-1");
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(announced_, 1);
}

TEST_F(PassTest, ASecondPassChangesAndSavesNothing) {
  Apply(Spec("2-3", {"alucard"}));
  const int saves = store.saves;
  const PassResult result = Run();
  EXPECT_FALSE(result.changed);
  EXPECT_EQ(announced_, 0);
  EXPECT_EQ(store.saves, saves);
}

TEST_F(PassTest, TheEmptySpecTouchesNothing) {
  kernel.SetRunning("bricked", true);
  fake.SwitchBehindOurBack(1, false);
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
  EXPECT_TRUE(Runs("bricked"));
  EXPECT_EQ(store.saves, 1);  // the spec itself
}

TEST_F(PassTest, ReleaseBringsBackWhatWasTakenAndNothingElse) {
  fake.SwitchBehindOurBack(1, false);
  Apply(Spec("1-3"));
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
}

TEST_F(PassTest, TheBaselineIsOnDiskBeforeTheFirstWrite) {
  SetSpec(Spec("3"));
  RunPass(*host, [this] {
    EXPECT_THAT(store.saved.baseline().devices(),
                UnorderedElementsAre(Pair("cpu3", v1::DEVICE_STATE_ONLINE)));
    EXPECT_THAT(fake.writes(), IsEmpty());
  });
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(PassTest, NothingIsTouchedWhenTheBaselineCannotBeSaved) {
  SetSpec(Spec("3", {"alucard"}));
  store.SetFailure(absl::ResourceExhaustedError("disk full"));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_THAT(result.report.message(), HasSubstr("disk full"));
  EXPECT_TRUE(result.retryable);
  EXPECT_THAT(fake.writes(), IsEmpty());
  EXPECT_FALSE(Runs("alucard"));
}

TEST_F(PassTest, AnAgentThatDiedInBetweenStillKnowsWhatToRelease) {
  SetSpec(Spec("3"));
  RunPass(*host, [] {});
  Boot("boot-1");
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(PassTest, ARebootForgetsTheBaselineAndEnforcesAgain) {
  Apply(Spec("3"));
  fake.SwitchBehindOurBack(3, true);
  Boot("boot-2");
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
  EXPECT_EQ(Run().report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(PassTest, OneFailureDoesNotHideTheOthersResults) {
  fake.FailCpu(3, ENOSPC);
  SetSpec(Spec("0,2-3"));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_FALSE(result.retryable);
  std::map<std::string, std::string> reasons;
  for (const auto& item : result.report.items()) reasons[item.subject()] = item.reason();
  EXPECT_THAT(reasons, UnorderedElementsAre(Pair("cpu3", "NO_INTERRUPT_VECTORS"), Pair("cpu2", ""),
                                            Pair("cpu0", "NOT_HOTPLUGGABLE")));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3}));
}

TEST_F(PassTest, SwitchesDriversAndRestoresThem) {
  kernel.SetRunning("bricked", true);
  Apply(Spec("", {"alucard"}));
  EXPECT_TRUE(Runs("alucard"));
  EXPECT_FALSE(Runs("bricked"));
  Apply({});
  EXPECT_FALSE(Runs("alucard"));
  EXPECT_TRUE(Runs("bricked"));
  EXPECT_THAT(host->state().baseline().drivers(), IsEmpty());
}

TEST_F(PassTest, RestoreLeavesDriversAloneThatWereNeverTouched) {
  kernel.SetRunning("thermal", true);
  Apply(Spec("", {"alucard"}));
  EXPECT_THAT(host->state().baseline().drivers(),
              UnorderedElementsAre(Pair("alucard", v1::DRIVER_STATE_STOPPED)));
  kernel.SetRunning("thermal", false);
  Apply({});
  EXPECT_FALSE(Runs("thermal"));
}

TEST_F(PassTest, AFailedSwitchLeavesTheEarlierDriversRunning) {
  kernel.SetRunning("bricked", true);
  kernel.Find("alucard")->start_error = EIO;
  SetSpec(Spec("", {"alucard"}));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_THAT(result.report.message(), HasSubstr("alucard"));
  EXPECT_TRUE(Runs("bricked"));
}

TEST_F(PassTest, AnUnknownDriverIsNamed) {
  SetSpec(Spec("", {"mystery"}));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_THAT(result.report.message(), HasSubstr("mystery"));
}

TEST_F(PassTest, SwitchingFollowsTheSpecAndGoesBack) {
  v1::NodeSpec off;
  off.set_switching(v1::SWITCH_OFF);
  Apply(off);
  EXPECT_FALSE(host->drivers().switching());
  Boot("boot-2");
  EXPECT_FALSE(host->drivers().switching());
  Apply({});
  EXPECT_TRUE(host->drivers().switching());
}

TEST_F(PassTest, ReleaseHappensBeforeSwitchingGoesOffAgain) {
  ASSERT_TRUE(host->SetSwitching(false).ok());
  kernel.SetRunning("bricked", true);
  v1::NodeSpec spec = Spec("", {"alucard"});
  spec.set_switching(v1::SWITCH_ON);
  Apply(spec);
  EXPECT_TRUE(Runs("alucard"));
  Apply({});
  EXPECT_FALSE(Runs("alucard"));
  EXPECT_TRUE(Runs("bricked"));
  EXPECT_FALSE(host->drivers().switching());
}

TEST_F(PassTest, WhereSwitchingIsOffAReleaseWaits) {
  kernel.SetRunning("bricked", true);
  Apply(Spec("", {"alucard"}));
  ASSERT_TRUE(host->SetSwitching(false).ok());
  Apply({});
  EXPECT_TRUE(Runs("alucard"));
  ASSERT_TRUE(host->SetSwitching(true).ok());
  EXPECT_EQ(Run().report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_FALSE(Runs("alucard"));
  EXPECT_TRUE(Runs("bricked"));
}

TEST_F(PassTest, DriversThatDoNotExistCountAsStopped) {
  v1::NodeSpec spec = Spec("", {"alucard"});
  spec.add_drivers_stopped("mpdecision");
  Apply(spec);
  EXPECT_TRUE(Runs("alucard"));
}

TEST_F(PassTest, ADeviceThatWasRefusedIsNotOurs) {
  fake.FailCpu(3, ENOSPC);
  SetSpec(Spec("3"));
  Run();
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
  fake.SwitchBehindOurBack(3, false);
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(PassTest, AnAgentKilledAsItRecordedDoesNotOwnEveryDriver) {
  v1::AgentState state = host->state();
  (*state.mutable_baseline()->mutable_drivers())["thermal"] = v1::DRIVER_STATE_STOPPED;
  ASSERT_TRUE(host->SaveState(state).ok());
  Apply(Spec("", {"alucard"}));
  kernel.SetRunning("thermal", true);
  Apply({});
  EXPECT_TRUE(Runs("thermal"));
}

TEST_F(PassTest, ReportsWhenTheTreeCannotBeRead) {
  SetSpec(Spec("3"));
  fake.dir().Remove("devices/system/cpu/online");
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_FALSE(result.inventory);
  EXPECT_THAT(result.report.message(), HasSubstr("cpu/online"));
}

}  // namespace
}  // namespace hotplugger::agent
