#include "server/api/operation_stream.h"

#include <utility>

#include "common/transport/grpc_status.h"

namespace hotplugger::server {

OperationStream* OperationStream::Start(absl::StatusOr<OperationPlan> plan, NodeOperator* nodes) {
  const std::shared_ptr<OperationStream> stream(new OperationStream());
  stream->self_ = stream;
  if (!plan.ok()) {
    MutexLock lock(&stream->mutex_);
    stream->FinishOnceLocked(plan.status());
    return stream.get();
  }
  const std::shared_ptr<OperationRun> run = OperationRun::Create(*std::move(plan), nodes, stream);
  {
    MutexLock lock(&stream->mutex_);
    stream->run_ = run;
  }
  run->Start();
  return stream.get();
}

void OperationStream::NodeAnswered(v1::OperateNodesResponse answer) {
  MutexLock lock(&mutex_);
  if (finished_) return;
  answers_.push_back(std::move(answer));
  WriteNextLocked();
}

void OperationStream::AllAnswered() {
  MutexLock lock(&mutex_);
  all_answered_ = true;
  WriteNextLocked();
}

void OperationStream::WriteNextLocked() {
  if (finished_ || in_flight_) return;
  if (!answers_.empty()) {
    writing_ = std::move(answers_.front());
    answers_.pop_front();
    in_flight_ = true;
    StartWrite(&writing_);
  } else if (all_answered_) {
    FinishOnceLocked(absl::OkStatus());
  }
}

void OperationStream::FinishOnceLocked(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  answers_.clear();
  Finish(ToGrpcStatus(status));
}

void OperationStream::OnWriteDone(bool ok) noexcept {
  {
    MutexLock lock(&mutex_);
    in_flight_ = false;
    if (ok) return WriteNextLocked();
    FinishOnceLocked(absl::CancelledError("the stream broke"));
  }
  CancelRun();
}

void OperationStream::OnCancel() noexcept {
  {
    MutexLock lock(&mutex_);
    FinishOnceLocked(absl::CancelledError("the call was ended"));
  }
  CancelRun();
}

// Outside of the lock: the run answers for those that it leaves out.
void OperationStream::CancelRun() {
  std::shared_ptr<OperationRun> run;
  {
    MutexLock lock(&mutex_);
    run = run_.lock();
  }
  if (run != nullptr) run->Cancel();
}

void OperationStream::OnDone() noexcept {
  // The last share may be ours: it goes when this function has returned.
  const std::shared_ptr<OperationStream> self = std::move(self_);
}

}  // namespace hotplugger::server
