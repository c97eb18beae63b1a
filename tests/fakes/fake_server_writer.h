// A stream of answers as gRPC shows it to a reactor.
#pragma once

#include "tests/fakes/fake_server_writes.h"

namespace hotplugger::testing {

// The test calls the reactions.
template <typename Response>
class FakeServerWriter final
    : public FakeServerWrites<grpc::ServerCallbackWriter<Response>, Response> {
 public:
  explicit FakeServerWriter(grpc::ServerWriteReactor<Response>* reactor) : reactor_(reactor) {
    this->BindReactor(reactor);
  }

  // The write in flight ends.
  void EndWrite(bool ok) {
    this->TakeWrite();
    reactor_->OnWriteDone(ok);
  }
  void Cancel() { reactor_->OnCancel(); }
  // The reactor may be gone afterwards.
  void Done() { reactor_->OnDone(); }

 private:
  grpc::internal::ServerReactor* reactor() override { return reactor_; }

  grpc::ServerWriteReactor<Response>* const reactor_;
};

}  // namespace hotplugger::testing
