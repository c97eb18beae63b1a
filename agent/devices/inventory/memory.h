// The memory of the host: blocks, zones, what is left.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "common/cpu_list.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// What valid_zones says of an online block.
enum class BlockZone {
  // Offline, or the kernel doesn't say.
  kUnknown,
  // Several zones, several nodes, or a hole: it can't go offline.
  kNone,
  // DMA, DMA32, Normal, HighMem.
  kKernel,
  kMovable,
};

// One memory block (memoryN).
struct MemoryBlock {
  v1::DeviceState state = v1::DEVICE_STATE_UNSPECIFIED;
  // -1: the kernel doesn't say.
  int node = -1;
  // The zone it is in; kUnknown unless online.
  BlockZone zone = BlockZone::kUnknown;
  // The kernel's words, see v1::MemoryBlock.zones.
  std::vector<std::string> zones;
};

// All blocks by number; ids are sparse.
struct MemoryBlocks {
  uint64_t block_size_bytes = 0;
  std::map<int, MemoryBlock> blocks;
};

// What memory a NUMA node has online, by its use.
struct NodeMemory {
  uint64_t kernel_bytes = 0;
  uint64_t movable_bytes = 0;
};

// What the limits look at besides the blocks.
struct MemoryUse {
  // /proc/meminfo's MemTotal and MemAvailable.
  uint64_t total_bytes = 0;
  uint64_t available_bytes = 0;
  // By node, from /proc/zoneinfo: pages that zones manage.
  std::map<int, NodeMemory> nodes;
};

// Nothing where the kernel has no memory hotplug (no block_size_bytes).
absl::StatusOr<std::optional<MemoryBlocks>> ReadMemoryBlocks(const FileTree& tree);

// One block, or NOT_FOUND. Its node too.
absl::StatusOr<MemoryBlock> ReadMemoryBlock(const FileTree& tree, int block);

// Hexadecimal without a prefix, as the kernel writes it (kernel 3.1).
absl::StatusOr<uint64_t> ReadMemoryBlockSize(const FileTree& tree);

absl::StatusOr<MemoryUse> ReadMemoryUse(const FileTree& tree);

// Block numbers whose state is `state`.
NumberSet BlocksIn(const MemoryBlocks& memory, v1::DeviceState state);

}  // namespace hotplugger::agent
