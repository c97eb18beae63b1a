// One call that asks several nodes and streams what they answer: the gRPC side of it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "server/api/answer_stream.h"
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

// One answer is on its way at a time; the others wait in the run, which is slowed by who reads
// slowly.
template <typename Response>
class RunStream : public OperationRun::Sink, public AnswerStream<Response> {
 public:
  void AnswersReady() final { this->WriteNext(); }

 protected:
  using Next = typename AnswerStream<Response>::Next;

  // `calls` outlives this.
  explicit RunStream(OperationCalls* calls) : calls_(calls) {}

  // What is written of a node's answer; under the lock, so it calls nobody.
  virtual void Translate(v1::OperateNodesResponse answer, Response* response) = 0;
  // What is written before the first answer, and after the last; nothing: nothing.
  virtual std::optional<Response> First() { return std::nullopt; }
  virtual std::optional<Response> Last() { return std::nullopt; }
  // The call is over, however it ended, after `begun`: nodes may have been asked. Under no lock.
  virtual void Ended(bool /*begun*/) {}

  // Counts the call; an error is what it is to end with, and then it must.
  absl::Status Enter() {
    RETURN_IF_ERROR(calls_->Enter());
    MutexLock lock(&this->mutex_);
    counted_ = true;
    return absl::OkStatus();
  }

  // Carries `plan` out, or ends with its error. Once; `stream` is this, and held. Whether nodes are
  // asked: whoever wanted that may have gone meanwhile.
  static bool Run(const std::shared_ptr<RunStream>& stream, absl::StatusOr<OperationPlan> plan,
                  NodeOperator* nodes) {
    std::shared_ptr<OperationRun> run;
    {
      MutexLock lock(&stream->mutex_);
      if (!plan.ok()) {
        stream->EndLocked(plan.status());
        return false;
      }
      if (stream->ended()) return false;
      run = OperationRun::Create(*std::move(plan), nodes, stream);
      stream->run_ = run;
      // Also where there is nobody to ask.
      stream->WriteNextLocked();
    }
    run->Advance();
    return true;
  }

 private:
  // The run is called outside of the lock: it calls back.
  void OnWritten() final {
    if (const std::shared_ptr<OperationRun> still = run(); still != nullptr) still->Advance();
  }
  void OnBroken() final {
    if (const std::shared_ptr<OperationRun> still = run(); still != nullptr) still->Cancel();
  }
  void OnOver() final {
    std::shared_ptr<OperationRun> run;
    {
      MutexLock lock(&this->mutex_);
      if (counted_) calls_->Leave();
      run.swap(run_);
    }
    Ended(run != nullptr);
  }

  Next NextLocked(Response* response) final ABSL_EXCLUSIVE_LOCKS_REQUIRED(this->mutex_) {
    if (run_ == nullptr) return Next::kNotYet;
    if (!std::exchange(begun_, true)) {
      if (std::optional<Response> first = First()) {
        *response = *std::move(first);
        return Next::kAnswer;
      }
    }
    v1::OperateNodesResponse answer;
    switch (run_->TakeAnswer(&answer)) {
      case OperationRun::Taken::kAnswer:
        Translate(std::move(answer), response);
        return Next::kAnswer;
      case OperationRun::Taken::kNotYet:
        return Next::kNotYet;
      case OperationRun::Taken::kEnd:
        break;
    }
    if (std::exchange(summed_up_, true)) return Next::kEnd;
    std::optional<Response> last = Last();
    if (!last) return Next::kEnd;
    *response = *std::move(last);
    return Next::kAnswer;
  }

  std::shared_ptr<OperationRun> run() {
    MutexLock lock(&this->mutex_);
    return run_;
  }

  OperationCalls* const calls_;
  bool counted_ ABSL_GUARDED_BY(this->mutex_) = false;
  // Until the call is over: the run holds the stream, too.
  std::shared_ptr<OperationRun> run_ ABSL_GUARDED_BY(this->mutex_);
  bool begun_ ABSL_GUARDED_BY(this->mutex_) = false;
  bool summed_up_ ABSL_GUARDED_BY(this->mutex_) = false;
};

}  // namespace hotplugger::server
