// What has happened to a node, seen from what was known of it before and after.
#pragma once

#include <string>
#include <vector>

#include "server/fleet/event_types.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// "nodes/NAME".
std::string NodeResource(const std::string& name);

// "spec 0123456789ab": enough of the digest for a person to tell specs apart.
std::string SpecName(const std::string& digest);

// A report that says the same once more is no event, nor is what the node says of a spec that it
// had applied before it connected. `before` may be of no node at all.
std::vector<NewEvent> FindNodeEvents(const NodeSnapshot& before, const NodeSnapshot& after);

}  // namespace hotplugger::server
