#include "agent/devices/rules/victims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>

#include "common/error_info.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SnapshotBuilder;

constexpr uint64_t kBlock = SnapshotBuilder::kBlockBytes;

TEST(CpuOfflineOrderTest, SecondaryThreadsThenCoresThenWholePackages) {
  // 2 packages (0-1 with 4-5, 2-3 with 6-7).
  EXPECT_THAT(CpuOfflineOrder(SnapshotBuilder().Cpus(2, 2, 2).BuildCpus(), {}),
              ElementsAre(7, 6, 5, 4, 3, 1, 2, 0));
}

TEST(CpuOfflineOrderTest, CoresLoseTheirThreadsEvenly) {
  // Cores 0 and 1 with four threads each: the fourth ones first.
  EXPECT_THAT(CpuOfflineOrder(SnapshotBuilder().Cpus(1, 2, 4).BuildCpus(), {}),
              ElementsAre(7, 6, 5, 4, 3, 2, 1, 0));
}

TEST(CpuOfflineOrderTest, LeavesOutFixedAndKeptOnes) {
  EXPECT_THAT(CpuOfflineOrder(SnapshotBuilder().Cpus(1, 4, 1).FixedCpus("0").BuildCpus(), {2}),
              ElementsAre(3, 1));
}

TEST(CpuOfflineOrderTest, CpusWithoutPlaceAreCoresOfTheirOwn) {
  EXPECT_THAT(CpuOfflineOrder(SnapshotBuilder().CpusWithoutPlace("0-3").BuildCpus(), {}),
              ElementsAre(3, 2, 1, 0));
}

TEST(CpuOfflineOrderTest, DoesNotDependOnWhatIsOnline) {
  SnapshotBuilder host = SnapshotBuilder().Cpus(2, 4, 2);
  const std::vector<int> order = CpuOfflineOrder(host.BuildCpus(), {});
  EXPECT_EQ(CpuOfflineOrder(host.OfflineCpus("1-15").BuildCpus(), {}), order);
}

// Hosts of any shape, some CPUs fixed, some to be kept.
class RandomHosts : public ::testing::TestWithParam<unsigned> {
 protected:
  RandomHosts() : random_(GetParam()) {
    const int packages = Pick(1, 4);
    const int cores = Pick(1, 6);
    const int threads = Pick(1, 4);
    cpus_ = SnapshotBuilder().Cpus(packages, cores, threads).BuildCpus();
    Renumber(packages * cores * threads);
    for (const int cpu : cpus_.masks.present) {
      if (Pick(0, 7) == 0) cpus_.hotpluggable.erase(cpu);
      if (Pick(0, 7) == 0) keep_.insert(cpu);
      if (Pick(0, 3) == 0) cpus_.masks.online.erase(cpu);
    }
  }

  int Pick(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }

  // Firmware numbers CPUs as it likes.
  void Renumber(int count) {
    std::vector<int> numbers(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) numbers[static_cast<size_t>(i)] = i;
    std::shuffle(numbers.begin(), numbers.end(), random_);
    Topology topology;
    for (const auto& [cpu, place] : cpus_.topology.cpus()) {
      topology.Set(numbers[static_cast<size_t>(cpu)], place);
    }
    cpus_.topology = topology;
  }

  std::mt19937 random_;
  CpuSnapshot cpus_;
  CpuSet keep_;
};

TEST_P(RandomHosts, OrderIsAPermutationOfWhatCanGo) {
  const std::vector<int> order = CpuOfflineOrder(cpus_, keep_);
  CpuSet expected;
  for (const int cpu : cpus_.masks.present) {
    if (cpus_.hotpluggable.count(cpu) > 0 && keep_.count(cpu) == 0) expected.insert(cpu);
  }
  EXPECT_EQ(order.size(), expected.size());
  EXPECT_EQ(CpuSet(order.begin(), order.end()), expected);
}

TEST_P(RandomHosts, SecondaryThreadsGoBeforeAnyFirstOne) {
  const std::vector<int> order = CpuOfflineOrder(cpus_, keep_);
  EXPECT_TRUE(std::is_partitioned(order.begin(), order.end(), [this](int cpu) {
    return cpus_.topology.IsSecondaryThread(cpu);
  }));
}

TEST_P(RandomHosts, APackageIsEmptiedOnlyWhenEveryOtherHasOneCoreLeft) {
  // First threads by package: all that are present, and those that have yet to go.
  std::map<int, CpuSet> left;
  std::map<int, int> to_go;
  for (const int cpu : cpus_.masks.present) {
    if (!cpus_.topology.IsSecondaryThread(cpu)) left[cpus_.topology.PackageOf(cpu)].insert(cpu);
  }
  const std::vector<int> order = CpuOfflineOrder(cpus_, keep_);
  for (const int cpu : order) {
    if (!cpus_.topology.IsSecondaryThread(cpu)) ++to_go[cpus_.topology.PackageOf(cpu)];
  }
  int emptied_last = std::numeric_limits<int>::max();
  for (const int cpu : order) {
    if (cpus_.topology.IsSecondaryThread(cpu)) continue;
    const int package = cpus_.topology.PackageOf(cpu);
    --to_go[package];
    left[package].erase(cpu);
    if (!left[package].empty()) continue;
    EXPECT_LT(package, emptied_last);
    emptied_last = package;
    for (const auto& [other, count] : to_go) EXPECT_LE(count, 1) << other << " and " << package;
  }
}

