#include "server/api/node_stream.h"

#include <utility>

#include "common/transport/grpc_status.h"

namespace hotplugger::server {

NodeStream* NodeStream::Start(std::unique_ptr<NodeSession> session) {
  std::shared_ptr<NodeStream> stream(new NodeStream(std::move(session)));
  NodeStream* const reactor = stream.get();
  reactor->self_ = stream;
  const absl::Status opened = reactor->session_->OnOpened(stream);
  MutexLock lock(&reactor->mutex_);
  if (opened.ok()) {
    reactor->ReadNextLocked();
  } else {
    reactor->FinishOnceLocked(opened);
  }
  return reactor;
}

void NodeStream::Send(const v1::ControllerMessage& message) {
  Slot slot = kSlots;
  switch (message.message_case()) {
    case v1::ControllerMessage::kWelcome:
      slot = kWelcome;
      break;
    case v1::ControllerMessage::kSpec:
      slot = kSpec;
      break;
    case v1::ControllerMessage::kSpecConfirmation:
      slot = kSpecConfirmation;
      break;
    case v1::ControllerMessage::kOperation:
      slot = kOperation;
      break;
    case v1::ControllerMessage::kPing:
      slot = kPing;
      break;
    case v1::ControllerMessage::MESSAGE_NOT_SET:
      return;
  }
  MutexLock lock(&mutex_);
  if (finished_) return;
  const v1::ControllerMessage* const next = outbox_.Put(slot, message);
  if (next != nullptr) StartWrite(next);
}

void NodeStream::Close(const absl::Status& status) {
  MutexLock lock(&mutex_);
  FinishOnceLocked(status);
}

void NodeStream::ReadNextLocked() {
  if (!finished_) StartRead(&incoming_);
}

void NodeStream::FinishOnceLocked(const absl::Status& status) {
  if (finished_) return;
  finished_ = true;
  Finish(ToGrpcStatus(status));
}

void NodeStream::OnReadDone(bool ok) noexcept {
  if (!ok) {
    // The agent has said its last, or the connection is gone.
    Close(absl::OkStatus());
    return;
  }
  const absl::Status status = session_->OnMessage(incoming_, shared_from_this());
  MutexLock lock(&mutex_);
  if (status.ok()) {
    ReadNextLocked();
  } else {
    FinishOnceLocked(status);
  }
}

void NodeStream::OnWriteDone(bool ok) noexcept {
  MutexLock lock(&mutex_);
  const v1::ControllerMessage* const next = outbox_.Done();
  if (finished_) return;
  if (!ok) {
    FinishOnceLocked(absl::CancelledError("the stream broke"));
  } else if (next != nullptr) {
    StartWrite(next);
  }
}

void NodeStream::OnCancel() noexcept { Close(absl::CancelledError("the stream was cancelled")); }

void NodeStream::OnDone() noexcept {
  // To the end of this function: the session may give up the last other share.
  const std::shared_ptr<NodeStream> self = std::move(self_);
  session_->OnClosed(this);
}

}  // namespace hotplugger::server
