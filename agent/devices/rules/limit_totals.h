// What the limits count, over all CPUs and all memory blocks: kept by who plans many changes in a
// row, since counting anew for each would take minutes on a large host.
#pragma once

#include <cstdint>
#include <map>

#include "absl/status/status.h"
#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/safety_limits.h"

namespace hotplugger::agent {

// Of the CPUs online.
struct CpuTotals {
  CpuTotals() = default;
  explicit CpuTotals(const CpuSnapshot& cpus);

  // Counts a CPU in that has come online, or out that has gone.
  void Count(const CpuSnapshot& cpus, int cpu, bool online);

  int online = 0;
  // Neither isolated nor nohz_full.
  int housekeeping = 0;
  // -1: those whose node or package isn't known.
  std::map<int, int> of_node;
  std::map<int, int> of_package;
};

// In bytes.
struct MemoryTotals {
  MemoryTotals() = default;
  explicit MemoryTotals(const MemoryBlocks& memory);

  // Counts a block in that has come online, or out that has gone.
  void Count(const MemoryBlocks& memory, const MemoryBlock& block, bool online);

  uint64_t present = 0;
  uint64_t online = 0;
  std::map<int, uint64_t> online_of_node;
};

// Whether the CPU is neither isolated nor nohz_full.
bool IsHousekeeping(const CpuMasks& masks, int cpu);

// The functions of safety_limits.h, with totals of the same snapshot.
absl::Status CheckCpusOffline(const SafetyLimits& limits, const CpuSnapshot& cpus,
                              const CpuTotals& totals, const CpuSet& gone);
absl::Status CheckMemoryOffline(const SafetyLimits& limits, const MemorySnapshot& memory,
                                const MemoryTotals& totals, int block);

}  // namespace hotplugger::agent
