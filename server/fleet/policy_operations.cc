#include "server/fleet/policy_operations.h"

#include <iterator>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status_macros.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/fleet/etag.h"
#include "server/fleet/pagination.h"
#include "server/fleet/policy_filter.h"
#include "server/fleet/policy_warnings.h"
#include "server/fleet/request_check.h"
#include "server/policy/normalize.h"
#include "server/policy/policy_validator.h"

namespace hotplugger::server {
namespace {

// What the controller itself sets.
v1::Policy WithoutOutput(v1::Policy policy) {
  policy.clear_revision();
  policy.clear_update_time();
  policy.clear_etag();
  return policy;
}

// What `policy` changes, in a line.
std::string Summary(const v1::Policy* old, const v1::Policy& policy) {
  const std::string revision = absl::StrCat("revision ", policy.revision(), ": ");
  if (old == nullptr) return absl::StrCat(revision, "created");
  std::string differences;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&differences);
  differencer.Compare(WithoutOutput(*old), WithoutOutput(policy));
  return absl::StrCat(revision,
                      absl::StrJoin(absl::StrSplit(differences, '\n', absl::SkipEmpty()), "; "));
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

std::string PolicyResource(const std::string& name) { return absl::StrCat("policies/", name); }

const v1::Policy* PolicyOperations::Find(const std::string& name) const {
  const auto stored = state_->policies().find(name);
  return stored == state_->policies().end() ? nullptr : &stored->second.message;
}

absl::StatusOr<const v1::Policy*> PolicyOperations::FindRevision(const v1::Policy& current,
                                                                 int64_t revision) const {
  if (revision == current.revision()) return &current;
  const FleetState::Revisions& kept = state_->RevisionsOf(current.name());
  const auto found = kept.find(revision);
  if (found != kept.end()) return &found->second;
  return MakeError(absl::StatusCode::kNotFound, "REVISION_NOT_FOUND",
                   absl::StrCat("policy ", current.name(), " has no revision ", revision,
                                " any more, or yet; of it are kept ",
                                kept.empty() ? current.revision() : kept.begin()->first, " to ",
                                current.revision()),
                   {{"policy", current.name()}, {"revision", absl::StrCat(revision)}});
}

absl::StatusOr<v1::ApplyPolicyResponse> PolicyOperations::Apply(
    const v1::ApplyPolicyRequest& request, Change* change) {
  change->SetResource(PolicyResource(request.policy().name()));
  RETURN_IF_ERROR(MakeFieldErrors(ValidatePolicy(request.policy())));
  RETURN_IF_ERROR(RequestCheck().Etag("policy.etag", request.policy().etag()).status());
  const v1::Policy* const old = Find(request.policy().name());
  RETURN_IF_ERROR(CheckEtag(request.policy().etag(), old == nullptr ? "" : old->etag(),
                            absl::StrCat("policy ", request.policy().name())));
  v1::Policy policy = WithoutOutput(request.policy());
  NormalizePolicy(&policy);
  return Put<v1::ApplyPolicyResponse>(std::move(policy), request.validate_only(), change);
}

template <typename Response>
absl::StatusOr<Response> PolicyOperations::Put(v1::Policy policy, bool validate_only,
                                               Change* change) {
  const v1::Policy* const old = Find(policy.name());
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
    affected.push_back({node.name, state_->Resolve(node, WhatIf{.put_policy = &policy})});
    if (matches) RETURN_IF_ERROR(CheckResolution(policy.name(), affected.back()));
  }

  Response response;
  response.set_changed(changed);
  response.set_matched_nodes(static_cast<int32_t>(matched.size()));
  for (std::string& warning : FindPolicyWarnings(policy, known, matched)) {
    *response.add_warnings() = std::move(warning);
  }
  if (!changed) {
    *response.mutable_policy() = *old;
    return response;
  }
  policy.set_revision(old == nullptr ? 1 : old->revision() + 1);
  SetTimestamp(state_->clock()->Now(), policy.mutable_update_time());
  policy.set_etag(MakeEtag(policy));
  *response.mutable_policy() = policy;
  if (validate_only) return response;
  const std::string summary = Summary(old, policy);
  change->SetOutcome(summary, response);
  RETURN_IF_ERROR(state_->PutPolicy(policy, change));
  for (Affected& node : affected) {
    state_->registry()->SetDesired(node.node, std::move(node.resolution));
  }
  state_->Tell({EventType::kPolicyChanged, PolicyResource(policy.name()), summary});
  Log(LogLevel::kInfo, "policy applied",
      {{"policy", policy.name()}, {"revision", absl::StrCat(policy.revision())}});
  return response;
}

absl::StatusOr<v1::GetPolicyResponse> PolicyOperations::Get(const v1::GetPolicyRequest& request) {
  RETURN_IF_ERROR(RequestCheck()
                      .PolicyName("name", request.name())
                      .Revision("revision", request.revision())
                      .status());
  const v1::Policy* policy = Find(request.name());
  if (policy == nullptr) return PolicyNotFound(request.name());
  if (request.revision() != 0) {
    ASSIGN_OR_RETURN(policy, FindRevision(*policy, request.revision()));
  }
  v1::GetPolicyResponse response;
  *response.mutable_policy() = *policy;
  return response;
}

absl::StatusOr<v1::ListPoliciesResponse> PolicyOperations::List(
    const v1::ListPoliciesRequest& request) {
  Violations violations;
  CheckFilter(request.filter(), &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token(),
                                          ScopeOf("ListPolicies", request.filter())));
  std::optional<NodeSnapshot> node;
  if (!request.filter().node().empty()) {
    ASSIGN_OR_RETURN(node, state_->registry()->Get(request.filter().node()));
  }
  v1::ListPoliciesResponse response;
  std::string last;
  for (auto it = state_->policies().upper_bound(page.start_after()); it != state_->policies().end();
       ++it) {
    const v1::Policy& policy = it->second.message;
    if (!MeetsFilter(policy, request.filter(), node ? &*node : nullptr)) continue;
    if (!page.Take(policy.ByteSizeLong())) {
      response.set_next_page_token(page.TokenAfter(last));
      break;
    }
    *response.add_policies() = policy;
    last = policy.name();
  }
  return response;
}

