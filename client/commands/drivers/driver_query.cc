#include "client/commands/drivers/driver_query.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
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

absl::Status NoSuchDriver(const v1::ListDriversResponse& response, absl::string_view name) {
  const auto& left_out = response.unregistered();
  const bool unregistered = std::any_of(
      left_out.begin(), left_out.end(),
      [name](const std::string& driver) { return absl::EqualsIgnoreCase(driver, name); });
  return MakeError(absl::StatusCode::kNotFound, "DRIVER_NOT_REGISTERED",
                   unregistered ? absl::StrCat("driver ", name,
                                               " was unregistered; `register` takes it in "
                                               "again")
                                : absl::StrCat("no driver ", name,
                                               " is registered; `drivers` without a "
                                               "name lists those that are"));
}

}  // namespace hotplugger::client
