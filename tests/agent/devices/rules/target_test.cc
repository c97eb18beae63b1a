#include "agent/devices/rules/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error_info.h"
#include "google/protobuf/text_format.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using testing::SnapshotBuilder;

constexpr uint64_t kBlock = SnapshotBuilder::kBlockBytes;  // 0x8000000

v1::DeviceTarget Target(const std::string& text) {
  v1::DeviceTarget target;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &target)) << text;
  return target;
}

// CPUs 0-3 are first threads, 4-7 their siblings; packages 0 (0-1, 4-5) and 1. Blocks 0-3 and 10-13
// on node 0, 20-23 offline on node 1.
SnapshotBuilder Host() {
  return SnapshotBuilder()
      .Cpus(2, 2, 2)
      .Memory("0-3", "Normal")
      .Memory("10-13", "Movable")
      .OfflineMemory("20-23", {"Normal", "Movable"}, 1);
}

absl::StatusOr<DeviceChanges> Resolve(const v1::DeviceTarget& target, bool online,
                                      v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED,
                                      const SnapshotBuilder& host = Host()) {
  return ResolveTarget(target, online, zone, host.Build());
}

// "cpu3 cpu2": the devices in order; all changes must be to `online` and `zone`.
std::string Names(const absl::StatusOr<DeviceChanges>& changes, bool online,
                  v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED) {
  if (!changes.ok()) return changes.status().ToString();
  return absl::StrJoin(*changes, " ", [&](std::string* out, const DeviceChange& change) {
    EXPECT_EQ(change.online, online);
    EXPECT_EQ(change.zone, zone);
    absl::StrAppend(out, FormatDeviceName(change.device));
  });
}

std::string Offline(const std::string& target, const SnapshotBuilder& host = Host()) {
  return Names(Resolve(Target(target), false, v1::MEMORY_ZONE_UNSPECIFIED, host), false);
}

std::string Online(const std::string& target, const SnapshotBuilder& host = Host()) {
  return Names(Resolve(Target(target), true, v1::MEMORY_ZONE_UNSPECIFIED, host), true);
}

TEST(TargetTest, OneDevice) {
  EXPECT_EQ(Offline("device: 'cpu3'"), "cpu3");
  EXPECT_EQ(Online("device: 'memory20'"), "memory20");
  EXPECT_EQ(Offline("device: 'container/PNP0A06:00'"), "container/PNP0A06:00");
  // What isn't there gets a result of its own.
  EXPECT_EQ(Offline("device: 'cpu99'"), "cpu99");
  EXPECT_EQ(Offline("device: 'memory99'", SnapshotBuilder().Cpus(1, 1, 1)), "memory99");
}

TEST(TargetTest, CpusInTheOrderOfVictims) {
  EXPECT_EQ(Offline("cpus: '0-7'"), "cpu7 cpu6 cpu5 cpu4 cpu3 cpu1 cpu2 cpu0");
  EXPECT_EQ(Online("cpus: '0-7'"), "cpu0 cpu2 cpu1 cpu3 cpu4 cpu5 cpu6 cpu7");
  EXPECT_EQ(Offline("cpus: '1,5,1'"), "cpu5 cpu1");
}

TEST(TargetTest, CpusThatCannotGoComeFirst) {
  EXPECT_EQ(Offline("cpus: '0,3,99'", Host().FixedCpus("0")), "cpu0 cpu99 cpu3");
}

TEST(TargetTest, CoresAreAllTheirThreads) {
  EXPECT_EQ(Offline("cores: '1'"), "cpu5 cpu1");
  EXPECT_EQ(Offline("cores: '5'"), "cpu5 cpu1");
  EXPECT_EQ(Offline("cores: '1,7'"), "cpu7 cpu5 cpu3 cpu1");
  EXPECT_EQ(Online("cores: '5'", Host().OfflineCpus("1,5")), "cpu1 cpu5");
  EXPECT_EQ(Offline("cores: '1,99'"), "cpu99 cpu5 cpu1");
}