TEST_P(RandomHosts, ParkingMoreParksTheSameAndMore) {
  const int present = static_cast<int>(cpus_.masks.present.size());
  CpuSet fewer = CpusToPark(cpus_, present + 1, keep_);
  EXPECT_THAT(fewer, IsEmpty());
  for (int online = present; online >= -1; --online) {
    const CpuSet parked = CpusToPark(cpus_, online, keep_);
    EXPECT_TRUE(std::includes(parked.begin(), parked.end(), fewer.begin(), fewer.end())) << online;
    EXPECT_LE(static_cast<int>(parked.size()), present - std::max(online, 0));
    for (const int cpu : parked) {
      EXPECT_EQ(keep_.count(cpu), 0u);
      EXPECT_EQ(cpus_.hotpluggable.count(cpu), 1u);
    }
    fewer = parked;
  }
  const std::vector<int> order = CpuOfflineOrder(cpus_, keep_);
  EXPECT_EQ(fewer, CpuSet(order.begin(), order.end()));
}

TEST_P(RandomHosts, NextCpusAreInTheStateThatIsLeft) {
  for (const bool online : {false, true}) {
    for (int count = 1; count <= 96; ++count) {
      const auto next = NextCpus(cpus_, count, online);
      if (!next.ok()) break;
      EXPECT_EQ(CpuSet(next->begin(), next->end()).size(), static_cast<size_t>(count));
      for (const int cpu : *next) EXPECT_EQ(cpus_.masks.online.count(cpu), online ? 0u : 1u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHosts, ::testing::Range(0u, 100u));

TEST(CpusToParkTest, KeepsSoManyOfThosePresent) {
  const CpuSnapshot cpus = SnapshotBuilder().Cpus(1, 4, 2).FixedCpus("0").BuildCpus();
  EXPECT_EQ(CpusToPark(cpus, 8, {}), CpuSet());
  EXPECT_EQ(CpusToPark(cpus, 7, {}), (CpuSet{7}));
  EXPECT_EQ(CpusToPark(cpus, 4, {}), (CpuSet{4, 5, 6, 7}));
  // Kept ones are among those that stay.
  EXPECT_EQ(CpusToPark(cpus, 4, {7}), (CpuSet{3, 4, 5, 6}));
  // As far as it goes.
  EXPECT_EQ(CpusToPark(cpus, 0, {}), (CpuSet{1, 2, 3, 4, 5, 6, 7}));
}

TEST(NextCpusTest, GoesOnFromTheStateThatIs) {
  const CpuSnapshot cpus = SnapshotBuilder().Cpus(1, 4, 2).OfflineCpus("7,2").BuildCpus();
  EXPECT_THAT(*NextCpus(cpus, 2, false), ElementsAre(6, 5));
  EXPECT_THAT(*NextCpus(cpus, 2, true), ElementsAre(2, 7));
}

TEST(NextCpusTest, TooFewNamesHowManyThereAre) {
  const CpuSnapshot cpus =
      SnapshotBuilder().Cpus(1, 4, 1).FixedCpus("0").OfflineCpus("3").BuildCpus();
  EXPECT_EQ(NextCpus(cpus, 2, false)->size(), 2u);
  const absl::Status offline = NextCpus(cpus, 3, false).status();
  EXPECT_EQ(offline.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(offline), "TOO_FEW_DEVICES");
  EXPECT_EQ(ErrorMetadataValue(offline, "available"), "2");
  EXPECT_THAT(std::string(offline.message()), HasSubstr("only 2"));
  EXPECT_EQ(NextCpus(cpus, 1, true)->size(), 1u);
  EXPECT_EQ(ErrorMetadataValue(NextCpus(cpus, 2, true).status(), "available"), "1");
}

TEST(NextCpusTest, ThreadsThatSmtForbidsDoNotCome) {
  SnapshotBuilder host = SnapshotBuilder().Cpus(1, 2, 4).OfflineCpus("1-7");
  const auto available = [&host](v1::SmtControl control, int threads = 0) {
    return ErrorMetadataValue(NextCpus(host.Smt(control, threads).BuildCpus(), 100, true).status(),
                              "available");
  };
  EXPECT_EQ(available(v1::SMT_CONTROL_ON), "7");
  EXPECT_EQ(available(v1::SMT_CONTROL_PARTIAL, 2), "3");
  EXPECT_EQ(available(v1::SMT_CONTROL_OFF), "1");
  EXPECT_EQ(available(v1::SMT_CONTROL_FORCEOFF), "1");
}

MemoryBlocks Blocks(const SnapshotBuilder& host) { return host.BuildMemory().blocks; }

SnapshotBuilder MemoryHost() {
  return SnapshotBuilder()
      .Memory("0-3", "Normal", 0)
      .Memory("4-5", "Movable", 0)
      .Memory("6-7", "Movable", 1)
      .Memory("8", "", 1)
      .OfflineMemory("9-11", {"Movable"}, 1);
}

TEST(MemoryOfflineOrderTest, MovableFromTheHighestDownThenKernelZonesIfAsked) {
  EXPECT_THAT(MemoryOfflineOrder(Blocks(MemoryHost()), -1, false), ElementsAre(7, 6, 5, 4));
  EXPECT_THAT(MemoryOfflineOrder(Blocks(MemoryHost()), -1, true),
              ElementsAre(7, 6, 5, 4, 3, 2, 1, 0));
  EXPECT_THAT(MemoryOfflineOrder(Blocks(MemoryHost()), 0, true), ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_THAT(MemoryOfflineOrder(Blocks(MemoryHost()), 1, true), ElementsAre(7, 6));
  EXPECT_THAT(MemoryOfflineOrder(Blocks(MemoryHost()), 2, true), IsEmpty());
  EXPECT_THAT(MemoryOfflineOrder(
                  Blocks(MemoryHost().MemoryState(7, v1::DEVICE_STATE_GOING_OFFLINE)), 1, false),
              ElementsAre(6));
}

class RandomMemory : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomMemory, OrderHoldsEachBlockThatCanGoOnceAndMovableOnesFirst) {
  std::mt19937 random(GetParam());
  const auto pick = [&random](int most) {
    return std::uniform_int_distribution<int>(0, most)(random);
  };
  SnapshotBuilder host;
  NumberSet movable;
  NumberSet kernel;
  for (int number = 0; number < 64; ++number) {
    const std::string block = std::to_string(number);
    switch (pick(4)) {
      case 0:
        host.Memory(block, "Movable", pick(2));
        movable.insert(number);
        break;
      case 1:
        host.Memory(block, "Normal", pick(2));
        kernel.insert(number);
        break;
      case 2:
        host.Memory(block, "", pick(2));
        break;
      case 3:
        host.OfflineMemory(block, {"Normal", "Movable"}, pick(2));
        break;
      default:
        break;  // a hole
    }
  }
  std::vector<int> expected(movable.rbegin(), movable.rend());
  EXPECT_EQ(MemoryOfflineOrder(Blocks(host), -1, false), expected);
  expected.insert(expected.end(), kernel.rbegin(), kernel.rend());
  EXPECT_EQ(MemoryOfflineOrder(Blocks(host), -1, true), expected);
  // More memory is the same blocks and more.
  std::vector<int> fewer;
  for (size_t count = 1; count <= movable.size(); ++count) {
    const auto blocks = NextBlocks(Blocks(host), count * kBlock, -1, false, false);
    ASSERT_TRUE(blocks.ok()) << blocks.status();
    ASSERT_EQ(blocks->size(), count);
    EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), blocks->begin()));
    fewer = *blocks;
  }
  EXPECT_FALSE(NextBlocks(Blocks(host), (movable.size() + 1) * kBlock, -1, false, false).ok());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomMemory, ::testing::Range(0u, 50u));

