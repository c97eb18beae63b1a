// A walk through all nodes that holds up nobody.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// So many nodes are taken from the registry at a time: nobody else waits for it longer than these
// take.
inline constexpr size_t kPageNodes = 128;

// Calls `take` with the snapshot of each node in `scope`, in order of their names. A node that
// comes or goes meanwhile may be met or not; each is met once at most.
template <typename Take>
void ForEachNode(NodeRegistry* registry, NodeRegistry::Scope scope, Take take) {
  std::string last;
  for (bool more = true; more;) {
    const std::vector<NodeSnapshot> page = registry->SnapshotAfter(last, kPageNodes, scope);
    for (const NodeSnapshot& node : page) take(node);
    more = page.size() == kPageNodes;
    if (more) last = page.back().name;
  }
}

}  // namespace hotplugger::server
