#include "agent/link/controller_stream.h"

#include <utility>

#include "common/transport/grpc_status.h"

namespace hotplugger::agent {

ControllerStream::ControllerStream(v1::LinkService::Stub& stub, Callbacks callbacks)
    : callbacks_(std::move(callbacks)) {
  stub.async()->Connect(&context_, this);
  // Send is called from outside of reactions; the hold keeps OnDone away until Close.
  AddHold();
}

void ControllerStream::Start(v1::AgentMessage hello) {
  self_ = shared_from_this();
  Send(AgentSlot::kHello, std::move(hello));
  StartRead(&incoming_);
  StartCall();
}

void ControllerStream::Send(AgentSlot slot, v1::AgentMessage message) {
  MutexLock lock(&mutex_);
  if (closed_) return;
  if (const auto* next = outbox_.Put(static_cast<size_t>(slot), std::move(message))) {
    StartWrite(next);
  }
}

void ControllerStream::Close() { End(/*cancel=*/true); }

void ControllerStream::End(bool cancel) {
  {
    MutexLock lock(&mutex_);
    if (closed_) return;
    closed_ = true;
  }
  if (cancel) context_.TryCancel();
  RemoveHold();
}

void ControllerStream::OnReadDone(bool ok) noexcept {
  if (!ok) {
    // The peer has ended the stream; cancelling now could hide the reason that it gave.
    End(/*cancel=*/false);
    return;
  }
  callbacks_.message(incoming_);
  StartRead(&incoming_);
}

void ControllerStream::OnWriteDone(bool ok) noexcept {
  MutexLock lock(&mutex_);
  // A failed write means that the stream has ended, which the read tells too.
  if (!ok || closed_) return;
  if (const auto* next = outbox_.Done()) StartWrite(next);
}

void ControllerStream::OnDone(const grpc::Status& status) noexcept {
  // A copy, for the owner may destroy this before the call has returned.
  const auto done = callbacks_.done;
  done(FromGrpcStatus(status), std::move(self_));
}

}  // namespace hotplugger::agent
