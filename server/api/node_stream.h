// One agent's stream as gRPC gives it: reads go to the session, writes leave one at a time.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>

#include "common/mutex.h"
#include "common/transport/outbox.h"
#include "hotplugger/v1/link.pb.h"
#include "server/fleet/node_link.h"
#include "server/fleet/node_session.h"

namespace hotplugger::server {

// Lives until gRPC's last reaction, whoever else holds it. No rule of the protocol is in here.
class NodeStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>,
                         public NodeLink,
                         public std::enable_shared_from_this<NodeStream> {
 public:
  // Reads at once; the result is to be given to gRPC.
  static NodeStream* Start(std::unique_ptr<NodeSession> session);

  void Send(const v1::ControllerMessage& message) override;
  void Close(const absl::Status& status) override;

  void OnReadDone(bool ok) noexcept override;
  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

 private:
  // The next operation is sent when the one before has its answer.
  enum Slot : size_t { kWelcome, kSpec, kSpecConfirmation, kPing, kOperation, kSlots };

  explicit NodeStream(std::unique_ptr<NodeSession> session) : session_(std::move(session)) {}

  void ReadNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // gRPC wants exactly one Finish.
  void FinishOnceLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::unique_ptr<NodeSession> session_;
  // gRPC's share in this object; given up in OnDone.
  std::shared_ptr<NodeStream> self_;
  // Touched by gRPC while a read is under way, by OnReadDone else.
  v1::AgentMessage incoming_;
  // A leaf: nothing else is locked under it.
  Mutex mutex_;
  Outbox<v1::ControllerMessage, kSlots> outbox_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
