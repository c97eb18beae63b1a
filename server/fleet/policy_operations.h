// What operators do with policies.
#pragma once

#include "absl/status/statusor.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "server/fleet/fleet_state.h"

namespace hotplugger::server {

// So many policies can be stored.
inline constexpr size_t kMaxPolicies = 1000;

// As policy_service.proto says. An answer is given when the change is durable and every known node
// is resolved anew; pushing is the caller's. On the engine's thread alone.
class PolicyOperations {
 public:
  explicit PolicyOperations(FleetState* state) : state_(state) {}

  // INVALID_ARGUMENT with every violation; FAILED_PRECONDITION: POLICY_CONFLICT names both policies
  // and a node, SPEC_TOO_LARGE a node; RESOURCE_EXHAUSTED: TOO_MANY_POLICIES.
  absl::StatusOr<v1::ApplyPolicyResponse> Apply(const v1::ApplyPolicyRequest& request);
  // NOT_FOUND: POLICY_NOT_FOUND, here and below.
  absl::StatusOr<v1::GetPolicyResponse> Get(const v1::GetPolicyRequest& request);
  absl::StatusOr<v1::ListPoliciesResponse> List(const v1::ListPoliciesRequest& request);
  absl::StatusOr<v1::DeletePolicyResponse> Delete(const v1::DeletePolicyRequest& request);

 private:
  FleetState* const state_;
};

// Of a policy that isn't stored.
absl::Status PolicyNotFound(const std::string& name);

}  // namespace hotplugger::server
