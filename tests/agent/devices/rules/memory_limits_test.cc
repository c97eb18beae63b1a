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

constexpr uint64_t kBlock = SnapshotBuilder::kBlockBytes;  // 128 MiB

// As little as the file allows.
SafetyLimits Least() {
  SafetyLimits limits;
  limits.memory = {.min_online_bytes = 0,
                   .min_online_percent = 0,
                   .min_online_bytes_per_node = 0,
                   .min_available_bytes = 0,
                   .min_available_percent = 0,
                   .max_movable_percent = 1'000'000,
                   .allow_kernel_zones = true};
  return limits;
}

absl::Status Offline(const SafetyLimits& limits, const SnapshotBuilder& host, int block) {
  return CheckMemoryOffline(limits, host.BuildMemory(), block);
}

absl::Status Online(const SafetyLimits& limits, const SnapshotBuilder& host, int block,
                    v1::MemoryZone zone) {
  return CheckMemoryOnline(limits, host.BuildMemory(), block, zone);
}

// Blocks 0 to 7 of the kernel on node 0, movable ones 8 to 15 on node 1.
SnapshotBuilder Host() {
  return SnapshotBuilder().Memory("0-7", "Normal", 0).Memory("8-15", "Movable", 1);
}

TEST(MemoryLimitsTest, NothingStandsInTheWayOfTheLeast) {
  EXPECT_TRUE(Offline(Least(), Host(), 15).ok());
  EXPECT_TRUE(Offline(Least(), Host(), 0).ok());
}

TEST(MemoryLimitsTest, MinOnlineBytes) {
  SafetyLimits limits = Least();
  limits.memory.min_online_bytes = 15 * kBlock + 1;
  ExpectRefusal(Offline(limits, Host(), 15), {"LIMIT_MIN_ONLINE_MEMORY", "memory.min_online_bytes",
                                              "2013265921", "1920Mi", "memory15"});
  limits.memory.min_online_bytes = 15 * kBlock;
  EXPECT_TRUE(Offline(limits, Host(), 15).ok());
}

TEST(MemoryLimitsTest, MinOnlinePercentCountsAllBlocksPresent) {
  SafetyLimits limits = Least();
  limits.memory.min_online_percent = 50;
  // 16 of 32 present are online, and 17.
  SnapshotBuilder host = Host().OfflineMemory("16-31", {"Movable"});
  ExpectRefusal(
      Offline(limits, host, 15),
      {"LIMIT_MIN_ONLINE_MEMORY_PERCENT", "memory.min_online_percent", "50", "1920Mi", "memory15"});
  host.Memory("16", "Movable");
  EXPECT_TRUE(Offline(limits, host, 15).ok());
  // What is going offline counts as gone.
  host.MemoryState(14, v1::DEVICE_STATE_GOING_OFFLINE);
  EXPECT_EQ(ErrorReason(Offline(limits, host, 15)), "LIMIT_MIN_ONLINE_MEMORY_PERCENT");
}

TEST(MemoryLimitsTest, MinOnlineBytesPerNode) {
  SafetyLimits limits = Least();
  limits.memory.min_online_bytes_per_node = 7 * kBlock + 1;
  ExpectRefusal(Offline(limits, Host(), 15),
                {"LIMIT_MIN_ONLINE_MEMORY_PER_NODE", "memory.min_online_bytes_per_node",
                 "939524097", "896Mi", "memory15"});
  EXPECT_THAT(std::string(Offline(limits, Host(), 15).message()), HasSubstr("NUMA node 1"));
  limits.memory.min_online_bytes_per_node = 7 * kBlock;
  EXPECT_TRUE(Offline(limits, Host(), 15).ok());
}

TEST(MemoryLimitsTest, MemoryOfNoKnownNodeHasNoFloor) {
  SafetyLimits limits = Least();
  limits.memory.min_online_bytes_per_node = 100 * kBlock;
  EXPECT_TRUE(Offline(limits, SnapshotBuilder().Memory("0-3", "Movable", -1), 3).ok());
}

