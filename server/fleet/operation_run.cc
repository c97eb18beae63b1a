#include "server/fleet/operation_run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"
#include "server/policy/selector.h"
#include "server/policy/selector_validator.h"

namespace hotplugger::server {
namespace {

constexpr absl::Duration kDefaultDeadline = absl::Seconds(90);
constexpr absl::Duration kMinDeadline = absl::Seconds(1);
constexpr absl::Duration kMaxDeadline = absl::Hours(1);
constexpr int kMaxParallel = 100;
// Any operation with valid names is a small part of this.
constexpr size_t kMaxOperationBytes = 64 * 1024;

bool OnlyReads(const v1::Operation& operation) {
  return operation.has_list_drivers() || operation.has_list_conflicting_actors();
}

// Whether the node did not do what it was asked.
bool HasFailed(const v1::OperationResult& result) {
  using Items = google::protobuf::RepeatedPtrField<v1::ItemResult>;
  if (result.has_error()) return true;
  // What the result does not have is empty.
  for (const Items* items :
       {&result.enable_driver().results(), &result.disable_driver().results(),
        &result.switch_drivers().results(), &result.register_driver().results(),
        &result.unregister_driver().results()}) {
    for (const v1::ItemResult& item : *items) {
      if (item.outcome() == v1::OUTCOME_FAILED || item.outcome() == v1::OUTCOME_REFUSED)
        return true;
    }
  }
  return false;
}

absl::Duration DeadlineOf(const v1::OperateNodesRequest& request) {
  if (!request.has_deadline()) return kDefaultDeadline;
  return absl::Seconds(request.deadline().seconds()) +
         absl::Nanoseconds(request.deadline().nanos());
}

std::vector<FieldViolation> Check(const v1::OperateNodesRequest& request) {
  std::vector<FieldViolation> violations;
  CheckSelector("selector", request.selector(), &violations);
  if (request.operation().operation_case() == v1::Operation::OPERATION_NOT_SET) {
    violations.push_back({"operation", "is missing, or not known to this controller"});
  }
  if (request.operation().ByteSizeLong() > kMaxOperationBytes) {
    violations.push_back(
        {"operation", absl::StrCat("has ", request.operation().ByteSizeLong(), " bytes; at most ",
                                   kMaxOperationBytes, " are taken")});
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

absl::Status NodesNotFound(const std::vector<std::string>& names) {
  return MakeError(
      absl::StatusCode::kNotFound, "NODE_NOT_FOUND",
      absl::StrCat("no node of these names has ever connected: ", absl::StrJoin(names, ", "),
                   "; `hotplugctl get nodes` lists those that have"));
}

// A name is a wish: who names a node is not to find it left out for its labels.
absl::Status NodesNotSelected(const std::vector<std::string>& names) {
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "NODE_NOT_SELECTED",
      absl::StrCat("nodes that are named do not have the labels that are asked for too: ",
                   absl::StrJoin(names, ", "),
                   "; leave out the labels or those names (`hotplugctl describe node NAME` shows "
                   "a node's labels)"));
}

absl::Status NoNodeMatches(size_t nodes) {
  return MakeError(absl::StatusCode::kNotFound, "NO_NODE_MATCHES",
                   absl::StrCat("none of the ", nodes,
                                " nodes matches the selector; `hotplugctl describe node NAME` "
                                "shows a node's labels"));
}

absl::StatusOr<std::vector<std::string>> NamedNodes(const v1::Selector& selector,
                                                    const std::vector<NodeSnapshot>& nodes) {
  std::vector<std::string> unknown;
  std::vector<std::string> left_out;
  const std::set<std::string> names(selector.nodes().begin(), selector.nodes().end());
  for (const std::string& name : names) {
    const auto node = std::lower_bound(
        nodes.begin(), nodes.end(), name,
        [](const NodeSnapshot& snapshot, const std::string& key) { return snapshot.name < key; });
    if (node == nodes.end() || node->name != name) {
      unknown.push_back(name);
    } else if (!MatchesLabels(selector, node->identity->labels)) {
      left_out.push_back(name);
    }
  }
  if (!unknown.empty()) return NodesNotFound(unknown);
  if (!left_out.empty()) return NodesNotSelected(left_out);
  return std::vector<std::string>(names.begin(), names.end());
}

absl::StatusOr<std::vector<std::string>> SelectNodes(const v1::Selector& selector,
                                                     const std::vector<NodeSnapshot>& nodes) {
  if (!selector.nodes().empty()) return NamedNodes(selector, nodes);
  std::vector<std::string> names;
  for (const NodeSnapshot& node : nodes) {
    if (MatchesLabels(selector, node.identity->labels)) names.push_back(node.name);
  }
  if (names.empty()) return NoNodeMatches(nodes.size());
  return names;
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
  ASSIGN_OR_RETURN(plan.nodes, SelectNodes(request.selector(), nodes));
  plan.operation = request.operation();
  plan.deadline = DeadlineOf(request);
  plan.keep_going = request.keep_going();
  if (request.has_parallel()) plan.parallel = request.parallel();
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

bool OperationRun::EndsLocked() const { return cancelled_ || !failed_node_.empty(); }

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
    const size_t parallel = static_cast<size_t>(plan_.parallel);
    if (std::exchange(ready_, false)) {
      mutex_.Unlock();
      sink_->AnswersReady();
      mutex_.Lock();
    } else if (EndsLocked() && !std::exchange(withdrawn_, true)) {
      ready_ = true;
      WithdrawLocked();
    } else if (!EndsLocked() && !waiting_.empty() && asked_.size() < parallel &&
               answers_.size() < parallel) {
      AskNextLocked();
    } else {
      advancing_ = false;
      return;
    }
  }
}

void OperationRun::AskNextLocked() {
  const std::string node = std::move(waiting_.front());
  waiting_.pop_front();
  asked_[node] = 0;
  mutex_.Unlock();
  const uint64_t question =
      nodes_->Ask(node, plan_.operation, plan_.deadline,
                  [self = shared_from_this(), node](v1::OperationResult result) {
                    self->Answered(node, std::move(result));
                  });
  mutex_.Lock();
  const auto asked = asked_.find(node);
  if (asked != asked_.end()) asked->second = question;
}

// One that waits for its node's earlier operations would be done long after the failure.
void OperationRun::WithdrawLocked() {
  const std::map<std::string, uint64_t> asked = asked_;
  const absl::Status why = NotBegun(failed_node_);
  mutex_.Unlock();
  for (const auto& [node, question] : asked) nodes_->Withdraw(node, question, why);
  mutex_.Lock();
}

OperationRun::Taken OperationRun::TakeAnswer(v1::OperateNodesResponse* answer) {
  MutexLock lock(&mutex_);
  if (!answers_.empty()) {
    *answer = std::move(answers_.front());
    answers_.pop_front();
    return Taken::kAnswer;
  }
  if (!waiting_.empty() && EndsLocked()) {
    answer->Clear();
    answer->set_node(std::move(waiting_.front()));
    *answer->mutable_result()->mutable_error() = ToRpcStatus(NotBegun(failed_node_));
    waiting_.pop_front();
    return Taken::kAnswer;
  }
  return waiting_.empty() && asked_.empty() ? Taken::kEnd : Taken::kNotYet;
}

void OperationRun::Answered(const std::string& node, v1::OperationResult result) {
  {
    MutexLock lock(&mutex_);
    asked_.erase(node);
    if (HasFailed(result) && !plan_.keep_going && !OnlyReads(plan_.operation) &&
        failed_node_.empty()) {
      failed_node_ = node;
    }
    v1::OperateNodesResponse& answer = answers_.emplace_back();
    answer.set_node(node);
    *answer.mutable_result() = std::move(result);
    ready_ = true;
  }
  Advance();
}

}  // namespace hotplugger::server
