#include <algorithm>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/commands/fleet/plan_request.h"
#include "client/commands/fleet/plan_view.h"
#include "client/commands/fleet/verbs.h"
#include "client/item_results.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::fleet {
namespace {

// One `hotplugctl plan`.
class Planning {
 public:
  explicit Planning(Session& session) : session_(session), stop_(session.catch_interrupt()) {}

  // One refusal doesn't hide what becomes of the others.
  absl::StatusOr<ExitCode> Run(const std::vector<PlannedChange>& changes) {
    for (const PlannedChange& change : changes) {
      if (nobody_answers_) {
        session_.err << Printable(change.what) << " not planned\n";
      } else {
        PlanOne(change);
      }
    }
    RETURN_IF_ERROR(printed_);
    if (first_error_.ok()) return ExitCodeForShare(share_.done, share_.total);
    return planned_ > 0 ? ExitCode::kPartial : ExitCodeFor(first_error_);
  }

 private:
  void PlanOne(const PlannedChange& change) {
    PlanAnswers answers;
    bool begun = false;
    const absl::Status ended = session_.fleet->PlanChange(
        change.request,
        [&](v1::PlanChangeResponse answer) {
          begun = true;
          // One of an older version doesn't say.
          if (answer.has_overview() && answer.overview().resource().empty()) {
            answer.mutable_overview()->set_resource(change.resource);
          }
          Take(std::move(answer), &answers);
        },
        stop_);
    std::sort(answers.nodes.begin(), answers.nodes.end(),
              [](const auto& a, const auto& b) { return a.node() < b.node(); });
    // What came is worth showing also where it ended early.
    if (begun && session_.format == OutputFormat::kTable) {
      if (tables_++ > 0) session_.out << '\n';
      PrintPlan(change.what, answers, session_);
    }
    if (!ended.ok()) return TellFailure(change, answers, begun, NamePlanFlags(ended));
    ++planned_;
    const PlanShare share = ShareOf(answers);
    share_.done += share.done;
    share_.total += share.total;
  }

  void Take(v1::PlanChangeResponse answer, PlanAnswers* answers) {
    if (session_.format != OutputFormat::kTable) {
      printed_.Update(PrintStreamed(answer, session_.format, session_.out));
    }
    if (answer.has_overview()) {
      PrintWarnings(answer.overview().warnings(), session_.err);
      answers->overview = std::move(*answer.mutable_overview());
    } else if (answer.has_node()) {
      answers->nodes.push_back(std::move(*answer.mutable_node()));
    } else if (answer.has_summary()) {
      answers->summary = std::move(*answer.mutable_summary());
    }
  }

  void TellFailure(const PlannedChange& change, const PlanAnswers& answers, bool begun,
                   const absl::Status& error) {
    session_.err << Printable(change.what) << (begun ? " not planned to the end" : " not planned")
                 << ":\n";
    PrintError(error, session_.err);
    if (begun) {
      session_.err << "  " << answers.nodes.size() << " of " << answers.overview.affected_nodes()
                   << " nodes have answered; nothing was changed\n";
    }
    first_error_.Update(error);
    // Where nobody answers, or a person has had enough, the others aren't asked either.
    nobody_answers_ = absl::IsUnavailable(error) || absl::IsCancelled(error) ||
                      ExitCodeFor(error) == ExitCode::kUnreachable;
  }

  Session& session_;
  const std::stop_token stop_;
  absl::Status printed_;
  absl::Status first_error_;
  bool nobody_answers_ = false;
  // So many were answered to the end, and so many tables printed.
  int planned_ = 0;
  int tables_ = 0;
  PlanShare share_;
};

}  // namespace

Action DeclarePlan(Arguments& arguments) {
  auto options = DeclarePlanOptions(arguments);
  return [options](Session& session) -> absl::StatusOr<ExitCode> {
    // Everything is read before anything is asked.
    const auto changes = MakePlannedChanges(*options, session);
    if (!changes.ok() && options->source) {
      // Also of a file that isn't there.
      PrintError(changes.status(), session.err);
      return ExitCode::kUsage;
    }
    RETURN_IF_ERROR(changes.status());
    return Planning(session).Run(*changes);
  };
}

}  // namespace hotplugger::client::fleet
