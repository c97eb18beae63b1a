// One OperateNodes call: the gRPC side of it and nothing else.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>

#include "common/mutex.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "server/fleet/operation_run.h"

namespace hotplugger::server {

// How many of these calls go on: each may hold some megabytes for a slow reader. Safe for
// concurrent use; outlives them.
class OperationCalls {
 public:
  static constexpr int kMax = 32;

  // RESOURCE_EXHAUSTED (TOO_MANY_CALLS) where there are kMax; else Leave must follow.
  absl::Status Enter();
  void Leave();

 private:
  Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Keeps itself alive until gRPC's last callback has returned. Has one answer at a time; the others
// wait in the run, which is slowed by who reads slowly.
class OperationStream final : public OperationRun::Sink,
                              public grpc::ServerWriteReactor<v1::OperateNodesResponse> {
 public:
  // Carries `plan` out, or ends at once with its error.
  static OperationStream* Start(absl::StatusOr<OperationPlan> plan, NodeOperator* nodes,
                                OperationCalls* calls);

  void AnswersReady() override;

  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

 private:
  explicit OperationStream(OperationCalls* calls) : calls_(calls) {}

  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishOnceLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<OperationRun> run();

  OperationCalls* const calls_;
  bool counted_ = false;
  std::shared_ptr<OperationStream> self_;

  Mutex mutex_;
  // Until OnDone: the run holds the stream, too.
  std::shared_ptr<OperationRun> run_ ABSL_GUARDED_BY(mutex_);
  v1::OperateNodesResponse writing_ ABSL_GUARDED_BY(mutex_);
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
