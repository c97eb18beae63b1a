#include "agent/reconcile/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kBlock = uint64_t{128} << 20;

// CPUs 0 to 3, two cores of two threads (0-1, 2-3), of which those in `offline` are offline; cpu0
// can't be switched. Memory blocks 0 to 3 for the kernel, 4 to 7 movable, all online.
Snapshot MakeSnapshot(const CpuSet& offline = {}) {
  Snapshot snapshot;
  snapshot.memory.emplace();
  snapshot.memory->blocks.block_size_bytes = kBlock;
  for (int cpu = 0; cpu < 4; ++cpu) {
    snapshot.cpus.masks.present.insert(cpu);
    if (offline.count(cpu) == 0) snapshot.cpus.masks.online.insert(cpu);
    if (cpu > 0) snapshot.cpus.hotpluggable.insert(cpu);
    v1::CpuTopology topology;
    topology.set_package(0);
    topology.set_die(0);
    topology.set_core(cpu / 2);
    snapshot.cpus.topology.Set(cpu, topology);
  }
  snapshot.cpus.smt.set_control(v1::SMT_CONTROL_ON);
  for (int block = 0; block < 8; ++block) {
    MemoryBlock& added = snapshot.memory->blocks.blocks[block];
    added.state = v1::DEVICE_STATE_ONLINE;
    added.zone = block < 4 ? BlockZone::kKernel : BlockZone::kMovable;
  }
  return snapshot;
}

void TakeOffline(Snapshot* snapshot, const std::vector<int>& blocks) {
  for (const int number : blocks) {
    MemoryBlock& block = snapshot->memory->blocks.blocks[number];
    block.state = v1::DEVICE_STATE_OFFLINE;
    block.zone = BlockZone::kUnknown;
  }
}

v1::NodeSpec Offline(const std::string& list) {
  v1::NodeSpec spec;
  spec.set_cpu_offline(list);
  return spec;
}

v1::Baseline Recorded(const std::vector<std::string>& online) {
  v1::Baseline baseline;
  for (const std::string& device : online) {
    (*baseline.mutable_devices())[device] = v1::DEVICE_STATE_ONLINE;
  }
  return baseline;
}

std::vector<WantedDevice> PlanOf(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                 const Snapshot& snapshot) {
  return PlanDevices(WantedOf(spec, baseline, snapshot), snapshot);
}

// "cpu3=0", "memory5=1": the plan in short.
std::vector<std::string> Short(const std::vector<WantedDevice>& plan) {
  std::vector<std::string> steps;
  for (const WantedDevice& wanted : plan) {
    steps.push_back(
        absl::StrCat(FormatDeviceName(wanted.change.device), "=", wanted.change.online ? 1 : 0));
  }
  return steps;
}

std::vector<std::string> Steps(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                               const Snapshot& snapshot) {
  return Short(PlanOf(spec, baseline, snapshot));
}

TEST(PlanDevicesTest, TakesSecondaryThreadsFirstThenTheHighest) {
  EXPECT_THAT(Steps(Offline("1-3"), {}, MakeSnapshot()), ElementsAre("cpu3=0", "cpu1=0", "cpu2=0"));
}

TEST(PlanDevicesTest, NothingToDoWhenSo) {
  EXPECT_THAT(Steps(Offline("2-3"), {}, MakeSnapshot({2, 3})), IsEmpty());
  EXPECT_THAT(Steps({}, {}, MakeSnapshot({1})), IsEmpty());
}

TEST(PlanDevicesTest, AbsentDevicesCountAsOffline) {
  v1::NodeSpec spec = Offline("3-9");
  spec.set_memory_offline("400");
  spec.add_devices_offline("container/PNP0A06:01");
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot({3})), IsEmpty());
}

TEST(PlanDevicesTest, AnAbsentDeviceThatIsHeldOnlineIsTriedAndFails) {
  v1::NodeSpec spec;
  spec.set_cpu_online("9");
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot()), ElementsAre("cpu9=1"));
}

TEST(PlanDevicesTest, CapacityComesBackBeforeItIsTaken) {
  v1::NodeSpec spec = Offline("3");
  spec.set_cpu_online("1");
  spec.set_memory_offline("5,7");
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot({1})),
              ElementsAre("cpu1=1", "cpu3=0", "memory7=0", "memory5=0"));
}

TEST(PlanDevicesTest, ReleasedDevicesGoBackToTheirBaseline) {
  Snapshot snapshot = MakeSnapshot({2, 3});
  TakeOffline(&snapshot, {6});
  EXPECT_THAT(Steps({}, Recorded({"cpu2", "memory6"}), snapshot),
              ElementsAre("cpu2=1", "memory6=1"));
}

