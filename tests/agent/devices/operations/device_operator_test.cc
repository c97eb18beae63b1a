#include "agent/devices/operations/device_operator.h"

#include "tests/agent/devices/operations/operations_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CpuOperationTest : public OperationsTest {};

TEST_F(CpuOperationTest, TakesACpuOfflineAndOnline) {
  EXPECT_EQ(Change("cpu3", false)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2}));
  EXPECT_EQ(Change("cpu3", true)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(CpuOperationTest, AlreadyIsSuccessWithoutAWriteOrALineInTheJournal) {
  EXPECT_EQ(Change("cpu3", true)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_EQ(Change("cpu0", true)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_THAT(host_.writes(), IsEmpty());
  EXPECT_THAT(parts_.journal().OperationsOf("cpu3", 10), IsEmpty());
}

TEST_F(CpuOperationTest, CpuWithoutOnlineFileIsNotHotpluggable) {
  EXPECT_EQ(Refused("cpu0", false), "NOT_HOTPLUGGABLE");
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_REFUSED);
  EXPECT_THAT(host_.writes(), IsEmpty());
}

// Kernels that never switched a CPU have no target for it.
TEST_F(CpuOperationTest, CpuWithoutOnlineFileIsOnlineAlready) {
  host_.dir().Write("sys/devices/system/cpu/cpu0/hotplug/state", "238\n");
  host_.dir().Write("sys/devices/system/cpu/cpu0/hotplug/target", "0\n");
  EXPECT_EQ(Change("cpu0", true)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_THAT(host_.writes(), IsEmpty());
}

TEST_F(CpuOperationTest, AbsentCpuNamesThosePresent) {
  EXPECT_EQ(Refused("cpu99", true), "DEVICE_NOT_FOUND");
  EXPECT_THAT(message_, HasSubstr("0-3"));
}

TEST_F(CpuOperationTest, KernelErrorIsExplained) {
  host_.FailCpu(2, ENOSPC);
  EXPECT_EQ(Refused("cpu2", false), "NO_INTERRUPT_VECTORS");
  EXPECT_THAT(message_, HasSubstr("ENOSPC"));
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_FAILED);
  EXPECT_EQ(item_.error_number(), ENOSPC);
  EXPECT_EQ(item_.retry(), v1::RETRY_CLASS_CONDITIONAL);
}

TEST_F(CpuOperationTest, BusyForAMomentIsTransient) {
  host_.FailCpu(2, EBUSY);
  EXPECT_EQ(Refused("cpu2", false), "HOTPLUG_BUSY");
  EXPECT_EQ(item_.retry(), v1::RETRY_CLASS_TRANSIENT);
}

TEST_F(CpuOperationTest, BusyOnHyperVIsToldApart) {
  host_.dir().Write("sys/bus/vmbus/drivers_probe", "");
  host_.FailCpu(2, EBUSY);
  EXPECT_EQ(Refused("cpu2", false), "HYPERV_CHANNEL");
}

TEST_F(CpuOperationTest, AWriteThatChangesNothingIsNotBelieved) {
  host_.SetLying(true);
  EXPECT_EQ(Refused("cpu2", false), "NOT_VERIFIED");
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_FAILED);
}

// The mask says that it is offline, its own file that it is not (kernel 0, fact 6).
TEST_F(CpuOperationTest, AStaleAttributeIsNotAlready) {
  host_.dir().Write("sys/devices/system/cpu/online", "0-2\n");
  EXPECT_EQ(Change("cpu3", false)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_THAT(host_.writes(), ElementsAre("cpu3=0"));
}

TEST_F(CpuOperationTest, AStateMachineThatStoppedHalfWayIsSeen) {
  host_.StopsHalfWay(3);
  EXPECT_EQ(Refused("cpu3", false), "NOT_VERIFIED");
  EXPECT_THAT(message_, HasSubstr("its hotplug state is 141 and its target 0"));
}

TEST_F(CpuOperationTest, TheDeadlineIsTheWriters) {
  const absl::Time before = SteadyNow();
  ASSERT_TRUE(
      parts_.devices().Change(ToChange("cpu3", false), {.deadline = absl::Seconds(7)}).ok());
  EXPECT_GE(host_.deadline(), before + absl::Seconds(7));
  EXPECT_LE(host_.deadline(), SteadyNow() + absl::Seconds(7));
}

TEST_F(CpuOperationTest, AHotAddedCpuComesOfflineAndGoesOnline) {
  host_.AddCpu(4);
  EXPECT_EQ(Change("cpu4", false)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_EQ(Change("cpu4", true)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3, 4}));
}

TEST_F(CpuOperationTest, ACpuRemovedMeanwhileIsNotFound) {
  host_.SetHooks([this](const std::string&) { host_.RemoveCpu(3); }, {});
  EXPECT_EQ(Refused("cpu3", false), "NOT_HOTPLUGGABLE");
  EXPECT_EQ(Refused("cpu3", false), "DEVICE_NOT_FOUND");
}

TEST_F(CpuOperationTest, SmtHasNoChangeOfThisKind) {
  EXPECT_EQ(Refused("smt", false), "BAD_DEVICE_NAME");
}

TEST_F(CpuOperationTest, StuckIsReported) {
  host_.SetStuck(true);
  EXPECT_EQ(Refused("cpu2", false), "STUCK");
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_FAILED);
}

