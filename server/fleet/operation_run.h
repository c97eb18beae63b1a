// One operation on several nodes: so many at once, and no further ones once a change has failed.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "server/fleet/node_registry.h"
#include "server/fleet/operation_desk.h"

namespace hotplugger::server {

// What a request comes to.
struct OperationPlan {
  // By name.
  std::vector<std::string> nodes;
  v1::Operation operation;
  absl::Duration deadline;
  int parallel = 8;
  bool keep_going = false;
};

// INVALID_ARGUMENT with every violation; NOT_FOUND (NODE_NOT_FOUND) for a name that is not known,
// (NO_NODE_MATCHES) where the labels match none.
absl::StatusOr<OperationPlan> PlanOperation(const v1::OperateNodesRequest& request,
                                            const std::vector<NodeSnapshot>& nodes);

// Safe for concurrent use.
class OperationRun : public std::enable_shared_from_this<OperationRun> {
 public:
  // Takes the nodes' answers, and the word that there are no more. Called by one thread at a time,
  // under no lock of the run's; never blocks.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void NodeAnswered(v1::OperateNodesResponse answer) = 0;
    virtual void AllAnswered() = 0;
  };

  // `nodes` outlives the run. The run keeps itself alive until all are answered.
  static std::shared_ptr<OperationRun> Create(OperationPlan plan, NodeOperator* nodes,
                                              std::shared_ptr<Sink> sink);

  void Start() { Advance(); }

  // Asks no further nodes. Those that were asked still answer.
  void Cancel();

 private:
  OperationRun(OperationPlan plan, NodeOperator* nodes, std::shared_ptr<Sink> sink);

  void Advance();
  void Answered(const std::string& node, v1::OperationResult result);
  void SkipLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OperationPlan plan_;
  NodeOperator* const nodes_;
  const std::shared_ptr<Sink> sink_;
  Mutex mutex_;
  std::deque<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  int asked_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string failed_node_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<v1::OperateNodesResponse> answers_ ABSL_GUARDED_BY(mutex_);
  size_t answered_ ABSL_GUARDED_BY(mutex_) = 0;
  // Somebody is in Advance and looks again before they leave: answers may come while a node is
  // asked, from there and from other threads.
  bool advancing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