TEST(TargetTest, CoresWhosePlaceIsNotKnown) {
  SnapshotBuilder host = Host().CpusWithoutPlace("8-9,11");
  const absl::Status status =
      Resolve(Target("cores: '1,8-9'"), false, v1::MEMORY_ZONE_UNSPECIFIED, host).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "TOPOLOGY_UNKNOWN");
  EXPECT_THAT(std::string(status.message()), HasSubstr("CPUs 8-9 "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("bring them online once"));
  EXPECT_EQ(Offline("cpus: '8-9'", host), "cpu9 cpu8");
}

TEST(TargetTest, SoManyCpus) {
  EXPECT_EQ(Offline("cpu_count: 5"), "cpu7 cpu6 cpu5 cpu4 cpu3");
  EXPECT_EQ(Online("cpu_count: 2", Host().OfflineCpus("3,6-7")), "cpu3 cpu6");
  EXPECT_EQ(ErrorReason(Resolve(Target("cpu_count: 9"), false).status()), "TOO_FEW_DEVICES");
  EXPECT_EQ(ErrorReason(Resolve(Target("cpu_count: 65536"), false).status()), "TOO_FEW_DEVICES");
}

TEST(TargetTest, MemoryOfflineFromTheHighestOnlineFromTheLowest) {
  EXPECT_EQ(Offline("memory_blocks: '10-12'"), "memory12 memory11 memory10");
  EXPECT_EQ(Online("memory_blocks: '20,22,21'"), "memory20 memory21 memory22");
  EXPECT_EQ(Offline("memory_blocks: '13,14'"), "memory14 memory13");
  EXPECT_EQ(Offline("memory_range { start: 0x50000000 size: 0x10000000 }"), "memory11 memory10");
  EXPECT_EQ(Offline("memory_range { start: 0 size: 0x8000000 }"), "memory0");
  EXPECT_EQ(Offline("memory_amount { bytes: 0x10000000 }"), "memory13 memory12");
  EXPECT_EQ(Offline("memory_amount { bytes: 0x10000000 node: 0 }"), "memory13 memory12");
  EXPECT_EQ(Online("memory_amount { bytes: 0x10000000 node: 1 }"), "memory20 memory21");
  EXPECT_EQ(Online("memory_node: 1"), "memory20 memory21 memory22 memory23");
  EXPECT_EQ(Offline("memory_node: 0"),
            "memory13 memory12 memory11 memory10 memory3 memory2 memory1 memory0");
}

TEST(TargetTest, ZonesGoWithMemory) {
  for (const v1::MemoryZone zone : {v1::MEMORY_ZONE_KERNEL, v1::MEMORY_ZONE_MOVABLE}) {
    for (const char* target : {"device: 'memory20'", "memory_blocks: '20'",
                               "memory_range { start: 0xa0000000 size: 0x8000000 }",
                               "memory_amount { bytes: 0x8000000 }"}) {
      EXPECT_EQ(Names(Resolve(Target(target), true, zone), true, zone), "memory20");
    }
    EXPECT_EQ(Names(Resolve(Target("memory_node: 1"), true, zone), true, zone),
              "memory20 memory21 memory22 memory23");
  }
}

TEST(TargetTest, MemoryThatIsNotThere) {
  for (const char* target : {"memory_node: 7", "memory_amount { bytes: 0x8000000 node: 7 }"}) {
    const absl::Status status = Resolve(Target(target), true).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << target;
    EXPECT_EQ(ErrorReason(status), "NO_MEMORY_THERE");
    EXPECT_THAT(std::string(status.message()), HasSubstr("NUMA node 7"));
  }
  EXPECT_EQ(ErrorReason(Resolve(Target("memory_amount { bytes: 0x28000000 }"), true).status()),
            "TOO_LITTLE_MEMORY");
  for (const char* target : {"memory_blocks: '3'", "memory_range { start: 0 size: 0x8000000 }",
                             "memory_amount { bytes: 0x8000000 }", "memory_node: 0"}) {
    const absl::Status status =
        Resolve(Target(target), false, v1::MEMORY_ZONE_UNSPECIFIED, SnapshotBuilder().Cpus(1, 1, 1))
            .status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << target;
    EXPECT_EQ(ErrorReason(status), "NO_MEMORY_HOTPLUG");
  }
}

struct BadField {
  std::string target;
  std::string field;
  // Of the description.
  std::string words;
};

