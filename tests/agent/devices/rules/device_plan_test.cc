#include "agent/devices/rules/device_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SnapshotBuilder;
using ::testing::StartsWith;

constexpr uint64_t kBlock = SnapshotBuilder::kBlockBytes;

// "cpu3 CHANGED", "cpu2 LIMIT_...": the steps in short.
std::vector<std::string> Short(const ChangePlan& plan) {
  std::vector<std::string> steps;
  for (const PlannedChange& step : plan.steps) {
    std::string result = v1::Outcome_Name(step.outcome).substr(sizeof "OUTCOME_" - 1);
    EXPECT_EQ(step.refusal.ok(), step.outcome != v1::OUTCOME_REFUSED);
    if (!step.refusal.ok()) result = ErrorReason(step.refusal);
    steps.push_back(absl::StrCat(FormatDeviceName(step.change.device), " ", result));
  }
  return steps;
}

ChangePlan Plan(const std::vector<std::string>& devices, bool online, const SnapshotBuilder& host,
                const SafetyLimits& limits = {}) {
  DeviceChanges changes;
  for (const std::string& device : devices) changes.push_back({*ParseDeviceName(device), online});
  return PlanChanges(changes, host.Build(), limits);
}

absl::Status Refusal(const std::string& device, bool online, const SnapshotBuilder& host,
                     const SafetyLimits& limits = {}) {
  return Plan({device}, online, host, limits).steps.at(0).refusal;
}

TEST(DevicePlanTest, EachChangeIsJudgedAsIfThoseBeforeItHadSucceeded) {
  SafetyLimits limits;
  limits.cpus.min_online = 3;
  const ChangePlan plan = Plan({"cpu7", "cpu6", "cpu5", "cpu4", "cpu3", "cpu2"}, false,
                               SnapshotBuilder().Cpus(1, 8, 1).OfflineCpus("6"), limits);
  EXPECT_THAT(Short(plan),
              ElementsAre("cpu7 CHANGED", "cpu6 ALREADY", "cpu5 CHANGED", "cpu4 CHANGED",
                          "cpu3 CHANGED", "cpu2 LIMIT_MIN_ONLINE_CPUS"));
  EXPECT_EQ(plan.before.cpus(), 7);
  EXPECT_EQ(plan.after.cpus(), 3);
}

TEST(DevicePlanTest, WhatComesMakesRoomForWhatGoes) {
  const DeviceChanges changes = {
      {CpuDevice(1), false}, {CpuDevice(2), true}, {CpuDevice(1), false}};
  const ChangePlan plan = PlanChanges(
      changes, SnapshotBuilder().Cpus(1, 3, 1).OfflineCpus("2").Build(), SafetyLimits());
  EXPECT_THAT(Short(plan),
              ElementsAre("cpu1 LIMIT_MIN_ONLINE_CPUS", "cpu2 CHANGED", "cpu1 CHANGED"));
  EXPECT_EQ(plan.before.cpus(), 2);
  EXPECT_EQ(plan.after.cpus(), 2);
}

TEST(DevicePlanTest, AnEmptyPlanChangesNothing) {
  const ChangePlan plan = Plan({}, false, SnapshotBuilder().Cpus(1, 2, 1).Memory("0-1", "Normal"));
  EXPECT_THAT(plan.steps, IsEmpty());
  EXPECT_THAT(plan.notes, IsEmpty());
  EXPECT_EQ(plan.before.cpus(), 2);
  EXPECT_EQ(plan.after.cpus(), 2);
  EXPECT_EQ(plan.before.memory_bytes(), 2 * kBlock);
  EXPECT_EQ(plan.after.memory_bytes(), 2 * kBlock);
}

