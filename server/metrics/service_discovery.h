// The agents that serve /metrics, as Prometheus's HTTP service discovery wants them.
#pragma once

#include <string>

#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// The JSON of /sd: every known node with an address of its metrics, connected or not, by name.
// Always valid, whatever nodes say.
std::string DiscoverAgents(NodeRegistry* registry);

}  // namespace hotplugger::server