TEST(NextBlocksTest, OfflineTheHighestOnlineTheLowest) {
  EXPECT_THAT(*NextBlocks(Blocks(MemoryHost()), 3 * kBlock, -1, false, false),
              ElementsAre(7, 6, 5));
  EXPECT_THAT(*NextBlocks(Blocks(MemoryHost()), 2 * kBlock, 0, false, false), ElementsAre(5, 4));
  EXPECT_THAT(*NextBlocks(Blocks(MemoryHost()), 2 * kBlock, -1, true, false), ElementsAre(9, 10));
  EXPECT_THAT(*NextBlocks(Blocks(MemoryHost()), 5 * kBlock, -1, false, true),
              ElementsAre(7, 6, 5, 4, 3));
}

TEST(NextBlocksTest, TooLittleNamesHowMuchThereIs) {
  const absl::Status offline =
      NextBlocks(Blocks(MemoryHost()), 5 * kBlock, -1, false, false).status();
  EXPECT_EQ(offline.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(offline), "TOO_LITTLE_MEMORY");
  EXPECT_EQ(ErrorMetadataValue(offline, "available_bytes"), std::to_string(4 * kBlock));
  EXPECT_THAT(std::string(offline.message()), HasSubstr("640Mi"));
  EXPECT_THAT(std::string(offline.message()), HasSubstr("only 512Mi of movable memory"));
  const absl::Status online = NextBlocks(Blocks(MemoryHost()), kBlock, 0, true, false).status();
  EXPECT_EQ(ErrorReason(online), "TOO_LITTLE_MEMORY");
  EXPECT_THAT(std::string(online.message()), HasSubstr("on node 0"));
  EXPECT_EQ(ErrorReason(NextBlocks(Blocks(MemoryHost()), UINT64_MAX, -1, false, false).status()),
            "TOO_LITTLE_MEMORY");
}

}  // namespace
}  // namespace hotplugger::agent