TEST(DevicePlanTest, CpusOneByOne) {
  const SnapshotBuilder host = SnapshotBuilder().Cpus(1, 8, 1).FixedCpus("0,5").OfflineCpus("4-5");
  const struct {
    std::string device;
    bool online;
    std::string expected;
  } tests[] = {
      {"cpu1", false, "cpu1 CHANGED"},          {"cpu1", true, "cpu1 ALREADY"},
      {"cpu4", false, "cpu4 ALREADY"},          {"cpu4", true, "cpu4 CHANGED"},
      {"cpu0", false, "cpu0 NOT_HOTPLUGGABLE"}, {"cpu0", true, "cpu0 ALREADY"},
      {"cpu5", true, "cpu5 NOT_HOTPLUGGABLE"},  {"cpu5", false, "cpu5 ALREADY"},
      {"cpu8", false, "cpu8 DEVICE_NOT_FOUND"}, {"cpu8", true, "cpu8 DEVICE_NOT_FOUND"},
  };
  for (const auto& test : tests) {
    EXPECT_THAT(Short(Plan({test.device}, test.online, host)), ElementsAre(test.expected));
  }
  EXPECT_THAT(std::string(Refusal("cpu8", false, host).message()), HasSubstr("0-7"));
  EXPECT_THAT(std::string(Refusal("cpu0", false, host).message()), HasSubstr("no `online` file"));
}

TEST(DevicePlanTest, TheLastCpuStays) {
  SafetyLimits limits;
  limits.cpus.min_online = 1;
  limits.cpus.min_online_percent = 0;
  EXPECT_THAT(Short(Plan({"cpu1", "cpu0"}, false, SnapshotBuilder().Cpus(1, 2, 1), limits)),
              ElementsAre("cpu1 CHANGED", "cpu0 LAST_ONLINE_CPU"));
}

TEST(DevicePlanTest, ProtectedDevicesAndKinds) {
  SafetyLimits limits;
  limits.protected_devices = {"cpu3", "memory1", "container/c0"};
  SnapshotBuilder host = SnapshotBuilder()
                             .Cpus(1, 8, 1)
                             .OfflineCpus("2-3")
                             .Memory("0", "Normal")
                             .OfflineMemory("1-2", {"Movable"})
                             .Generic("container", "c0", false)
                             .Generic("container", "c1", false);
  EXPECT_THAT(Short(Plan({"cpu2", "cpu3", "memory2", "memory1", "container/c1", "container/c0"},
                         true, host, limits)),
              ElementsAre("cpu2 CHANGED", "cpu3 LIMIT_PROTECTED_DEVICE", "memory2 CHANGED",
                          "memory1 LIMIT_PROTECTED_DEVICE", "container/c1 CHANGED",
                          "container/c0 LIMIT_PROTECTED_DEVICE"));
  // As it is anyway.
  EXPECT_THAT(Short(Plan({"cpu3", "memory1", "container/c0"}, false, host, limits)),
              ElementsAre("cpu3 ALREADY", "memory1 ALREADY", "container/c0 ALREADY"));
  limits.allowed_kinds.clear();
  EXPECT_THAT(Short(Plan({"cpu2", "memory2", "container/c1"}, true, host, limits)),
              ElementsAre("cpu2 LIMIT_KIND_NOT_ALLOWED", "memory2 LIMIT_KIND_NOT_ALLOWED",
                          "container/c1 LIMIT_KIND_NOT_ALLOWED"));
}

TEST(DevicePlanTest, SecondaryThreadsStayOfflineWhileSmtIsOff) {
  SnapshotBuilder host = SnapshotBuilder().Cpus(1, 4, 2).OfflineCpus("1,4-7");
  const auto plan = [&host](v1::SmtControl control) {
    return Short(Plan({"cpu1", "cpu5"}, true, host.Smt(control)));
  };
  EXPECT_THAT(plan(v1::SMT_CONTROL_ON), ElementsAre("cpu1 CHANGED", "cpu5 CHANGED"));
  EXPECT_THAT(plan(v1::SMT_CONTROL_OFF), ElementsAre("cpu1 CHANGED", "cpu5 SMT_OFF"));
  EXPECT_THAT(plan(v1::SMT_CONTROL_FORCEOFF), ElementsAre("cpu1 CHANGED", "cpu5 SMT_FORCED_OFF"));
  EXPECT_THAT(plan(v1::SMT_CONTROL_NOT_SUPPORTED), ElementsAre("cpu1 CHANGED", "cpu5 CHANGED"));
  EXPECT_THAT(std::string(Refusal("cpu5", true, host.Smt(v1::SMT_CONTROL_OFF)).message()),
              HasSubstr("turn SMT on first"));
  EXPECT_THAT(std::string(Refusal("cpu5", true, host.Smt(v1::SMT_CONTROL_FORCEOFF)).message()),
              HasSubstr("until the next reboot"));
  SnapshotBuilder four = SnapshotBuilder().Cpus(1, 2, 4).OfflineCpus("2-7");
  EXPECT_THAT(Short(Plan({"cpu2", "cpu4"}, true, four.Smt(v1::SMT_CONTROL_PARTIAL, 2))),
              ElementsAre("cpu2 CHANGED", "cpu4 SMT_OFF"));
}

