// CPUs that a cgroup v2 cpuset partition has to itself.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/cpu.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

// The most cgroups that are looked at.
inline constexpr size_t kMaxCgroups = 10'000;

// One a partition that is in force (kernel 8, row 6), by path; those that the kernel calls invalid
// have no CPUs to themselves. Nothing where there is no cgroup v2. RESOURCE_EXHAUSTED
// (TOO_MANY_CGROUPS) beyond `max_cgroups`; only those below a cgroup that hands out CPUs count.
absl::StatusOr<std::vector<ExclusiveCpus>> ReadCpuPartitions(const FileTree& tree,
                                                             size_t max_cgroups = kMaxCgroups);

}  // namespace hotplugger::agent
