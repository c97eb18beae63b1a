#include "agent/reconcile/change_request.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

std::string Number(int value) { return absl::StrCat(value); }

}  // namespace

absl::StatusOr<GroupOptions> ReadChangeOptions(const v1::ChangeOptions& options) {
  std::vector<FieldViolation> violations;
  GroupOptions result;
  if (!v1::GroupMode_IsValid(options.group())) {
    violations.push_back({"options.group", absl::StrCat(Number(options.group()),
                                                        " is neither BEST_EFFORT nor "
                                                        "ALL_OR_NOTHING")});
  } else if (options.group() != v1::GROUP_MODE_UNSPECIFIED) {
    result.mode = options.group();
  }
  if (options.has_deadline()) {
    const absl::Duration deadline =
        absl::Seconds(options.deadline().seconds()) + absl::Nanoseconds(options.deadline().nanos());
    if (deadline < kMinDeviceDeadline || deadline > kMaxDeviceDeadline) {
      violations.push_back(
          {"options.deadline", absl::StrCat(absl::FormatDuration(deadline), " is not between ",
                                            absl::FormatDuration(kMinDeviceDeadline), " and ",
                                            absl::FormatDuration(kMaxDeviceDeadline))});
    }
    result.deadline = deadline;
  }
  if (options.has_plan() &&
      (options.plan().boot_id().empty() || options.plan().inventory_digest().empty())) {
    violations.push_back({"options.plan",
                          "has no boot_id or no inventory_digest; give the stamp of a plan whole, "
                          "or none"});
  }
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return result;
}

absl::StatusOr<SmtChange> ReadSmtChange(const v1::SetSmtRequest& request) {
  std::vector<FieldViolation> violations;
  const v1::SmtControl control = request.control();
  const bool partial = control == v1::SMT_CONTROL_PARTIAL;
  if (control != v1::SMT_CONTROL_ON && control != v1::SMT_CONTROL_OFF &&
      control != v1::SMT_CONTROL_FORCEOFF && !partial) {
    violations.push_back(
        {"control", absl::StrCat(Number(control), " is none of ON, OFF, FORCEOFF and PARTIAL")});
  }
  if (control == v1::SMT_CONTROL_FORCEOFF && !request.irreversible()) {
    violations.push_back({"irreversible",
                          "is not set: FORCEOFF stays until the next reboot, whatever anybody "
                          "does; set it to say that you know"});
  }
  if (control != v1::SMT_CONTROL_FORCEOFF && request.irreversible()) {
    violations.push_back({"irreversible", "is set, but only FORCEOFF is irreversible"});
  }
  if (partial && request.threads_per_core() < 1) {
    violations.push_back({"threads_per_core", "is absent or below 1; PARTIAL needs it"});
  }
  if (!partial && request.has_threads_per_core()) {
    violations.push_back({"threads_per_core", "is set, but only PARTIAL takes it"});
  }
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  return SmtChange{.control = control, .threads_per_core = request.threads_per_core()};
}

}  // namespace hotplugger::agent
