#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/commands/host/change_options.h"
#include "client/commands/host/device_plan.h"
#include "client/commands/host/device_view.h"
#include "client/commands/host/verbs.h"
#include "client/item_results.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

constexpr int kMaxThreads = 256;

struct Flags {
  std::optional<std::string> control;
  bool irreversible = false;
  ChangeFlags change;
};

void ReadControl(const std::string& text, v1::SetSmtRequest* request, Violations* violations) {
  if (text == "on") {
    request->set_control(v1::SMT_CONTROL_ON);
  } else if (text == "off") {
    request->set_control(v1::SMT_CONTROL_OFF);
  } else if (text == "forceoff") {
    request->set_control(v1::SMT_CONTROL_FORCEOFF);
  } else if (!text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit)) {
    request->set_control(v1::SMT_CONTROL_PARTIAL);
    request->set_threads_per_core(ReadNumber("CONTROL", text, 1, kMaxThreads, violations));
  } else {
    violations->push_back(
        {"CONTROL",
         absl::StrCat(Quoted(text), " is not on, off, forceoff or a number of threads per core")});
  }
}

void CheckIrreversible(const Flags& flags, const v1::SetSmtRequest& request,
                       Violations* violations) {
  const bool forced = request.control() == v1::SMT_CONTROL_FORCEOFF;
  if (forced && !flags.irreversible) {
    violations->push_back({"CONTROL",
                           "forceoff can't be taken back until the next reboot; add "
                           "--irreversible if that is meant, or use off"});
  } else if (!forced && flags.irreversible) {
    violations->push_back({"--irreversible", "goes with forceoff alone"});
  }
}

absl::StatusOr<ExitCode> ShowSmt(Session& session) {
  v1::GetDeviceRequest request;
  request.set_device("smt");
  ASSIGN_OR_RETURN(const v1::Device device, session.host->GetDevice(request));
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(device, session.format, session.out));
  } else {
    session.out << "SMT is " << FormatSmt(device.smt()) << '\n';
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> SetSmt(const Flags& flags, Session& session) {
  Violations violations;
  v1::SetSmtRequest request;
  ReadControl(*flags.control, &request, &violations);
  CheckIrreversible(flags, request, &violations);
  request.set_irreversible(flags.irreversible);
  *request.mutable_options() = ReadChangeOptions(flags.change, &violations);
  RETURN_IF_ERROR(MakeFieldErrors(violations));
  if (flags.change.dry_run) {
    v1::PlanDevicesRequest plan;
    *plan.mutable_smt() = request;
    return ShowPlan(plan, session);
  }
  ASSIGN_OR_RETURN(const v1::SetSmtResponse response, session.host->SetSmt(request));
  return PrintResults(response, response.results(), session);
}

absl::StatusOr<ExitCode> Smt(const Flags& flags, Session& session) {
  if (flags.control) return SetSmt(flags, session);
  const ChangeFlags& change = flags.change;
  if (flags.irreversible || change.all_or_nothing || change.deadline || change.dry_run ||
      change.plan_stamp) {
    return MakeFieldErrors(
        {{"CONTROL", "is missing; these flags go with on, off, forceoff or a number of threads"}});
  }
  return ShowSmt(session);
}

}  // namespace

Action DeclareSmt(Arguments& arguments) {
  auto flags = std::make_shared<Flags>();
  arguments.Optional("CONTROL",
                     "on, off, forceoff, or so many threads of each core; without it: show",
                     &flags->control);
  arguments.Switch("--irreversible",
                   "with forceoff: it lasts until the next reboot, and that is "
                   "meant",
                   &flags->irreversible);
  DeclareChangeOptions(arguments, &flags->change);
  return [flags](Session& session) { return Smt(*flags, session); };
}

}  // namespace hotplugger::client::host
