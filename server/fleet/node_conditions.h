// What is the matter with a node as a whole, whoever says so.
#pragma once

#include <map>
#include <string>

#include "hotplugger/v1/node.pb.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// By type: the inventory's and what the controller has found, whose word counts where both have
// one.
std::map<std::string, v1::NodeCondition> ConditionsOf(const NodeSnapshot& node);

}  // namespace hotplugger::server
