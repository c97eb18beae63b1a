// One call whose answers come one by one, with an end to every wait between them.
#pragma once

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>

#include <memory>

#include "absl/time/time.h"

namespace hotplugger::client {

// How long the call takes in all only the peer knows, unless `longest` says so; `longest_pause` is
// what it may take from one answer to the next. For one thread alone, but for Cancel.
template <typename Response>
class StreamCall {
 public:
  // `prepare` gets a context and a queue, and returns the stub's reader.
  template <typename Prepare>
  StreamCall(const Prepare& prepare, absl::Duration longest_pause,
             absl::Duration longest = absl::InfiniteDuration())
      : longest_pause_(longest_pause), end_(In(longest)), reader_(prepare(&context_, &events_)) {}
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

  // From now on.
  void set_longest_pause(absl::Duration pause) { longest_pause_ = pause; }

  // REQUIRES: Read was false, or it was cancelled.
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

  // Whether it was ended here, since it had gone on for `longest`.
  bool is_over() const { return is_over_; }

 private:
  static gpr_timespec In(absl::Duration time) {
    if (time == absl::InfiniteDuration()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_micros(absl::ToInt64Microseconds(time), GPR_TIMESPAN));
  }

  // Waits for the event of what was begun last; whether that succeeded.
  bool Await() {
    const gpr_timespec until = gpr_time_min(In(longest_pause_), end_);
    void* tag = nullptr;
    bool ok = false;
    if (events_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) return ok;
    (gpr_time_cmp(until, end_) == 0 ? is_over_ : was_silent_) = true;
    Cancel();
    // The event of a call that is cancelled comes at once, and may yet be an answer.
    events_.Next(&tag, &ok);
    return ok;
  }

  absl::Duration longest_pause_;
  const gpr_timespec end_;
  bool was_sent_ = false;
  bool was_silent_ = false;
  bool is_over_ = false;
  grpc::CompletionQueue events_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientAsyncReader<Response>> reader_;
};

}  // namespace hotplugger::client