TEST(PlanDevicesTest, ARecordedDeviceThatIsStillWantedStays) {
  EXPECT_THAT(Steps(Offline("2"), Recorded({"cpu2"}), MakeSnapshot({2})), IsEmpty());
}

TEST(PlanDevicesTest, ACpuThatCannotBeSwitchedIsStillTried) {
  EXPECT_THAT(Steps(Offline("0"), {}, MakeSnapshot()), ElementsAre("cpu0=0"));
}

TEST(PlanDevicesTest, ASecondaryThreadIsNotReleasedWhileSmtIsOff) {
  Snapshot snapshot = MakeSnapshot({1, 3});
  snapshot.cpus.smt.set_control(v1::SMT_CONTROL_OFF);
  EXPECT_THAT(Steps({}, Recorded({"cpu3"}), snapshot), IsEmpty());
}

TEST(PlanDevicesTest, ACountParksTheRestAndHoldsOutrankIt) {
  v1::NodeSpec spec;
  spec.set_cpu_online_count(2);
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot()), ElementsAre("cpu3=0", "cpu1=0"));
  spec.set_cpu_online("3");
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot()), ElementsAre("cpu1=0", "cpu2=0"));
}

TEST(PlanDevicesTest, APercentageIsRoundedUp) {
  v1::NodeSpec spec;
  spec.set_cpu_online_percent(51);  // 2.04 of 4: 3 stay
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot()), ElementsAre("cpu3=0"));
  spec.set_cpu_online_percent(50);
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot()), ElementsAre("cpu3=0", "cpu1=0"));
}

v1::NodeSpec HotAdd() {
  v1::NodeSpec spec;
  spec.set_cpu_hot_add(v1::HOT_ADD_ONLINE);
  spec.set_memory_hot_add(v1::HOT_ADD_ONLINE_MOVABLE);
  return spec;
}

TEST(HotAddTest, BringsUpWhatHasNeverBeenOnline) {
  Snapshot snapshot = MakeSnapshot({2, 3});
  TakeOffline(&snapshot, {5, 7});
  v1::Baseline baseline;
  baseline.set_cpus_seen_online("0-2");
  baseline.set_memory_seen_online("0-5");
  const std::vector<WantedDevice> plan = PlanOf(HotAdd(), baseline, snapshot);
  EXPECT_THAT(Short(plan), ElementsAre("cpu3=1", "memory7=1"));
  EXPECT_EQ(plan[1].change.zone, v1::MEMORY_ZONE_MOVABLE);
}

TEST(HotAddTest, IsNotRecordedSoThatAReleaseTakesNothing) {
  const Snapshot snapshot = MakeSnapshot({3});
  EXPECT_THAT(RecordDevices({}, PlanOf(HotAdd(), {}, snapshot), snapshot).devices(), IsEmpty());
}

TEST(HotAddTest, LeavesWhatTheSpecKeepsOffline) {
  v1::NodeSpec spec = HotAdd();
  spec.set_cpu_offline("3");
  EXPECT_THAT(Steps(spec, {}, MakeSnapshot({3})), IsEmpty());
}

TEST(HotAddTest, TakesNoSiblingForAnAdditionWhileSmtIsOff) {
  Snapshot snapshot = MakeSnapshot({1, 3});
  snapshot.cpus.smt.set_control(v1::SMT_CONTROL_OFF);
  EXPECT_THAT(Steps(HotAdd(), {}, snapshot), IsEmpty());
}

// auto_online_blocks or a udev rule was faster.
TEST(HotAddTest, WhatCameUpElsewhereIsStillWanted) {
  const Snapshot snapshot = MakeSnapshot();
  v1::Baseline baseline;
  baseline.set_memory_seen_online("1-7");
  // Block 0 is in a kernel zone.
  EXPECT_THAT(Steps(HotAdd(), baseline, snapshot), ElementsAre("memory0=1"));
  EXPECT_EQ(RecordSeenOnline(HotAdd(), baseline, snapshot).memory_seen_online(), "1-7");
  EXPECT_EQ(RecordSeenOnline({}, baseline, snapshot).memory_seen_online(), "0-7");
  EXPECT_THAT(Steps(HotAdd(), {}, snapshot), IsEmpty());
}

TEST(HotAddTest, DoesNothingUnlessAskedFor) {
  EXPECT_THAT(Steps({}, {}, MakeSnapshot({3})), IsEmpty());
}

TEST(RecordSeenOnlineTest, RemembersUntilTheDeviceLeaves) {
  v1::Baseline baseline = RecordSeenOnline({}, {}, MakeSnapshot({3}));
  EXPECT_EQ(baseline.cpus_seen_online(), "0-2");
  EXPECT_EQ(baseline.memory_seen_online(), "0-7");
  Snapshot later = MakeSnapshot({2, 3});
  later.cpus.masks.present.erase(1);
  later.cpus.masks.online.erase(1);
  EXPECT_EQ(RecordSeenOnline({}, baseline, later).cpus_seen_online(), "0,2");
}

