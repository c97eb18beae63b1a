// One call that asks several nodes and streams what they answer: the gRPC side of it.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "common/transport/grpc_status.h"
#include "server/fleet/operation_run.h"

namespace hotplugger::server {

// How many of these calls go on: each may hold some megabytes for a slow reader. Safe for
// concurrent use; outlives them.
class OperationCalls {
 public:
  static constexpr int kMax = 32;

  // RESOURCE_EXHAUSTED (TOO_MANY_CALLS) where there are kMax; else Leave must follow.
  absl::Status Enter() {
    MutexLock lock(&mutex_);
    if (count_ >= kMax) {
      return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CALLS",
                       absl::StrCat(kMax,
                                    " operations on nodes go on already; try again when one "
                                    "of them is done"));
    }
    ++count_;
    return absl::OkStatus();
  }
  void Leave() {
    MutexLock lock(&mutex_);
    --count_;
  }

 private:
  Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Keeps itself alive until gRPC's last callback has returned. Has one answer at a time; the others
// wait in the run, which is slowed by who reads slowly.
template <typename Response>
class RunStream : public OperationRun::Sink, public grpc::ServerWriteReactor<Response> {
 public:
  void AnswersReady() final {
    MutexLock lock(&mutex_);
    WriteNextLocked();
  }

  // The run is called outside of the lock: it calls back.
  void OnWriteDone(bool ok) noexcept final {
    {
      MutexLock lock(&mutex_);
      in_flight_ = false;
      if (ok) {
        WriteNextLocked();
      } else {
        FinishOnceLocked(absl::CancelledError("the stream broke"));
      }
    }
    const std::shared_ptr<OperationRun> still = run();
    if (still == nullptr) return;
    if (ok) {
      still->Advance();
    } else {
      still->Cancel();
    }
  }

  void OnCancel() noexcept final {
    {
      MutexLock lock(&mutex_);
      FinishOnceLocked(absl::CancelledError("the call was ended"));
    }
    if (const std::shared_ptr<OperationRun> still = run(); still != nullptr) still->Cancel();
  }

  void OnDone() noexcept final {
    std::shared_ptr<OperationRun> run;
    {
      MutexLock lock(&mutex_);
      if (counted_) calls_->Leave();
      run.swap(run_);
    }
    Ended();
    // The last share may be ours: it goes when this function has returned.
    const std::shared_ptr<RunStream> self = std::move(self_);
  }

 protected:
  // `calls` outlives this.
  explicit RunStream(OperationCalls* calls) : calls_(calls) {}

  // What is written of a node's answer; under the lock, so it calls nobody.
  virtual void Translate(v1::OperateNodesResponse answer, Response* response) = 0;
  // What is written before the first answer, and after the last; nothing: nothing.
  virtual std::optional<Response> Begin() { return std::nullopt; }
  virtual std::optional<Response> End() { return std::nullopt; }
  // The call is over, however it ended. Under no lock.
  virtual void Ended() {}

  // Before all else: `stream` lives until OnDone.
  static void Hold(const std::shared_ptr<RunStream>& stream) { stream->self_ = stream; }

  // Counts the call; an error is what it is to end with, and then it must.
  absl::Status Enter() {
    RETURN_IF_ERROR(calls_->Enter());
    MutexLock lock(&mutex_);
    counted_ = true;
    return absl::OkStatus();
  }

  // Carries `plan` out, or ends with its error. Once; `stream` is this.
  static void Run(const std::shared_ptr<RunStream>& stream, absl::StatusOr<OperationPlan> plan,
                  NodeOperator* nodes) {
    std::shared_ptr<OperationRun> run;
    {
      MutexLock lock(&stream->mutex_);
      if (!plan.ok()) {
        stream->FinishOnceLocked(plan.status());
        return;
      }
      // Whoever asked may have gone meanwhile.
      if (stream->finished_) return;
      run = OperationRun::Create(*std::move(plan), nodes, stream);
      stream->run_ = run;
      // Also where there is nobody to ask.
      stream->WriteNextLocked();
    }
    run->Advance();
  }

 private:
  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_ || in_flight_ || run_ == nullptr) return;
    if (!std::exchange(begun_, true)) {
      if (std::optional<Response> first = Begin()) return WriteLocked(*std::move(first));
    }
    v1::OperateNodesResponse answer;
    switch (run_->TakeAnswer(&answer)) {
      case OperationRun::Taken::kAnswer: {
        Response response;
        Translate(std::move(answer), &response);
        return WriteLocked(std::move(response));
      }
      case OperationRun::Taken::kNotYet:
        return;
      case OperationRun::Taken::kEnd:
        break;
    }
    if (!std::exchange(ended_, true)) {
      if (std::optional<Response> last = End()) return WriteLocked(*std::move(last));
    }
    FinishOnceLocked(absl::OkStatus());
  }

  void WriteLocked(Response response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    writing_ = std::move(response);
    in_flight_ = true;
    this->StartWrite(&writing_);
  }

  void FinishOnceLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(finished_, true)) return;
    this->Finish(ToGrpcStatus(status));
  }

  std::shared_ptr<OperationRun> run() {
    MutexLock lock(&mutex_);
    return run_;
  }

  OperationCalls* const calls_;
  std::shared_ptr<RunStream> self_;

  Mutex mutex_;
  bool counted_ ABSL_GUARDED_BY(mutex_) = false;
  // Until OnDone: the run holds the stream, too.
  std::shared_ptr<OperationRun> run_ ABSL_GUARDED_BY(mutex_);
  Response writing_ ABSL_GUARDED_BY(mutex_);
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