TEST(MemoryLimitsTest, MinAvailableBytes) {
  SafetyLimits limits = Least();
  limits.memory.min_available_bytes = uint64_t{256} << 20;
  const uint64_t floor = kBlock + limits.memory.min_available_bytes;
  ExpectRefusal(
      Offline(limits, Host().Available(floor - (1 << 20)), 15),
      {"LIMIT_MIN_AVAILABLE_MEMORY", "memory.min_available_bytes", "256Mi", "255Mi", "memory15"});
  EXPECT_TRUE(Offline(limits, Host().Available(floor), 15).ok());
  // Less available than the block has.
  ExpectRefusal(
      Offline(limits, Host().Available(1 << 20), 15),
      {"LIMIT_MIN_AVAILABLE_MEMORY", "memory.min_available_bytes", "256Mi", "0", "memory15"});
}

TEST(MemoryLimitsTest, MinAvailablePercentIsOfWhatStays) {
  SafetyLimits limits = Least();
  limits.memory.min_available_percent = 20;
  // 15 blocks stay: 3 of them must be available.
  ExpectRefusal(Offline(limits, Host().Available(4 * kBlock - (1 << 20)), 15),
                {"LIMIT_MIN_AVAILABLE_MEMORY_PERCENT", "memory.min_available_percent", "20",
                 "383Mi", "memory15"});
  EXPECT_TRUE(Offline(limits, Host().Available(4 * kBlock), 15).ok());
}

TEST(MemoryLimitsTest, TakingKernelMemoryRaisesTheMovableShare) {
  SafetyLimits limits = Least();
  // 8 movable to 4 kernel blocks, of which 3 stay: 266.7 percent.
  const SnapshotBuilder host = SnapshotBuilder().Memory("0-3", "Normal").Memory("8-15", "Movable");
  limits.memory.max_movable_percent = 266;
  ExpectRefusal(Offline(limits, host, 3), {"LIMIT_MAX_MOVABLE_PERCENT",
                                           "memory.max_movable_percent", "266", "267", "memory3"});
  limits.memory.max_movable_percent = 267;
  EXPECT_TRUE(Offline(limits, host, 3).ok());
}

TEST(MemoryLimitsTest, OnliningMovableMemoryRaisesTheMovableShare) {
  SafetyLimits limits = Least();
  limits.memory.max_movable_percent = 300;
  const SnapshotBuilder inside = SnapshotBuilder()
                                     .Memory("0-3", "Normal")
                                     .Memory("8-18", "Movable")
                                     .OfflineMemory("19-20", {"Normal", "Movable"});
  EXPECT_TRUE(Online(limits, inside, 19, v1::MEMORY_ZONE_MOVABLE).ok());
  SnapshotBuilder over = inside;
  over.Memory("19", "Movable");
  ExpectRefusal(
      Online(limits, over, 20, v1::MEMORY_ZONE_MOVABLE),
      {"LIMIT_MAX_MOVABLE_PERCENT", "memory.max_movable_percent", "300", "325", "memory20"});
  // The kernel's default is its first zone.
  EXPECT_TRUE(Online(limits, over, 20, v1::MEMORY_ZONE_UNSPECIFIED).ok());
  over.OfflineMemory("20", {"Movable", "Normal"});
  EXPECT_EQ(ErrorReason(Online(limits, over, 20, v1::MEMORY_ZONE_UNSPECIFIED)),
            "LIMIT_MAX_MOVABLE_PERCENT");
}

TEST(MemoryLimitsTest, WhatLowersTheMovableShareIsNeverRefusedForIt) {
  SafetyLimits limits = Least();
  limits.memory.max_movable_percent = 1;
  const SnapshotBuilder host = SnapshotBuilder()
                                   .Memory("0", "Normal")
                                   .Memory("8-15", "Movable")
                                   .OfflineMemory("16", {"Normal", "Movable"});
  EXPECT_TRUE(Offline(limits, host, 15).ok());
  EXPECT_TRUE(Online(limits, host, 16, v1::MEMORY_ZONE_KERNEL).ok());
  EXPECT_EQ(ErrorReason(Online(limits, host, 16, v1::MEMORY_ZONE_MOVABLE)),
            "LIMIT_MAX_MOVABLE_PERCENT");
}

