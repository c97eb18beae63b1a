// A call that is answered with a stream: what all of these have in common.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/mutex.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::server {

// Keeps itself alive until gRPC's last callback has returned. One answer is on its way at a time;
// what comes next is asked for when that is written.
template <typename Response>
class AnswerStream : public grpc::ServerWriteReactor<Response> {
 public:
  void OnWriteDone(bool ok) noexcept final {
    {
      MutexLock lock(&mutex_);
      in_flight_ = false;
      if (ok) {
        WriteNextLocked();
      } else {
        EndLocked(absl::CancelledError("the stream broke"));
      }
    }
    if (ok) {
      OnWritten();
    } else {
      OnBroken();
    }
  }

  void OnCancel() noexcept final {
    End(absl::CancelledError("the call was ended"));
    OnBroken();
  }

  void OnDone() noexcept final {
    OnOver();
    // The last share may be ours: it goes when this function has returned.
    const std::shared_ptr<AnswerStream> self = std::move(self_);
  }

 protected:
  enum class Next { kAnswer, kNotYet, kEnd };

  // Before all else: `stream` lives until OnDone.
  static void Hold(const std::shared_ptr<AnswerStream>& stream) { stream->self_ = stream; }

  // What is written next, if there is anything by now. Calls nobody who could call back.
  virtual Next NextLocked(Response* response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;
  // An answer has left; nobody reads any more; the call is over, however it ended. Under no lock.
  virtual void OnWritten() {}
  virtual void OnBroken() {}
  virtual void OnOver() {}

  // Writes what comes next unless something is on its way.
  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_ || in_flight_) return;
    writing_.Clear();
    switch (NextLocked(&writing_)) {
      case Next::kAnswer:
        in_flight_ = true;
        this->StartWrite(&writing_);
        return;
      case Next::kEnd:
        return EndLocked(absl::OkStatus());
      case Next::kNotYet:
        return;
    }
  }
  void WriteNext() {
    MutexLock lock(&mutex_);
    WriteNextLocked();
  }

  // gRPC wants exactly one Finish; the first end counts.
  void EndLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(ended_, true)) return;
    this->Finish(ToGrpcStatus(status));
  }
  void End(const absl::Status& status) {
    MutexLock lock(&mutex_);
    EndLocked(status);
  }
  bool ended() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ended_; }

  Mutex mutex_;

 private:
  std::shared_ptr<AnswerStream> self_;
  Response writing_ ABSL_GUARDED_BY(mutex_);
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
