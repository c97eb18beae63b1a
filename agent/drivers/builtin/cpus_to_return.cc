#include "agent/drivers/builtin/cpus_to_return.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/core_threads.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// The kernel refuses threads that SMT forbids.
bool IsForbidden(const CpuSnapshot& cpus, int cpu) {
  return cpus.masks.online.count(cpu) == 0 &&
         ThreadOf(cpus.topology, cpu) >= AllowedThreads(cpus.smt);
}

// Whatever comes next would only be told the same.
bool IsQueueBlocked(const absl::Status& status) {
  const std::string reason = ErrorReason(status);
  return reason == "STUCK" || reason == "QUEUE_BLOCKED";
}

absl::Status NotGivenBack(const CpuSet& failed, const absl::Status& first) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "CPUS_NOT_GIVEN_BACK",
                   absl::StrCat("CPUs ", FormatCpuList(failed),
                                " could not be brought online again: ", first.message()),
                   {{"cpus", FormatCpuList(failed)}, {"retry", "TRANSIENT"}});
}

}  // namespace

absl::Status CpusToReturn::Return(absl::Time now, absl::Time deadline) {
  if (cpus_.empty()) return absl::OkStatus();
  absl::Status status = TryAll(deadline);
  next_try_ = now + pause_;
  pause_ = cpus_.empty() ? kFirstPause : std::min(2 * pause_, kLongestPause);
  return status;
}

absl::Status CpusToReturn::TryAll(absl::Time deadline) {
  ASSIGN_OR_RETURN(const CpuControl::View view, control_.Look());
  CpuSet failed;
  absl::Status first;
  for (const int cpu : CpuSet(cpus_)) {
    if (view.cpus.masks.present.count(cpu) == 0 || view.decided.count(cpu) > 0) {
      cpus_.erase(cpu);
      continue;
    }
    if (IsForbidden(view.cpus, cpu)) continue;
    const absl::Status status = IsQueueBlocked(first) ? first : TryOne(cpu, deadline);
    if (status.ok()) {
      cpus_.erase(cpu);
    } else {
      failed.insert(cpu);
      first.Update(status);
    }
  }
  return failed.empty() ? absl::OkStatus() : NotGivenBack(failed, first);
}

// Also where the mask says that it is online: an offline that was stuck may yet end.
absl::Status CpusToReturn::TryOne(int cpu, absl::Time deadline) {
  if (SteadyNow() >= deadline) return absl::DeadlineExceededError("there was no time left");
  return control_.Change(cpu, true, deadline).status();
}

}  // namespace hotplugger::agent
