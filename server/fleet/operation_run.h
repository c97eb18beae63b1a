// One operation on several nodes: so many at once, and no further ones once a change has failed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "hotplugger/v1/plan_service.pb.h"
#include "server/fleet/node_registry.h"
#include "server/fleet/operation_desk.h"

namespace hotplugger::server {

// What a request comes to.
struct OperationPlan {
  // By name.
  std::vector<std::string> nodes;
  v1::Operation operation;
  // Where there are any, each node is asked for a plan of its own spec instead.
  std::map<std::string, std::shared_ptr<const Resolution>> specs = {};
  absl::Duration deadline;
  int parallel = 8;
  bool keep_going = false;
};

// INVALID_ARGUMENT with every violation; NOT_FOUND (NODE_NOT_FOUND) for a name that is not known,
// (NO_NODE_MATCHES) where the labels match none. `nodes` is ordered by name.
absl::StatusOr<OperationPlan> PlanOperation(const v1::OperateNodesRequest& request,
                                            const std::vector<NodeSnapshot>& nodes);

// How nodes are asked for their part of a plan; without the nodes. INVALID_ARGUMENT with every
// violation.
absl::StatusOr<OperationPlan> PlanQuestions(const v1::PlanChangeRequest& request);

// Whether the node did not do what it was asked.
bool HasFailed(const v1::OperationResult& result);

// Safe for concurrent use. No more answers wait to be taken than nodes are asked at once, so that
// whoever reads slowly slows the run and fills no memory.
class OperationRun : public std::enable_shared_from_this<OperationRun> {
 public:
  // Whom the answers are for. Called under no lock of the run's; must not block.
  class Sink {
   public:
    virtual ~Sink() = default;
    // Something may be there to take: an answer, or the end.
    virtual void AnswersReady() = 0;
  };

  // `nodes` outlives the run, which keeps itself alive until all that were asked have answered, and
  // `sink` as long as it lives.
  static std::shared_ptr<OperationRun> Create(OperationPlan plan, NodeOperator* nodes,
                                              std::shared_ptr<Sink> sink);

  // Asks those whose turn it is. To be called at the start, and after taking answers.
  void Advance();

  enum class Taken { kAnswer, kNotYet, kEnd };
  // The next answer, as they come. Calls nobody, so that locks may be held.
  Taken TakeAnswer(v1::OperateNodesResponse* answer);

  // Asks no further nodes, and takes back what has not gone to its node yet.
  void Cancel();

 private:
  OperationRun(OperationPlan plan, NodeOperator* nodes, std::shared_ptr<Sink> sink);

  void Answered(const std::string& node, v1::OperationResult result);
  bool EndsLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Operation OperationFor(const std::string& node) const;
  void AskNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WithdrawLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OperationPlan plan_;
  NodeOperator* const nodes_;
  const std::shared_ptr<Sink> sink_;
  Mutex mutex_;
  std::deque<std::string> waiting_ ABSL_GUARDED_BY(mutex_);
  // By node: the number of its question, 0 while it is being put.
  std::map<std::string, uint64_t> asked_ ABSL_GUARDED_BY(mutex_);
  std::string failed_node_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool withdrawn_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<v1::OperateNodesResponse> answers_ ABSL_GUARDED_BY(mutex_);
  // The sink has yet to be told.
  bool ready_ ABSL_GUARDED_BY(mutex_) = false;
  // Somebody is in Advance and looks again before they leave: answers may come while a node is
  // asked, from there and from other threads.
  bool advancing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
