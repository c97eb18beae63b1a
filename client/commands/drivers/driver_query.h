// `drivers`, as it is asked of this host and of nodes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/arguments.h"
#include "hotplugger/v1/operation.pb.h"

namespace hotplugger::client {

struct DriverQuery {
  // One driver alone.
  std::optional<std::string> driver;
  // What is no driver and changes devices all the same.
  bool conflicts = false;
};

std::shared_ptr<DriverQuery> DeclareDriverQuery(Arguments& arguments);

v1::Operation ToOperation(const DriverQuery& query);

// INVALID_ARGUMENT where the arguments contradict each other.
absl::Status CheckQuery(const DriverQuery& query);

// The driver of that name; nullptr where there is none.
const v1::Driver* FindDriver(const v1::ListDriversResponse& response, absl::string_view name);

// NOT_FOUND (DRIVER_NOT_REGISTERED), where FindDriver found none.
absl::Status NoSuchDriver(const v1::ListDriversResponse& response, absl::string_view name);

}  // namespace hotplugger::client
