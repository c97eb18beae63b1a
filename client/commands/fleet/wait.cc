#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/following.h"
#include "client/commands/fleet/verbs.h"
#include "client/commands/fleet/wait_gone.h"
#include "client/list_filter.h"
#include "client/text.h"
#include "client/wait_condition.h"
#include "client/wait_progress.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// Lines about progress come no faster: with a large fleet each change would be one.
constexpr absl::Duration kBetweenLines = absl::Milliseconds(250);

struct Options {
  std::string kind;
  // "": what the kind is waited for as a rule.
  std::string condition;
  std::vector<std::string> names;
  absl::Duration timeout = absl::Seconds(60);
};

// One `hotplugctl wait` for nodes.
class Waiter {
 public:
  Waiter(const Options& options, WaitCondition condition, Session& session)
      : options_(options),
        condition_(condition),
        session_(session),
        follower_(session, options.timeout),
        progress_(condition) {
    request_.add_kinds(v1::WatchFleetRequest::KIND_NODES);
    if (OfPolicy()) request_.add_kinds(v1::WatchFleetRequest::KIND_POLICIES);
    request_.set_summary_only(true);
  }

  absl::StatusOr<ExitCode> Run() {
    if (OfPolicy()) RETURN_IF_ERROR(ReadPolicy());
    RETURN_IF_ERROR(follower_.Run([this](const FleetClient::WatchEnd& end) {
      return session_.fleet->WatchFleet(
          request_, [this](const v1::WatchFleetResponse& answer) { return Take(answer); }, end);
    }));
    RETURN_IF_ERROR(error_);
    if (synced_ && progress_.pending().empty()) return PrintDone();
    if (follower_.was_interrupted()) return WaitInterrupted();
    if (!synced_) return NotAnswered(options_.timeout);
    return progress_.AnyGivenUp() ? GivenUp() : TimedOut();
  }

 private:
  bool OfPolicy() const { return options_.kind == "policy"; }

  // By its selector its nodes are known.
  absl::Status ReadPolicy() {
    v1::GetPolicyRequest request;
    request.set_name(options_.names.front());
    ASSIGN_OR_RETURN(const v1::GetPolicyResponse response, session_.fleet->GetPolicy(request));
    selector_ = response.policy().selector();
    follower_.NoteAnswer();
    return absl::OkStatus();
  }

  // False where there is nothing to wait for any more.
  bool Take(const v1::WatchFleetResponse& answer) {
    follower_.NoteAnswer();
    request_.set_resume_token(answer.resume_token());
    if (answer.has_reset()) {
      nodes_.clear();
      synced_ = false;
      policy_seen_ = false;
    } else if (answer.has_node()) {
      nodes_[answer.node().name()] = answer.node();
      UpdateNode(answer.node().name());
    } else if (answer.has_deleted_node()) {
      nodes_.erase(answer.deleted_node());
      UpdateNode(answer.deleted_node());
    } else if (OfPolicy() && answer.has_policy() && IsThePolicy(answer.policy().name())) {
      selector_ = answer.policy().selector();
      policy_seen_ = true;
      UpdateAll();
    } else if (OfPolicy() && IsThePolicy(answer.deleted_policy())) {
      error_ = PolicyIsGone();
    } else if (answer.has_synced()) {
      synced_ = true;
      UpdateAll();
      if (progress_.done() == 0 && progress_.pending().empty()) error_ = NoNode();
      // After a reset what is gone isn't told.
      if (OfPolicy() && !policy_seen_) error_ = PolicyIsGone();
    }
    if (!error_.ok() || !synced_) return error_.ok();
    TellProgress();
    return !progress_.pending().empty() && !progress_.AnyGivenUp();
  }

  bool IsThePolicy(const std::string& name) const { return name == options_.names.front(); }

  void UpdateNode(const std::string& name) {
    if (!synced_) return;
    const auto known = nodes_.find(name);
    const v1::Node* const node = known == nodes_.end() ? nullptr : &known->second;
    if (IsWanted(name, node)) {
      progress_.Update(name, node);
    } else {
      progress_.Drop(name);
    }
  }

  // "All connected" are those that are so at first: a node that goes away meanwhile must not end
  // the wait as if it were done.
  void UpdateAll() {
    if (!synced_) return;
    progress_ = WaitProgress(condition_);
    if (!wanted_) {
      wanted_.emplace(options_.names.begin(), options_.names.end());
      for (const auto& [name, node] : nodes_) {
        if (options_.names.empty() && node.connected()) wanted_->insert(name);
      }
    }
    for (const auto& [name, node] : nodes_) UpdateNode(name);
    if (OfPolicy()) return;
    for (const std::string& name : *wanted_) UpdateNode(name);
  }

  bool IsWanted(const std::string& name, const v1::Node* node) const {
    if (!OfPolicy()) return wanted_->count(name) > 0;
    // A policy's nodes may change while we wait.
    return node != nullptr && MatchesSelector(selector_, *node);
  }

