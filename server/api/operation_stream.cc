#include "server/api/operation_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/transport/grpc_status.h"

namespace hotplugger::server {

absl::Status OperationCalls::Enter() {
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

void OperationCalls::Leave() {
  MutexLock lock(&mutex_);
  --count_;
}

OperationStream* OperationStream::Start(absl::StatusOr<OperationPlan> plan, NodeOperator* nodes,
                                        OperationCalls* calls) {
  const std::shared_ptr<OperationStream> stream(new OperationStream(calls));
  stream->self_ = stream;
  absl::Status status = plan.status();
  if (status.ok()) status = calls->Enter();
  if (!status.ok()) {
    MutexLock lock(&stream->mutex_);
    stream->FinishOnceLocked(status);
    return stream.get();
  }
  stream->counted_ = true;
  const std::shared_ptr<OperationRun> run = OperationRun::Create(*std::move(plan), nodes, stream);
  {
    MutexLock lock(&stream->mutex_);
    stream->run_ = run;
  }
  run->Advance();
  return stream.get();
}

void OperationStream::AnswersReady() {
  MutexLock lock(&mutex_);
  WriteNextLocked();
}

void OperationStream::WriteNextLocked() {
  if (finished_ || in_flight_) return;
  if (run_ == nullptr) return;
  switch (run_->TakeAnswer(&writing_)) {
    case OperationRun::Taken::kAnswer:
      in_flight_ = true;
      StartWrite(&writing_);
      break;
    case OperationRun::Taken::kNotYet:
      break;
    case OperationRun::Taken::kEnd:
      FinishOnceLocked(absl::OkStatus());
      break;
  }
}

void OperationStream::FinishOnceLocked(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  Finish(ToGrpcStatus(status));
}

// The run is called outside of the lock: it calls back.
void OperationStream::OnWriteDone(bool ok) noexcept {
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

void OperationStream::OnCancel() noexcept {
  {
    MutexLock lock(&mutex_);
    FinishOnceLocked(absl::CancelledError("the call was ended"));
  }
  if (const std::shared_ptr<OperationRun> still = run(); still != nullptr) still->Cancel();
}

std::shared_ptr<OperationRun> OperationStream::run() {
  MutexLock lock(&mutex_);
  return run_;
}

void OperationStream::OnDone() noexcept {
  if (counted_) calls_->Leave();
  std::shared_ptr<OperationRun> run;
  {
    MutexLock lock(&mutex_);
    run.swap(run_);
  }
  // The last share may be ours: it goes when this function has returned.
  const std::shared_ptr<OperationStream> self = std::move(self_);
}

}  // namespace hotplugger::server
