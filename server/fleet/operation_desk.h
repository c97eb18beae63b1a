// Hands operations to connected nodes, one at a time each, and what came of them to who asked.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "hotplugger/v1/operation.pb.h"
#include "server/fleet/node_registry.h"

namespace hotplugger::server {

// One node at a time is asked for one thing at a time, and each question is answered exactly once:
// by the node, or with an error that says whether anything can have been done.
class NodeOperator {
 public:
  using Answer = absl::AnyInvocable<void(v1::OperationResult result)>;

  virtual ~NodeOperator() = default;

  // Never blocks. `answer` is called once, on any thread, possibly before this returns. Errors
  // besides the operation's own: fleet_service.proto, OperateNodesResponse.
  virtual void Ask(const std::string& node, const v1::Operation& operation, absl::Duration deadline,
                   Answer answer) = 0;
};

// Safe for concurrent use. One thread, for deadlines.
class OperationDesk final : public NodeOperator {
 public:
  // So many questions may wait for one node.
  static constexpr size_t kMaxWaiting = 16;

  // `registry` outlives this.
  OperationDesk(NodeRegistry* registry, uint64_t epoch);
  ~OperationDesk() override { Stop(); }
  OperationDesk(const OperationDesk&) = delete;
  OperationDesk& operator=(const OperationDesk&) = delete;

  void Ask(const std::string& node, const v1::Operation& operation, absl::Duration deadline,
           Answer answer) override;

  // A node's answer came on this stream. One that nobody waits for is dropped.
  void Answered(const StreamKey& stream, const v1::NodeOperationResult& result);

  // The stream is over, and detached from the registry.
  void StreamEnded(const StreamKey& stream);

  // Answers all that wait, and whoever asks from now on. May be called again.
  void Stop();

 private:
  struct Question {
    std::string id;
    v1::Operation operation;
    absl::Time deadline;
    Answer answer;
    // Sent on this stream; 0: not yet.
    uint64_t stream = 0;
  };
  // A question that has its answer, to be given outside of the lock.
  struct Finished {
    Answer answer;
    v1::OperationResult result;
  };
  using Queue = std::deque<Question>;

  // Sends the node's first question if it was not sent yet.
  void SendNext(const std::string& node);
  void FailUnsent(const std::string& node, const absl::Status& status);
  void Expire();
  void Run();

  NodeRegistry* const registry_;
  const uint64_t epoch_;
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Queue> questions_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace hotplugger::server
