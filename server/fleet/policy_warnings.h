// What a person should know of a policy though it is no error.
#pragma once

#include <string>
#include <vector>

#include "hotplugger/v1/policy.pb.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// `known`: all nodes; `matched`: those that the policy's selector matches. A selector without
// matches; what matched nodes lack or can't do: CPUs and blocks that are absent or stay online,
// fewer CPUs or less memory than asked for, no SMT, no memory hotplug, drivers. REQUIRES: the
// policy is valid.
std::vector<std::string> FindPolicyWarnings(const v1::Policy& policy,
                                            const std::vector<NodeSnapshot>& known,
                                            const std::vector<NodeSnapshot>& matched);

}  // namespace hotplugger::server
