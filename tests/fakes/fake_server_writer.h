// A stream of answers as gRPC shows it to a reactor, without a server, a socket or a thread.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace hotplugger::testing {

// Keeps what the reactor starts, and fails the test where gRPC would end the process: two writes at
// once, or two finishes. The test calls the reactions.
template <typename Response>
class FakeServerWriter final : public grpc::ServerCallbackWriter<Response> {
 public:
  explicit FakeServerWriter(grpc::ServerWriteReactor<Response>* reactor) : reactor_(reactor) {
    this->BindReactor(reactor);
  }

  void SendInitialMetadata() override {}
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

  bool writing() const { return writing_ != nullptr; }
  const std::vector<Response>& written() const { return written_; }
  const std::optional<grpc::Status>& finished() const { return finished_; }

 private:
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  grpc::ServerWriteReactor<Response>* const reactor_;
  const Response* writing_ = nullptr;
  std::vector<Response> written_;
  std::optional<grpc::Status> finished_;
};

}  // namespace hotplugger::testing
