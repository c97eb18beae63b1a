// What is printed once a policy is stored, or would be.
#pragma once

#include <string>

#include "client/commands/fleet/change_options.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client::fleet {

// "policy/a applied (revision 3, matches 1 node) (dry run)": `what` is the word in the middle.
std::string StoredLine(const v1::Policy& policy, int matched_nodes, const std::string& what,
                       const ChangeOptions& options);

}  // namespace hotplugger::client::fleet
