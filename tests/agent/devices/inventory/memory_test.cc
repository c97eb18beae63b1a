#include "agent/devices/inventory/memory.h"

#include <unistd.h>

#include <utility>

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MemoryTest : public testing::TreeTest {
 protected:
  MemoryTest() { Memory("block_size_bytes", "8000000\n"); }

  void Memory(const std::string& name, const std::string& content) {
    dir_.Write("sys/devices/system/memory/" + name, content);
  }
  void Block(int number, const std::string& state, const std::string& zones) {
    const std::string folder = "memory" + std::to_string(number);
    Memory(folder + "/state", state + "\n");
    Memory(folder + "/valid_zones", zones + "\n");
  }
  void Node(int node, int block) {
    const std::string name = "memory" + std::to_string(block);
    Link("sys/devices/system/node/node" + std::to_string(node) + "/" + name,
         "../../memory/" + name);
  }
};

TEST_F(MemoryTest, ReadsBlocks) {
  Block(0, "online", "none");
  Block(2, "online", "Normal");
  Block(10, "online", "Movable");
  Block(33554431, "offline", "Normal Movable");
  Block(7, "going-offline", "Movable Normal");
  Memory("auto_online_blocks", "offline\n");
  Memory("memory_of_another_kind/state", "x\n");
  Node(0, 0);
  Node(1, 2);
  Node(3, 33554431);
  Node(12, 2);  // a block of two nodes
  const MemoryBlocks memory = **ReadMemoryBlocks(*tree_);
  EXPECT_EQ(memory.block_size_bytes, uint64_t{128} << 20);
  ASSERT_EQ(BlocksIn(memory, v1::DEVICE_STATE_ONLINE), (NumberSet{0, 2, 10}));
  ASSERT_EQ(BlocksIn(memory, v1::DEVICE_STATE_OFFLINE), NumberSet{33554431});
  ASSERT_EQ(BlocksIn(memory, v1::DEVICE_STATE_GOING_OFFLINE), NumberSet{7});
  EXPECT_EQ(memory.blocks.at(0).zone, BlockZone::kNone);
  EXPECT_THAT(memory.blocks.at(0).zones, IsEmpty());
  EXPECT_EQ(memory.blocks.at(2).zone, BlockZone::kKernel);
  EXPECT_EQ(memory.blocks.at(10).zone, BlockZone::kMovable);
  EXPECT_THAT(memory.blocks.at(10).zones, ElementsAre("Movable"));
  EXPECT_EQ(memory.blocks.at(33554431).zone, BlockZone::kUnknown);
  EXPECT_THAT(memory.blocks.at(33554431).zones, ElementsAre("Normal", "Movable"));
  EXPECT_EQ(memory.blocks.at(0).node, 0);
  EXPECT_EQ(memory.blocks.at(2).node, 1);
  EXPECT_EQ(memory.blocks.at(33554431).node, 3);
  EXPECT_EQ(memory.blocks.at(10).node, -1);
}

TEST_F(MemoryTest, OneBlockReadsAsAmongAll) {
  Block(2, "online", "DMA32");
  Block(3, "offline", "Movable");
  Node(1, 2);
  Node(12, 2);
  const MemoryBlocks all = **ReadMemoryBlocks(*tree_);
  for (const int number : {2, 3}) {
    const MemoryBlock one = *ReadMemoryBlock(*tree_, number);
    const MemoryBlock& same = all.blocks.at(number);
    EXPECT_EQ(one.state, same.state);
    EXPECT_EQ(one.zone, same.zone);
    EXPECT_EQ(one.zones, same.zones);
    EXPECT_EQ(one.node, same.node);
  }
  EXPECT_EQ(ReadMemoryBlock(*tree_, 4).status().code(), absl::StatusCode::kNotFound);
}

// Without CONFIG_MEMORY_HOTREMOVE there is no such file.
TEST_F(MemoryTest, ABlockWithoutValidZones) {
  Memory("memory1/state", "online\n");
  const MemoryBlock block = *ReadMemoryBlock(*tree_, 1);
  EXPECT_EQ(block.zone, BlockZone::kUnknown);
  EXPECT_THAT(block.zones, IsEmpty());
}