TEST(MemoryLimitsTest, TheLastKernelMemoryIsBeyondAnyShare) {
  const SnapshotBuilder host = SnapshotBuilder().Memory("0", "Normal").Memory("8", "Movable");
  const absl::Status status = Offline(Least(), host, 0);
  EXPECT_EQ(ErrorReason(status), "LIMIT_MAX_MOVABLE_PERCENT") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("infinitely many percent"));
}

TEST(MemoryLimitsTest, KernelZonesMustBeAllowed) {
  SafetyLimits limits = Least();
  limits.memory.allow_kernel_zones = false;
  for (const char* zone : {"DMA", "DMA32", "Normal", "HighMem"}) {
    const SnapshotBuilder host = SnapshotBuilder().Memory("0-3", zone);
    ExpectRefusal(Offline(limits, host, 3),
                  {"LIMIT_KERNEL_ZONE", "memory.allow_kernel_zones", "false", "", "memory3"});
    EXPECT_THAT(std::string(Offline(limits, host, 3).message()), HasSubstr(zone));
    EXPECT_TRUE(Offline(Least(), host, 3).ok());
  }
  EXPECT_TRUE(Offline(limits, Host(), 15).ok());
}

TEST(MemoryLimitsTest, MemoryInNoZoneCannotGoWhateverTheLimits) {
  const absl::Status status = Offline(Least(), Host().Memory("16", ""), 16);
  EXPECT_EQ(ErrorReason(status), "NOT_OFFLINABLE") << status;
  EXPECT_EQ(ErrorMetadataValue(status, "device"), "memory16");
  EXPECT_THAT(std::string(status.message()), HasSubstr("valid_zones says none"));
}

TEST(MemoryLimitsTest, ZonesAreTheKernelsToAllow) {
  const struct {
    std::vector<std::string> zones;
    v1::MemoryZone zone;
    bool allowed;
  } tests[] = {
      {{"Normal"}, v1::MEMORY_ZONE_KERNEL, true},
      {{"Normal"}, v1::MEMORY_ZONE_MOVABLE, false},
      {{"Normal"}, v1::MEMORY_ZONE_UNSPECIFIED, true},
      {{"Movable"}, v1::MEMORY_ZONE_KERNEL, false},
      {{"Movable"}, v1::MEMORY_ZONE_MOVABLE, true},
      {{"Movable"}, v1::MEMORY_ZONE_UNSPECIFIED, true},
      {{"Normal", "Movable"}, v1::MEMORY_ZONE_KERNEL, true},
      {{"Normal", "Movable"}, v1::MEMORY_ZONE_MOVABLE, true},
      {{"Movable", "Normal"}, v1::MEMORY_ZONE_KERNEL, true},
      // The kernel doesn't say.
      {{}, v1::MEMORY_ZONE_KERNEL, true},
      {{}, v1::MEMORY_ZONE_MOVABLE, true},
  };
  for (const auto& test : tests) {
    const SnapshotBuilder host = Host().OfflineMemory("20", test.zones);
    const absl::Status status = Online(Least(), host, 20, test.zone);
    EXPECT_EQ(status.ok(), test.allowed) << status;
    if (test.allowed) continue;
    EXPECT_EQ(ErrorReason(status), "ZONE_NOT_ALLOWED");
    EXPECT_EQ(ErrorMetadataValue(status, "device"), "memory20");
    EXPECT_THAT(std::string(status.message()), HasSubstr("allows it these"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.zones.front()));
  }
}

TEST(MemoryLimitsTest, BlocksThatAreNotOnlineMakeNoDifference) {
  SafetyLimits limits = Least();
  limits.memory.min_online_bytes = 100 * kBlock;
  const SnapshotBuilder host = Host().OfflineMemory("20", {"Movable"});
  EXPECT_TRUE(Offline(limits, host, 20).ok());
  EXPECT_TRUE(Offline(limits, host, 99).ok());
  EXPECT_TRUE(Online(limits, host, 99, v1::MEMORY_ZONE_MOVABLE).ok());
}

}  // namespace
}  // namespace hotplugger::agent
