// The account of one spec: what was done for it, what drifted, and who keeps switching it back.
#pragma once

#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/reconcile/conflict_tracker.h"
#include "agent/reconcile/drift_log.h"
#include "agent/reconcile/pass.h"
#include "agent/reconcile/pass_schedule.h"
#include "agent/reconcile/report_items.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// `now` is SteadyNow's, `wall_time` for people. Not safe for concurrent use.
class SpecAccount {
 public:
  // Drift is counted there too, over all specs; it outlives this.
  explicit SpecAccount(AgentCounters& counters) : drift_(counters) {}

  // The spec that it is about; empty before the first, and where there is none.
  const std::string& digest() const { return digest_; }

  // Begins anew where this is another spec; whether it is.
  bool NoteSpec(const std::string& digest);

  // Takes what a pass of the spec did; its report has all that was done for it then.
  PassOutcome NotePass(PassResult* result, absl::Time now, absl::Time wall_time);

  // Takes what a look that touched nothing found; the same of its report.
  void NoteLook(PassResult* result, absl::Time wall_time);

  // Completes such a report: conflicts, with the delay that they cost, and drift.
  void Complete(absl::Time now, absl::Duration delay, bool awaits_confirmation,
                v1::NodeReport* report);

  // The report that a pass begins to change something. `digest`: of the spec in force, which this
  // need not be about yet.
  v1::NodeReport Applying(const std::string& digest, bool awaits_confirmation) const;

  // The last completed report, of a spec that waits for no confirmation any more.
  const v1::NodeReport& Confirmed();

 private:
  // Counts what somebody has switched back since the last pass; whether there was any.
  bool NoteReversions(PassResult* result, absl::Time now, absl::Time wall_time);
  void NameConflicts(absl::Time now, absl::Duration delay, v1::NodeReport* report) const;

  std::string digest_;
  bool looked_before_ = false;
  ConflictTracker conflicts_;
  DriftLog drift_;
  ReportItems last_items_;
  // Subjects that the last pass could not bring to their state.
  std::set<std::string> last_failed_;
  v1::NodeReport last_report_;
};

// Of a spec that could not be saved.
v1::NodeReport UnsavedReport(absl::string_view digest, const absl::Status& cause);

}  // namespace hotplugger::agent
