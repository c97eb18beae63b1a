#include "server/api/operation_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "common/text.h"

namespace hotplugger::server {
namespace {

// An operation's text and the names of nodes are cut to so many bytes.
constexpr size_t kMaxText = 1024;

}  // namespace

OperationStream* OperationStream::Start(absl::StatusOr<OperationPlan> plan, NodeOperator* nodes,
                                        OperationCalls* calls, v1::AuditEntry entry, Audit audit) {
  const std::shared_ptr<OperationStream> stream(
      new OperationStream(calls, std::move(entry), std::move(audit)));
  Hold(stream);
  if (plan.ok()) {
    const absl::Status entered = stream->Enter();
    if (!entered.ok()) plan = entered;
  }
  stream->AuditStart(plan);
  Run(stream, std::move(plan), nodes);
  return stream.get();
}

void OperationStream::AuditStart(const absl::StatusOr<OperationPlan>& plan) {
  if (audit_ == nullptr) return;
  v1::AuditEntry entry = entry_;
  if (!plan.ok()) {
    *entry.mutable_status() = ToRpcStatus(plan.status());
    std::exchange(audit_, nullptr)(std::move(entry));
    return;
  }
  if (OnlyReads(plan->operation)) {
    audit_ = nullptr;
    return;
  }
  nodes_ = plan->nodes.size();
  entry.set_summary(absl::StrCat(
      "asked of ", nodes_, " nodes: ", CutText(plan->operation.ShortDebugString(), kMaxText)));
  audit_(std::move(entry));
}

void OperationStream::Translate(v1::OperateNodesResponse answer,
                                v1::OperateNodesResponse* response) {
  if (!HasFailed(answer.result())) {
    ++done_;
  } else {
    ++failed_;
    if (failed_names_.size() < kMaxText) {
      absl::StrAppend(&failed_names_, failed_names_.empty() ? "" : ", ", answer.node());
    }
  }
  *response = std::move(answer);
}

void OperationStream::Ended() {
  if (audit_ == nullptr) return;
  v1::AuditEntry entry = entry_;
  const size_t unknown = nodes_ - done_ - failed_;
  entry.set_summary(absl::StrCat(
      "ended: ", done_, " of ", nodes_, " nodes did it",
      failed_ == 0 ? "" : absl::StrCat("; not: ", failed_names_),
      unknown == 0
          ? ""
          : absl::StrCat("; of ", unknown, " it is not known: the call was ended before")));
  if (done_ < nodes_) {
    *entry.mutable_status() =
        ToRpcStatus(MakeError(absl::StatusCode::kAborted, "NOT_DONE_BY_ALL", entry.summary()));
  }
  audit_(std::move(entry));
}

}  // namespace hotplugger::server