  absl::Status PolicyIsGone() const {
    return MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND",
                     absl::StrCat("policy ", Printable(options_.names.front()),
                                  ", whose nodes were waited for, has been deleted"));
  }

  absl::Status NoNode() const {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_NODE",
                     OfPolicy()
                         ? absl::StrCat("policy ", options_.names.front(),
                                        " matches no node that the controller knows; compare its "
                                        "selector with the labels in `hotplugctl describe node`")
                         : "no node is connected; name those to wait for, or start their agents");
  }

  // A line whenever the count has changed, but not all at once.
  void TellProgress() {
    if (progress_.pending().empty() || progress_.done() == told_done_) return;
    const absl::Time now = session_.steady_clock.Now();
    if (told_time_ && now - *told_time_ < kBetweenLines) return;
    told_time_ = now;
    told_done_ = progress_.done();
    session_.err << "waiting: " << progress_.done() << " of " << Total() << " nodes "
                 << ConditionText(condition_) << '\n'
                 << std::flush;
  }

  size_t Total() const { return progress_.done() + progress_.pending().size(); }

  absl::StatusOr<ExitCode> PrintDone() {
    if (session_.format == OutputFormat::kTable) {
      session_.out << progress_.done() << (progress_.done() == 1 ? " node" : " nodes") << ' '
                   << ConditionText(condition_) << '\n';
      return ExitCode::kOk;
    }
    v1::ListNodesResponse listed;
    for (const auto& [name, node] : nodes_) {
      if (!OfPolicy() || IsWanted(name, &node)) *listed.add_nodes() = node;
    }
    RETURN_IF_ERROR(PrintDocument(listed, session_.format, session_.out));
    return ExitCode::kOk;
  }

  absl::Status TimedOut() const {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "WAIT_TIMEOUT",
                     absl::StrCat("after ", absl::FormatDuration(options_.timeout), " ",
                                  progress_.pending().size(), " of ", Total(), " nodes are not ",
                                  ConditionText(condition_), ":", Causes()));
  }

  absl::Status GivenUp() const {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "NODE_FAILED",
        absl::StrCat("waiting longer can't help; not ", ConditionText(condition_), ":", Causes()));
  }

  std::string Causes() const {
    std::string lines;
    for (const auto& [name, pending] : progress_.pending()) {
      absl::StrAppend(&lines, "\n", Printable(name), ": ", Printable(pending.cause));
    }
    return lines;
  }

  const Options& options_;
  const WaitCondition condition_;
  Session& session_;
  Follower follower_;
  v1::WatchFleetRequest request_;
  // Of the policy.
  v1::Selector selector_;
  // Whether the watch has told of it since its last reset.
  bool policy_seen_ = false;
  // All that there are, without inventory and spec.
  std::map<std::string, v1::Node> nodes_;
  // But for a policy's.
  std::optional<std::set<std::string>> wanted_;
  bool synced_ = false;
  WaitProgress progress_;
  absl::Status error_;
  std::optional<size_t> told_done_;
  std::optional<absl::Time> told_time_;
};

absl::Status BadArguments(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ARGUMENTS", message);
}

absl::Status CheckNames(const Options& options) {
  if (options.kind == "policy" && options.names.size() != 1) {
    return BadArguments("wait policy takes the name of one policy");
  }
  if (options.kind == "hold" && options.names.size() != 2) {
    return BadArguments("wait hold takes a node and what is held of it, e.g. gamma cpu3");
  }
  if (options.kind == "nodes" && options.names.empty() &&
      (options.condition == "deleted" || options.condition == "connected")) {
    return BadArguments(absl::StrCat("name the nodes that are to be ", options.condition,
                                     "; all that are connected are no answer"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> WaitForHold(const Options& options, Session& session) {
  if (options.condition != "expired" && options.condition != "deleted" &&
      !options.condition.empty()) {
    return BadArguments("a hold can be waited for until it has expired or is deleted alone");
  }
  return WaitUntilHoldIsGone(options.names[0], options.names[1], options.timeout, session);
}

absl::StatusOr<ExitCode> Wait(const Options& options, Session& session) {
  RETURN_IF_ERROR(CheckNames(options));
  if (options.kind == "hold") return WaitForHold(options, session);
  if (options.condition == "expired") return BadArguments("only holds expire");
  if (options.kind == "policy" && options.condition == "deleted") {
    return WaitUntilPolicyIsGone(options.names[0], options.timeout, session);
  }
  WaitCondition condition = WaitCondition::kInSync;
  if (options.condition == "confirmed") condition = WaitCondition::kConfirmed;
  if (options.condition == "connected") condition = WaitCondition::kConnected;
  if (options.condition == "deleted") condition = WaitCondition::kDeleted;
  return Waiter(options, condition, session).Run();
}

}  // namespace

Action DeclareWait(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "what to wait for", &options->kind, {"nodes", "policy", "hold"});
  arguments.Rest("NAME",
                 "nodes (none: all that are connected); a policy, which means its nodes; or a node "
                 "and what is held of it",
                 &options->names);
  arguments.Choice("--for", "CONDITION",
                   "until nodes are in-sync (the default), confirmed (in sync, and no confirmation "
                   "awaited), connected or deleted; until a policy is deleted; until a hold has "
                   "expired or is deleted (the default)",
                   &options->condition,
                   {"in-sync", "confirmed", "connected", "deleted", "expired"});
  arguments.DurationOption("--timeout", "give up after so long", &options->timeout);
  return [options](Session& session) { return Wait(*options, session); };
}

}  // namespace hotplugger::client::fleet
