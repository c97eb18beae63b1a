// This host's agent as commands see it.
#pragma once

#include <functional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::client {

// As FleetClient, for the agent behind a unix socket. Calls that change something wait for an hour,
// in which their turn comes, on top of what the change itself may take: the request's own deadline
// (of each device; 60 s where it has none), or the agent's limit for a switch of drivers. How many
// devices it takes is known to the agent alone. All others wait for --timeout.
class HostClient {
 public:
  // Takes one answer of a watch; false ends it.
  using OnDevices = std::function<bool(const v1::WatchDevicesResponse&)>;

  virtual ~HostClient() = default;

  virtual absl::StatusOr<v1::ListDevicesResponse> ListDevices(
      const v1::ListDevicesRequest& request) = 0;
  virtual absl::StatusOr<v1::Device> GetDevice(const v1::GetDeviceRequest& request) = 0;
  virtual absl::StatusOr<v1::OfflineDevicesResponse> OfflineDevices(
      const v1::OfflineDevicesRequest& request) = 0;
  virtual absl::StatusOr<v1::OnlineDevicesResponse> OnlineDevices(
      const v1::OnlineDevicesRequest& request) = 0;
  virtual absl::StatusOr<v1::SetSmtResponse> SetSmt(const v1::SetSmtRequest& request) = 0;
  virtual absl::StatusOr<v1::PlanDevicesResponse> PlanDevices(
      const v1::PlanDevicesRequest& request) = 0;
  virtual absl::StatusOr<v1::ExplainDeviceResponse> ExplainDevice(
      const v1::ExplainDeviceRequest& request) = 0;

  // Calls `on_devices` on this thread with every answer, until it returns false or `stop` is
  // requested, by whatever thread: both are ok. An error where the agent ends it. No deadline.
  virtual absl::Status WatchDevices(const v1::WatchDevicesRequest& request,
                                    const OnDevices& on_devices, std::stop_token stop) = 0;

  virtual absl::StatusOr<v1::ListDriversResponse> ListDrivers(
      const v1::ListDriversRequest& request) = 0;
  virtual absl::StatusOr<v1::EnableDriverResponse> EnableDriver(
      const v1::EnableDriverRequest& request) = 0;
  virtual absl::StatusOr<v1::DisableDriverResponse> DisableDriver(
      const v1::DisableDriverRequest& request) = 0;
  virtual absl::StatusOr<v1::SwitchDriversResponse> SwitchDrivers(
      const v1::SwitchDriversRequest& request) = 0;
  virtual absl::StatusOr<v1::RegisterDriverResponse> RegisterDriver(
      const v1::RegisterDriverRequest& request) = 0;
  virtual absl::StatusOr<v1::UnregisterDriverResponse> UnregisterDriver(
      const v1::UnregisterDriverRequest& request) = 0;
  virtual absl::StatusOr<v1::ListConflictingActorsResponse> ListConflictingActors(
      const v1::ListConflictingActorsRequest& request) = 0;
  virtual absl::StatusOr<v1::SetSwitchingResponse> SetSwitching(
      const v1::SetSwitchingRequest& request) = 0;
};

}  // namespace hotplugger::client
