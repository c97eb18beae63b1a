#include "client/commands/host/device_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/commands/host/change_options.h"
#include "client/commands/host/device_selection.h"
#include "client/item_results.h"
#include "client/text.h"
#include "common/byte_size.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

bool Refused(const v1::ItemResult& step) {
  return step.outcome() == v1::OUTCOME_REFUSED || step.outcome() == v1::OUTCOME_FAILED;
}

void PrintPlan(const v1::DevicePlan& plan, std::ostream& out) {
  ResultTable(plan.steps(), "WOULD-BE").Print(out);
  out << "\nCPUs online:   " << plan.before().cpus() << " -> " << plan.after().cpus()
      << "\nMemory online: " << FormatByteSize(plan.before().memory_bytes()) << " -> "
      << FormatByteSize(plan.after().memory_bytes()) << '\n';
  for (const std::string& note : plan.notes()) out << "Note: " << Printable(note) << '\n';
  out << "Plan stamp:    " << Printable(FormatPlanStamp(plan.stamp())) << '\n';
}

}  // namespace

absl::StatusOr<ExitCode> ShowPlan(const v1::PlanDevicesRequest& request, Session& session) {
  const absl::StatusOr<v1::PlanDevicesResponse> response = session.host->PlanDevices(request);
  if (!response.ok()) return NameFlags(response.status());
  const v1::DevicePlan& plan = response->plan();
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(*response, session.format, session.out));
  } else {
    PrintPlan(plan, session.out);
    session.err << "dry run: nothing was changed; with --plan-stamp instead of --dry-run the same "
                   "is done, unless something has changed since\n";
  }
  const auto refused = std::count_if(plan.steps().begin(), plan.steps().end(), &Refused);
  return ExitCodeForShare(plan.steps_size() - static_cast<int>(refused), plan.steps_size());
}

}  // namespace hotplugger::client::host
