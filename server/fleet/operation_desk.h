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

  // Never blocks; gives the question's number, above 0. `answer` is called once, on any thread,
  // possibly before this returns. Errors besides the operation's own: fleet_service.proto,
  // OperateNodesResponse.
  virtual uint64_t Ask(const std::string& node, const v1::Operation& operation,
                       absl::Duration deadline, Answer answer) = 0;

  // Answers the question with `why`, unless it was answered or has gone to the node already.
  virtual void Withdraw(const std::string& node, uint64_t question, const absl::Status& why) = 0;
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

  uint64_t Ask(const std::string& node, const v1::Operation& operation, absl::Duration deadline,
               Answer answer) override;
  void Withdraw(const std::string& node, uint64_t question, const absl::Status& why) override;

  // The node's stream may be sent messages from now on.
  void StreamReady(const StreamKey& stream) { SendNext(stream.node); }

  // A node's answer came on this stream. One that nobody waits for is dropped.
  void Answered(const StreamKey& stream, const v1::NodeOperationResult& result);

  // The stream is over, and detached from the registry.
  void StreamEnded(const StreamKey& stream);

  // Answers all that wait, each by whether it was sent, and whoever asks from now on. May be called
  // again.
  void Stop();

 private:
  struct Question {
    uint64_t number = 0;
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

  std::string IdOf(const Question& question) const;
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
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Queue> questions_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace hotplugger::server