std::vector<std::string> AmountSteps(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                     const Snapshot& snapshot, const NumberSet& failed = {}) {
  return Short(PlanMemoryAmount(spec, baseline, WantedOf(spec, baseline, snapshot),
                                *snapshot.memory, failed));
}

v1::NodeSpec Amount(uint64_t bytes) {
  v1::NodeSpec spec;
  spec.set_memory_offline_bytes(bytes);
  return spec;
}

TEST(PlanMemoryAmountTest, TakesTheHighestMovableBlocks) {
  EXPECT_THAT(AmountSteps(Amount(2 * kBlock), {}, MakeSnapshot()),
              ElementsAre("memory7=0", "memory6=0"));
}

TEST(PlanMemoryAmountTest, RoundsUpAndCountsWhatIsOfflineAlready) {
  Snapshot snapshot = MakeSnapshot();
  TakeOffline(&snapshot, {7});
  EXPECT_THAT(AmountSteps(Amount(kBlock + 1), {}, snapshot), ElementsAre("memory6=0"));
  EXPECT_THAT(AmountSteps(Amount(kBlock), {}, snapshot), IsEmpty());
}

TEST(PlanMemoryAmountTest, GoesOnToTheNextWhereOneCouldNotGo) {
  EXPECT_THAT(AmountSteps(Amount(kBlock), {}, MakeSnapshot(), {7}), ElementsAre("memory6=0"));
}

TEST(PlanMemoryAmountTest, NeverTakesKernelBlocksOrHeldOnes) {
  v1::NodeSpec spec = Amount(8 * kBlock);
  spec.set_memory_online("6");
  EXPECT_THAT(AmountSteps(spec, {}, MakeSnapshot()),
              ElementsAre("memory7=0", "memory5=0", "memory4=0"));
}

TEST(PlanMemoryAmountTest, ALowerAmountGivesOursBackTheLowestFirst) {
  Snapshot snapshot = MakeSnapshot();
  TakeOffline(&snapshot, {4, 6, 7});
  EXPECT_THAT(AmountSteps(Amount(kBlock), Recorded({"memory6", "memory7"}), snapshot),
              ElementsAre("memory6=1", "memory7=1"));
  EXPECT_THAT(AmountSteps(Amount(2 * kBlock), Recorded({"memory6", "memory7"}), snapshot),
              ElementsAre("memory6=1"));
}

TEST(PlanMemoryAmountTest, WhatItTookIsNoRelease) {
  Snapshot snapshot = MakeSnapshot();
  TakeOffline(&snapshot, {7});
  EXPECT_THAT(Steps(Amount(kBlock), Recorded({"memory7"}), snapshot), IsEmpty());
  EXPECT_THAT(Steps({}, Recorded({"memory7"}), snapshot), ElementsAre("memory7=1"));
}

v1::SmtStatus Smt(v1::SmtControl control) {
  v1::SmtStatus smt;
  smt.set_control(control);
  return smt;
}

// What the spec wants, what stood before, what is, what is to be done (UNSPECIFIED: nothing).
struct SmtCase {
  v1::SmtControl spec;
  v1::SmtControl baseline;
  v1::SmtControl now;
  v1::SmtControl change;
};

TEST(PlanSmtChangeTest, Table) {
  constexpr auto kAny = v1::SMT_CONTROL_UNSPECIFIED;
  constexpr auto kOn = v1::SMT_CONTROL_ON;
  constexpr auto kOff = v1::SMT_CONTROL_OFF;
  constexpr auto kForce = v1::SMT_CONTROL_FORCEOFF;
  constexpr auto kNone = v1::SMT_CONTROL_NOT_SUPPORTED;
  for (const SmtCase& test : std::vector<SmtCase>{
           {kAny, kAny, kOn, kAny},      // nobody has a say
           {kOff, kAny, kOn, kOff},      // the spec
           {kOff, kOn, kOff, kAny},      // so already
           {kAny, kOn, kOff, kOn},       // release
           {kOff, kAny, kForce, kAny},   // off for good is off
           {kAny, kOn, kForce, kAny},    // what can't be undone is not tried
           {kOn, kAny, kForce, kOn},     // but a wish is, and fails with its cause
           {kOff, kAny, kNone, kAny},    // no SMT is off
           {kOn, kAny, kNone, kOn},      // and can't be on
           {kForce, kAny, kOff, kForce}  // more than off
       }) {
    v1::NodeSpec spec;
    spec.set_smt(test.spec);
    v1::Baseline baseline;
    if (test.baseline != kAny) baseline.mutable_smt()->set_control(test.baseline);
    const auto change = PlanSmtChange(spec, baseline, Smt(test.now));
    EXPECT_EQ(change ? change->control : kAny, test.change)
        << test.spec << " " << test.baseline << " " << test.now;
  }
}

