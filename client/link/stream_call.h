// One call whose answers come one by one, with an end to every wait between them.
#pragma once

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <memory>

#include "absl/time/time.h"

namespace hotplugger::client {

// How long the call takes in all only the peer knows; `longest_pause` is what it may take from one
// answer to the next. For one thread alone, but for Cancel.
template <typename Response>
class StreamCall {
 public:
  // `prepare` gets a context and a queue, and returns the stub's reader.
  template <typename Prepare>
  StreamCall(const Prepare& prepare, absl::Duration longest_pause)
      : longest_pause_(longest_pause), reader_(prepare(&context_, &events_)) {}
  ~StreamCall() {
    events_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (events_.Next(&tag, &ok)) {
    }
  }
  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;

  // What failed is told by Finish.
  void Start() {
    reader_->StartCall(nullptr);
    was_sent_ = Await();
  }

  // False: there are no more. REQUIRES: started.
  bool Read(Response* answer) {
    reader_->Read(answer, nullptr);
    return Await();
  }

  // REQUIRES: Read was false.
  grpc::Status Finish() {
    grpc::Status status;
    reader_->Finish(&status, nullptr);
    Await();
    return status;
  }

  // Safe to call from any thread.
  void Cancel() { context_.TryCancel(); }

  // False: nobody has got the request.
  bool was_sent() const { return was_sent_; }

  // Whether it was ended here, since nothing came for so long.
  bool was_silent() const { return was_silent_; }

 private:
  // Waits for the event of what was begun last; whether that succeeded.
  bool Await() {
    const gpr_timespec until =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_micros(absl::ToInt64Microseconds(longest_pause_), GPR_TIMESPAN));
    void* tag = nullptr;
    bool ok = false;
    if (events_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) return ok;
    was_silent_ = true;
    Cancel();
    // The event of a call that is cancelled comes at once, and may yet be an answer.
    events_.Next(&tag, &ok);
    return ok;
  }

  const absl::Duration longest_pause_;
  bool was_sent_ = false;
  bool was_silent_ = false;
  grpc::CompletionQueue events_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientAsyncReader<Response>> reader_;
};

}  // namespace hotplugger::client
