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
#include "common/mutex.h"
#include "common/work_queue.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/policy_service.pb.h"
#include "server/fleet/fleet_state.h"
#include "server/fleet/hold_operations.h"
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

  // `state` must be loaded, and is the engine's alone from here on.
  FleetEngine(FleetState* state, FleetCounters* counters, uint64_t epoch);
  ~FleetEngine() override { Stop(); }

  void ApplyPolicy(const v1::ApplyPolicyRequest& request, Done<v1::ApplyPolicyResponse> done);
  void GetPolicy(const v1::GetPolicyRequest& request, Done<v1::GetPolicyResponse> done);
  void ListPolicies(const v1::ListPoliciesRequest& request, Done<v1::ListPoliciesResponse> done);
  void DeletePolicy(const v1::DeletePolicyRequest& request, Done<v1::DeletePolicyResponse> done);
  void SetHold(const v1::SetHoldRequest& request, Done<v1::SetHoldResponse> done);
  void ReleaseHold(const v1::ReleaseHoldRequest& request, Done<v1::ReleaseHoldResponse> done);
  void ListHolds(const v1::ListHoldsRequest& request, Done<v1::ListHoldsResponse> done);
  void GetNode(const v1::GetNodeRequest& request, Done<v1::GetNodeResponse> done);
  void ListNodes(const v1::ListNodesRequest& request, Done<v1::ListNodesResponse> done);
  void DeleteNode(const v1::DeleteNodeRequest& request, Done<v1::DeleteNodeResponse> done);

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
  // Queues a task that serves arrivals and pushes, unless one waits already.
  void WakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeArrivals();
  void PushSpecs();

  FleetState* const state_;
  FleetCounters* const counters_;
  const uint64_t epoch_;
  PolicyOperations policies_;
  HoldOperations holds_;
  NodeOperations nodes_;
  Mutex mutex_;
  // By node: only a node's newest stream matters.
  std::map<std::string, StreamKey> arrivals_ ABSL_GUARDED_BY(mutex_);
  bool awake_ ABSL_GUARDED_BY(mutex_) = false;
  // Last: its thread ends before what its tasks use.
  WorkQueue queue_;
};

}  // namespace hotplugger::server