TEST(RecordDevicesTest, RecordsWhatWillBeTouchedOnce) {
  const Snapshot before = MakeSnapshot();
  v1::Baseline baseline = RecordDevices({}, PlanOf(Offline("0,2-3"), {}, before), before);
  EXPECT_THAT(baseline.devices(), UnorderedElementsAre(Pair("cpu2", v1::DEVICE_STATE_ONLINE),
                                                       Pair("cpu3", v1::DEVICE_STATE_ONLINE)));
  // A second touch, when it is offline, must not become the state to go back to.
  const Snapshot after = MakeSnapshot({2, 3});
  baseline = RecordDevices(baseline, PlanOf({}, baseline, after), after);
  EXPECT_EQ(baseline.devices().at("cpu2"), v1::DEVICE_STATE_ONLINE);
}

v1::Driver Driver(const std::string& name, v1::DriverState state) {
  v1::Driver driver;
  driver.set_name(name);
  driver.set_state(state);
  return driver;
}

TEST(ForgetRestoredTest, ForgetsWhatIsAsItWasAndWhatIsGone) {
  v1::Baseline baseline = Recorded({"cpu1", "cpu2", "cpu7"});
  for (const char* driver : {"alucard", "bricked", "gone", "mute"}) {
    (*baseline.mutable_drivers())[driver] = v1::DRIVER_STATE_RUNNING;
  }
  baseline.mutable_smt()->set_control(v1::SMT_CONTROL_ON);
  const v1::Baseline left = ForgetRestored(
      baseline, MakeSnapshot({2}),
      {Driver("Alucard", v1::DRIVER_STATE_RUNNING), Driver("bricked", v1::DRIVER_STATE_STOPPED),
       Driver("mute", v1::DRIVER_STATE_UNKNOWN)},
      {});
  EXPECT_THAT(left.devices(), UnorderedElementsAre(Pair("cpu2", v1::DEVICE_STATE_ONLINE)));
  EXPECT_THAT(left.drivers(), UnorderedElementsAre(Pair("bricked", v1::DRIVER_STATE_RUNNING),
                                                   Pair("mute", v1::DRIVER_STATE_RUNNING)));
  EXPECT_FALSE(left.has_smt());
}

// A write that was not seen to have its effect may have it later.
TEST(ForgetRestoredTest, KeepsWhatIsInDoubtUnlessItIsGone) {
  v1::Baseline baseline = Recorded({"cpu1", "cpu3", "cpu7"});
  (*baseline.mutable_drivers())["alucard"] = v1::DRIVER_STATE_STOPPED;
  baseline.mutable_smt()->set_control(v1::SMT_CONTROL_ON);
  const v1::Baseline left =
      ForgetRestored(baseline, MakeSnapshot({}), {Driver("alucard", v1::DRIVER_STATE_STOPPED)},
                     {"cpu3", "cpu7", "smt", "driver/alucard"});
  EXPECT_THAT(left.devices(), UnorderedElementsAre(Pair("cpu3", v1::DEVICE_STATE_ONLINE)));
  EXPECT_THAT(left.drivers(), UnorderedElementsAre(Pair("alucard", v1::DRIVER_STATE_STOPPED)));
  EXPECT_TRUE(left.has_smt());
}

v1::Baseline RecordedDrivers() {
  v1::Baseline baseline;
  (*baseline.mutable_drivers())["alucard"] = v1::DRIVER_STATE_STOPPED;
  (*baseline.mutable_drivers())["bricked"] = v1::DRIVER_STATE_RUNNING;
  return baseline;
}

TEST(DriversToReleaseTest, NoneWhileASetIsActive) {
  v1::NodeSpec spec;
  spec.add_drivers_active("alucard");
  EXPECT_THAT(DriversToRelease(spec, RecordedDrivers()), IsEmpty());
}

TEST(DriversToReleaseTest, AllWhenTheSpecSaysNothing) {
  EXPECT_THAT(DriversToRelease({}, RecordedDrivers()),
              ElementsAre(Pair("alucard", false), Pair("bricked", true)));
}

TEST(DriversToReleaseTest, NotThoseThatAreToStayStopped) {
  v1::NodeSpec spec;
  spec.add_drivers_stopped("Bricked");
  EXPECT_THAT(DriversToRelease(spec, RecordedDrivers()), ElementsAre(Pair("alucard", false)));
}

}  // namespace
}  // namespace hotplugger::agent
