// The filters of lists, for whoever has the things themselves: a watch tells of all.
#pragma once

#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/policy_service.pb.h"

namespace hotplugger::client {

// As the controller has it.
bool MatchesSelector(const v1::Selector& selector, const v1::Node& node);

// Whether the node is one that `filter` asks for, but for filter.policy, whose selector the caller
// knows.
bool MatchesFilter(const v1::NodeFilter& filter, const v1::Node& node);

// But for filter.node, of which the policy itself doesn't tell.
bool MatchesFilter(const v1::PolicyFilter& filter, const v1::Policy& policy);
bool MatchesFilter(const v1::HoldFilter& filter, const v1::Hold& hold);

}  // namespace hotplugger::client
