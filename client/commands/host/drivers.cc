#include "client/commands/host/verbs.h"
#include "client/driver_table.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

absl::StatusOr<ExitCode> Drivers(Session& session) {
  ASSIGN_OR_RETURN(const v1::ListDriversResponse response, session.host->ListDrivers({}));
  PrintWarnings(response.warnings(), session.err);
  if (session.format == OutputFormat::kJson) {
    RETURN_IF_ERROR(PrintJson(response, session.out));
    return ExitCode::kOk;
  }
  DriverTable(response.drivers()).Print(session.out);
  session.out << "switching is " << ShortEnumName(*v1::Switch_descriptor(), response.switching())
              << '\n';
  return ExitCode::kOk;
}

}  // namespace

Action DeclareDrivers(Arguments& /*arguments*/) { return &Drivers; }

}  // namespace hotplugger::client::host
