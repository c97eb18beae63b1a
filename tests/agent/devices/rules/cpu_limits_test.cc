#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/devices/rules/safety_limits.h"
#include "tests/agent/devices/rules/limit_expectation.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using testing::ExpectedLimit;
using testing::ExpectRefusal;
using ::testing::HasSubstr;
using testing::SnapshotBuilder;

// As little as the file allows.
SafetyLimits Least() {
  SafetyLimits limits;
  limits.cpus = {.min_online = 1,
                 .min_online_percent = 0,
                 .min_online_per_node = 0,
                 .min_online_per_package = 0,
                 .min_housekeeping = 1,
                 .allow_exclusive = true};
  return limits;
}

struct LimitCase {
  SafetyLimits limits;
  SnapshotBuilder host;
  CpuSet trips;
  // Just inside the limit.
  CpuSet passes;
  ExpectedLimit expected;
};

void Check(const LimitCase& test) {
  const CpuSnapshot cpus = test.host.BuildCpus();
  ExpectRefusal(CheckCpusOffline(test.limits, cpus, test.trips), test.expected);
  EXPECT_TRUE(CheckCpusOffline(test.limits, cpus, test.passes).ok())
      << CheckCpusOffline(test.limits, cpus, test.passes);
}

TEST(CpuLimitsTest, MinOnline) {
  SafetyLimits limits = Least();
  limits.cpus.min_online = 3;
  Check({limits,
         SnapshotBuilder().Cpus(1, 4, 1),
         {2, 3},
         {3},
         {"LIMIT_MIN_ONLINE_CPUS", "cpus.min_online", "3", "2", ""}});
  // At the floor.
  Check({limits,
         SnapshotBuilder().Cpus(1, 4, 1).OfflineCpus("3"),
         {2},
         {3},
         {"LIMIT_MIN_ONLINE_CPUS", "cpus.min_online", "3", "2", "cpu2"}});
  // Below it already: no further.
  Check({limits,
         SnapshotBuilder().Cpus(1, 4, 1).OfflineCpus("2-3"),
         {1},
         {},
         {"LIMIT_MIN_ONLINE_CPUS", "cpus.min_online", "3", "1", "cpu1"}});
}

TEST(CpuLimitsTest, MinOnlinePercentIsRoundedUpAndCountsPresentCpus) {
  const struct {
    int present;
    int percent;
    int floor;
  } tests[] = {{8, 25, 2}, {9, 25, 3},  {10, 25, 3}, {150, 25, 38}, {3, 34, 2},
               {3, 33, 1}, {8, 100, 8}, {100, 1, 1}, {101, 1, 2}};
  for (const auto& test : tests) {
    SafetyLimits limits = Least();
    limits.cpus.min_online_percent = test.percent;
    CpuSnapshot cpus = SnapshotBuilder().Cpus(1, test.present, 1).BuildCpus();
    cpus.masks.online.clear();
    for (int cpu = 0; cpu < test.floor; ++cpu) cpus.masks.online.insert(cpu);
    if (test.floor > 1) {
      ExpectRefusal(CheckCpusOffline(limits, cpus, {0}),
                    {"LIMIT_MIN_ONLINE_CPU_PERCENT", "cpus.min_online_percent",
                     std::to_string(test.percent), std::to_string(test.floor - 1), "cpu0"});
    }
    if (test.floor == test.present) continue;
    cpus.masks.online.insert(test.floor);
    EXPECT_TRUE(CheckCpusOffline(limits, cpus, {0}).ok()) << test.present << " " << test.percent;
  }
}

TEST(CpuLimitsTest, MinOnlinePerNode) {
  SafetyLimits limits = Least();
  limits.cpus.min_online_per_node = 1;
  Check({limits,
         SnapshotBuilder().Cpus(2, 2, 1),
         {2, 3},
         {1, 3},
         {"LIMIT_MIN_ONLINE_CPUS_PER_NODE", "cpus.min_online_per_node", "1", "0", ""}});
  limits.cpus.min_online_per_node = 2;
  Check({limits,
         SnapshotBuilder().Cpus(2, 3, 1).OfflineCpus("5"),
         {3},
         {2},
         {"LIMIT_MIN_ONLINE_CPUS_PER_NODE", "cpus.min_online_per_node", "2", "1", "cpu3"}});
}