TEST(DevicePlanTest, SiblingsThatStayAreNoted) {
  const SnapshotBuilder host = SnapshotBuilder().Cpus(1, 4, 2);
  EXPECT_THAT(Plan({"cpu5"}, false, host).notes,
              ElementsAre(StartsWith("cpu5 goes without its sibling cpu1;")));
  EXPECT_THAT(Plan({"cpu1"}, false, host).notes,
              ElementsAre(StartsWith("cpu1 goes without its sibling cpu5;")));
  EXPECT_THAT(Plan({"cpu5", "cpu1"}, false, host).notes, IsEmpty());
  EXPECT_THAT(Plan({"cpu1"}, false, SnapshotBuilder().Cpus(1, 4, 2).OfflineCpus("5")).notes,
              IsEmpty());
  EXPECT_THAT(Plan({"cpu1"}, true, SnapshotBuilder().Cpus(1, 4, 2).OfflineCpus("1")).notes,
              IsEmpty());
  EXPECT_THAT(Plan({"cpu4"}, false, SnapshotBuilder().Cpus(1, 2, 4)).notes,
              ElementsAre(StartsWith("cpu4 goes without its siblings cpu0, cpu2, cpu6;")));
}

TEST(DevicePlanTest, ManyNotesBecomeOne) {
  std::vector<std::string> devices;
  for (int cpu = 31; cpu > 23; --cpu) devices.push_back(CpuName(cpu));
  const SnapshotBuilder host = SnapshotBuilder().Cpus(1, 16, 2);
  EXPECT_EQ(Plan(devices, false, host).notes.size(), 8u);
  devices.push_back("cpu23");
  EXPECT_THAT(Plan(devices, false, host).notes,
              ElementsAre("CPUs 23-31 go without their siblings"));
}

TEST(DevicePlanTest, EmptiedPackagesAreNoted) {
  SafetyLimits limits;
  limits.cpus.min_online_per_node = 0;
  const SnapshotBuilder host = SnapshotBuilder().Cpus(2, 4, 1).OfflineCpus("7");
  EXPECT_THAT(Plan({"cpu6", "cpu5"}, false, host, limits).notes, IsEmpty());
  EXPECT_THAT(Plan({"cpu6", "cpu5", "cpu4"}, false, host, limits).notes,
              ElementsAre("the last CPUs of package 1 go: 4-6"));
}

TEST(DevicePlanTest, TheTimekeeperIsNoted) {
  const SnapshotBuilder host = SnapshotBuilder().Cpus(1, 8, 1).NohzFull("4-7");
  EXPECT_THAT(Plan({"cpu7"}, false, host).notes, IsEmpty());
  EXPECT_THAT(Plan({"cpu7", "cpu1"}, false, host).notes,
              ElementsAre(StartsWith("cpu1 may keep the time for the nohz_full CPUs 4-7")));
  EXPECT_THAT(Plan({"cpu2", "cpu1"}, false, host).notes,
              ElementsAre(StartsWith("one of CPUs 1-2 may keep the time")));
  EXPECT_THAT(Plan({"cpu1"}, false, SnapshotBuilder().Cpus(1, 8, 1)).notes, IsEmpty());
}

SnapshotBuilder MemoryHost() {
  return SnapshotBuilder()
      .Cpus(1, 2, 1)
      .Memory("0-7", "Normal")
      .Memory("8-15", "Movable")
      .Memory("16", "")
      .OfflineMemory("17-18", {"Normal", "Movable"});
}

