// What operators do with policies.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "server/fleet/change.h"
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
  // and a node, SPEC_TOO_LARGE a node; ABORTED: ETAG_MISMATCH; RESOURCE_EXHAUSTED:
  // TOO_MANY_POLICIES.
  absl::StatusOr<v1::ApplyPolicyResponse> Apply(const v1::ApplyPolicyRequest& request,
                                                Change* change);
  // NOT_FOUND: POLICY_NOT_FOUND, here and below; REVISION_NOT_FOUND.
  absl::StatusOr<v1::GetPolicyResponse> Get(const v1::GetPolicyRequest& request);
  absl::StatusOr<v1::ListPoliciesResponse> List(const v1::ListPoliciesRequest& request);
  absl::StatusOr<v1::ListPolicyRevisionsResponse> ListRevisions(
      const v1::ListPolicyRevisionsRequest& request);
  // As Apply; NOT_FOUND: REVISION_NOT_FOUND; FAILED_PRECONDITION: NO_EARLIER_REVISION.
  absl::StatusOr<v1::RollbackPolicyResponse> Rollback(const v1::RollbackPolicyRequest& request,
                                                      Change* change);
  absl::StatusOr<v1::DeletePolicyResponse> Delete(const v1::DeletePolicyRequest& request,
                                                  Change* change);

 private:
  // The policy in place of the stored one, or of none; with what the answer says of it. `Response`
  // is ApplyPolicyResponse or RollbackPolicyResponse.
  template <typename Response>
  absl::StatusOr<Response> Put(v1::Policy policy, bool validate_only, Change* change);

  const v1::Policy* Find(const std::string& name) const;
  absl::StatusOr<const v1::Policy*> FindRevision(const v1::Policy& current, int64_t revision) const;

  FleetState* const state_;
};

// Of a policy that isn't stored.
absl::Status PolicyNotFound(const std::string& name);

// "policies/NAME".
std::string PolicyResource(const std::string& name);

}  // namespace hotplugger::server
