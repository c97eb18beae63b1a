#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// A device's name taken apart.
struct DeviceName {
  v1::DeviceKind kind;
  // N of cpuN.
  int number;
};

// Takes "cpu3" apart. Strict, since names become paths: INVALID_ARGUMENT for anything else.
absl::StatusOr<DeviceName> ParseDeviceName(absl::string_view name);

// "cpu3".
std::string CpuName(int number);

}  // namespace hotplugger::agent