void ExpectBadFields(const v1::DeviceTarget& target, bool online, v1::MemoryZone zone,
                     const std::vector<BadField>& expected) {
  const absl::Status status = Resolve(target, online, zone).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << target.ShortDebugString();
  const std::vector<FieldViolation> violations = ErrorFieldViolations(status);
  ASSERT_EQ(violations.size(), expected.size()) << status;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(violations[i].field, expected[i].field);
    EXPECT_THAT(violations[i].description, HasSubstr(expected[i].words));
    EXPECT_LT(violations[i].description.size(), 400u);
  }
}

TEST(BadTargetTest, Fields) {
  const BadField tests[] = {
      {"", "target", "is absent"},
      {"device: 'smt'", "target.device", "SetSmt"},
      {"cpu_count: 0", "target.cpu_count", "0 is not between 1 and 65536"},
      {"cpu_count: -1", "target.cpu_count", "-1 is not between 1 and 65536"},
      {"cpu_count: 65537", "target.cpu_count", "65537 is not between"},
      {"memory_node: -1", "target.memory_node", "-1 is no NUMA node's number"},
      {"memory_amount { }", "target.memory_amount.bytes", "0 or absent"},
      {"memory_amount { bytes: 0x8000001 }", "target.memory_amount.bytes",
       "134217729 is no multiple of the block size, 128Mi; the nearest are 128Mi and 256Mi"},
      {"memory_amount { bytes: 1 }", "target.memory_amount.bytes", "the nearest is 128Mi"},
      {"memory_amount { bytes: 18446744073709551615 }", "target.memory_amount.bytes",
       "the nearest is 17592186044288Mi"},
      {"memory_amount { bytes: 0x8000000 node: -1 }", "target.memory_amount.node",
       "-1 is no NUMA node's number"},
      {"memory_range { start: 0x8000000 }", "target.memory_range.size", "is 0"},
      {"memory_range { start: 0x8000001 size: 0x8000000 }", "target.memory_range.start",
       "0x8000001 is not on a block boundary; blocks have 128Mi, and the nearest are 0x8000000 and "
       "0x10000000"},
      {"memory_range { start: 0x1000 size: 0x8000000 }", "target.memory_range.start",
       "the nearest are 0x0 and 0x8000000"},
      {"memory_range { start: 0 size: 0x8000fff }", "target.memory_range.size",
       "the nearest are 0x8000000 and 0x10000000"},
      // start + size wraps, to 0 and beyond.
      {"memory_range { start: 0xfffffffff8000000 size: 0x8000000 }", "target.memory_range.size",
       "runs past the largest address"},
      {"memory_range { start: 0xfffffffff8000000 size: 0x10000000 }", "target.memory_range.size",
       "runs past the largest address"},
      {"memory_range { start: 0x8000000 size: 0xfffffffff8000000 }", "target.memory_range.size",
       "runs past the largest address"},
      // Past the largest block's number.
      {"memory_range { start: 0x10000000000000 size: 0x8000000 }", "target.memory_range.size",
       "runs past the largest address"},
      {"memory_range { start: 0 size: 0x80008000000 }", "target.memory_range.size",
       "makes 65537 blocks; at most 65536"},
  };
  for (const BadField& test : tests) {
    for (const bool online : {false, true}) {
      ExpectBadFields(Target(test.target), online, v1::MEMORY_ZONE_UNSPECIFIED, {test});
    }
  }
}

