#include "server/fleet/operation_run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error_info.h"
#include "common/names.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"
#include "server/policy/selector.h"

namespace hotplugger::server {
namespace {

constexpr absl::Duration kDefaultDeadline = absl::Seconds(90);
constexpr absl::Duration kMinDeadline = absl::Seconds(1);
constexpr absl::Duration kMaxDeadline = absl::Hours(1);
constexpr int kMaxParallel = 100;

bool OnlyReads(const v1::Operation& operation) {
  return operation.has_list_drivers() || operation.has_list_conflicting_actors();
}

// Whether the node did not do what it was asked.
bool HasFailed(const v1::OperationResult& result) { return result.has_error(); }

absl::Duration DeadlineOf(const v1::OperateNodesRequest& request) {
  if (!request.has_deadline()) return kDefaultDeadline;
  return absl::Seconds(request.deadline().seconds()) +
         absl::Nanoseconds(request.deadline().nanos());
}

std::vector<FieldViolation> Check(const v1::OperateNodesRequest& request) {
  std::vector<FieldViolation> violations;
  if (request.selector().nodes().empty() && request.selector().match_labels().empty()) {
    violations.push_back(
        {"selector", "names no nodes; give selector.nodes, selector.match_labels, or both"});
  }
  for (const auto& [key, value] : std::map<std::string, std::string>(
           request.selector().match_labels().begin(), request.selector().match_labels().end())) {
    const absl::Status status = ValidateLabelKey(key);
    if (!status.ok()) {
      violations.push_back({"selector.match_labels", std::string(status.message())});
    }
  }
  if (request.operation().operation_case() == v1::Operation::OPERATION_NOT_SET) {
    violations.push_back({"operation", "is missing, or not known to this controller"});
  }
  const absl::Duration deadline = DeadlineOf(request);
  if (deadline < kMinDeadline || deadline > kMaxDeadline) {
    violations.push_back(
        {"deadline", absl::StrCat(absl::FormatDuration(deadline), " is not from 1s to 1h")});
  }
  if (request.has_parallel() && (request.parallel() < 1 || request.parallel() > kMaxParallel)) {
    violations.push_back(
        {"parallel", absl::StrCat(request.parallel(), " is not from 1 to ", kMaxParallel)});
  }
  return violations;
}

absl::Status NotBegun(const std::string& failed_node) {
  return MakeError(
      absl::StatusCode::kAborted, "NOT_BEGUN",
      failed_node.empty()
          ? "not asked, since whoever asked has gone"
          : absl::StrCat("not asked, since node ", failed_node,
                         " failed; mend that, or go on in spite of failures with --keep-going"));
}

}  // namespace

absl::StatusOr<OperationPlan> PlanOperation(const v1::OperateNodesRequest& request,
                                            const std::vector<NodeSnapshot>& nodes) {
  RETURN_IF_ERROR(MakeFieldErrors(Check(request)));
  OperationPlan plan;
  plan.operation = request.operation();
  plan.deadline = DeadlineOf(request);
  plan.keep_going = request.keep_going();
  if (request.has_parallel()) plan.parallel = request.parallel();
  std::set<std::string> unknown(request.selector().nodes().begin(),
                                request.selector().nodes().end());
  for (const NodeSnapshot& node : nodes) {
    unknown.erase(node.name);
    if (Matches(request.selector(), node.name, node.identity->labels)) {
      plan.nodes.push_back(node.name);
    }
  }
  if (!unknown.empty()) {
    return MakeError(
        absl::StatusCode::kNotFound, "NODE_NOT_FOUND",
        absl::StrCat("no node of these names has ever connected: ", absl::StrJoin(unknown, ", "),
                     "; `hotplugctl get nodes` lists those that have"));
  }
  if (plan.nodes.empty()) {
    return MakeError(absl::StatusCode::kNotFound, "NO_NODE_MATCHES",
                     absl::StrCat("none of the ", nodes.size(),
                                  " nodes matches the selector; `hotplugctl describe NODE` shows a "
                                  "node's labels"));
  }
  std::sort(plan.nodes.begin(), plan.nodes.end());
  return plan;
}

std::shared_ptr<OperationRun> OperationRun::Create(OperationPlan plan, NodeOperator* nodes,
                                                   std::shared_ptr<Sink> sink) {
  return std::shared_ptr<OperationRun>(new OperationRun(std::move(plan), nodes, std::move(sink)));
}

OperationRun::OperationRun(OperationPlan plan, NodeOperator* nodes, std::shared_ptr<Sink> sink)
    : plan_(std::move(plan)),
      nodes_(nodes),
      sink_(std::move(sink)),
      waiting_(plan_.nodes.begin(), plan_.nodes.end()) {}

void OperationRun::Cancel() {
  {
    MutexLock lock(&mutex_);
    cancelled_ = true;
  }
  Advance();
}

void OperationRun::Advance() {
  MutexLock lock(&mutex_);
  if (std::exchange(advancing_, true)) return;
  for (;;) {
    SkipLocked();
    if (!answers_.empty()) {
      v1::OperateNodesResponse answer = std::move(answers_.front());
      answers_.pop_front();
      const bool last = ++answered_ == plan_.nodes.size();
      mutex_.Unlock();
      sink_->NodeAnswered(std::move(answer));
      if (last) sink_->AllAnswered();
      mutex_.Lock();
    } else if (!waiting_.empty() && asked_ < plan_.parallel) {
      const std::string node = std::move(waiting_.front());
      waiting_.pop_front();
      ++asked_;
      mutex_.Unlock();
      nodes_->Ask(node, plan_.operation, plan_.deadline,
                  [self = shared_from_this(), node](v1::OperationResult result) {
                    self->Answered(node, std::move(result));
                  });
      mutex_.Lock();
    } else {
      advancing_ = false;
      return;
    }
  }
}

// Once nobody is to be asked any more, the rest is answered so.
void OperationRun::SkipLocked() {
  if (!cancelled_ && failed_node_.empty()) return;
  for (; !waiting_.empty(); waiting_.pop_front()) {
    v1::OperateNodesResponse& answer = answers_.emplace_back();
    answer.set_node(waiting_.front());
    *answer.mutable_result()->mutable_error() = ToRpcStatus(NotBegun(failed_node_));
  }
}

void OperationRun::Answered(const std::string& node, v1::OperationResult result) {
  {
    MutexLock lock(&mutex_);
    --asked_;
    if (HasFailed(result) && !plan_.keep_going && !OnlyReads(plan_.operation) &&
        failed_node_.empty()) {
      failed_node_ = node;
    }
    v1::OperateNodesResponse& answer = answers_.emplace_back();
    answer.set_node(node);
    *answer.mutable_result() = std::move(result);
  }
  Advance();
}

}  // namespace hotplugger::server
