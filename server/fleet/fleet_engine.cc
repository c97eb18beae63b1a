#include "server/fleet/fleet_engine.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "server/fleet/node_events.h"

namespace hotplugger::server {

FleetEngine::FleetEngine(FleetState* state, ChangeLog* changes, FleetCounters* counters,
                         uint64_t epoch)
    : state_(state),
      changes_(changes),
      counters_(counters),
      epoch_(epoch),
      policies_(state),
      holds_(state),
      lapsing_holds_(state, changes, &holds_, counters),
      nodes_(state),
      planner_(state, &policies_, &holds_),
      queue_("controller's queue of requests", kQueueCapacity) {}

template <typename Operations, typename Request, typename Response>
void FleetEngine::Run(Operations* operations,
                      absl::StatusOr<Response> (Operations::*method)(const Request&),
                      const Request& request, Done<Response> done) {
  // Shared, because a queue that is full drops the task.
  auto answer = std::make_shared<Done<Response>>(std::move(done));
  absl::Status added = queue_.Add([this, operations, method, request, answer] {
    // First, so that the answer knows the nodes that came before the question.
    ServeArrivals();
    (*answer)((operations->*method)(request));
    PushSpecs();
  });
  if (!added.ok()) (*answer)(std::move(added));
}

template <typename Operations, typename Request, typename Response>
void FleetEngine::RunChange(absl::string_view method_name, Operations* operations,
                            absl::StatusOr<Response> (Operations::*method)(const Request&, Change*),
                            const Request& request, Caller caller, Done<Response> done) {
  auto answer = std::make_shared<Done<Response>>(std::move(done));
  absl::Status added = queue_.Add([this, name = std::string(method_name), operations, method,
                                   request, caller = std::move(caller), answer] {
    ServeArrivals();
    (*answer)(changes_->CarryOut<Response>(name, request, caller, [&](Change* change) {
      return (operations->*method)(request, change);
    }));
    PushSpecs();
  });
  if (!added.ok()) (*answer)(std::move(added));
}

void FleetEngine::ApplyPolicy(const v1::ApplyPolicyRequest& request, Caller caller,
                              Done<v1::ApplyPolicyResponse> done) {
  RunChange("ApplyPolicy", &policies_, &PolicyOperations::Apply, request, std::move(caller),
            std::move(done));
}

void FleetEngine::GetPolicy(const v1::GetPolicyRequest& request, Done<v1::GetPolicyResponse> done) {
  Run(&policies_, &PolicyOperations::Get, request, std::move(done));
}

void FleetEngine::ListPolicies(const v1::ListPoliciesRequest& request,
                               Done<v1::ListPoliciesResponse> done) {
  Run(&policies_, &PolicyOperations::List, request, std::move(done));
}

void FleetEngine::DeletePolicy(const v1::DeletePolicyRequest& request, Caller caller,
                               Done<v1::DeletePolicyResponse> done) {
  RunChange("DeletePolicy", &policies_, &PolicyOperations::Delete, request, std::move(caller),
            std::move(done));
}

void FleetEngine::SetHold(const v1::SetHoldRequest& request, Caller caller,
                          Done<v1::SetHoldResponse> done) {
  RunChange("SetHold", &holds_, &HoldOperations::Set, request, std::move(caller), std::move(done));
}

void FleetEngine::ReleaseHold(const v1::ReleaseHoldRequest& request, Caller caller,
                              Done<v1::ReleaseHoldResponse> done) {
  RunChange("ReleaseHold", &holds_, &HoldOperations::Release, request, std::move(caller),
            std::move(done));
}

void FleetEngine::ListHolds(const v1::ListHoldsRequest& request, Done<v1::ListHoldsResponse> done) {
  Run(&holds_, &HoldOperations::List, request, std::move(done));
}

void FleetEngine::GetNode(const v1::GetNodeRequest& request, Done<v1::GetNodeResponse> done) {
  Run(&nodes_, &NodeOperations::Get, request, std::move(done));
}

void FleetEngine::ListNodes(const v1::ListNodesRequest& request, Done<v1::ListNodesResponse> done) {
  Run(&nodes_, &NodeOperations::List, request, std::move(done));
}

void FleetEngine::DeleteNode(const v1::DeleteNodeRequest& request, Caller caller,
                             Done<v1::DeleteNodeResponse> done) {
  RunChange("DeleteNode", &nodes_, &NodeOperations::Delete, request, std::move(caller),
            std::move(done));
}

void FleetEngine::ListPolicyRevisions(const v1::ListPolicyRevisionsRequest& request,
                                      Done<v1::ListPolicyRevisionsResponse> done) {
  Run(&policies_, &PolicyOperations::ListRevisions, request, std::move(done));
}

void FleetEngine::RollbackPolicy(const v1::RollbackPolicyRequest& request, Caller caller,
                                 Done<v1::RollbackPolicyResponse> done) {
  RunChange("RollbackPolicy", &policies_, &PolicyOperations::Rollback, request, std::move(caller),
            std::move(done));
}

void FleetEngine::ListAuditEntries(const v1::ListAuditEntriesRequest& request,
                                   Done<v1::ListAuditEntriesResponse> done) {
  Run(changes_, &ChangeLog::ListAudit, request, std::move(done));
}

void FleetEngine::RecordAudit(v1::AuditEntry entry, absl::AnyInvocable<void(absl::Status)> done) {
  // Shared, because a queue that is full drops the task.
  auto answer = std::make_shared<absl::AnyInvocable<void(absl::Status)>>(std::move(done));
  absl::Status added = queue_.Add([this, entry, answer] {
    absl::Status kept = changes_->Record(entry);
    if (*answer) (*answer)(std::move(kept));
  });
  if (added.ok()) return;
  Log(LogLevel::kError, "an entry is missing in the audit log",
      {{"entry", entry.ShortDebugString()}, {"cause", std::string(added.message())}});
  if (*answer) (*answer)(std::move(added));
}

void FleetEngine::PlanChange(const v1::PlanChangeRequest& request, Done<FleetPlan> done) {
  Run(&planner_, &FleetPlanner::Plan, request, std::move(done));
}

void FleetEngine::ExplainSubject(const v1::ExplainSubjectRequest& request,
                                 Done<v1::ExplainSubjectResponse> done) {
  Run(&nodes_, &NodeOperations::Explain, request, std::move(done));
}

void FleetEngine::LapseHolds() {
  MutexLock lock(&mutex_);
  if (lapsing_) return;
  lapsing_ = queue_.Add([this] { LapseNow(); }).ok();
}

void FleetEngine::LapseNow() {
  {
    MutexLock lock(&mutex_);
    lapsing_ = false;
  }
  lapsing_holds_.Beat();
  PushSpecs();
}

void FleetEngine::NodeConnected(const StreamKey& key) {
  MutexLock lock(&mutex_);
  arrivals_[key.node] = key;
  WakeLocked();
}

void FleetEngine::PushNeeded() {
  MutexLock lock(&mutex_);
  WakeLocked();
}

void FleetEngine::WakeLocked() {
  if (awake_) return;
  // Where the queue is full, the tasks that fill it serve arrivals and push too.
  awake_ = queue_
               .Add([this] {
                 {
                   MutexLock lock(&mutex_);
                   awake_ = false;
                 }
                 ServeArrivals();
                 PushSpecs();
               })
               .ok();
}

void FleetEngine::ServeArrivals() {
  std::vector<StreamKey> arrivals;
  {
    MutexLock lock(&mutex_);
    for (auto& [node, stream] : arrivals_) arrivals.push_back(std::move(stream));
    arrivals_.clear();
  }
  if (!arrivals.empty()) nodes_.Connected(arrivals);
}

void FleetEngine::PushSpecs() {
  for (const SpecPush& push : state_->registry()->TakePushes()) {
    v1::ControllerMessage message;
    message.set_epoch(epoch_);
    v1::Spec* spec = message.mutable_spec();
    spec->set_digest(push.spec->digest);
    spec->set_nonce(push.nonce);
    spec->set_body(push.spec->body);
    spec->set_store_revision(state_->revision());
    spec->mutable_sources()->Add(push.spec->sources.begin(), push.spec->sources.end());
    if (push.spec->confirm_window) {
      SetDuration(*push.spec->confirm_window, spec->mutable_confirm_window());
    }
    // First, so that no answer to it comes before.
    state_->registry()->NoteHandedOver(push);
    push.link->Send(message);
    counters_->spec_pushes.fetch_add(1, std::memory_order_relaxed);
    state_->Tell({EventType::kSpecPushed, NodeResource(push.node), SpecName(push.spec->digest)});
    Log(LogLevel::kInfo, "spec pushed", {{"node", push.node}, {"digest", push.spec->digest}});
  }
}

}  // namespace hotplugger::server
