// The verbs for the drivers of this host.
#include <utility>

#include "absl/strings/str_join.h"
#include "client/commands/drivers/driver_operations.h"
#include "client/commands/drivers/driver_query.h"
#include "client/commands/drivers/operation_view.h"
#include "client/commands/host/verbs.h"
#include "client/driver_table.h"
#include "client/item_results.h"
#include "client/text.h"
#include "common/status_macros.h"

namespace hotplugger::client::host {
namespace {

void PrintSwitching(v1::Switch switching, std::ostream& out) {
  out << "switching is " << ShortEnumName(*v1::Switch_descriptor(), switching) << '\n';
}

Action OnThisHost(MakeOperation make) {
  return [make = std::move(make)](Session& session) -> absl::StatusOr<ExitCode> {
    ASSIGN_OR_RETURN(const v1::Operation operation, make());
    ASSIGN_OR_RETURN(const v1::OperationResult result, CarryOut(operation, *session.host));
    if (!result.has_set_switching() || session.format != OutputFormat::kTable) {
      return PrintResults(ResponseIn(result), ItemsOf(result), session);
    }
    PrintSwitching(result.set_switching().switching(), session.out);
    return ExitCode::kOk;
  };
}

void PrintDrivers(const v1::ListDriversResponse& response, std::ostream& out) {
  DriverTable(response.drivers()).Print(out);
  PrintSwitching(response.switching(), out);
  if (response.unregistered().empty()) return;
  out << "unregistered: " << Printable(absl::StrJoin(response.unregistered(), ", ")) << '\n';
}

absl::StatusOr<ExitCode> Drivers(const DriverQuery& query, Session& session) {
  RETURN_IF_ERROR(CheckQuery(query));
  ASSIGN_OR_RETURN(const v1::OperationResult result, CarryOut(ToOperation(query), *session.host));
  if (query.conflicts) {
    PrintWarnings(result.list_conflicting_actors().warnings(), session.err);
  } else {
    PrintWarnings(result.list_drivers().warnings(), session.err);
  }
  const v1::Driver* const driver =
      query.driver.has_value() ? FindDriver(result.list_drivers(), *query.driver) : nullptr;
  if (query.driver.has_value() && driver == nullptr) {
    return NoSuchDriver(result.list_drivers(), *query.driver);
  }
  if (session.format != OutputFormat::kTable) {
    RETURN_IF_ERROR(PrintDocument(driver != nullptr ? *driver : ResponseIn(result), session.format,
                                  session.out));
  } else if (driver != nullptr) {
    PrintDriver(*driver, session.out);
  } else if (query.conflicts) {
    PrintActors(result.list_conflicting_actors(), session.out);
  } else {
    PrintDrivers(result.list_drivers(), session.out);
  }
  return ExitCode::kOk;
}

}  // namespace

Action DeclareDrivers(Arguments& arguments) {
  auto query = DeclareDriverQuery(arguments);
  return [query](Session& session) { return Drivers(*query, session); };
}

Action DeclareEnable(Arguments& arguments) { return OnThisHost(DeclareEnableOperation(arguments)); }

Action DeclareDisable(Arguments& arguments) {
  return OnThisHost(DeclareDisableOperation(arguments));
}

Action DeclareSwitch(Arguments& arguments) { return OnThisHost(DeclareSwitchOperation(arguments)); }

Action DeclareSwitching(Arguments& arguments) {
  return OnThisHost(DeclareSwitchingOperation(arguments));
}

Action DeclareRegister(Arguments& arguments) {
  return OnThisHost(DeclareRegisterOperation(arguments));
}

Action DeclareUnregister(Arguments& arguments) {
  return OnThisHost(DeclareUnregisterOperation(arguments));
}

}  // namespace hotplugger::client::host