TEST(DevicePlanTest, MemoryOneByOne) {
  const SnapshotBuilder host = MemoryHost().MemoryState(8, v1::DEVICE_STATE_GOING_OFFLINE);
  const struct {
    std::string device;
    bool online;
    std::string expected;
  } tests[] = {
      {"memory15", false, "memory15 CHANGED"},
      {"memory15", true, "memory15 ALREADY"},
      {"memory17", false, "memory17 ALREADY"},
      {"memory17", true, "memory17 CHANGED"},
      {"memory0", false, "memory0 LIMIT_KERNEL_ZONE"},
      {"memory16", false, "memory16 NOT_OFFLINABLE"},
      {"memory8", false, "memory8 GOING_OFFLINE"},
      {"memory8", true, "memory8 GOING_OFFLINE"},
      {"memory99", false, "memory99 DEVICE_NOT_FOUND"},
      {"memory99", true, "memory99 DEVICE_NOT_FOUND"},
  };
  for (const auto& test : tests) {
    EXPECT_THAT(Short(Plan({test.device}, test.online, host)), ElementsAre(test.expected));
  }
  EXPECT_EQ(ErrorMetadataValue(Refusal("memory8", false, host), "retry"), "TRANSIENT");
  EXPECT_THAT(std::string(Refusal("memory0", false, SnapshotBuilder().Cpus(1, 2, 1)).message()),
              HasSubstr("no memory hotplug"));
}

TEST(DevicePlanTest, OnlineMemoryDoesNotChangeItsZone) {
  const Snapshot host = MemoryHost().Build();
  const struct {
    int block;
    v1::MemoryZone zone;
    std::string expected;
  } tests[] = {
      {15, v1::MEMORY_ZONE_MOVABLE, "memory15 ALREADY"},
      {15, v1::MEMORY_ZONE_KERNEL, "memory15 OTHER_ZONE"},
      {0, v1::MEMORY_ZONE_KERNEL, "memory0 ALREADY"},
      {0, v1::MEMORY_ZONE_MOVABLE, "memory0 OTHER_ZONE"},
      {16, v1::MEMORY_ZONE_MOVABLE, "memory16 ALREADY"},
      {17, v1::MEMORY_ZONE_MOVABLE, "memory17 CHANGED"},
  };
  for (const auto& test : tests) {
    const ChangePlan plan =
        PlanChanges({{MemoryDevice(test.block), true, test.zone}}, host, SafetyLimits());
    EXPECT_THAT(Short(plan), ElementsAre(test.expected));
  }
}

TEST(DevicePlanTest, MemoryLimitsStopTheBlockThatPassesThem) {
  SafetyLimits limits;
  limits.memory.min_online_percent = 0;
  limits.memory.min_available_bytes = 2 * kBlock;
  limits.memory.min_available_percent = 0;
  const ChangePlan plan =
      Plan({"memory15", "memory14", "memory13"}, false, MemoryHost().Available(4 * kBlock), limits);
  EXPECT_THAT(Short(plan), ElementsAre("memory15 CHANGED", "memory14 CHANGED",
                                       "memory13 LIMIT_MIN_AVAILABLE_MEMORY"));
  EXPECT_EQ(plan.before.memory_bytes(), 17 * kBlock);
  EXPECT_EQ(plan.after.memory_bytes(), 15 * kBlock);
}

TEST(DevicePlanTest, TheMovableShareGrowsStepByStep) {
  SafetyLimits limits;
  limits.memory.max_movable_percent = 100;
  // Whether or not blocks say their node, which a kernel without NUMA does not.
  for (const int node : {0, -1}) {
    const Snapshot host = SnapshotBuilder()
                              .Memory("0-3", "Normal", node)
                              .Memory("4-5", "Movable", node)
                              .OfflineMemory("6-9", {"Normal", "Movable"}, node)
                              .Build();
    const auto online = [](int block, v1::MemoryZone zone) {
      return DeviceChange{MemoryDevice(block), true, zone};
    };
    const ChangePlan plan =
        PlanChanges({online(6, v1::MEMORY_ZONE_MOVABLE), online(7, v1::MEMORY_ZONE_MOVABLE),
                     online(8, v1::MEMORY_ZONE_MOVABLE), online(9, v1::MEMORY_ZONE_KERNEL),
                     online(8, v1::MEMORY_ZONE_MOVABLE)},
                    host, limits);
    EXPECT_THAT(Short(plan), ElementsAre("memory6 CHANGED", "memory7 CHANGED",
                                         "memory8 LIMIT_MAX_MOVABLE_PERCENT", "memory9 CHANGED",
                                         "memory8 CHANGED"));
    EXPECT_EQ(plan.after.memory_bytes(), 10 * kBlock);
  }
}

