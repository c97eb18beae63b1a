// What is asked about devices that needs no turn among the operations.
#pragma once

#include "absl/status/statusor.h"
#include "agent/devices/inventory/device_reader.h"
#include "hotplugger/v1/host_service.pb.h"

namespace hotplugger::agent {

// Safe for concurrent use. Reads the host at every call, also while an operation is under way: a
// block that is going offline is shown so.
class DeviceQueries {
 public:
  // `reader` outlives this.
  explicit DeviceQueries(DeviceReader& reader) : reader_(reader) {}

  // INVALID_ARGUMENT (naming `kinds`), or what could not be read.
  absl::StatusOr<v1::ListDevicesResponse> ListDevices(const v1::ListDevicesRequest& request);
  // INVALID_ARGUMENT (BAD_DEVICE_NAME), NOT_FOUND, or what could not be read.
  absl::StatusOr<v1::Device> GetDevice(const v1::GetDeviceRequest& request);

 private:
  DeviceReader& reader_;
};

}  // namespace hotplugger::agent
