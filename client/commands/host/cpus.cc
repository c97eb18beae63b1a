#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/host/cpu_rows.h"
#include "client/commands/host/device_view.h"
#include "client/commands/host/verbs.h"
#include "client/flag_values.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

struct Flags {
  bool online = false;
  bool offline = false;
};

absl::StatusOr<CpuFilter> ReadFilter(const Flags& flags) {
  if (flags.online && flags.offline) {
    return MakeFieldErrors(
        {{"--online, --offline", "exclude each other; without either all CPUs are listed"}});
  }
  return flags.online ? CpuFilter::kOnline : flags.offline ? CpuFilter::kOffline : CpuFilter::kAll;
}

// A mask as the kernel has it; "none" where it is empty.
std::string Mask(const std::string& cpus) { return cpus.empty() ? "none" : Printable(cpus); }

void PrintSummary(const v1::ListDevicesResponse& response, std::ostream& out) {
  const auto smt =
      std::find_if(response.devices().begin(), response.devices().end(),
                   [](const v1::Device& device) { return device.kind() == v1::DEVICE_KIND_SMT; });
  out << "\nCPUs possible: " << Mask(response.cpus_possible())
      << "\nCPUs present:  " << Mask(response.cpus_present())
      << "\nCPUs online:   " << Mask(response.cpus_online()) << "\nSMT:           "
      << (smt == response.devices().end() ? "unknown" : FormatSmt(smt->smt())) << '\n';
}

// Leaves the CPUs out that the filter doesn't want.
void Filter(CpuFilter filter, v1::ListDevicesResponse* response) {
  auto* devices = response->mutable_devices();
  devices->erase(std::remove_if(devices->begin(), devices->end(),
                                [filter](const v1::Device& device) {
                                  return device.kind() == v1::DEVICE_KIND_CPU &&
                                         !Wanted(filter, device);
                                }),
                 devices->end());
}

absl::StatusOr<ExitCode> Cpus(const Flags& flags, Session& session) {
  ASSIGN_OR_RETURN(const CpuFilter filter, ReadFilter(flags));
  v1::ListDevicesRequest request;
  // Both in one call.
  request.add_kinds(v1::DEVICE_KIND_CPU);
  request.add_kinds(v1::DEVICE_KIND_SMT);
  ASSIGN_OR_RETURN(v1::ListDevicesResponse response, session.host->ListDevices(request));
  PrintWarnings(response.warnings(), session.err);
  if (session.format != OutputFormat::kTable) {
    Filter(filter, &response);
    RETURN_IF_ERROR(PrintDocument(response, session.format, session.out));
    return ExitCode::kOk;
  }
  CpuTable(response.devices(), filter).Print(session.out);
  PrintSummary(response, session.out);
  return ExitCode::kOk;
}

}  // namespace

Action DeclareCpus(Arguments& arguments) {
  auto flags = std::make_shared<Flags>();
  arguments.Switch("--online", "only those that are online", &flags->online);
  arguments.Switch("--offline", "only those that are offline", &flags->offline);
  return [flags](Session& session) { return Cpus(*flags, session); };
}

}  // namespace hotplugger::client::host
