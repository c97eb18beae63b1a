// Conditions on the nodes of a list.
#pragma once

#include "hotplugger/v1/fleet_service.pb.h"
#include "server/fleet/node_registry.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

// Every problem of a filter that stands in the field `filter`.
void CheckFilter(const v1::NodeFilter& filter, Violations* violations);

// Whether all of the filter's conditions hold. `of_policy` is the selector of the policy that it
// names; null: it names none. REQUIRES: the filter is valid.
bool MeetsFilter(const NodeSnapshot& node, const v1::NodeFilter& filter,
                 const v1::Selector* of_policy);

}  // namespace hotplugger::server
