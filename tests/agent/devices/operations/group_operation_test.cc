#include "agent/devices/operations/group_operation.h"

#include "tests/agent/devices/operations/full_disk.h"
#include "tests/agent/devices/operations/operations_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kChanged = v1::OUTCOME_CHANGED;
constexpr auto kFailed = v1::OUTCOME_FAILED;
constexpr auto kSkipped = v1::OUTCOME_SKIPPED;
constexpr auto kUndone = v1::OUTCOME_UNDONE;

class GroupTest : public OperationsTest {
 protected:
  GroupTest() : OperationsTest({.blocks = "kkmm"}, Limits()) {}
  static SafetyLimits Limits() {
    SafetyLimits limits = NoLimits();
    limits.memory.allow_kernel_zones = true;
    return limits;
  }

  std::vector<v1::ItemResult> Offline(const std::vector<std::string>& devices,
                                      GroupOptions options = {}) {
    DeviceChanges changes;
    for (const std::string& device : devices) changes.push_back(ToChange(device, false));
    return RunGroup(parts_.devices(), changes, options);
  }

  static GroupOptions AllOrNothing() { return {.mode = v1::GROUP_MODE_ALL_OR_NOTHING}; }

  static std::vector<v1::Outcome> Outcomes(const std::vector<v1::ItemResult>& items) {
    std::vector<v1::Outcome> outcomes;
    for (const v1::ItemResult& item : items) outcomes.push_back(item.outcome());
    return outcomes;
  }
};

TEST_F(GroupTest, BestEffortDoesTheOthers) {
  host_.FailCpu(2, EOPNOTSUPP);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2", "cpu1"})),
              ElementsAre(kChanged, kFailed, kChanged));
  EXPECT_EQ(host_.online(), (CpuSet{0, 2}));
}

TEST_F(GroupTest, ASecondPassMendsWhatWasBusy) {
  host_.Fail("cpu3", EBUSY, 1);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2"})), ElementsAre(kChanged, kChanged));
  EXPECT_THAT(host_.writes(), ElementsAre("cpu3=0", "cpu2=0", "cpu3=0"));
}

TEST_F(GroupTest, ThereIsNoThirdPass) {
  host_.Fail("cpu3", EBUSY, 2);
  EXPECT_THAT(Outcomes(Offline({"cpu3"})), ElementsAre(kFailed));
}

TEST_F(GroupTest, WhatIsRefusedForGoodIsNotTriedTwice) {
  host_.FailCpu(3, EOPNOTSUPP);
  Offline({"cpu3"});
  EXPECT_THAT(host_.writes(), ElementsAre("cpu3=0"));
}

// kernel 8, row 9
TEST_F(GroupTest, NoInterruptVectorsStopTheGroup) {
  host_.FailCpu(3, ENOSPC);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2"})), ElementsAre(kFailed, kSkipped));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(GroupTest, AStuckKernelStopsTheGroup) {
  host_.SetStuck(true);
  const auto items = Offline({"cpu3", "cpu2"});
  EXPECT_EQ(items[0].reason(), "STUCK");
  EXPECT_EQ(items[1].outcome(), kSkipped);
}

TEST_F(GroupTest, AllOrNothingUndoesInReverseOrder) {
  host_.FailCpu(1, EOPNOTSUPP);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2", "cpu1"}, AllOrNothing())),
              ElementsAre(kUndone, kUndone, kFailed));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
  EXPECT_THAT(host_.writes(), ElementsAre("cpu3=0", "cpu2=0", "cpu1=0", "cpu2=1", "cpu3=1"));
}

TEST_F(GroupTest, AllOrNothingSkipsTheRest) {
  host_.FailCpu(3, EOPNOTSUPP);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2"}, AllOrNothing())), ElementsAre(kFailed, kSkipped));
}

TEST_F(GroupTest, AllOrNothingTriesTheBusyOnesTwice) {
  host_.Fail("cpu3", EBUSY, 1);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2"}, AllOrNothing())), ElementsAre(kChanged, kChanged));
}

