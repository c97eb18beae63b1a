#include "server/fleet/fleet_engine.h"

#include <utility>
#include <vector>

#include "common/log.h"

namespace hotplugger::server {

FleetEngine::FleetEngine(FleetState* state, FleetCounters* counters, uint64_t epoch)
    : state_(state),
      counters_(counters),
      epoch_(epoch),
      policies_(state),
      holds_(state),
      nodes_(state),
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

void FleetEngine::ApplyPolicy(const v1::ApplyPolicyRequest& request,
                              Done<v1::ApplyPolicyResponse> done) {
  Run(&policies_, &PolicyOperations::Apply, request, std::move(done));
}

void FleetEngine::GetPolicy(const v1::GetPolicyRequest& request, Done<v1::GetPolicyResponse> done) {
  Run(&policies_, &PolicyOperations::Get, request, std::move(done));
}

void FleetEngine::ListPolicies(const v1::ListPoliciesRequest& request,
                               Done<v1::ListPoliciesResponse> done) {
  Run(&policies_, &PolicyOperations::List, request, std::move(done));
}

void FleetEngine::DeletePolicy(const v1::DeletePolicyRequest& request,
                               Done<v1::DeletePolicyResponse> done) {
  Run(&policies_, &PolicyOperations::Delete, request, std::move(done));
}

void FleetEngine::SetHold(const v1::SetHoldRequest& request, Done<v1::SetHoldResponse> done) {
  Run(&holds_, &HoldOperations::Set, request, std::move(done));
}

void FleetEngine::ReleaseHold(const v1::ReleaseHoldRequest& request,
                              Done<v1::ReleaseHoldResponse> done) {
  Run(&holds_, &HoldOperations::Release, request, std::move(done));
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

void FleetEngine::DeleteNode(const v1::DeleteNodeRequest& request,
                             Done<v1::DeleteNodeResponse> done) {
  Run(&nodes_, &NodeOperations::Delete, request, std::move(done));
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
    spec->mutable_sources()->Add(push.spec->sources.begin(), push.spec->sources.end());
    push.link->Send(message);
    counters_->spec_pushes.fetch_add(1, std::memory_order_relaxed);
    Log(LogLevel::kInfo, "spec pushed", {{"node", push.node}, {"digest", push.spec->digest}});
  }
}

}  // namespace hotplugger::server
