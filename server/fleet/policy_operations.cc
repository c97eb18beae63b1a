#include "server/fleet/policy_operations.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/fleet/pagination.h"
#include "server/fleet/policy_warnings.h"
#include "server/fleet/timestamps.h"
#include "server/policy/normalize.h"
#include "server/policy/policy_validator.h"

namespace hotplugger::server {
namespace {

// What the controller itself sets.
v1::Policy WithoutOutput(v1::Policy policy) {
  policy.clear_revision();
  policy.clear_update_time();
  return policy;
}

// A node that a change touches, and what it is to be then.
struct Affected {
  std::string node;
  std::shared_ptr<const Resolution> resolution;
};

absl::Status CheckResolution(const std::string& policy, const Affected& affected) {
  for (const PolicyConflict& conflict : affected.resolution->conflicts) {
    if (conflict.winner != policy && conflict.loser != policy) continue;
    const std::string& other = conflict.winner == policy ? conflict.loser : conflict.winner;
    return MakeError(absl::StatusCode::kFailedPrecondition, "POLICY_CONFLICT",
                     absl::StrCat("policy ", policy, " conflicts with policy ", other, " on node ",
                                  affected.node, ": ", conflict.message,
                                  "; change a priority, a selector or the setting. Nothing was "
                                  "stored"),
                     {{"policy", policy},
                      {"other_policy", other},
                      {"setting", conflict.setting},
                      {"node", affected.node}});
  }
  const std::string problem = FindSpecSizeProblem(*affected.resolution);
  if (!problem.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "SPEC_TOO_LARGE",
                     absl::StrCat("with policy ", policy, " the spec of node ", affected.node,
                                  " would be too large: ", problem, ". Nothing was stored"),
                     {{"policy", policy}, {"node", affected.node}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PolicyNotFound(const std::string& name) {
  return MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND",
                   absl::StrCat("there is no policy \"", name.substr(0, 80),
                                "\"; `hotplugctl get policies` lists those there are"),
                   {{"policy", name.substr(0, 80)}});
}

absl::StatusOr<v1::ApplyPolicyResponse> PolicyOperations::Apply(
    const v1::ApplyPolicyRequest& request) {
  RETURN_IF_ERROR(MakeFieldErrors(ValidatePolicy(request.policy())));
  v1::Policy policy = WithoutOutput(request.policy());
  NormalizePolicy(&policy);

  const auto stored = state_->policies().find(policy.name());
  const v1::Policy* const old =
      stored == state_->policies().end() ? nullptr : &stored->second.message;
  const bool changed = old == nullptr || !google::protobuf::util::MessageDifferencer::Equals(
                                             WithoutOutput(*old), policy);
  if (old == nullptr && state_->policies().size() >= kMaxPolicies) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_POLICIES",
                     absl::StrCat("there are ", kMaxPolicies,
                                  " policies, the limit; delete one that isn't needed"));
  }

  const std::vector<NodeSnapshot> known = state_->registry()->Snapshot();
  std::vector<NodeSnapshot> matched;
  std::vector<Affected> affected;
  for (const NodeSnapshot& node : known) {
    const bool matches = Matches(policy.selector(), node.name, node.identity->labels);
    const bool matched_before =
        old != nullptr && Matches(old->selector(), node.name, node.identity->labels);
    if (matches) matched.push_back(node);
    if (!changed || !(matches || matched_before)) continue;
    affected.push_back({node.name, state_->Resolve(node, &policy)});
    if (matches) RETURN_IF_ERROR(CheckResolution(policy.name(), affected.back()));
  }

  v1::ApplyPolicyResponse response;
  response.set_changed(changed);
  response.set_matched_nodes(static_cast<int32_t>(matched.size()));
  for (std::string& warning : FindPolicyWarnings(policy, known, matched)) {
    *response.add_warnings() = std::move(warning);
  }
  if (changed) {
    policy.set_revision(old == nullptr ? 1 : old->revision() + 1);
    SetTimestamp(state_->clock()->Now(), policy.mutable_update_time());
    if (!request.validate_only()) {
      RETURN_IF_ERROR(state_->PutPolicy(policy));
      for (Affected& node : affected) {
        state_->registry()->SetDesired(node.node, std::move(node.resolution));
      }
      Log(LogLevel::kInfo, "policy applied",
          {{"policy", policy.name()}, {"revision", absl::StrCat(policy.revision())}});
    }
    *response.mutable_policy() = std::move(policy);
  } else {
    *response.mutable_policy() = *old;
  }
  return response;
}

absl::StatusOr<v1::GetPolicyResponse> PolicyOperations::Get(const v1::GetPolicyRequest& request) {
  const auto it = state_->policies().find(request.name());
  if (it == state_->policies().end()) return PolicyNotFound(request.name());
  v1::GetPolicyResponse response;
  *response.mutable_policy() = it->second.message;
  return response;
}

absl::StatusOr<v1::ListPoliciesResponse> PolicyOperations::List(
    const v1::ListPoliciesRequest& request) {
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token()));
  v1::ListPoliciesResponse response;
  for (auto it = state_->policies().upper_bound(page.start_after()); it != state_->policies().end();
       ++it) {
    if (!page.Take(it->second.message.ByteSizeLong())) {
      response.set_next_page_token(Page::TokenAfter(std::prev(it)->first));
      break;
    }
    *response.add_policies() = it->second.message;
  }
  return response;
}

absl::StatusOr<v1::DeletePolicyResponse> PolicyOperations::Delete(
    const v1::DeletePolicyRequest& request) {
  const auto it = state_->policies().find(request.name());
  if (it == state_->policies().end()) return PolicyNotFound(request.name());
  v1::DeletePolicyResponse response;
  *response.mutable_policy() = it->second.message;
  RETURN_IF_ERROR(state_->ErasePolicy(request.name()));
  for (const NodeSnapshot& node : state_->registry()->Snapshot()) {
    if (Matches(response.policy().selector(), node.name, node.identity->labels)) {
      state_->UpdateDesired(node);
    }
  }
  Log(LogLevel::kInfo, "policy deleted", {{"policy", request.name()}});
  return response;
}

}  // namespace hotplugger::server
