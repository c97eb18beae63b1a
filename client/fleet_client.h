// The controller as commands see it.
#pragma once

#include <functional>
#include <stop_token>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hotplugger/v1/audit_service.pb.h"
#include "hotplugger/v1/event_service.pb.h"
#include "hotplugger/v1/explain_service.pb.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/plan_service.pb.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "hotplugger/v1/watch_service.pb.h"

namespace hotplugger::client {

// Every call blocks until answered or its deadline passes, and answers the controller's error as it
// is. UNAVAILABLE with reason UNREACHABLE: there was no controller. Not for concurrent use.
class FleetClient {
 public:
  // Takes one node's answer.
  using OnNodeAnswer = std::function<void(v1::OperateNodesResponse answer)>;
  // Takes one answer of a plan.
  using OnPlanAnswer = std::function<void(v1::PlanChangeResponse answer)>;
  // Take one answer of a watch; false ends it.
  using OnFleetChange = std::function<bool(v1::WatchFleetResponse answer)>;
  using OnAuditEntry = std::function<bool(v1::WatchAuditEntriesResponse answer)>;
  using OnEvent = std::function<bool(v1::WatchEventsResponse answer)>;

  // What ends a watch besides the controller: a request to stop, by whatever thread, and time.
  struct WatchEnd {
    std::stop_token stop;
    absl::Duration longest = absl::InfiniteDuration();
  };

  virtual ~FleetClient() = default;

  // From now on a call takes at most `limit`, in place of --timeout.
  virtual void LimitCalls(absl::Duration limit) = 0;

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
  virtual absl::StatusOr<v1::ListEventsResponse> ListEvents(
      const v1::ListEventsRequest& request) = 0;

  // Each calls its function on this thread with every answer. Ok where that returns false, and
  // where `longest` is over. Else an error: CANCELLED (INTERRUPTED) where a stop was requested;
  // UNAVAILABLE where the controller ends it (its own reason, or WATCH_ENDED) or the connection
  // breaks (CONNECTION_LOST; UNREACHABLE where there was none). One of the fleet is answered at
  // once: else it is DEADLINE_EXCEEDED (NO_ANSWER).
  virtual absl::Status WatchFleet(const v1::WatchFleetRequest& request,
                                  const OnFleetChange& on_change, const WatchEnd& end) = 0;
  virtual absl::Status WatchAuditEntries(const v1::WatchAuditEntriesRequest& request,
                                         const OnAuditEntry& on_entry, const WatchEnd& end) = 0;
  virtual absl::Status WatchEvents(const v1::WatchEventsRequest& request, const OnEvent& on_event,
                                   const WatchEnd& end) = 0;
};

}  // namespace hotplugger::client