absl::StatusOr<v1::ListPolicyRevisionsResponse> PolicyOperations::ListRevisions(
    const v1::ListPolicyRevisionsRequest& request) {
  RETURN_IF_ERROR(RequestCheck().PolicyName("name", request.name()).status());
  ASSIGN_OR_RETURN(Page page, Page::Parse(request.page_size(), request.page_token(),
                                          absl::StrCat("ListPolicyRevisions ", request.name())));
  ASSIGN_OR_RETURN(const int64_t before, StartNumber(page, std::numeric_limits<int64_t>::max()));
  if (Find(request.name()) == nullptr) return PolicyNotFound(request.name());
  const FleetState::Revisions& kept = state_->RevisionsOf(request.name());
  v1::ListPolicyRevisionsResponse response;
  for (auto it = std::make_reverse_iterator(kept.lower_bound(before)); it != kept.rend(); ++it) {
    if (!page.Take(it->second.ByteSizeLong())) {
      response.set_next_page_token(page.TokenAfter(absl::StrCat(std::prev(it)->first)));
      break;
    }
    *response.add_revisions() = it->second;
  }
  return response;
}

absl::StatusOr<v1::RollbackPolicyResponse> PolicyOperations::Rollback(
    const v1::RollbackPolicyRequest& request, Change* change) {
  change->SetResource(PolicyResource(request.name()));
  RETURN_IF_ERROR(RequestCheck()
                      .PolicyName("name", request.name())
                      .Revision("revision", request.revision())
                      .Etag("etag", request.etag())
                      .status());
  const v1::Policy* const current = Find(request.name());
  if (current == nullptr) return PolicyNotFound(request.name());
  RETURN_IF_ERROR(
      CheckEtag(request.etag(), current->etag(), absl::StrCat("policy ", request.name())));
  int64_t revision = request.revision();
  if (revision == 0) {
    const FleetState::Revisions& kept = state_->RevisionsOf(request.name());
    const auto at = kept.find(current->revision());
    if (at == kept.begin() || at == kept.end()) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, "NO_EARLIER_REVISION",
          absl::StrCat("policy ", request.name(), " has no revision before the current one, ",
                       current->revision()),
          {{"policy", request.name()}});
    }
    revision = std::prev(at)->first;
  }
  ASSIGN_OR_RETURN(const v1::Policy* const wanted, FindRevision(*current, revision));
  return Put<v1::RollbackPolicyResponse>(WithoutOutput(*wanted), request.validate_only(), change);
}

absl::StatusOr<v1::DeletePolicyResponse> PolicyOperations::Delete(
    const v1::DeletePolicyRequest& request, Change* change) {
  change->SetResource(PolicyResource(request.name()));
  RETURN_IF_ERROR(
      RequestCheck().PolicyName("name", request.name()).Etag("etag", request.etag()).status());
  const v1::Policy* const policy = Find(request.name());
  if (policy == nullptr) return PolicyNotFound(request.name());
  RETURN_IF_ERROR(
      CheckEtag(request.etag(), policy->etag(), absl::StrCat("policy ", request.name())));
  v1::DeletePolicyResponse response;
  *response.mutable_policy() = *policy;
  if (request.validate_only()) return response;
  change->SetOutcome(absl::StrCat("deleted, with revision ", policy->revision()), response);
  RETURN_IF_ERROR(state_->ErasePolicy(request.name(), change));
  for (const NodeSnapshot& node : state_->registry()->Snapshot()) {
    if (Matches(response.policy().selector(), node.name, node.identity->labels)) {
      state_->UpdateDesired(node);
    }
  }
  state_->Tell({EventType::kPolicyDeleted, PolicyResource(request.name()),
                absl::StrCat("with revision ", response.policy().revision())});
  Log(LogLevel::kInfo, "policy deleted", {{"policy", request.name()}});
  return response;
}

}  // namespace hotplugger::server
