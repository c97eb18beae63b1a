#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/verbs.h"
#include "client/commands/fleet/wait_gone.h"
#include "client/list_all.h"
#include "client/text.h"
#include "client/wait_condition.h"
#include "client/wait_progress.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(250);

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
      : options_(options), condition_(condition), session_(session) {}

  absl::StatusOr<ExitCode> Run() {
    const absl::Time deadline = session_.clock.Now() + options_.timeout;
    // A first call that fails is a wrong address or a wrong name: no reason to wait.
    RETURN_IF_ERROR(Poll());
    RETURN_IF_ERROR(CheckAnyWanted());
    absl::Status lost;  // why the last poll failed
    while (true) {
      if (lost.ok()) {
        TellProgress();
        if (progress_.pending.empty()) return PrintDone();
        if (progress_.AnyGivenUp()) return GivenUp();
      }
      const absl::Duration left = deadline - session_.clock.Now();
      if (left <= absl::ZeroDuration()) return lost.ok() ? TimedOut() : lost;
      session_.pause(std::min(kPollInterval, left));
      lost = Poll();
      // A controller that restarts comes back, and the nodes with it.
      if (!lost.ok() && !IsTransient(lost)) return lost;
    }
  }

 private:
  static bool IsTransient(const absl::Status& status) {
    return status.code() == absl::StatusCode::kUnavailable ||
           status.code() == absl::StatusCode::kDeadlineExceeded;
  }

  // Lists the nodes and looks how far they are.
  absl::Status Poll() {
    v1::ListNodesRequest request;
    request.set_summary_only(true);
    if (OfPolicy()) request.set_policy(options_.names.front());
    ASSIGN_OR_RETURN(listed_, ListAllNodes(*session_.fleet, request));
    progress_ = CheckProgress(condition_, Wanted(), listed_.nodes());
    return absl::OkStatus();
  }

  bool OfPolicy() const { return options_.kind == "policy"; }

  // A policy's nodes may change while we wait. "All connected" are those of the first poll: a node
  // that goes away meanwhile must not end the wait as if it were done.
  std::set<std::string> Wanted() {
    if (!OfPolicy() && !options_.names.empty()) {
      return {options_.names.begin(), options_.names.end()};
    }
    std::set<std::string> names;
    for (const v1::Node& node : listed_.nodes()) {
      if (OfPolicy() || node.connected()) names.insert(node.name());
    }
    if (OfPolicy()) return names;
    if (!connected_at_first_) connected_at_first_ = names;
    return *connected_at_first_;
  }

  absl::Status CheckAnyWanted() const {
    if (progress_.done > 0 || !progress_.pending.empty()) return absl::OkStatus();
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_NODE",
                     OfPolicy()
                         ? absl::StrCat("policy ", options_.names.front(),
                                        " matches no node that the controller knows; compare its "
                                        "selector with the labels in `hotplugctl describe node`")
                         : "no node is connected; name those to wait for, or start their agents");
  }

  // A line whenever the count has changed.
  void TellProgress() {
    if (progress_.done == told_done_ || progress_.pending.empty()) return;
    told_done_ = progress_.done;
    session_.err << "waiting: " << progress_.done << " of " << Total() << " nodes "
                 << ConditionText(condition_) << '\n';
  }

  size_t Total() const { return static_cast<size_t>(progress_.done) + progress_.pending.size(); }

  absl::StatusOr<ExitCode> PrintDone() {
    if (session_.format != OutputFormat::kTable) {
      RETURN_IF_ERROR(PrintDocument(listed_, session_.format, session_.out));
    } else {
      session_.out << progress_.done << (progress_.done == 1 ? " node" : " nodes") << ' '
                   << ConditionText(condition_) << '\n';
    }
    return ExitCode::kOk;
  }

  absl::Status TimedOut() const {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "WAIT_TIMEOUT",
                     absl::StrCat("after ", absl::FormatDuration(options_.timeout), " ",
                                  progress_.pending.size(), " of ", Total(), " nodes are not ",
                                  ConditionText(condition_), ":", Causes()));
  }

  absl::Status GivenUp() const {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, "NODE_FAILED",
        absl::StrCat("waiting longer can't help; not ", ConditionText(condition_), ":", Causes()));
  }

  std::string Causes() const {
    std::string lines;
    for (const WaitProgress::Pending& pending : progress_.pending) {
      absl::StrAppend(&lines, "\n", Printable(pending.node), ": ", Printable(pending.cause));
    }
    return lines;
  }

  const Options& options_;
  const WaitCondition condition_;
  Session& session_;
  v1::ListNodesResponse listed_;
  WaitProgress progress_;
  std::optional<std::set<std::string>> connected_at_first_;
  int told_done_ = -1;
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