TEST(BadTargetTest, RangesUpToTheBoundAreNone) {
  EXPECT_EQ(Resolve(Target("memory_range { start: 0 size: 0x80000000000 }"), false)->size(),
            65'536u);
  EXPECT_EQ(Offline("memory_range { start: 0xffffff8000000 size: 0x8000000 }"), "memory33554431");
}

TEST(BadTargetTest, Lists) {
  const std::pair<std::string, std::string> tests[] = {
      {"", "is an empty list"},
      {"0-", "\"0-\" is not a"},
      {"-1", "\"-1\" is not a"},
      {"3-1", "\"3-1\" runs downwards"},
      {"1,,2", "has an empty item"},
      {"1,", "has an empty item"},
      {",", "has an empty item"},
      {" 1", "\" 1\" is not a"},
      {"1 ", "\"1 \" is not a"},
      {"1\n", "\"1\\n\" is not a"},
      {"\u0661", "is not a"},
      {"0x1", "\"0x1\" is not a"},
      {"0-7:2", "\"0-7:2\" is not a"},
      {"all", "\"all\" is not a"},
      {"cpu1", "\"cpu1\" is not a"},
      {"../1", "\"../1\" is not a"},
      {"1-2-3", "\"1-2-3\" is not a"},
      {"0-4294967295", "\"0-4294967295\" is above the largest"},
      {"99999999999999999999", "is above the largest"},
      {std::string("1\0", 2), "\"1\\000\" is not a"},
      {std::string(1'000'000, '1'), "is longer than 16384 bytes"},
      {absl::StrJoin(std::vector<int>(500'000, 1), ","), "is longer than 16384 bytes"},
  };
  for (const auto& [list, words] : tests) {
    v1::DeviceTarget target;
    target.set_cpus(list);
    ExpectBadFields(target, false, v1::MEMORY_ZONE_UNSPECIFIED, {{"", "target.cpus", words}});
    target.set_cores(list);
    ExpectBadFields(target, true, v1::MEMORY_ZONE_UNSPECIFIED, {{"", "target.cores", words}});
    target.set_memory_blocks(list);
    ExpectBadFields(target, false, v1::MEMORY_ZONE_UNSPECIFIED,
                    {{"", "target.memory_blocks", words}});
  }
  v1::DeviceTarget target;
  target.set_cpus("8192");
  ExpectBadFields(target, false, v1::MEMORY_ZONE_UNSPECIFIED,
                  {{"", "target.cpus", "largest CPU number, 8191"}});
  target.set_memory_blocks("0-65536");
  ExpectBadFields(target, false, v1::MEMORY_ZONE_UNSPECIFIED,
                  {{"", "target.memory_blocks", "makes more than 65536 numbers"}});
}

TEST(BadTargetTest, DeviceNames) {
  for (const std::string& name : {std::string(), std::string("../cpu1"), std::string("cpu1\0", 5),
                                  std::string(4096, 'c'), std::string("cpu/cpu1")}) {
    v1::DeviceTarget target;
    target.set_device(name);
    const absl::Status status = Resolve(target, false).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(status), "BAD_DEVICE_NAME") << status;
    EXPECT_EQ(ErrorReason(Resolve(target, true, v1::MEMORY_ZONE_MOVABLE).status()),
              "BAD_DEVICE_NAME");
  }
}

TEST(BadTargetTest, ZonesWhereThereAreNone) {
  for (const char* target :
       {"device: 'cpu3'", "device: 'container/x'", "cpus: '3'", "cores: '3'", "cpu_count: 1"}) {
    for (const v1::MemoryZone zone : {v1::MEMORY_ZONE_KERNEL, v1::MEMORY_ZONE_MOVABLE}) {
      ExpectBadFields(Target(target), true, zone,
                      {{"", "zone", v1::MemoryZone_Name(zone) + " is set"}});
      ExpectBadFields(Target(target), true, zone, {{"", "zone", "contract 27"}});
    }
  }
  ExpectBadFields(Target("memory_blocks: '20'"), false, v1::MEMORY_ZONE_MOVABLE,
                  {{"", "zone", "goes offline"}});
  ExpectBadFields(Target("memory_blocks: '20'"), true, static_cast<v1::MemoryZone>(99),
                  {{"", "zone", "99 is neither KERNEL"}});
}

TEST(BadTargetTest, EveryWrongFieldAtOnce) {
  ExpectBadFields(Target("memory_range { start: 1 size: 2 }"), true, static_cast<v1::MemoryZone>(9),
                  {{"", "target.memory_range.start", "0x1 "},
                   {"", "target.memory_range.size", "0x2 "},
                   {"", "zone", "9 is neither KERNEL"}});
  ExpectBadFields(Target("memory_amount { bytes: 1 node: -2 }"), false, v1::MEMORY_ZONE_KERNEL,
                  {{"", "target.memory_amount.bytes", "1 is no multiple"},
                   {"", "target.memory_amount.node", "-2 "},
                   {"", "zone", "offline"}});
  ExpectBadFields(Target("cpus: '0-'"), true, v1::MEMORY_ZONE_MOVABLE,
                  {{"", "target.cpus", "\"0-\""}, {"", "zone", "only memory"}});
}

}  // namespace
}  // namespace hotplugger::agent