TEST_F(GroupTest, AnUndoThatFailsSaysSo) {
  host_.FailCpu(1, EOPNOTSUPP);
  host_.SetHooks(
      [this](const std::string& write) {
        if (write == "cpu1=0") host_.FailCpu(2, EIO);
      },
      {});
  const auto items = Offline({"cpu3", "cpu2", "cpu1"}, AllOrNothing());
  EXPECT_EQ(items[0].outcome(), kUndone);
  EXPECT_EQ(items[1].reason(), "UNDO_FAILED");
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 3}));
}

TEST_F(GroupTest, AStoppingAgentLeavesTheRest) {
  int asked = 0;
  const auto items = Offline({"cpu3", "cpu2"}, {.stopped = [&asked] { return ++asked > 1; }});
  EXPECT_THAT(Outcomes(items), ElementsAre(kChanged, kSkipped));
  EXPECT_EQ(items[1].reason(), "AGENT_STOPPING");
}

TEST_F(GroupTest, AllOrNothingOfOneUndoesWhatIsNotAsWanted) {
  ASSERT_TRUE(Change("memory3", false).ok());
  host_.SetHooks({}, [this](const std::string& write) {
    if (write != "memory3=movable") return;
    host_.dir().Write("sys/devices/system/memory/memory3/valid_zones", "Normal\n");
    host_.SetHooks({}, {});
  });
  const auto items = RunGroup(parts_.devices(),
                              {ToChange("memory3", true, v1::MEMORY_ZONE_MOVABLE)}, AllOrNothing());
  EXPECT_EQ(items[0].reason(), "OTHER_ZONE");
  EXPECT_THAT(items[0].message(), HasSubstr("it had changed, and was put back"));
  EXPECT_EQ(host_.online_blocks().count(3), 0U);
}

// Unasked, the kernel would put it into a kernel zone.
TEST_F(GroupTest, UndoneMemoryComesBackIntoItsZone) {
  host_.FailCpu(1, EOPNOTSUPP);
  EXPECT_THAT(Outcomes(Offline({"memory3", "cpu1"}, AllOrNothing())),
              ElementsAre(kUndone, kFailed));
  EXPECT_THAT(host_.writes(), ElementsAre("memory3=0", "cpu1=0", "memory3=movable"));
  EXPECT_EQ(host_.zone_of(3), 'm');
}

TEST_F(GroupTest, AStoppingAgentUndoesAnAllOrNothingGroup) {
  int asked = 0;
  GroupOptions options = AllOrNothing();
  options.stopped = [&asked] { return ++asked > 1; };
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2"}, options)), ElementsAre(kUndone, kSkipped));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
}

// What other operations did is none of the group's business.
TEST_F(GroupTest, OnlyTheGroupsOwnIsUndone) {
  ASSERT_TRUE(Change("cpu3", false).ok());
  host_.FailCpu(1, EOPNOTSUPP);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2", "cpu1"}, AllOrNothing())),
              ElementsAre(v1::OUTCOME_ALREADY, kUndone, kFailed));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2}));
}

TEST_F(GroupTest, NothingIsTouchedWhereTheJournalCannotBeWritten) {
  const FullDisk full(state_.Path("journal"));
  for (GroupOptions options : {GroupOptions(), AllOrNothing()}) {
    options.origin = OperationOrigin::kPerson;
    const auto items = Offline({"cpu3", "cpu2"}, options);
    EXPECT_THAT(Outcomes(items), ElementsAre(v1::OUTCOME_REFUSED, v1::OUTCOME_REFUSED));
    EXPECT_THAT(items[0].message(), HasSubstr("journal"));
  }
  EXPECT_THAT(host_.writes(), IsEmpty());
}

TEST_F(GroupTest, ButWhatTheSpecSaysIsDoneAllTheSame) {
  const FullDisk full(state_.Path("journal"));
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2"})), ElementsAre(kChanged, kChanged));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1}));
  EXPECT_EQ(ErrorReason(parts_.journal().saved()), "EFBIG");
}

