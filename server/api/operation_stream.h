// One OperateNodes call: the gRPC side of it and nothing else.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>

#include "common/mutex.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "server/fleet/operation_run.h"

namespace hotplugger::server {

// Keeps itself alive until gRPC's last callback has returned. What waits to be written is bound by
// the number of nodes.
class OperationStream final : public OperationRun::Sink,
                              public grpc::ServerWriteReactor<v1::OperateNodesResponse> {
 public:
  // Carries `plan` out, or ends at once with its error.
  static OperationStream* Start(absl::StatusOr<OperationPlan> plan, NodeOperator* nodes);

  void NodeAnswered(v1::OperateNodesResponse answer) override;
  void AllAnswered() override;

  void OnWriteDone(bool ok) noexcept override;
  void OnCancel() noexcept override;
  void OnDone() noexcept override;

 private:
  OperationStream() = default;

  void WriteNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FinishOnceLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CancelRun();

  std::shared_ptr<OperationStream> self_;

  Mutex mutex_;
  std::weak_ptr<OperationRun> run_ ABSL_GUARDED_BY(mutex_);
  v1::OperateNodesResponse writing_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::OperateNodesResponse> answers_ ABSL_GUARDED_BY(mutex_);
  bool in_flight_ ABSL_GUARDED_BY(mutex_) = false;
  bool all_answered_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::server
