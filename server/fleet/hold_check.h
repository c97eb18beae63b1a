// Whether a hold can work on its node, as far as the node's inventory tells.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "hotplugger/v1/policy.pb.h"
#include "server/fleet/node_registry.h"
#include "server/policy/subject.h"

namespace hotplugger::server {

// NOT_FOUND: DEVICE_NOT_FOUND, DRIVER_NOT_REGISTERED. FAILED_PRECONDITION: NOT_HOTPLUGGABLE,
// LAST_ONLINE_CPU. Ok where the node has not said what it has.
absl::Status CheckHold(const v1::Hold& hold, const Subject& subject, const NodeSnapshot& node);

// What a person should know of the hold though it is no error.
std::vector<std::string> FindHoldWarnings(const v1::Hold& hold, const Subject& subject,
                                          const NodeSnapshot& node);

}  // namespace hotplugger::server
