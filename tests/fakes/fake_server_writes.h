// The writing half of a stream as gRPC shows it to a reactor, without a server, a socket or a
// thread.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace hotplugger::testing {

// `Base` is one of gRPC's streams. Keeps what the reactor starts, and fails the test where gRPC
// would end the process: two writes at once, or two finishes.
template <typename Base, typename Response>
class FakeServerWrites : public Base {
 public:
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

  bool writing() const { return writing_ != nullptr; }
  const std::vector<Response>& written() const { return written_; }
  const std::optional<grpc::Status>& finished() const { return finished_; }

 protected:
  // The write in flight is over; the reactor has yet to be told.
  void TakeWrite() {
    ASSERT_NE(writing_, nullptr);
    // gRPC reads the message until here, so it must still be what it was.
    EXPECT_EQ(writing_->SerializeAsString(), written_.back().SerializeAsString());
    writing_ = nullptr;
  }

 private:
  void CallOnDone() override {}

  const Response* writing_ = nullptr;
  std::vector<Response> written_;
  std::optional<grpc::Status> finished_;
};

}  // namespace hotplugger::testing
