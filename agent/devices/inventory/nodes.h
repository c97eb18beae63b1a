// The folder of NUMA nodes.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

inline constexpr char kNodeFolder[] = "sys/devices/system/node";

// Numbers of the nodes, ascending; none where the kernel has no nodes. `nodes` is kNodeFolder.
absl::StatusOr<std::vector<int>> ListNodes(const FileTree& nodes);

}  // namespace hotplugger::agent
