// What somebody on the host itself may ask of the agent about drivers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/reconcile/host.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Everything but ListDrivers runs on the operation queue's thread. A change takes at most `time`,
// undo included. A driver that the spec has a say in is refused with FAILED_PRECONDITION (reason
// HELD_BY_SPEC), naming who wants it so: the agent would only undo the change again.
class LocalDriverOperations {
 public:
  // `host` outlives this.
  explicit LocalDriverOperations(Host& host) : host_(host) {}

  // Safe for concurrent use, so that it is answered while a switch takes its time.
  absl::StatusOr<v1::ListDriversResponse> ListDrivers();

  absl::StatusOr<v1::EnableDriverResponse> EnableDriver(const std::string& driver,
                                                        absl::Duration time = kSwitchDeadline);
  absl::StatusOr<v1::DisableDriverResponse> DisableDriver(const std::string& driver,
                                                          absl::Duration time = kSwitchDeadline);
  absl::StatusOr<v1::SwitchDriversResponse> SwitchDrivers(const v1::SwitchDriversRequest& request,
                                                          absl::Duration time = kSwitchDeadline);
  absl::StatusOr<v1::SetSwitchingResponse> SetSwitching(v1::Switch switching);

  // NOT_FOUND (DRIVER_NOT_FOUND) with what is known of the driver; then nothing has changed.
  absl::StatusOr<v1::RegisterDriverResponse> RegisterDriver(const std::string& driver);
  absl::StatusOr<v1::UnregisterDriverResponse> UnregisterDriver(
      const std::string& driver, absl::Duration time = kSwitchDeadline);

  absl::StatusOr<v1::ListConflictingActorsResponse> ListConflictingActors();

 private:
  // Reads the drivers anew; an error where the spec says which run, or that one of `to_run` is
  // stopped: then all of them are counted as refused.
  absl::Status PrepareDrivers(const std::vector<std::string>& to_run,
                              const std::vector<std::string>& to_stop);
  absl::Status ReadDriversFor(const std::vector<std::string>& to_run);

  // The driver as it is registered; nullopt where it isn't.
  std::optional<v1::Driver> FindRegistered(const std::string& driver);
  absl::Status NoSuchDriver(const std::string& driver);
  // Of the registered drivers that are units.
  std::vector<std::string> DriverUnits();

  Host& host_;
};

}  // namespace hotplugger::agent
