#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/verbs.h"
#include "client/list_all.h"
#include "client/text.h"
#include "client/wait_progress.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(250);

struct Options {
  std::string kind;
  std::vector<std::string> names;
  absl::Duration timeout = absl::Seconds(60);
};

// One `hotplugctl wait`.
class Waiter {
 public:
  Waiter(const Options& options, Session& session) : options_(options), session_(session) {}

  absl::StatusOr<ExitCode> Run() {
    const absl::Time deadline = session_.clock.Now() + options_.timeout;
    // A first call that fails is a wrong address or a wrong name: no reason to wait.
    RETURN_IF_ERROR(Poll());
    RETURN_IF_ERROR(CheckAnyWanted());
    absl::Status lost;  // why the last poll failed
    while (true) {
      if (lost.ok()) {
        TellProgress();
        if (progress_.pending.empty()) return PrintInSync();
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
    progress_ = CheckProgress(Wanted(), listed_.nodes());
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
    if (progress_.in_sync > 0 || !progress_.pending.empty()) return absl::OkStatus();
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_NODE",
                     OfPolicy()
                         ? absl::StrCat("policy ", options_.names.front(),
                                        " matches no node that the controller knows; compare its "
                                        "selector with the labels in `hotplugctl describe node`")
                         : "no node is connected; name those to wait for, or start their agents");
  }

  // A line whenever the count has changed.
  void TellProgress() {
    if (progress_.in_sync == told_in_sync_ || progress_.pending.empty()) return;
    told_in_sync_ = progress_.in_sync;
    session_.err << "waiting: " << progress_.in_sync << " of " << Total() << " nodes in sync\n";
  }

  size_t Total() const { return static_cast<size_t>(progress_.in_sync) + progress_.pending.size(); }

  absl::StatusOr<ExitCode> PrintInSync() {
    if (session_.format != OutputFormat::kTable) {
      RETURN_IF_ERROR(PrintDocument(listed_, session_.format, session_.out));
    } else {
      session_.out << progress_.in_sync << (progress_.in_sync == 1 ? " node" : " nodes")
                   << " in sync\n";
    }
    return ExitCode::kOk;
  }

  absl::Status TimedOut() const {
    return MakeError(absl::StatusCode::kDeadlineExceeded, "WAIT_TIMEOUT",
                     absl::StrCat("after ", absl::FormatDuration(options_.timeout), " ",
                                  progress_.pending.size(), " of ", Total(),
                                  " nodes are not in sync:", Causes()));
  }

  absl::Status GivenUp() const {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NODE_FAILED",
                     absl::StrCat("waiting longer can't help; not in sync:", Causes()));
  }

  std::string Causes() const {
    std::string lines;
    for (const WaitProgress::Pending& pending : progress_.pending) {
      absl::StrAppend(&lines, "\n", Printable(pending.node), ": ", Printable(pending.cause));
    }
    return lines;
  }

  const Options& options_;
  Session& session_;
  v1::ListNodesResponse listed_;
  WaitProgress progress_;
  std::optional<std::set<std::string>> connected_at_first_;
  int told_in_sync_ = -1;
};

absl::StatusOr<ExitCode> Wait(const Options& options, Session& session) {
  if (options.kind == "policy" && options.names.size() != 1) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_ARGUMENTS",
                     "wait policy takes the name of one policy");
  }
  return Waiter(options, session).Run();
}

}  // namespace

Action DeclareWait(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.Required("KIND", "whose nodes to wait for until they are in sync", &options->kind,
                     {"nodes", "policy"});
  arguments.Rest("NAME", "the policy, or nodes; no node: all that are connected", &options->names);
  arguments.DurationOption("--timeout", "give up after so long", &options->timeout);
  return [options](Session& session) { return Wait(*options, session); };
}

}  // namespace hotplugger::client::fleet
