#include "server/fleet/fleet_plan.h"

#include <string>
#include <utility>

#include "common/error_info.h"
#include "common/status_macros.h"
#include "server/fleet/request_check.h"

namespace hotplugger::server {
namespace {

// A request that is only looked at: nothing of it is kept.
struct DryRun {
  Change change{nullptr, nullptr, {}, {}};
};

FleetPlan Combine(std::string resource, int32_t matched_nodes, std::vector<PlannedNode> nodes) {
  FleetPlan plan;
  plan.overview.set_resource(std::move(resource));
  plan.overview.set_matched_nodes(matched_nodes);
  plan.overview.set_affected_nodes(static_cast<int32_t>(nodes.size()));
  plan.nodes = std::move(nodes);
  return plan;
}

}  // namespace

absl::StatusOr<FleetPlan> FleetPlanner::Plan(const v1::PlanChangeRequest& request) {
  switch (request.change_case()) {
    case v1::PlanChangeRequest::kApplyPolicy:
      return PlanApply(request.apply_policy());
    case v1::PlanChangeRequest::kDeletePolicy:
      return PlanDelete(request.delete_policy());
    case v1::PlanChangeRequest::kSetHold:
      return PlanSetHold(request.set_hold());
    case v1::PlanChangeRequest::kReleaseHold:
      return PlanReleaseHold(request.release_hold());
    case v1::PlanChangeRequest::CHANGE_NOT_SET:
      break;
  }
  return MakeFieldErrors({{"change",
                           "is absent, or not known to this controller; give apply_policy, "
                           "delete_policy, set_hold or release_hold"}});
}

std::vector<PlannedNode> FleetPlanner::FindAffected(const WhatIf& what_if,
                                                    const std::string& node) const {
  std::vector<PlannedNode> affected;
  for (const NodeSnapshot& known : state_->registry()->Snapshot()) {
    if (!node.empty() && known.name != node) continue;
    std::shared_ptr<const Resolution> resolution = state_->Resolve(known, what_if);
    if (known.desired != nullptr && known.desired->digest == resolution->digest) continue;
    affected.push_back({known.name, known.identity->labels, std::move(resolution)});
  }
  return affected;
}

absl::StatusOr<FleetPlan> FleetPlanner::PlanApply(const v1::Policy& wanted) {
  v1::ApplyPolicyRequest request;
  *request.mutable_policy() = wanted;
  request.set_validate_only(true);
  DryRun dry_run;
  ASSIGN_OR_RETURN(const v1::ApplyPolicyResponse applied,
                   policies_->Apply(request, &dry_run.change));
  FleetPlan plan = Combine(PolicyResource(applied.policy().name()), applied.matched_nodes(),
                           FindAffected(WhatIf{.put_policy = &applied.policy()}));
  *plan.overview.mutable_warnings() = applied.warnings();
  return plan;
}

absl::StatusOr<FleetPlan> FleetPlanner::PlanDelete(const std::string& name) {
  RETURN_IF_ERROR(RequestCheck().PolicyName("delete_policy", name).status());
  v1::DeletePolicyRequest request;
  request.set_name(name);
  request.set_validate_only(true);
  DryRun dry_run;
  ASSIGN_OR_RETURN(const v1::DeletePolicyResponse deleted,
                   policies_->Delete(request, &dry_run.change));
  int32_t matched = 0;
  for (const NodeSnapshot& node : state_->registry()->Snapshot()) {
    matched += Matches(deleted.policy().selector(), node.name, node.identity->labels);
  }
  return Combine(PolicyResource(name), matched, FindAffected(WhatIf{.erased_policy = &name}));
}

absl::StatusOr<FleetPlan> FleetPlanner::PlanSetHold(const v1::Hold& wanted) {
  v1::SetHoldRequest request;
  *request.mutable_hold() = wanted;
  request.set_validate_only(true);
  DryRun dry_run;
  ASSIGN_OR_RETURN(const v1::SetHoldResponse set, holds_->Set(request, &dry_run.change));
  WhatIf what_if{.put_hold = &set.hold()};
  for (const v1::Hold& replaced : set.replaced()) what_if.erased_holds.insert(replaced.subject());
  FleetPlan plan = Combine(HoldResource(set.hold().node(), set.hold().subject()), 1,
                           FindAffected(what_if, set.hold().node()));
  *plan.overview.mutable_warnings() = set.warnings();
  return plan;
}

absl::StatusOr<FleetPlan> FleetPlanner::PlanReleaseHold(const v1::HoldName& name) {
  RETURN_IF_ERROR(RequestCheck()
                      .NodeName("release_hold.node", name.node())
                      .Subject("release_hold.subject", name.subject())
                      .status());
  v1::ReleaseHoldRequest request;
  request.set_node(name.node());
  request.set_subject(name.subject());
  request.set_validate_only(true);
  DryRun dry_run;
  ASSIGN_OR_RETURN(const v1::ReleaseHoldResponse released,
                   holds_->Release(request, &dry_run.change));
  const WhatIf what_if{.erased_holds = {released.hold().subject()}};
  return Combine(HoldResource(released.hold().node(), released.hold().subject()), 1,
                 FindAffected(what_if, released.hold().node()));
}

}  // namespace hotplugger::server
