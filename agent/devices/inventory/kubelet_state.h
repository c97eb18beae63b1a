// CPUs that kubelet's static CPU manager has given to containers.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/devices/inventory/cpu.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

// Reads var/lib/kubelet/cpu_manager_state; one a container. Nothing where there is no such file.
absl::StatusOr<std::vector<ExclusiveCpus>> ReadKubeletCpus(const FileTree& tree);

// The same of the file's content, JSON: {"policyName", "entries": {POD: {CONTAINER: CPULIST}}};
// before Kubernetes 1.18 {CONTAINER: CPULIST}. Nothing with the policy "none". FAILED_PRECONDITION
// (BAD_CPU_MANAGER_STATE) names `place`, the file, and what is wrong.
absl::StatusOr<std::vector<ExclusiveCpus>> ParseCpuManagerState(absl::string_view json,
                                                                absl::string_view place);

}  // namespace hotplugger::agent
