#include "client/commands/drivers/driver_query.h"

#include "absl/strings/match.h"
#include "common/error_info.h"

namespace hotplugger::client {

std::shared_ptr<DriverQuery> DeclareDriverQuery(Arguments& arguments) {
  auto query = std::make_shared<DriverQuery>();
  arguments.Optional("DRIVER", "this driver alone, with what it decided last", &query->driver);
  arguments.Switch("--conflicts",
                   "list what changes devices and is no driver, and how to neutralise it",
                   &query->conflicts);
  return query;
}

v1::Operation ToOperation(const DriverQuery& query) {
  v1::Operation operation;
  if (query.conflicts) {
    operation.mutable_list_conflicting_actors();
  } else {
    operation.mutable_list_drivers();
  }
  return operation;
}

absl::Status CheckQuery(const DriverQuery& query) {
  if (!query.conflicts || !query.driver.has_value()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "CONTRADICTION",
                   "--conflicts lists what is no driver; leave out the driver, or --conflicts");
}

const v1::Driver* FindDriver(const v1::ListDriversResponse& response, absl::string_view name) {
  for (const v1::Driver& driver : response.drivers()) {
    if (absl::EqualsIgnoreCase(driver.name(), name)) return &driver;
  }
  return nullptr;
}

}  // namespace hotplugger::client
