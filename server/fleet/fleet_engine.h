// The one thread on which the fleet's desired state changes: operators' requests and nodes'
// arrivals in order, each stored, resolved and then pushed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "common/work_queue.h"
#include "hotplugger/v1/audit_service.pb.h"
#include "hotplugger/v1/explain_service.pb.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "server/fleet/change.h"
#include "server/fleet/change_log.h"
#include "server/fleet/fleet_plan.h"
#include "server/fleet/fleet_state.h"
#include "server/fleet/hold_operations.h"
#include "server/fleet/lapsing_holds.h"
#include "server/fleet/node_operations.h"
#include "server/fleet/node_session.h"
#include "server/fleet/policy_operations.h"

namespace hotplugger::server {

// Safe for concurrent use; nothing blocks the caller. Each `done` is called once, on the engine's
// thread, or at once on the caller's with the queue's error (QUEUE_FULL, SHUTTING_DOWN). Answers
// come before the pushes that follow from them.
class FleetEngine final : public FleetEvents {
 public:
  template <typename Response>
  using Done = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

  // So many requests may wait.
  static constexpr size_t kQueueCapacity = 1024;

  // `state` and `changes` must be loaded, and are the engine's alone from here on.
  FleetEngine(FleetState* state, ChangeLog* changes, FleetCounters* counters, uint64_t epoch);
  ~FleetEngine() override { Stop(); }

  // Requests that change something come with their caller.
  void ApplyPolicy(const v1::ApplyPolicyRequest& request, Caller caller,
                   Done<v1::ApplyPolicyResponse> done);
  void GetPolicy(const v1::GetPolicyRequest& request, Done<v1::GetPolicyResponse> done);
  void ListPolicies(const v1::ListPoliciesRequest& request, Done<v1::ListPoliciesResponse> done);
  void ListPolicyRevisions(const v1::ListPolicyRevisionsRequest& request,
                           Done<v1::ListPolicyRevisionsResponse> done);
  void RollbackPolicy(const v1::RollbackPolicyRequest& request, Caller caller,
                      Done<v1::RollbackPolicyResponse> done);
  void DeletePolicy(const v1::DeletePolicyRequest& request, Caller caller,
                    Done<v1::DeletePolicyResponse> done);
  void SetHold(const v1::SetHoldRequest& request, Caller caller, Done<v1::SetHoldResponse> done);
  void ReleaseHold(const v1::ReleaseHoldRequest& request, Caller caller,
                   Done<v1::ReleaseHoldResponse> done);
  void ListHolds(const v1::ListHoldsRequest& request, Done<v1::ListHoldsResponse> done);
  void GetNode(const v1::GetNodeRequest& request, Done<v1::GetNodeResponse> done);
  void ListNodes(const v1::ListNodesRequest& request, Done<v1::ListNodesResponse> done);
  void DeleteNode(const v1::DeleteNodeRequest& request, Caller caller,
                  Done<v1::DeleteNodeResponse> done);
  void ListAuditEntries(const v1::ListAuditEntriesRequest& request,
                        Done<v1::ListAuditEntriesResponse> done);

  // Keeps an entry about what is done elsewhere than on this thread. `done`, if any, is told
  // whether it is kept, as above; one that isn't is logged.
  void RecordAudit(v1::AuditEntry entry, absl::AnyInvocable<void(absl::Status)> done = nullptr);
  void PlanChange(const v1::PlanChangeRequest& request, Done<FleetPlan> done);
  // The fleet's part; what the host says is asked of the host.
  void ExplainSubject(const v1::ExplainSubjectRequest& request,
                      Done<v1::ExplainSubjectResponse> done);

  // Releases the holds whose time is over; called about once a second.
  void LapseHolds();

  // Many arrivals share one task, so that a whole fleet that reconnects can't fill the queue.
  void NodeConnected(const StreamKey& key) override;
  void PushNeeded() override;

  // Finishes what was accepted and takes no more.
  void Stop() { queue_.Stop(); }

 private:
  // Runs `method` of `operations` on the queue; then answers; then pushes.
  template <typename Operations, typename Request, typename Response>
  void Run(Operations* operations, absl::StatusOr<Response> (Operations::*method)(const Request&),
           const Request& request, Done<Response> done);
  // The same of what changes something: done once, however often it is asked for, and logged.
  template <typename Operations, typename Request, typename Response>
  void RunChange(absl::string_view method_name, Operations* operations,
                 absl::StatusOr<Response> (Operations::*method)(const Request&, Change*),
                 const Request& request, Caller caller, Done<Response> done);
  // Queues a task that serves arrivals and pushes, unless one waits already.
  void WakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeArrivals();
  void PushSpecs();
  void LapseNow();

  FleetState* const state_;
  ChangeLog* const changes_;
  FleetCounters* const counters_;
  const uint64_t epoch_;
  PolicyOperations policies_;
  HoldOperations holds_;
  LapsingHolds lapsing_holds_;
  NodeOperations nodes_;
  FleetPlanner planner_;
  Mutex mutex_;
  // By node: only a node's newest stream matters.
  std::map<std::string, StreamKey> arrivals_ ABSL_GUARDED_BY(mutex_);
  bool awake_ ABSL_GUARDED_BY(mutex_) = false;
  bool lapsing_ ABSL_GUARDED_BY(mutex_) = false;
  // Last: its thread ends before what its tasks use.
  WorkQueue queue_;
};

}  // namespace hotplugger::server
