// This host's agent as commands see it.
#pragma once

#include "absl/status/statusor.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::client {

// As FleetClient, for the agent behind a unix socket.
class HostClient {
 public:
  virtual ~HostClient() = default;

  virtual absl::StatusOr<v1::ListDevicesResponse> ListDevices(
      const v1::ListDevicesRequest& request) = 0;
  virtual absl::StatusOr<v1::OfflineDeviceResponse> OfflineDevice(
      const v1::OfflineDeviceRequest& request) = 0;
  virtual absl::StatusOr<v1::OnlineDeviceResponse> OnlineDevice(
      const v1::OnlineDeviceRequest& request) = 0;
  virtual absl::StatusOr<v1::ListDriversResponse> ListDrivers(
      const v1::ListDriversRequest& request) = 0;
  virtual absl::StatusOr<v1::EnableDriverResponse> EnableDriver(
      const v1::EnableDriverRequest& request) = 0;
  virtual absl::StatusOr<v1::DisableDriverResponse> DisableDriver(
      const v1::DisableDriverRequest& request) = 0;
  virtual absl::StatusOr<v1::SwitchDriversResponse> SwitchDrivers(
      const v1::SwitchDriversRequest& request) = 0;
  virtual absl::StatusOr<v1::SetSwitchingResponse> SetSwitching(
      const v1::SetSwitchingRequest& request) = 0;
};

}  // namespace hotplugger::client
