#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// A device's name taken apart.
struct DeviceName {
  v1::DeviceKind kind = v1::DEVICE_KIND_UNSPECIFIED;
  // N of cpuN and memoryN.
  int number = 0;
  // Of a generic device.
  std::string bus;
  std::string name;

  bool operator==(const DeviceName&) const = default;
};

// Takes "cpu3", "memory32", "smt" or "container/PNP0A06:00" apart. Strict, since names become
// paths: INVALID_ARGUMENT for anything else. The buses cpu, memory and "driver" are no generic
// ones.
absl::StatusOr<DeviceName> ParseDeviceName(absl::string_view text);

// The name as ParseDeviceName takes it.
std::string FormatDeviceName(const DeviceName& name);

DeviceName CpuDevice(int cpu);
DeviceName MemoryDevice(int block);

// "cpu3", "memory32".
std::string CpuName(int cpu);
std::string MemoryName(int block);

}  // namespace hotplugger::agent