TEST_F(MemoryTest, KernelWithoutMemoryHotplug) {
  dir_.Remove("sys/devices/system/memory");
  EXPECT_EQ(ReadMemoryBlocks(*tree_)->has_value(), false);
  EXPECT_EQ(ReadMemoryBlockSize(*tree_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadMemoryBlock(*tree_, 0).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(MemoryTest, BlockSizeIsHexadecimalWithoutAPrefix) {
  const std::pair<const char*, uint64_t> sizes[] = {
      {"8000000\n", 0x8000000}, {"80000000", 0x80000000}, {"ffffffffffffffff\n", UINT64_MAX}};
  for (const auto& [text, size] : sizes) {
    Memory("block_size_bytes", text);
    EXPECT_EQ(*ReadMemoryBlockSize(*tree_), size);
  }
  for (const char* garbage : {"0x8000000", "", "0", "-8", "8g", "10000000000000000", " 8"}) {
    Memory("block_size_bytes", garbage);
    ExpectBadAnswer(ReadMemoryBlocks(*tree_).status(), "sys/devices/system/memory/block_size_bytes",
                    garbage);
  }
}

TEST_F(MemoryTest, GarbageNamesTheFileAndTheValue) {
  struct Case {
    const char* state;
    const char* zones;
    const char* file;
    const char* value;
  };
  for (const Case& c :
       {Case{"Online", "Normal", "state", "Online"},
        Case{"online_movable", "Normal", "state", "_m"}, Case{"", "Normal", "state", "\"\""},
        Case{"ERROR-UNKNOWN-6", "Normal", "state", "-6"},
        Case{"online", "Fast", "valid_zones", "Fast"}, Case{"online", "", "valid_zones", "\"\""},
        Case{"offline", "Normal  Movable", "valid_zones", "Normal  Movable"},
        // Not a change between two reads: it stays so.
        Case{"online", "Normal Movable", "valid_zones", "several zones"}}) {
    Block(5, c.state, c.zones);
    SCOPED_TRACE(std::string(c.state) + " " + c.zones);
    ExpectBadAnswer(ReadMemoryBlocks(*tree_).status(),
                    std::string("sys/devices/system/memory/memory5/") + c.file, c.value);
  }
}

class MemoryUseTest : public testing::TreeTest {
 protected:
  MemoryUseTest() {
    Meminfo("MemTotal:       16303428 kB\nMemFree:  5 kB\nMemAvailable:   12345678 kB\nX: 3\n");
    Zoneinfo(
        "Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 7\n  pages free     3840\n"
        "        boost    0\n        managed  3840\n  pagesets\n    cpu: 0\n"
        "Node 0, zone   Normal\n        managed  1000\n"
        "Node 0, zone  Movable\n        managed  0\n"
        "Node 3, zone  Movable\n        managed  500\n");
  }
  void Meminfo(const std::string& content) { dir_.Write("proc/meminfo", content); }
  void Zoneinfo(const std::string& content) { dir_.Write("proc/zoneinfo", content); }
};

TEST_F(MemoryUseTest, ReadsTotalsAndZones) {
  const MemoryUse use = *ReadMemoryUse(*tree_);
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(use.total_bytes, uint64_t{16303428} * 1024);
  EXPECT_EQ(use.available_bytes, uint64_t{12345678} * 1024);
  ASSERT_EQ(use.nodes.size(), 2u);
  EXPECT_EQ(use.nodes.at(0).kernel_bytes, 4840 * page);
  EXPECT_EQ(use.nodes.at(0).movable_bytes, 0u);
  EXPECT_EQ(use.nodes.at(3).kernel_bytes, 0u);
  EXPECT_EQ(use.nodes.at(3).movable_bytes, 500 * page);
}

TEST_F(MemoryUseTest, BadMeminfo) {
  for (const char* garbage :
       {"MemTotal: 1 kB\n", "MemAvailable: 1 kB\n", "", "MemTotal: 1 kB\nMemAvailable: -1 kB\n",
        "MemTotal: 1 kB\nMemAvailable: 1 MB\n", "MemTotal: 1\nMemAvailable: 1 kB\n",
        "MemTotal: 18014398509481984 kB\nMemAvailable: 1 kB\n"}) {
    Meminfo(garbage);
    ExpectBadAnswer(ReadMemoryUse(*tree_).status(), "proc/meminfo", "");
  }
}

TEST_F(MemoryUseTest, BadZoneinfo) {
  for (const char* garbage :
       {"", "        managed  5\n", "Node x, zone DMA\n        managed  5\n", "Node 0, zone\n",
        "Node 0, zone DMA\n  managed  5x\n", "Node 0, zone DMA\n  managed  -5\n",
        "Node 0, zone DMA\n  managed  5\n  managed  5\n"}) {
    Zoneinfo(garbage);
    ExpectBadAnswer(ReadMemoryUse(*tree_).status(), "proc/zoneinfo", "");
  }
}

// On hosts of many CPUs and nodes the file has megabytes.
TEST_F(MemoryUseTest, ZoneinfoMayBeLong) {
  std::string content = "Node 0, zone   Normal\n        managed  1000\n";
  while (content.size() < 2 * FileTree::kMaxFileBytes) content += "    cpu: 17\n  count: 12\n";
  Zoneinfo(content + "Node 1, zone   Normal\n        managed  7\n");
  EXPECT_EQ(ReadMemoryUse(*tree_)->nodes.size(), 2u);
}

}  // namespace
}  // namespace hotplugger::agent
