// A bidirectional stream as gRPC shows it to a reactor.
#pragma once

#include "tests/fakes/fake_server_writes.h"

namespace hotplugger::testing {

// Fails the test at two reads at once, too. The test calls the reactions.
template <typename Request, typename Response>
class FakeServerStream final
    : public FakeServerWrites<grpc::ServerCallbackReaderWriter<Request, Response>, Response> {
 public:
  explicit FakeServerStream(grpc::ServerBidiReactor<Request, Response>* reactor)
      : reactor_(reactor) {
    this->BindReactor(reactor);
  }

  void Read(Request* message) override {
    EXPECT_EQ(reading_, nullptr) << "two reads at once";
    EXPECT_FALSE(this->finished()) << "a read after the finish";
    reading_ = message;
  }

  // A message arrives.
  void Deliver(const Request& message) {
    ASSERT_NE(reading_, nullptr);
    *reading_ = message;
    reading_ = nullptr;
    reactor_->OnReadDone(true);
  }
  // The peer has said its last.
  void EndReads() {
    reading_ = nullptr;
    reactor_->OnReadDone(false);
  }
  // The write in flight ends.
  void EndWrite(bool ok) {
    this->TakeWrite();
    reactor_->OnWriteDone(ok);
  }
  void Cancel() { reactor_->OnCancel(); }
  // The reactor may be gone afterwards.
  void Done() { reactor_->OnDone(); }

  bool reading() const { return reading_ != nullptr; }

 private:
  grpc::internal::ServerReactor* reactor() override { return reactor_; }

  grpc::ServerBidiReactor<Request, Response>* const reactor_;
  Request* reading_ = nullptr;
};

}  // namespace hotplugger::testing
