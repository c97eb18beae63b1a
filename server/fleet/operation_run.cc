#include "server/fleet/operation_run.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/digest.h"
#include "common/error_info.h"
#include "common/node_pattern.h"
#include "common/operation_kind.h"
#include "common/proto_time.h"
#include "common/rpc_status.h"
#include "common/status_macros.h"
#include "server/policy/note_validator.h"
#include "server/policy/selector.h"
#include "server/policy/selector_validator.h"

namespace hotplugger::server {
namespace {

constexpr absl::Duration kDefaultDeadline = absl::Seconds(90);
constexpr absl::Duration kMinDeadline = absl::Seconds(1);
constexpr absl::Duration kMaxDeadline = absl::Hours(1);
constexpr absl::Duration kDefaultPlanDeadline = absl::Seconds(30);
constexpr absl::Duration kMaxPlanDeadline = absl::Minutes(10);
constexpr int kDefaultPlanParallel = 16;
constexpr int kMaxParallel = 100;
// Any operation with valid names is a small part of this.
constexpr size_t kMaxOperationBytes = 64 * 1024;

template <typename Request>
absl::Duration DeadlineOf(const Request& request, absl::Duration otherwise) {
  return request.has_deadline() ? ToDuration(request.deadline()) : otherwise;
}

template <typename Request>
void CheckPace(const Request& request, absl::Duration deadline, absl::Duration max_deadline,
               std::vector<FieldViolation>* violations) {
  if (!IsValid(request.deadline()) || deadline < kMinDeadline || deadline > max_deadline) {
    violations->push_back({"deadline", absl::StrCat(absl::FormatDuration(deadline), " is not from ",
                                                    absl::FormatDuration(kMinDeadline), " to ",
                                                    absl::FormatDuration(max_deadline))});
  }
  if (request.has_parallel() && (request.parallel() < 1 || request.parallel() > kMaxParallel)) {
    violations->push_back(
        {"parallel", absl::StrCat(request.parallel(), " is not from 1 to ", kMaxParallel)});
  }
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
  const std::string& digest = request.operation().retry_spec().digest();
  if (!digest.empty() && !IsSha256Hex(digest)) {
    violations.push_back({"operation.retry_spec.digest",
                          "is not 64 lower-case hex digits, as `hotplugctl describe node` shows; "
                          "leave it out to have whichever spec was given up tried again"});
  }
  CheckPace(request, DeadlineOf(request, kDefaultDeadline), kMaxDeadline, &violations);
  CheckNote("note", request.note(), &violations);
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
  std::set<std::string> names;
  for (const std::string& name : selector.nodes()) {
    if (!IsNodePattern(name)) names.insert(name);
  }
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
  // A pattern, in contrast, takes what it finds.
  for (const NodeSnapshot& node : nodes) {
    if (Matches(selector, node.name, node.identity->labels)) names.insert(node.name);
  }
  if (names.empty()) return NoNodeMatches(nodes.size());
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

absl::StatusOr<OperationPlan> PlanOperation(const v1::OperateNodesRequest& request,
                                            const std::vector<NodeSnapshot>& nodes) {
  RETURN_IF_ERROR(MakeFieldErrors(Check(request)));
  OperationPlan plan;
  ASSIGN_OR_RETURN(plan.nodes, SelectNodes(request.selector(), nodes));
  plan.operation = request.operation();
  plan.deadline = DeadlineOf(request, kDefaultDeadline);
  plan.keep_going = request.keep_going();
  if (request.has_parallel()) plan.parallel = request.parallel();
  return plan;
}

absl::StatusOr<OperationPlan> PlanQuestions(const v1::PlanChangeRequest& request) {
  OperationPlan plan;
  plan.deadline = DeadlineOf(request, kDefaultPlanDeadline);
  plan.parallel = request.has_parallel() ? request.parallel() : kDefaultPlanParallel;
  std::vector<FieldViolation> violations;
  CheckPace(request, plan.deadline, kMaxPlanDeadline, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
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

v1::Operation OperationRun::OperationFor(const std::string& node) const {
  const auto spec = plan_.specs.find(node);
  if (spec == plan_.specs.end()) return plan_.operation;
  v1::Operation operation;
  operation.mutable_plan_spec()->set_body(spec->second->body);
  return operation;
}

void OperationRun::AskNextLocked() {
  const std::string node = std::move(waiting_.front());
  waiting_.pop_front();
  asked_[node] = 0;
  mutex_.Unlock();
  const uint64_t question =
      nodes_->Ask(node, OperationFor(node), plan_.deadline,
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
    const bool asks = !plan_.specs.empty() || OnlyReads(plan_.operation);
    if (HasFailed(result) && !plan_.keep_going && !asks && failed_node_.empty()) {
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
