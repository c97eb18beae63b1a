// Lists that come in pages, whole.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/fleet_client.h"

namespace hotplugger::client {

// Every node that `request` asks for, as one answer; its page size and token are ignored. A list
// whose pages never end is INTERNAL.
absl::StatusOr<v1::ListNodesResponse> ListAllNodes(FleetClient& fleet,
                                                   v1::ListNodesRequest request);
absl::StatusOr<v1::ListPoliciesResponse> ListAllPolicies(FleetClient& fleet,
                                                         const v1::PolicyFilter& filter);
absl::StatusOr<v1::ListPolicyRevisionsResponse> ListAllRevisions(FleetClient& fleet,
                                                                 const std::string& policy);
absl::StatusOr<v1::ListHoldsResponse> ListAllHolds(FleetClient& fleet,
                                                   const v1::HoldFilter& filter);

}  // namespace hotplugger::client
