// One OperateNodes call.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hotplugger/v1/audit.pb.h"
#include "hotplugger/v1/fleet_service.pb.h"
#include "server/api/run_stream.h"

namespace hotplugger::server {

class OperationStream final : public RunStream<v1::OperateNodesResponse> {
 public:
  // Called with what the audit log is to keep; must not block. `done`, if any, is called once, on
  // whichever thread, with whether it is kept.
  using Audit =
      std::function<void(v1::AuditEntry entry, absl::AnyInvocable<void(absl::Status)> done)>;

  // Carries `plan` out, or ends at once with its error. `audit` is told what is asked of the nodes,
  // which only happens once that is kept, and what came of it; null: nothing is to be changed, and
  // nothing kept. `entry` says who asks.
  static OperationStream* Start(absl::StatusOr<OperationPlan> plan, NodeOperator* nodes,
                                OperationCalls* calls, v1::AuditEntry entry, Audit audit);

 private:
  OperationStream(OperationCalls* calls, v1::AuditEntry entry, Audit audit)
      : RunStream(calls), entry_(std::move(entry)), audit_(std::move(audit)) {}

  void Translate(v1::OperateNodesResponse answer, v1::OperateNodesResponse* response) override;
  void Ended(bool begun) override;

  // What came of it, as the last entry says. Where no node was asked it counts as a refusal: the
  // log keeps those apart, so that nobody can push changes out of it with what reaches no node.
  void AuditEnd(std::string summary, bool any_asked);

  const v1::AuditEntry entry_;
  const Audit audit_;
  // Set before the run begins; counted under the stream's lock, told when the call is over.
  size_t nodes_ = 0;
  size_t done_ = 0;
  size_t failed_ = 0;
  // Of those that failed, so many were never asked.
  size_t unasked_ = 0;
  std::string failed_names_;
};

}  // namespace hotplugger::server
