// Each operation is counted once, by what became of it, whoever asks and however often it is tried.
#include "agent/devices/operations/group_operation.h"
#include "tests/agent/devices/operations/operations_fixture.h"
#include "tests/fakes/counted.h"

namespace hotplugger::agent {
namespace {

using testing::CountedDurations;
using testing::CountedOperations;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CountedOperationsTest : public OperationsTest {
 protected:
  explicit CountedOperationsTest(testing::FakeHostOptions host = {.blocks = "kkmm"})
      : OperationsTest(std::move(host), Limits()) {}
  static SafetyLimits Limits() {
    SafetyLimits limits = NoLimits();
    limits.cpus.min_online = 2;
    return limits;
  }

  void Offline(const std::vector<std::string>& devices, GroupOptions options = {}) {
    DeviceChanges changes;
    for (const std::string& device : devices) changes.push_back(ToChange(device, false));
    RunGroup(parts_.devices(), changes, options);
  }
  static GroupOptions AllOrNothing() { return {.mode = v1::GROUP_MODE_ALL_OR_NOTHING}; }

  std::vector<std::string> Operations() { return CountedOperations(parts_.counters()); }
  // How often the kernel was asked.
  std::vector<std::string> Durations() { return CountedDurations(parts_.counters()); }
};

TEST_F(CountedOperationsTest, EachOutcomeOnce) {
  EXPECT_EQ(Refused("cpu3", false), "");
  EXPECT_EQ(Refused("cpu3", false), "");
  EXPECT_EQ(Refused("cpu0", false), "NOT_HOTPLUGGABLE");
  host_.FailCpu(2, EOPNOTSUPP);
  EXPECT_EQ(Refused("cpu2", false), "OFFLINE_UNSUPPORTED");
  EXPECT_THAT(Operations(), ElementsAre("cpu offline changed 1", "cpu offline already 1",
                                        "cpu offline refused NOT_HOTPLUGGABLE 1",
                                        "cpu offline failed OFFLINE_UNSUPPORTED 1"));
  EXPECT_THAT(Durations(), ElementsAre("cpu offline 2")) << "what went to the kernel";
}

TEST_F(CountedOperationsTest, ALimitsRefusalIsOneOfThem) {
  EXPECT_EQ(Refused("cpu3", false), "");
  EXPECT_EQ(Refused("cpu2", false), "");
  EXPECT_EQ(Refused("cpu1", false), "LIMIT_MIN_ONLINE_CPUS");
  EXPECT_THAT(Operations(),
              ElementsAre("cpu offline changed 2", "cpu offline refused LIMIT_MIN_ONLINE_CPUS 1"));
  const v1::MetricsSnapshot snapshot = parts_.counters().Snapshot();
  ASSERT_EQ(snapshot.limit_refusals_size(), 1);
  EXPECT_EQ(snapshot.limit_refusals(0).limit(), "LIMIT_MIN_ONLINE_CPUS");
  EXPECT_EQ(snapshot.limit_refusals(0).count(), 1);
}

TEST_F(CountedOperationsTest, KindsAndActionsAreTold) {
  EXPECT_EQ(Refused("memory3", false), "");
  EXPECT_EQ(Refused("memory3", true, v1::MEMORY_ZONE_MOVABLE), "");
  EXPECT_EQ(Refused("memory0", false), "LIMIT_KERNEL_ZONE");
  EXPECT_EQ(Refused("container/PNP0A06:00", false), "DEVICE_NOT_FOUND");
  EXPECT_THAT(Operations(), ElementsAre("memory online changed 1", "memory offline changed 1",
                                        "memory offline refused LIMIT_KERNEL_ZONE 1",
                                        "device offline refused DEVICE_NOT_FOUND 1"));
  EXPECT_THAT(Durations(), ElementsAre("memory online 1", "memory offline 1"));
}

TEST_F(CountedOperationsTest, AKernelThatDoesNotAnswerTookItsTimeAllTheSame) {
  host_.SetStuck(true);
  EXPECT_EQ(Refused("cpu3", false), "STUCK");
  EXPECT_THAT(Operations(), ElementsAre("cpu offline failed STUCK 1"));
  EXPECT_THAT(Durations(), ElementsAre("cpu offline 1"));
}

TEST_F(CountedOperationsTest, AGroupsSecondTryIsNoSecondOperation) {
  host_.Fail("cpu3", EBUSY, /*times=*/1);
  Offline({"cpu3", "cpu2"});
  EXPECT_THAT(Operations(), ElementsAre("cpu offline changed 2"));
  EXPECT_THAT(Durations(), ElementsAre("cpu offline 3")) << "but the kernel was asked";
}

TEST_F(CountedOperationsTest, WhatAGroupUndoesWasNeverDone) {
  host_.FailCpu(2, EOPNOTSUPP);
  Offline({"cpu3", "cpu2", "cpu1"}, AllOrNothing());
  EXPECT_THAT(Operations(), ElementsAre("cpu offline failed OFFLINE_UNSUPPORTED 1",
                                        "cpu offline undone GROUP_FAILED 1",
                                        "cpu offline skipped GROUP_FAILED 1"));
  EXPECT_THAT(Durations(), ElementsAre("cpu online 1", "cpu offline 2"));
}

TEST_F(CountedOperationsTest, AnEmptyGroupIsNoOperation) {
  Offline({});
  EXPECT_THAT(Operations(), IsEmpty());
}

// Two cores of two threads: 0-1 and 2-3.
class CountedSmtTest : public CountedOperationsTest {
 protected:
  CountedSmtTest() : CountedOperationsTest({.threads_per_core = 2}) {}
  void Set(v1::SmtControl control, const CpuSet& held_offline = {}) {
    parts_.devices().SetSmt({.control = control}, held_offline).status().IgnoreError();
  }
};

TEST_F(CountedSmtTest, IsOneOperationWithTheCpusThatComeAndGo) {
  Set(v1::SMT_CONTROL_OFF);
  Set(v1::SMT_CONTROL_OFF);
  Set(v1::SMT_CONTROL_ON);
  EXPECT_THAT(Operations(),
              ElementsAre("smt on changed 1", "smt off changed 1", "smt off already 1"));
  EXPECT_THAT(Durations(), ElementsAre("smt on 1", "smt off 1"));
}

TEST_F(CountedSmtTest, ACpuThatIsTakenOfflineAgainIsOneOfItsOwn) {
  Set(v1::SMT_CONTROL_OFF);
  Set(v1::SMT_CONTROL_ON, {3});
  EXPECT_THAT(Operations(),
              ElementsAre("cpu offline changed 1", "smt on changed 1", "smt off changed 1"));
}

TEST_F(CountedSmtTest, FailuresAreToldWhetherSomethingChangedOrNot) {
  host_.FailCpu(3, EBUSY);
  Set(v1::SMT_CONTROL_OFF);
  host_.FailCpu(1, EBUSY);
  host_.SetSmtBehindOurBack("on");
  Set(v1::SMT_CONTROL_FORCEOFF);
  EXPECT_THAT(Operations(),
              ElementsAre("smt off failed HOTPLUG_BUSY 1", "smt forceoff failed HOTPLUG_BUSY 1"));
}

}  // namespace
}  // namespace hotplugger::agent
