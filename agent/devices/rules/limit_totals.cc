#include "agent/devices/rules/limit_totals.h"

namespace hotplugger::agent {

CpuTotals::CpuTotals(const CpuSnapshot& cpus) {
  for (const int cpu : cpus.masks.online) Count(cpus, cpu, true);
}

void CpuTotals::Count(const CpuSnapshot& cpus, int cpu, bool is_online) {
  const int change = is_online ? 1 : -1;
  online += change;
  if (IsHousekeeping(cpus.masks, cpu)) housekeeping += change;
  of_node[cpus.topology.NodeOf(cpu)] += change;
  of_package[cpus.topology.PackageOf(cpu)] += change;
}

MemoryTotals::MemoryTotals(const MemoryBlocks& memory)
    : present(memory.blocks.size() * memory.block_size_bytes) {
  for (const auto& [number, block] : memory.blocks) {
    if (block.state == v1::DEVICE_STATE_ONLINE) Count(memory, block, true);
  }
}

void MemoryTotals::Count(const MemoryBlocks& memory, const MemoryBlock& block, bool is_online) {
  const uint64_t size = memory.block_size_bytes;
  if (is_online) {
    online += size;
    online_of_node[block.node] += size;
  } else {
    online -= size;
    online_of_node[block.node] -= size;
  }
}

bool IsHousekeeping(const CpuMasks& masks, int cpu) {
  return masks.isolated.count(cpu) == 0 && masks.nohz_full.count(cpu) == 0;
}

}  // namespace hotplugger::agent
