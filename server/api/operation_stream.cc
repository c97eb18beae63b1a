#include "server/api/operation_stream.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/operation_kind.h"
#include "common/rpc_status.h"
#include "common/text.h"

namespace hotplugger::server {
namespace {

// An operation's text and the names of nodes are cut to so many bytes.
constexpr size_t kMaxText = 1024;

bool WasNotAsked(const v1::OperationResult& result) {
  const std::string reason = ErrorReason(FromRpcStatus(result.error()));
  return reason == "NODE_NOT_CONNECTED" || reason == "NODE_NOT_FOUND" || reason == "NOT_BEGUN";
}

absl::Status NotKept(const absl::Status& why) {
  return MakeError(why.code(), ErrorReason(why),
                   absl::StrCat("nothing was asked of the nodes, since what is asked can't be kept "
                                "in the audit log: ",
                                why.message()));
}

}  // namespace

OperationStream* OperationStream::Start(absl::StatusOr<OperationPlan> plan, NodeOperator* nodes,
                                        OperationCalls* calls, v1::AuditEntry entry, Audit audit) {
  const std::shared_ptr<OperationStream> stream(
      new OperationStream(calls, std::move(entry), std::move(audit)));
  Hold(stream);
  OperationStream* const reactor = stream.get();
  if (plan.ok()) {
    const absl::Status entered = stream->Enter();
    if (!entered.ok()) plan = entered;
  }
  if (stream->audit_ == nullptr) {
    Run(stream, std::move(plan), nodes);
    return reactor;
  }
  v1::AuditEntry asked = stream->entry_;
  if (!plan.ok()) {
    *asked.mutable_status() = ToRpcStatus(plan.status());
    stream->audit_(std::move(asked), nullptr);
    Run(stream, std::move(plan), nodes);
    return reactor;
  }
  stream->nodes_ = plan->nodes.size();
  asked.set_summary(absl::StrCat("asked of ", stream->nodes_, " nodes: ",
                                 CutText(plan->operation.ShortDebugString(), kMaxText)));
  stream->audit_(std::move(asked), [stream, plan = *std::move(plan),
                                    nodes](const absl::Status& kept) mutable {
    if (!kept.ok()) {
      Run(stream, NotKept(kept), nodes);
    } else if (!Run(stream, std::move(plan), nodes)) {
      stream->AuditEnd(absl::StrCat("ended before any of the ", stream->nodes_, " nodes was asked"),
                       /*any_asked=*/false);
    }
  });
  return reactor;
}

void OperationStream::Translate(v1::OperateNodesResponse answer,
                                v1::OperateNodesResponse* response) {
  if (!HasFailed(answer.result())) {
    ++done_;
  } else {
    ++failed_;
    if (WasNotAsked(answer.result())) ++unasked_;
    if (failed_names_.size() < kMaxText) {
      absl::StrAppend(&failed_names_, failed_names_.empty() ? "" : ", ", answer.node());
    }
  }
  *response = std::move(answer);
}

// Of a call that was over before it had begun Start tells.
void OperationStream::Ended(bool begun) {
  if (!begun || audit_ == nullptr) return;
  const size_t unknown = nodes_ - done_ - failed_;
  AuditEnd(absl::StrCat("ended: ", done_, " of ", nodes_, " nodes did it",
                        failed_ == 0 ? "" : absl::StrCat("; not: ", failed_names_),
                        unknown == 0 ? ""
                                     : absl::StrCat("; of ", unknown,
                                                    " it is not known: the call was ended before")),
           /*any_asked=*/unasked_ < nodes_);
}

void OperationStream::AuditEnd(std::string summary, bool any_asked) {
  v1::AuditEntry entry = entry_;
  if (done_ < nodes_) {
    *entry.mutable_status() =
        ToRpcStatus(MakeError(absl::StatusCode::kAborted, "NOT_DONE_BY_ALL", summary));
  }
  if (any_asked) entry.set_summary(std::move(summary));
  audit_(std::move(entry), nullptr);
}

}  // namespace hotplugger::server
