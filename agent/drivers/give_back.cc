#include "agent/drivers/give_back.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/core_threads.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

absl::Status BringOnline(CpuControl& control, const CpuSet& cpus, absl::Time deadline) {
  CpuSet failed;
  absl::Status first;
  for (const int cpu : cpus) {
    const absl::Status status = SteadyNow() < deadline
                                    ? control.Change(cpu, true, deadline).status()
                                    : absl::DeadlineExceededError("there was no time left");
    if (status.ok()) continue;
    failed.insert(cpu);
    first.Update(status);
  }
  if (failed.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "CPUS_NOT_GIVEN_BACK",
                   absl::StrCat("CPUs ", FormatCpuList(failed),
                                " could not be brought online again: ", first.message()),
                   {{"cpus", FormatCpuList(failed)}, {"retry", "TRANSIENT"}});
}

}  // namespace

CpuSet CpusToGiveBack(const CpuControl::View& view, const CpuSet& candidates) {
  const int threads = AllowedThreads(view.cpus.smt);
  CpuSet cpus;
  for (const int cpu : candidates) {
    const bool there = view.cpus.masks.present.count(cpu) > 0 &&
                       view.cpus.hotpluggable.count(cpu) > 0 &&
                       view.cpus.masks.online.count(cpu) == 0;
    // The kernel refuses threads that SMT forbids.
    const bool allowed = ThreadOf(view.cpus.topology, cpu) < threads;
    if (there && allowed && view.decided.count(cpu) == 0) cpus.insert(cpu);
  }
  return cpus;
}

absl::Status GiveBack(CpuControl& control, const CpuSet& candidates, absl::Time deadline) {
  if (candidates.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const CpuControl::View view, control.Look());
  return BringOnline(control, CpusToGiveBack(view, candidates), deadline);
}

absl::Status GiveBackSince(CpuControl& control, const CpuSet& online_before, absl::Time deadline,
                           CpuSet* left) {
  ASSIGN_OR_RETURN(const CpuControl::View view, control.Look());
  CpuSet to_give_back;
  for (const int cpu : CpusToGiveBack(view, view.cpus.masks.present)) {
    if (view.parked.count(cpu) > 0) continue;
    (online_before.count(cpu) > 0 ? to_give_back : *left).insert(cpu);
  }
  return BringOnline(control, to_give_back, deadline);
}

}  // namespace hotplugger::agent