TEST_F(CpuOperationTest, TheJournalTellsADriversActFromADecision) {
  ASSERT_TRUE(
      parts_.devices().Change(ToChange("cpu3", false), {.origin = OperationOrigin::kDriver}).ok());
  EXPECT_EQ(parts_.journal().TakenOfflineBy("cpu3"), OperationOrigin::kDriver);
  ASSERT_TRUE(Change("cpu2", false).ok());
  EXPECT_EQ(parts_.journal().TakenOfflineBy("cpu2"), OperationOrigin::kDecision);
}

TEST_F(CpuOperationTest, ThatACpuStaysOfflineIsNotedOnce) {
  ASSERT_TRUE(
      parts_.devices().Change(ToChange("cpu3", false), {.origin = OperationOrigin::kDriver}).ok());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(parts_.devices().NoteOffline("cpu3"), absl::OkStatus());
  EXPECT_EQ(parts_.journal().TakenOfflineBy("cpu3"), OperationOrigin::kPerson);
  const auto records = parts_.journal().OperationsOf("cpu3", 10);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].result().outcome(), v1::OUTCOME_ALREADY);
  EXPECT_THAT(host_.writes(), ElementsAre("cpu3=0"));
}

// The kernel can be at it still, and end what it was told a moment later.
TEST_F(CpuOperationTest, AfterAnActThatWasStuckAlreadyIsNotBelieved) {
  host_.SetStuck(true);
  EXPECT_EQ(Refused("cpu2", false), "STUCK");
  EXPECT_FALSE(Change("cpu2", true).ok());
  host_.SetStuck(false);
  const size_t writes = host_.writes().size();
  EXPECT_EQ(Change("cpu2", true)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.writes().size(), writes + 1);
  EXPECT_EQ(Change("cpu2", true)->outcome(), v1::OUTCOME_ALREADY);
}

TEST_F(CpuOperationTest, TheJournalHasBothEndsOfAnOperation) {
  EXPECT_TRUE(Change("cpu3", false).ok());
  host_.FailCpu(3, EIO);
  EXPECT_FALSE(Change("cpu3", true).ok());
  const auto records = parts_.journal().OperationsOf("cpu3", 10);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].wanted(), v1::DEVICE_STATE_ONLINE);
  EXPECT_EQ(records[0].result().error_number(), EIO);
  EXPECT_EQ(records[1].result().outcome(), v1::OUTCOME_CHANGED);
}

class LimitedTest : public OperationsTest {
 protected:
  LimitedTest() : OperationsTest({.fixed = {}}, Limits()) {}
  static SafetyLimits Limits() {
    SafetyLimits limits = NoLimits();
    limits.cpus.min_online = 2;
    return limits;
  }
};

TEST_F(LimitedTest, ALimitIsCheckedBeforeEveryWrite) {
  EXPECT_TRUE(Change("cpu3", false).ok());
  EXPECT_TRUE(Change("cpu2", false).ok());
  EXPECT_EQ(Refused("cpu1", false), "LIMIT_MIN_ONLINE_CPUS");
  EXPECT_THAT(message_, HasSubstr("cpus.min_online"));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1}));
}

// Blocks 0 none, 1 to 3 kernel, 4 to 7 movable.
class MemoryOperationTest : public OperationsTest {
 protected:
  MemoryOperationTest() : OperationsTest({.blocks = "nkkkmmmm"}, Limits()) {}
  static SafetyLimits Limits() {
    SafetyLimits limits = NoLimits();
    limits.memory.allow_kernel_zones = true;
    return limits;
  }
};

