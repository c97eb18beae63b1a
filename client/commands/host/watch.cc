#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/commands/host/device_view.h"
#include "client/commands/host/kind_filter.h"
#include "client/commands/host/verbs.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

struct Flags {
  std::vector<std::string> kinds;
  bool initial = false;
};

// "cpu3 offline", "memory32 online Movable".
std::string DeviceLine(const v1::Device& device) {
  std::string line = absl::StrCat(
      device.name(), " ", device.has_smt() ? FormatSmt(device.smt()) : DeviceStateName(device));
  if (device.memory().zones_size() > 0) {
    absl::StrAppend(&line, " ", absl::StrJoin(device.memory().zones(), "/"));
  }
  return Printable(line);
}

void PrintLines(const v1::WatchDevicesResponse& change, absl::Time now, std::ostream& out) {
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ ", now, absl::UTCTimeZone());
  for (const v1::Device& device : change.devices()) out << time << DeviceLine(device) << '\n';
  for (const std::string& name : change.removed()) out << time << Printable(name) << " removed\n";
}

absl::Status Print(const v1::WatchDevicesResponse& change, Session& session) {
  if (session.format != OutputFormat::kTable) {
    return PrintStreamed(change, session.format, session.out);
  }
  PrintLines(change, session.clock.Now(), session.out);
  // Whoever reads this waits for it.
  session.out.flush();
  return absl::OkStatus();
}

absl::StatusOr<ExitCode> Watch(const Flags& flags, Session& session) {
  v1::WatchDevicesRequest request;
  ASSIGN_OR_RETURN(const auto kinds, ReadKinds(flags.kinds));
  request.mutable_kinds()->Add(kinds.begin(), kinds.end());
  absl::Status printed;
  bool wanted = flags.initial;
  const auto on_devices = [&](const v1::WatchDevicesResponse& change) {
    if (wanted) printed = Print(change, session);
    // The first has every device.
    wanted = true;
    return printed.ok() && session.out.good();
  };
  RETURN_IF_ERROR(session.host->WatchDevices(request, on_devices, session.catch_interrupt()));
  RETURN_IF_ERROR(printed);
  return session.out.good() ? ExitCode::kOk : ExitCode::kFailure;
}

}  // namespace

Action DeclareWatch(Arguments& arguments) {
  auto flags = std::make_shared<Flags>();
  DeclareKinds(arguments, &flags->kinds);
  arguments.Switch("--initial", "print every device first, as it is now", &flags->initial);
  return [flags](Session& session) { return Watch(*flags, session); };
}

}  // namespace hotplugger::client::host
