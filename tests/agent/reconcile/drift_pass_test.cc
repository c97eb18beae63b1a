// What a pass does where drift is to be reported and not undone, and what hosts may do then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/reconcile/drift.h"
#include "agent/reconcile/local_device_operations.h"
#include "agent/reconcile/local_driver_operations.h"
#include "agent/reconcile/pass.h"
#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Two cores of two threads (0-1, 2-3); blocks 0 none, 1 kernel, 2 to 7 movable.
class DriftPassTest : public ::testing::Test, protected HostFixture {
 protected:
  DriftPassTest() : HostFixture(AnyNumber(), {.threads_per_core = 2, .blocks = "nkmmmmmm"}) {}

  PassResult Run() { return RunPass(*host, memory_, PassOptions()); }

  // Carries out a spec that is new.
  void Apply(const std::string& spec) {
    memory_ = PassMemory();
    SetSpec(FromText<v1::NodeSpec>(spec));
    const PassResult result = Run();
    ASSERT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED) << result.report.DebugString();
    ASSERT_THAT(result.drift, IsEmpty());
  }

  // "cpu3: offline, found online", with "by person" where somebody is known.
  static std::vector<std::string> Told(const PassResult& result) {
    std::vector<std::string> told;
    for (const v1::DriftItem& item : result.drift) {
      told.push_back(absl::StrCat(item.subject(), ": ", item.wanted(), ", found ", item.found(),
                                  item.actor().empty() ? "" : " by ", item.actor()));
    }
    return told;
  }

  absl::StatusOr<v1::OnlineDevicesResponse> BringOnline(const std::string& device) {
    v1::OnlineDevicesRequest request;
    request.mutable_target()->set_device(device);
    return LocalDeviceOperations(*host, [] { return false; }).OnlineDevices(request);
  }

  PassMemory memory_;
};

TEST_F(DriftPassTest, WhatWasCarriedOutOnceIsOnlyTold) {
  Apply("cpu_offline: '3' report_drift_of: 'cpu_offline'");
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  fake.SwitchBehindOurBack(3, true);
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_THAT(Told(result), ElementsAre("cpu3: offline, found online"));
  EXPECT_FALSE(result.changed);
  EXPECT_THAT(result.enforced, IsEmpty());
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(DriftPassTest, ARestartInTheSameBootIsNoReasonToUndoIt) {
  Apply("cpu_offline: '3' report_drift_of: 'cpu_offline'");
  fake.SwitchBehindOurBack(3, true);
  memory_ = PassMemory();
  memory_.carried_out = true;
  EXPECT_THAT(Told(Run()), SizeIs(1));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  memory_ = PassMemory();
  Boot("boot-2");
  EXPECT_THAT(Told(Run()), IsEmpty());
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2})) << "after a boot it is carried out again";
}

