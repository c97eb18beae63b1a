// The CPUs of the host, as the kernel shows them now.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {

// The kernel's masks. The truth about what is online: cpuN/online can be stale (kernel 0, fact 6).
struct CpuMasks {
  CpuSet possible;
  CpuSet present;
  CpuSet online;
  // Off the scheduler's domains: isolcpus= and isolated cpuset partitions.
  CpuSet isolated;
  // Without a regular tick; empty where the kernel has none ("(null)", or no such file).
  CpuSet nohz_full;
};

// CPUs that somebody has to itself.
struct ExclusiveCpus {
  // For a message: "cgroup /system.slice/dpdk.service", "kubelet container POD/NAME".
  std::string owner;
  CpuSet cpus;
};

// Reads the masks below sys/devices/system/cpu. `present` and `online` must be there.
absl::StatusOr<CpuMasks> ReadCpuMasks(const FileTree& tree);

// The mask of the CPUs online alone.
absl::StatusOr<CpuSet> ReadOnlineCpus(const FileTree& tree);

// Whether the CPU has an `online` file; its absence is the normal sign of a CPU that must stay
// (kernel 2.4).
absl::StatusOr<bool> IsCpuHotpluggable(const FileTree& tree, int cpu);

// What cpuN/online itself says; NOT_FOUND where there is none.
absl::StatusOr<bool> ReadCpuOnlineFile(const FileTree& tree, int cpu);

// CPUs in cgroup v2 partitions and in kubelet's static allocations: see cpu_partitions.h and
// kubelet_state.h. Nothing where there is neither cgroup v2 nor kubelet.
absl::StatusOr<std::vector<ExclusiveCpus>> ReadExclusiveCpus(const FileTree& tree);

}  // namespace hotplugger::agent