TEST(CpuLimitsTest, MinOnlinePerPackage) {
  SafetyLimits limits = Least();
  limits.cpus.min_online_per_package = 2;
  Check({limits,
         SnapshotBuilder().Cpus(2, 3, 1),
         {3, 4},
         {4},
         {"LIMIT_MIN_ONLINE_CPUS_PER_PACKAGE", "cpus.min_online_per_package", "2", "1", ""}});
}

TEST(CpuLimitsTest, EmptyNodesAndUnknownPlacesHaveNoFloor) {
  SafetyLimits limits = Least();
  limits.cpus.min_online_per_node = 4;
  limits.cpus.min_online_per_package = 4;
  // Node 1 has none online, and node 0 keeps four.
  EXPECT_TRUE(
      CheckCpusOffline(limits, SnapshotBuilder().Cpus(2, 5, 1).OfflineCpus("5-9").BuildCpus(), {4})
          .ok());
  EXPECT_TRUE(
      CheckCpusOffline(limits, SnapshotBuilder().CpusWithoutPlace("0-3").BuildCpus(), {1, 2, 3})
          .ok());
}

TEST(CpuLimitsTest, MinHousekeeping) {
  SafetyLimits limits = Least();
  limits.cpus.min_housekeeping = 2;
  const ExpectedLimit expected = {"LIMIT_MIN_HOUSEKEEPING_CPUS", "cpus.min_housekeeping", "2", "1",
                                  "cpu1"};
  // Housekeeping are 0, 1 and then 0 to 2.
  Check({limits, SnapshotBuilder().Cpus(1, 6, 1).Isolated("2-5"), {1}, {2, 3, 4, 5}, expected});
  Check({limits, SnapshotBuilder().Cpus(1, 6, 1).NohzFull("2-5"), {1}, {2, 3, 4, 5}, expected});
  Check({limits,
         SnapshotBuilder().Cpus(1, 6, 1).Isolated("2-3").NohzFull("3-5"),
         {1},
         {2, 3, 4, 5},
         expected});
  EXPECT_TRUE(
      CheckCpusOffline(limits, SnapshotBuilder().Cpus(1, 6, 1).Isolated("3-5").BuildCpus(), {1})
          .ok());
  // Without either mask all are housekeeping.
  Check({limits, SnapshotBuilder().Cpus(1, 3, 1).OfflineCpus("2"), {1}, {2}, expected});
}

TEST(CpuLimitsTest, IsolatedCpusGoThoughHousekeepingIsTooSmallAlready) {
  SafetyLimits limits = Least();
  limits.cpus.min_housekeeping = 3;
  const CpuSnapshot cpus = SnapshotBuilder().Cpus(1, 6, 1).Isolated("1-5").BuildCpus();
  EXPECT_TRUE(CheckCpusOffline(limits, cpus, {5}).ok());
  EXPECT_TRUE(CheckCpusOffline(limits, cpus, {1, 2, 3, 4, 5}).ok());
}

TEST(CpuLimitsTest, ExclusiveCpusNameTheirOwner) {
  SafetyLimits limits = Least();
  limits.cpus.allow_exclusive = false;
  const SnapshotBuilder host = SnapshotBuilder()
                                   .Cpus(1, 8, 1)
                                   .Exclusive("cgroup /rt.slice", "4-5")
                                   .Exclusive("kubelet container web/nginx", "6");
  Check({limits,
         host,
         {3, 6},
         {3, 7},
         {"LIMIT_EXCLUSIVE_CPUS", "cpus.allow_exclusive", "false", "", "cpu6"}});
  EXPECT_THAT(std::string(CheckCpusOffline(limits, host.BuildCpus(), {5}).message()),
              HasSubstr("cpu5 belongs to cgroup /rt.slice alone (CPUs 4-5)"));
  EXPECT_THAT(std::string(CheckCpusOffline(limits, host.BuildCpus(), {6}).message()),
              HasSubstr("kubelet container web/nginx"));
  EXPECT_TRUE(CheckCpusOffline(Least(), host.BuildCpus(), {4, 5, 6}).ok());
}

