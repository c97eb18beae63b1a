// The controller as commands see it.
#pragma once

#include <functional>
#include <stop_token>

#include "absl/status/statusor.h"
#include "hotplugger/v1/audit_service.pb.h"
#include "hotplugger/v1/explain_service.pb.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/plan_service.pb.h"
#include "hotplugger/v1/policy_service.pb.h"

namespace hotplugger::client {

// Every call blocks until answered or its deadline passes, and answers the controller's error as it
// is. UNAVAILABLE with reason UNREACHABLE: there was no controller. Not for concurrent use.
class FleetClient {
 public:
  // Takes one node's answer.
  using OnNodeAnswer = std::function<void(v1::OperateNodesResponse answer)>;
  // Takes one answer of a plan.
  using OnPlanAnswer = std::function<void(v1::PlanChangeResponse answer)>;

  virtual ~FleetClient() = default;

  virtual absl::StatusOr<v1::ApplyPolicyResponse> ApplyPolicy(
      const v1::ApplyPolicyRequest& request) = 0;
  virtual absl::StatusOr<v1::ListPoliciesResponse> ListPolicies(
      const v1::ListPoliciesRequest& request) = 0;
  virtual absl::StatusOr<v1::GetPolicyResponse> GetPolicy(const v1::GetPolicyRequest& request) = 0;
  virtual absl::StatusOr<v1::ListPolicyRevisionsResponse> ListPolicyRevisions(
      const v1::ListPolicyRevisionsRequest& request) = 0;
  virtual absl::StatusOr<v1::RollbackPolicyResponse> RollbackPolicy(
      const v1::RollbackPolicyRequest& request) = 0;
  virtual absl::StatusOr<v1::DeletePolicyResponse> DeletePolicy(
      const v1::DeletePolicyRequest& request) = 0;
  virtual absl::StatusOr<v1::SetHoldResponse> SetHold(const v1::SetHoldRequest& request) = 0;
  virtual absl::StatusOr<v1::ReleaseHoldResponse> ReleaseHold(
      const v1::ReleaseHoldRequest& request) = 0;
  virtual absl::StatusOr<v1::ListHoldsResponse> ListHolds(const v1::ListHoldsRequest& request) = 0;
  virtual absl::StatusOr<v1::GetNodeResponse> GetNode(const v1::GetNodeRequest& request) = 0;
  virtual absl::StatusOr<v1::ListNodesResponse> ListNodes(const v1::ListNodesRequest& request) = 0;
  virtual absl::StatusOr<v1::DeleteNodeResponse> DeleteNode(
      const v1::DeleteNodeRequest& request) = 0;

  // Calls `on_answer` on this thread with every node's answer, as they come. An error where the
  // controller refuses, where the stream breaks before all have answered (CONNECTION_LOST; after
  // UNREACHABLE nobody was asked), where no answer comes for
  // the request's deadline (90 s where it has none) and --timeout on top (NO_ANSWER), and where
  // `stop` is requested, by whatever thread: CANCELLED (INTERRUPTED). Nodes that were asked by then
  // do what they were asked all the same.
  virtual absl::Status OperateNodes(const v1::OperateNodesRequest& request,
                                    const OnNodeAnswer& on_answer, std::stop_token stop) = 0;

  // The overview, every affected node's answer as they come, and the summary; ends as OperateNodes
  // does (30 s where the request has no deadline). Nothing is done, whatever becomes of it.
  virtual absl::Status PlanChange(const v1::PlanChangeRequest& request,
                                  const OnPlanAnswer& on_answer, std::stop_token stop) = 0;

  // May take 10 s longer than other calls: the host is asked, too.
  virtual absl::StatusOr<v1::ExplainSubjectResponse> ExplainSubject(
      const v1::ExplainSubjectRequest& request) = 0;
  virtual absl::StatusOr<v1::ListAuditEntriesResponse> ListAuditEntries(
      const v1::ListAuditEntriesRequest& request) = 0;
};

}  // namespace hotplugger::client