TEST(DevicePlanTest, TheMovableShareShrinksStepByStep) {
  SafetyLimits limits;
  limits.memory.max_movable_percent = 100;
  limits.memory.min_online_percent = 0;
  limits.memory.allow_kernel_zones = true;
  for (const int node : {0, -1}) {
    const SnapshotBuilder host =
        SnapshotBuilder().Memory("0-3", "Normal", node).Memory("4-7", "Movable", node);
    EXPECT_THAT(Short(Plan({"memory3", "memory7", "memory3", "memory2"}, false, host, limits)),
                ElementsAre("memory3 LIMIT_MAX_MOVABLE_PERCENT", "memory7 CHANGED",
                            "memory3 CHANGED", "memory2 LIMIT_MAX_MOVABLE_PERCENT"));
  }
}

TEST(DevicePlanTest, GenericDevices) {
  const SnapshotBuilder host = SnapshotBuilder().Generic("container", "c0", true);
  EXPECT_THAT(
      Short(Plan({"container/c0", "container/c0", "container/c1", "other/c0"}, false, host)),
      ElementsAre("container/c0 CHANGED", "container/c0 ALREADY", "container/c1 DEVICE_NOT_FOUND",
                  "other/c0 DEVICE_NOT_FOUND"));
}

TEST(DevicePlanTest, OnlineDescendantsKeepADeviceOnline) {
  const DeviceName device = *ParseDeviceName("container/c0");
  const GenericDevice online = {"container", "c0", true, {"cpu3", "memory32"}};
  const GenericDevice offline = {"container", "c0", false, {"cpu3"}};
  const PlannedChange refused = CheckGenericChange({device, false}, online, SafetyLimits());
  EXPECT_EQ(refused.outcome, v1::OUTCOME_REFUSED);
  EXPECT_EQ(ErrorReason(refused.refusal), "CHILD_ONLINE");
  EXPECT_EQ(ErrorMetadataValue(refused.refusal, "children"), "cpu3 memory32");
  EXPECT_THAT(std::string(refused.refusal.message()), HasSubstr("cpu3, memory32"));
  EXPECT_EQ(CheckGenericChange({device, false}, {"container", "c0", true}, SafetyLimits()).outcome,
            v1::OUTCOME_CHANGED);
  EXPECT_EQ(CheckGenericChange({device, true}, offline, SafetyLimits()).outcome,
            v1::OUTCOME_CHANGED);
  EXPECT_EQ(CheckGenericChange({device, false}, offline, SafetyLimits()).outcome,
            v1::OUTCOME_ALREADY);
}

TEST(DevicePlanTest, AChangeIsJudgedTheSameBeforeItsWrite) {
  const Snapshot host = MemoryHost().Build();
  const SafetyLimits limits;
  const auto expect_same = [&](const PlannedChange& checked) {
    const PlannedChange planned = PlanChanges({checked.change}, host, limits).steps.at(0);
    EXPECT_EQ(checked.outcome, planned.outcome);
    EXPECT_EQ(checked.refusal.message(), planned.refusal.message());
    EXPECT_EQ(ErrorReason(checked.refusal), ErrorReason(planned.refusal));
  };
  for (const bool online : {false, true}) {
    for (int number = 0; number < 20; ++number) {
      expect_same(CheckCpuChange({CpuDevice(number), online}, host.cpus, limits));
      expect_same(CheckMemoryChange({MemoryDevice(number), online}, *host.memory, limits));
    }
  }
}

}  // namespace
}  // namespace hotplugger::agent
