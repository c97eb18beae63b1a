// What this host would do of a spec: reads what the plan needs.
#pragma once

#include "absl/status/statusor.h"
#include "agent/reconcile/host.h"
#include "hotplugger/v1/operation.pb.h"

namespace hotplugger::agent {

// On the operation queue's thread; changes nothing. INVALID_ARGUMENT (BAD_SPEC) with everything for
// which the agent would refuse the spec, also that it was given up.
absl::StatusOr<v1::PlanSpecResponse> PlanSpecOn(Host& host, const v1::PlanSpecRequest& request);

}  // namespace hotplugger::agent