// The mask said that it was offline; only its own file was stale.
TEST_F(GroupTest, ACpuThatWasOfflineByTheMaskStaysSo) {
  host_.dir().Write("sys/devices/system/cpu/online", "0-2\n");
  host_.FailCpu(1, EOPNOTSUPP);
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu1"}, AllOrNothing())), ElementsAre(kUndone, kFailed));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2}));
}

// A disk that fills up in the middle must not leave half a group.
TEST_F(GroupTest, AFullDiskDoesNotStopAnUndo) {
  std::optional<FullDisk> full;
  host_.FailCpu(1, EOPNOTSUPP);
  host_.SetHooks(
      [&](const std::string& write) {
        if (write == "cpu1=0") full.emplace(state_.Path("journal"));
      },
      {});
  EXPECT_THAT(Outcomes(Offline({"cpu3", "cpu2", "cpu1"}, AllOrNothing())),
              ElementsAre(kUndone, kUndone, kFailed));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(GroupTest, WhatIsSkippedIsTriedAgainAsWhatStoppedItIs) {
  host_.FailCpu(3, ENOSPC);
  const auto items = Offline({"cpu3", "cpu2"});
  EXPECT_THAT(Outcomes(items), ElementsAre(kFailed, kSkipped));
  EXPECT_EQ(items[1].retry(), items[0].retry());
  EXPECT_NE(items[1].retry(), v1::RETRY_CLASS_TRANSIENT);
}

TEST_F(GroupTest, AnEmptyGroupIsDone) {
  EXPECT_THAT(Offline({}), IsEmpty());
  EXPECT_THAT(Offline({}, AllOrNothing()), IsEmpty());
}

class RecoverTest : public OperationsTest {
 protected:
  RecoverTest() : OperationsTest({.blocks = "kkmm"}) {}

  static constexpr char kState[] = "sys/devices/system/memory/memory3/state";

  // What the next agent says that it found.
  std::vector<v1::ItemResult> Recover(const std::function<void()>& pause) {
    OperatorParts next(host_, state_.path(), NoLimits());
    return RecoverJournal(next.devices(), pause);
  }

  // An agent that died while a block was going offline.
  void DieInMemoryOffline() {
    const DeviceBefore before = {.device = "memory3", .state = v1::DEVICE_STATE_ONLINE, .zone = {}};
    ASSERT_TRUE(parts_.journal()
                    .Begin(before, v1::DEVICE_STATE_OFFLINE, 0, OperationOrigin::kDecision)
                    .ok());
    host_.dir().Write(kState, "going-offline\n");
  }
};

// The dead agent's writer is being stopped meanwhile.
TEST_F(RecoverTest, WaitsForABlockThatIsStillGoing) {
  DieInMemoryOffline();
  int pauses = 0;
  const auto items = Recover([&] {
    if (++pauses == 3) host_.dir().Write(kState, "online\n");
  });
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(pauses, 3);
  EXPECT_EQ(items[0].outcome(), kFailed);
  EXPECT_THAT(items[0].message(), HasSubstr("memory3 is online"));
}

TEST_F(RecoverTest, DoesNotWaitForEver) {
  DieInMemoryOffline();
  int pauses = 0;
  const auto items = Recover([&] { ++pauses; });
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(pauses, kMaxPauses);
  EXPECT_THAT(items[0].message(), HasSubstr("still going offline"));
}

TEST_F(RecoverTest, ADeviceThatIsGoneIsNamed) {
  DieInMemoryOffline();
  host_.RemoveBlock(3);
  const auto items = Recover([] {});
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].outcome(), kFailed);
  EXPECT_THAT(items[0].message(), HasSubstr("memory3"));
}

TEST_F(RecoverTest, NothingUnfinishedIsNothingToSay) {
  ASSERT_TRUE(Change("cpu3", false).ok());
  EXPECT_THAT(Recover([] {}), IsEmpty());
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2}));
}

}  // namespace
}  // namespace hotplugger::agent
