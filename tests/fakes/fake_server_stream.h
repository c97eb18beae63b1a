// A bidirectional stream as gRPC shows it to a reactor, without a server, a socket or a thread.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace hotplugger::testing {

// Keeps what the reactor starts, and fails the test where gRPC would end the process: two reads or
// writes at once, or two finishes. The test calls the reactions.
template <typename Request, typename Response>
class FakeServerStream final : public grpc::ServerCallbackReaderWriter<Request, Response> {
 public:
  explicit FakeServerStream(grpc::ServerBidiReactor<Request, Response>* reactor)
      : reactor_(reactor) {
    this->BindReactor(reactor);
  }

  void SendInitialMetadata() override {}
  void Read(Request* message) override {
    EXPECT_EQ(reading_, nullptr) << "two reads at once";
    EXPECT_FALSE(finished_) << "a read after the finish";
    reading_ = message;
  }
  void Write(const Response* message, grpc::WriteOptions /*options*/) override {
    EXPECT_EQ(writing_, nullptr) << "two writes at once";
    EXPECT_FALSE(finished_) << "a write after the finish";
    writing_ = message;
    written_.push_back(*message);
  }
  void WriteAndFinish(const Response* message, grpc::WriteOptions options,
                      grpc::Status status) override {
    Write(message, options);
    Finish(std::move(status));
  }
  void Finish(grpc::Status status) override {
    EXPECT_FALSE(finished_) << "two finishes";
    finished_ = std::move(status);
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
    ASSERT_NE(writing_, nullptr);
    // gRPC reads the message until here, so it must still be what it was.
    EXPECT_EQ(writing_->SerializeAsString(), written_.back().SerializeAsString());
    writing_ = nullptr;
    reactor_->OnWriteDone(ok);
  }
  void Cancel() { reactor_->OnCancel(); }
  // The reactor may be gone afterwards.
  void Done() { reactor_->OnDone(); }

  bool reading() const { return reading_ != nullptr; }
  bool writing() const { return writing_ != nullptr; }
  const std::vector<Response>& written() const { return written_; }
  const std::optional<grpc::Status>& finished() const { return finished_; }

 private:
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  grpc::ServerBidiReactor<Request, Response>* const reactor_;
  Request* reading_ = nullptr;
  const Response* writing_ = nullptr;
  std::vector<Response> written_;
  std::optional<grpc::Status> finished_;
};

}  // namespace hotplugger::testing