TEST(CpuLimitsTest, TheLastCpuStaysWhateverTheLimits) {
  SafetyLimits none = Least();
  none.cpus.min_online = 0;
  none.cpus.min_housekeeping = 0;
  const CpuSnapshot one = SnapshotBuilder().Cpus(1, 4, 1).OfflineCpus("0-2").BuildCpus();
  for (const SafetyLimits& limits : {none, Least(), SafetyLimits()}) {
    const absl::Status status = CheckCpusOffline(limits, one, {3});
    EXPECT_EQ(ErrorReason(status), "LAST_ONLINE_CPU") << status;
    EXPECT_EQ(ErrorMetadataValue(status, "device"), "cpu3");
    EXPECT_THAT(std::string(status.message()), HasSubstr("cpu3"));
  }
  const CpuSnapshot four = SnapshotBuilder().Cpus(1, 4, 1).BuildCpus();
  EXPECT_EQ(ErrorReason(CheckCpusOffline(none, four, {0, 1, 2, 3})), "LAST_ONLINE_CPU");
  EXPECT_TRUE(CheckCpusOffline(none, four, {1, 2, 3}).ok());
}

TEST(CpuLimitsTest, CpusThatAreNotOnlineMakeNoDifference) {
  const CpuSnapshot cpus = SnapshotBuilder().Cpus(1, 4, 1).OfflineCpus("1-3").BuildCpus();
  EXPECT_TRUE(CheckCpusOffline(SafetyLimits(), cpus, {1, 2, 3, 99}).ok());
  EXPECT_TRUE(CheckCpusOffline(SafetyLimits(), cpus, {}).ok());
}

TEST(CpuLimitsTest, DefaultsLetSmtOffThrough) {
  const CpuSnapshot cpus = SnapshotBuilder().Cpus(2, 8, 2).BuildCpus();
  CpuSet secondary;
  for (int cpu = 16; cpu < 32; ++cpu) secondary.insert(cpu);
  EXPECT_TRUE(CheckCpusOffline(SafetyLimits(), cpus, secondary).ok());
}

TEST(DeviceLimitsTest, ProtectedDevicesChangeInNoDirection) {
  SafetyLimits limits;
  limits.protected_devices = {"cpu3", "memory32", "smt", "container/PNP0A06:00"};
  for (const std::string& name : limits.protected_devices) {
    ExpectRefusal(CheckDevice(limits, *ParseDeviceName(name)),
                  {"LIMIT_PROTECTED_DEVICE", "protected_devices",
                   "container/PNP0A06:00, cpu3, memory32, smt", "", name});
  }
  for (const char* name : {"cpu2", "cpu33", "memory3", "container/PNP0A06:01"}) {
    EXPECT_TRUE(CheckDevice(limits, *ParseDeviceName(name)).ok()) << name;
  }
}

TEST(DeviceLimitsTest, OnlyAllowedKindsChange) {
  const struct {
    const char* name;
    v1::DeviceKind kind;
  } tests[] = {{"cpu1", v1::DEVICE_KIND_CPU},
               {"memory1", v1::DEVICE_KIND_MEMORY},
               {"smt", v1::DEVICE_KIND_SMT},
               {"container/x", v1::DEVICE_KIND_GENERIC}};
  for (const auto& test : tests) {
    SafetyLimits limits;
    EXPECT_TRUE(CheckDevice(limits, *ParseDeviceName(test.name)).ok());
    limits.allowed_kinds = {test.kind};
    EXPECT_TRUE(CheckDevice(limits, *ParseDeviceName(test.name)).ok());
    limits.allowed_kinds.clear();
    ExpectRefusal(CheckDevice(limits, *ParseDeviceName(test.name)),
                  {"LIMIT_KIND_NOT_ALLOWED", "allowed_kinds", "empty", "", test.name});
  }
  SafetyLimits limits;
  limits.allowed_kinds = {v1::DEVICE_KIND_CPU, v1::DEVICE_KIND_SMT};
  ExpectRefusal(CheckDevice(limits, MemoryDevice(3)),
                {"LIMIT_KIND_NOT_ALLOWED", "allowed_kinds", "cpu, smt", "", "memory3"});
}

}  // namespace
}  // namespace hotplugger::agent
