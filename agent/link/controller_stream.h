// One stream to the controller: the gRPC side of it and nothing else.
#pragma once

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "common/transport/outbox.h"
#include "hotplugger/v1/link_service.grpc.pb.h"

namespace hotplugger::agent {

// Kinds of messages, each with one slot in the outbox: the newest of a kind wins.
// The controller sends an operation when the last one is answered, or past its deadline: then a
// late answer can take the place of the next one's, which the controller tells as not known
// (NO_ANSWER).
// What was counted goes right behind Hello, since all that follows is to be counted on top.
enum class AgentSlot : size_t {
  kHello,
  kMetrics,
  kSpecAck,
  kInventory,
  kReport,
  kRejection,
  kPong,
  kOperationResult,
  kCount
};

// Keeps itself alive from Start until it hands itself to `done`. All methods are safe for
// concurrent use.
class ControllerStream final
    : public grpc::ClientBidiReactor<v1::AgentMessage, v1::ControllerMessage>,
      public std::enable_shared_from_this<ControllerStream> {
 public:
  struct Callbacks {
    // A message came. Quick, never blocks; called by one thread at a time.
    std::function<void(const v1::ControllerMessage&)> message;
    // The stream has ended; the last call of all. It comes with the last share of the stream, which
    // must not be dropped on gRPC's thread: with it goes the channel, and with the last channel
    // gRPC joins its threads, of which this is one.
    std::function<void(const absl::Status&, std::shared_ptr<ControllerStream>)> done;
  };

  ControllerStream(v1::LinkService::Stub& stub, Callbacks callbacks);

  // Begins, with `hello` as the first message. Once.
  void Start(v1::AgentMessage hello);
  void Send(AgentSlot slot, v1::AgentMessage message);
  // Ends the stream soon; `done` still comes. May be called again.
  void Close();

  void OnReadDone(bool ok) noexcept override;
  void OnWriteDone(bool ok) noexcept override;
  void OnDone(const grpc::Status& status) noexcept override;

 private:
  // Lets OnDone come; `cancel` where the peer doesn't know yet that this is the end.
  void End(bool cancel);

  const Callbacks callbacks_;
  std::shared_ptr<ControllerStream> self_;
  grpc::ClientContext context_;
  v1::ControllerMessage incoming_;

  Mutex mutex_;
  Outbox<v1::AgentMessage, static_cast<size_t>(AgentSlot::kCount)> outbox_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
