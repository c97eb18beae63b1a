// Which devices a count, a share or an amount means: pure, and the same every time.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/snapshot.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {

// Every present, hotpluggable CPU in the order in which it would be taken offline: secondary
// threads first, spread so that whole cores stay as long as can be; then first threads, core by
// core; a package is emptied only when each other package has one core left, the highest package
// first. Among equals the highest number first. CPUs that are fixed or in `keep` are left out.
// Depends on the topology alone, never on what is online, so that a count means the same CPUs at
// every pass.
std::vector<int> CpuOfflineOrder(const CpuSnapshot& cpus, const CpuSet& keep);

// The CPUs that must be offline so that `online_count` of those present stay online, `keep` among
// them. Fewer where not enough can be taken.
CpuSet CpusToPark(const CpuSnapshot& cpus, int online_count, const CpuSet& keep);

// The next `count` to take offline, or to bring online, from the state that is; threads that SMT
// forbids are none to bring online. FAILED_PRECONDITION (TOO_FEW_DEVICES) where there are fewer,
// naming how many there are.
absl::StatusOr<std::vector<int>> NextCpus(const CpuSnapshot& cpus, int count, bool online);

// Online blocks in the order in which they would be taken offline: movable ones from the highest
// down, then, with `kernel_zones`, those of kernel zones likewise. Blocks that can't go offline are
// left out. `node` < 0: all nodes.
std::vector<int> MemoryOfflineOrder(const MemoryBlocks& memory, int node, bool kernel_zones);

// The blocks for so many bytes, a multiple of the block size, from the state that is: offline by
// MemoryOfflineOrder, online from the lowest up. FAILED_PRECONDITION (TOO_LITTLE_MEMORY) where
// there is less, naming how much there is.
absl::StatusOr<std::vector<int>> NextBlocks(const MemoryBlocks& memory, uint64_t bytes, int node,
                                            bool online, bool kernel_zones);

}  // namespace hotplugger::agent