TEST_F(MemoryOperationTest, TakesABlockOfflineAndOnline) {
  EXPECT_EQ(Change("memory6", false)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.online_blocks(), (NumberSet{0, 1, 2, 3, 4, 5, 7}));
  EXPECT_EQ(Change("memory6", true)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_THAT(host_.writes(), ElementsAre("memory6=0", "memory6=1"));
}

// The `state` file would answer EINVAL (kernel 1.2).
TEST_F(MemoryOperationTest, AlreadyIsSuccessWithoutAWrite) {
  EXPECT_EQ(Change("memory6", true)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_THAT(host_.writes(), IsEmpty());
}

TEST_F(MemoryOperationTest, GoesOnlineInTheZoneThatIsAskedFor) {
  ASSERT_TRUE(Change("memory6", false).ok());
  EXPECT_TRUE(Change("memory6", true, v1::MEMORY_ZONE_KERNEL).ok());
  EXPECT_EQ(host_.dir().Read("sys/devices/system/memory/memory6/valid_zones"), "Normal\n");
  EXPECT_EQ(Refused("memory6", true, v1::MEMORY_ZONE_MOVABLE), "OTHER_ZONE");
}

TEST_F(MemoryOperationTest, EachRefusalHasItsCause) {
  EXPECT_EQ(Refused("memory0", false), "NOT_OFFLINABLE");
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_REFUSED);
  EXPECT_EQ(Refused("memory2", false), "UNMOVABLE_PAGES");
  EXPECT_EQ(item_.error_number(), EBUSY);
  EXPECT_EQ(item_.retry(), v1::RETRY_CLASS_CONDITIONAL);
  EXPECT_EQ(Refused("memory99", false), "DEVICE_NOT_FOUND");
}

TEST_F(MemoryOperationTest, PastItsDeadlineItIsAbortedAndTheBlockIsOnlineAgain) {
  const std::string file = "sys/devices/system/memory/memory6/state";
  std::string meanwhile;
  host_.NeverGoes(6, [&] { meanwhile = host_.dir().Read(file); });
  EXPECT_EQ(Refused("memory6", false), "OFFLINE_ABORTED");
  EXPECT_THAT(message_, HasSubstr("the block is online again"));
  EXPECT_EQ(item_.outcome(), v1::OUTCOME_FAILED);
  EXPECT_EQ(item_.error_number(), EINTR);
  EXPECT_EQ(item_.retry(), v1::RETRY_CLASS_CONDITIONAL);
  EXPECT_EQ(meanwhile, "going-offline\n");
  EXPECT_EQ(host_.dir().Read(file), "online\n");
  EXPECT_EQ(parts_.devices().ReadState("memory6").value(), v1::DEVICE_STATE_ONLINE);
}

TEST_F(MemoryOperationTest, OnlineAgainIsNotBelievedUnseen) {
  host_.NeverGoes(6);
  host_.SetHooks({}, [this](const std::string&) {
    host_.dir().Write("sys/devices/system/memory/memory6/state", "going-offline\n");
  });
  EXPECT_EQ(Refused("memory6", false), "NOT_VERIFIED");
  EXPECT_THAT(message_, HasSubstr("its state is going-offline"));
}

TEST_F(MemoryOperationTest, ABlockThatGoesByAnothersActIsLeftAlone) {
  host_.dir().Write("sys/devices/system/memory/memory6/state", "going-offline\n");
  EXPECT_EQ(Refused("memory6", false), "GOING_OFFLINE");
  EXPECT_THAT(host_.writes(), IsEmpty());
}

TEST_F(MemoryOperationTest, AnotherZoneThanAskedForIsNotVerified) {
  ASSERT_TRUE(Change("memory6", false).ok());
  host_.SetHooks({}, [this](const std::string&) {
    host_.dir().Write("sys/devices/system/memory/memory6/valid_zones", "Normal\n");
  });
  EXPECT_EQ(Refused("memory6", true, v1::MEMORY_ZONE_MOVABLE), "NOT_VERIFIED");
  EXPECT_THAT(message_, HasSubstr("it is in Normal"));
}

TEST_F(MemoryOperationTest, HotAddedMemoryComesOfflineAndGoesWhereItIsAsked) {
  host_.AddBlock(8);
  EXPECT_EQ(parts_.devices().ReadState("memory8").value(), v1::DEVICE_STATE_OFFLINE);
  ASSERT_TRUE(Change("memory8", true, v1::MEMORY_ZONE_MOVABLE).ok());
  EXPECT_EQ(host_.zone_of(8), 'm');
}

TEST_F(MemoryOperationTest, PoisonedMemoryIsGivenUpForGood) {
  ASSERT_TRUE(Change("memory6", false).ok());
  host_.Fail("memory6", EHWPOISON);
  EXPECT_EQ(Refused("memory6", true), "POISONED_MEMORY");
  EXPECT_EQ(item_.retry(), v1::RETRY_CLASS_PERMANENT);
}

class ContainerOperationTest : public OperationsTest {
 protected:
  ContainerOperationTest()
      : OperationsTest(
            {.containers = {{"container/PNP0A06:00", {"cpu3"}}, {"container/PNP0A06:01", {}}}}) {}
};

TEST_F(ContainerOperationTest, TakesADeviceOfAnyBusOffline) {
  EXPECT_EQ(Change("container/PNP0A06:01", false)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(Change("container/PNP0A06:01", false)->outcome(), v1::OUTCOME_ALREADY);
  EXPECT_EQ(Change("container/PNP0A06:01", true)->outcome(), v1::OUTCOME_CHANGED);
}

// contract 24
TEST_F(ContainerOperationTest, AnOnlineChildStopsItAndIsNamed) {
  EXPECT_EQ(Refused("container/PNP0A06:00", false), "CHILD_ONLINE");
  EXPECT_THAT(message_, HasSubstr("cpu3"));
  EXPECT_THAT(host_.writes(), IsEmpty());
  ASSERT_TRUE(Change("cpu3", false).ok());
  EXPECT_TRUE(Change("container/PNP0A06:00", false).ok());
}

TEST_F(ContainerOperationTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(Refused("container/PNP0A06:07", false), "DEVICE_NOT_FOUND");
  EXPECT_EQ(Refused("usb/1-1", false), "DEVICE_NOT_FOUND");
}

}  // namespace
}  // namespace hotplugger::agent