TEST_F(DriftPassTest, OtherSettingsAndHoldsAreEnforced) {
  Apply("cpu_offline: '1,3' cpu_held: '3' memory_offline: '7' report_drift_of: 'cpu_offline'");
  for (const int cpu : {1, 3}) fake.SwitchBehindOurBack(cpu, true);
  fake.SwitchBlockBehindOurBack(7, true);
  const PassResult result = Run();
  EXPECT_THAT(Told(result), ElementsAre("cpu1: offline, found online"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  EXPECT_EQ(fake.online_blocks().count(7), 0u);
}

TEST_F(DriftPassTest, WhatFailedAtFirstIsTriedUntilItIsDone) {
  fake.FailCpu(3, EBUSY);
  SetSpec(FromText<v1::NodeSpec>("cpu_offline: '1,3' report_drift_of: 'cpu_offline'"));
  EXPECT_EQ(Run().report.state(), v1::APPLY_STATE_FAILED);
  fake.FailCpu(3, 0);
  fake.SwitchBehindOurBack(1, true);
  const PassResult result = Run();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  EXPECT_THAT(Told(result), ElementsAre("cpu1: offline, found online"));
  fake.SwitchBehindOurBack(3, true);
  EXPECT_THAT(Told(Run()), SizeIs(2)) << "done once, it is watched too";
}

TEST_F(DriftPassTest, CountsSmtAndAmountsAreTold) {
  Apply(
      "smt: SMT_CONTROL_OFF memory_offline_bytes: 134217728 "
      "report_drift_of: ['smt', 'memory_offline_bytes']");
  EXPECT_EQ(fake.online(), (CpuSet{0, 2}));
  fake.SetSmtBehindOurBack("on");
  fake.SwitchBlockBehindOurBack(7, true);
  EXPECT_THAT(Told(Run()),
              UnorderedElementsAre("smt: off, found on", "memory: 128Mi offline, found 0 offline"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  Apply("cpu_online_count: 3 report_drift_of: 'cpu_online_count'");
  fake.SwitchBehindOurBack(3, true);
  EXPECT_THAT(Told(Run()), ElementsAre("cpu3: offline, found online"));
}

TEST_F(DriftPassTest, DriversAndSwitchingAreTold) {
  Apply(
      "drivers_active: 'alucard' switching: SWITCH_ON "
      "report_drift_of: ['drivers_active', 'switching']");
  kernel.SetRunning("alucard", false);
  EXPECT_THAT(Told(Run()), ElementsAre("driver/alucard: running, found stopped"));
  EXPECT_FALSE(Runs("alucard"));
  ASSERT_TRUE(host->SetSwitching(false).ok());
  EXPECT_THAT(Told(Run()), ::testing::Contains("switching: on, found off"));
  EXPECT_FALSE(host->drivers().switching());
}

TEST_F(DriftPassTest, AStoppedListCanBeToldBesideAnEnforcedSet) {
  Apply("drivers_active: 'alucard' drivers_stopped: 'thermal' report_drift_of: 'drivers_stopped'");
  kernel.SetRunning("thermal", true);
  EXPECT_THAT(Told(Run()), ElementsAre("driver/thermal: stopped, found running"));
  EXPECT_TRUE(Runs("thermal"));
  EXPECT_TRUE(Runs("alucard"));
}

TEST_F(DriftPassTest, APersonMayDoWhatWouldNotBeUndoneAndIsNamed) {
  Apply("cpu_offline: '2-3' cpu_held: '2' report_drift_of: 'cpu_offline'");
  EXPECT_EQ(ErrorReason(BringOnline("cpu2").status()), "HELD_BY_SPEC");
  ASSERT_TRUE(BringOnline("cpu3").ok());
  EXPECT_THAT(Told(Run()), ElementsAre("cpu3: offline, found online by person"));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3}));
}

TEST_F(DriftPassTest, APersonsSwitchOfSmtIsNamedOnItsCpusToo) {
  Apply("cpu_online_count: 4 smt: SMT_CONTROL_ON report_drift_of: ['smt']");
  v1::SetSmtRequest request;
  request.set_control(v1::SMT_CONTROL_OFF);
  ASSERT_TRUE(LocalDeviceOperations(*host, [] { return false; }).SetSmt(request).ok());
  EXPECT_THAT(Told(Run()), ElementsAre("smt: on, found off by person"));
}

TEST_F(DriftPassTest, ADriverThatDidItIsNamed) {
  Apply("cpu_offline: '3' report_drift_of: 'cpu_offline'");
  v1::AgentState state = host->state();
  (*state.mutable_builtin_drivers())["load"].set_running(true);
  ASSERT_TRUE(host->SaveState(state).ok());
  ASSERT_TRUE(host->devices()
                  .Change({*ParseDeviceName("cpu3"), true}, {.origin = OperationOrigin::kDriver})
                  .ok());
  EXPECT_THAT(Told(Run()), ElementsAre("cpu3: offline, found online by driver/load"));
}

TEST_F(DriftPassTest, WhoUndidWhatIsEnforcedIsNamedAndElseNobody) {
  Apply("cpu_offline: '2-3'");
  fake.SwitchBehindOurBack(2, true);
  ASSERT_TRUE(host->devices()
                  .Change({*ParseDeviceName("cpu3"), true}, {.origin = OperationOrigin::kPerson})
                  .ok());
  EXPECT_THAT(Run().enforced,
              UnorderedElementsAre(::testing::Pair("cpu2", ""), ::testing::Pair("cpu3", "person")));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1}));
}

TEST_F(DriftPassTest, DriversOfAWatchedSetMayBeSwitchedHere) {
  Apply(
      "drivers_active: 'alucard' drivers_stopped: 'thermal' switching: SWITCH_ON "
      "report_drift_of: ['drivers_active', 'drivers_stopped', 'switching']");
  LocalDriverOperations drivers(*host);
  EXPECT_TRUE(drivers.EnableDriver("thermal", kSwitchDeadline).ok());
  EXPECT_TRUE(drivers.SetSwitching(v1::SWITCH_OFF).ok());
}

TEST_F(DriftPassTest, ObservingTellsTheSame) {
  Apply("cpu_offline: '3' memory_offline: '7' report_drift_of: 'cpu_offline'");
  fake.SwitchBehindOurBack(3, true);
  fake.SwitchBlockBehindOurBack(7, true);
  const PassResult seen = ObservePass(*host, memory_);
  EXPECT_THAT(Told(seen), ElementsAre("cpu3: offline, found online"));
  ASSERT_THAT(seen.report.items(), SizeIs(1));
  EXPECT_EQ(seen.report.items(0).subject(), "memory7");
  EXPECT_EQ(fake.online_blocks().count(7), 1u);
}

}  // namespace
}  // namespace hotplugger::agent
