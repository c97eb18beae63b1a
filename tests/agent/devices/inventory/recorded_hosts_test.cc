// Every parser on every host in tests/testdata/hosts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/devices/inventory/device_reader.h"
#include "tests/fakes/recorded_host.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using testing::RecordedHost;
using testing::RecordedHostNames;

// A recorded host and all that was read of it.
class ReadHost {
 public:
  explicit ReadHost(const std::string& name) : host_(name) {
    const absl::StatusOr<Snapshot> snapshot = reader_.ReadAll();
    EXPECT_TRUE(snapshot.ok()) << snapshot.status();
    if (snapshot.ok()) snapshot_ = *snapshot;
  }

  const Snapshot& operator*() const { return snapshot_; }
  const Snapshot* operator->() const { return &snapshot_; }
  const FileTree& tree() const { return *tree_; }

 private:
  const RecordedHost host_;
  const std::unique_ptr<FileTree> tree_ = *FileTree::Open(host_.root());
  DeviceReader reader_{*tree_, "boot", {}};
  Snapshot snapshot_;
};

class RecordedHostsTest : public ::testing::TestWithParam<std::string> {};

// What holds on every host, whatever it is.
TEST_P(RecordedHostsTest, ReadsWhole) {
  const ReadHost host(GetParam());
  const CpuSnapshot& cpus = host->cpus;
  ASSERT_FALSE(cpus.masks.online.empty());
  for (const int cpu : cpus.masks.online) {
    EXPECT_EQ(cpus.masks.present.count(cpu), 1u) << cpu;
    EXPECT_NE(cpus.topology.Find(cpu), nullptr) << cpu;
  }
  for (const int cpu : cpus.hotpluggable) {
    EXPECT_EQ(*ReadCpuOnlineFile(host.tree(), cpu), cpus.masks.online.count(cpu) > 0) << cpu;
  }
  if (host->memory.has_value()) {
    EXPECT_GE(host->memory->blocks.block_size_bytes, uint64_t{1} << 20);
    EXPECT_FALSE(host->memory->blocks.blocks.empty());
  }
  const MemoryUse use = *ReadMemoryUse(host.tree());
  EXPECT_LE(use.available_bytes, use.total_bytes);
  uint64_t managed = 0;
  for (const auto& [node, memory] : use.nodes)
    managed += memory.kernel_bytes + memory.movable_bytes;
  EXPECT_GE(managed, use.total_bytes / 2);
  for (const GenericDevice& device : host->generic) {
    EXPECT_EQ(*ReadGenericDevice(host.tree(), device.bus, device.name), device);
    EXPECT_TRUE(FindOnlineDescendants(host.tree(), device.bus, device.name).ok());
  }
}

TEST_P(RecordedHostsTest, ReadsTheSameTwice) {
  const ReadHost first(GetParam());
  const ReadHost second(GetParam());
  EXPECT_EQ(InventoryDigest(*first), InventoryDigest(*second));
  EXPECT_EQ(ToDevices(*first).size(), ToDevices(*second).size());
}

INSTANTIATE_TEST_SUITE_P(All, RecordedHostsTest, ::testing::ValuesIn(RecordedHostNames()),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(RecordedHostTest, TwoSocketsWithSmt) {
  const ReadHost host("two-sockets-smt");
  const CpuSnapshot& cpus = host->cpus;
  EXPECT_EQ(cpus.masks.possible.size(), 16u);
  EXPECT_EQ(cpus.masks.online, (CpuSet{0, 1, 2, 3, 4, 6, 7}));
  EXPECT_EQ(cpus.hotpluggable, (CpuSet{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(cpus.smt.control(), v1::SMT_CONTROL_ON);
  EXPECT_EQ(cpus.topology.Find(5), nullptr);
  // Core 0 of the first socket is not core 0 of the second.
  EXPECT_EQ(cpus.topology.CoreCpus(0), (CpuSet{0, 4}));
  EXPECT_EQ(cpus.topology.CoreCpus(2), (CpuSet{2, 6}));
  EXPECT_EQ(cpus.topology.CoreCpus(1), CpuSet{1});
  EXPECT_TRUE(cpus.topology.IsSecondaryThread(6));
  EXPECT_EQ(cpus.topology.NodeOf(3), 1);
  EXPECT_EQ(cpus.topology.Find(0)->ppin(), "2b9a0e4d1c3f5a77");
  EXPECT_THAT(host->generic, ElementsAre(GenericDevice{"container", "PNP0A06:00", true},
                                         GenericDevice{"container", "PNP0A06:01", false}));
  EXPECT_EQ(host->memory->blocks.blocks.at(66).node, 1);
  EXPECT_EQ(host->memory->use.nodes.at(0).movable_bytes,
            host->memory->use.nodes.at(1).kernel_bytes);
}

TEST(RecordedHostTest, NohzFullThatIsNotUsed) {
  const ReadHost host("nohz-full-null");
  EXPECT_TRUE(host->cpus.masks.nohz_full.empty());
  EXPECT_EQ(host->cpus.masks.isolated, (CpuSet{2, 3}));
  EXPECT_EQ(host->cpus.hotpluggable.size(), 4u);
  EXPECT_FALSE(host->memory.has_value());
  EXPECT_EQ(host->cpus.topology.PackageOf(0), -1);
  EXPECT_EQ(host->cpus.topology.NodeOf(0), -1);
}

TEST(RecordedHostTest, EightNodes) {
  const ReadHost host("eight-nodes");
  const MemoryBlocks& memory = host->memory->blocks;
  ASSERT_EQ(memory.blocks.size(), 16u);
  for (const auto& [number, block] : memory.blocks) EXPECT_EQ(block.node, number / 512) << number;
  EXPECT_EQ(memory.blocks.at(0).zone, BlockZone::kNone);
  EXPECT_EQ(memory.blocks.at(512).zone, BlockZone::kUnknown);
  EXPECT_EQ(BlocksIn(memory, v1::DEVICE_STATE_OFFLINE), NumberSet{2561});
  EXPECT_EQ(BlocksIn(memory, v1::DEVICE_STATE_GOING_OFFLINE), NumberSet{3585});
  EXPECT_EQ(host->memory->use.nodes.at(7).kernel_bytes, 0u);
}

}  // namespace
}  // namespace hotplugger::agent
