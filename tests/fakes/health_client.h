// Asks gRPC's health service, whose messages are read by hand: they are in no library.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <string>

#include "absl/strings/str_cat.h"

namespace hotplugger::testing {

// One call with one request, on loopback; it ends within 30 s.
class RawCall {
 public:
  RawCall(int port, const std::string& path, const std::string& request) {
    channel_ =
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    call_ = grpc::GenericStub(channel_).PrepareCall(&context_, path, &queue_);
    call_->StartCall(nullptr);
    if (!Wait()) return;
    grpc::Slice slice(request);
    call_->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    Wait();
  }
  ~RawCall() {
    Finish();
    queue_.Shutdown();
  }
  RawCall(const RawCall&) = delete;
  RawCall& operator=(const RawCall&) = delete;

  // Whether a further answer came.
  bool Read(std::string* answer) {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, nullptr);
    if (!Wait()) return false;
    grpc::Slice bytes;
    if (!buffer.DumpToSingleSlice(&bytes).ok()) return false;
    answer->assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
    return true;
  }

  // How it ended; a stream that still goes on is cancelled.
  grpc::StatusCode Finish(bool cancel = true) {
    if (finished_) return status_.error_code();
    if (cancel) context_.TryCancel();
    call_->Finish(&status_, nullptr);
    Wait();
    finished_ = true;
    return status_.error_code();
  }

 private:
  // One thing goes on at a time, so that there is one tag at a time.
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  std::shared_ptr<grpc::Channel> channel_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::Status status_;
  bool finished_ = false;
};

// "SERVING", "NOT_SERVING", other bytes as they are, or "" where no answer came.
inline std::string HealthWord(const std::string& answer) {
  if (answer == std::string("\x08\x01")) return "SERVING";
  if (answer == std::string("\x08\x02")) return "NOT_SERVING";
  return answer;
}

// Of the server as a whole.
inline std::string CheckHealth(int port) {
  RawCall call(port, "/grpc.health.v1.Health/Check", "");
  std::string answer;
  return call.Read(&answer) ? HealthWord(answer) : "";
}

}  // namespace hotplugger::testing
