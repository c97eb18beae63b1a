// Policies as text that policy_file.h reads back.
#pragma once

#include <string>

#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client {

// The policy as one document of a policy file, in one form for one content: the fields that are
// set, in the proto's order, maps sorted by key. What only the controller sets is left out; an etag
// is written where the policy has one. Ends in a line's end.
std::string FormatPolicy(const v1::Policy& policy);

}  // namespace hotplugger::client
