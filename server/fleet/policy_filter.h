// Conditions on the policies and holds of a list.
#pragma once

#include "hotplugger/v1/policy_service.pb.h"
#include "server/fleet/node_registry.h"
#include "server/policy/violations.h"

namespace hotplugger::server {

// Every problem of a filter that stands in the field `filter`.
void CheckFilter(const v1::PolicyFilter& filter, Violations* violations);
void CheckFilter(const v1::HoldFilter& filter, Violations* violations);

// Whether all of the filter's conditions hold. `node` is the one that it names; null: it names
// none. REQUIRES: the filter is valid, here and below.
bool MeetsFilter(const v1::Policy& policy, const v1::PolicyFilter& filter,
                 const NodeSnapshot* node);

bool MeetsFilter(const v1::Hold& hold, const v1::HoldFilter& filter);

}  // namespace hotplugger::server
