// One wanted change of one device: what all rules and operations speak of.
#pragma once

#include <vector>

#include "agent/devices/rules/device_name.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

struct DeviceChange {
  // A CPU, a memory block or a generic device; SMT has a change of its own.
  DeviceName device;
  bool online = false;
  // Of memory that goes online alone.
  v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED;

  bool operator==(const DeviceChange&) const = default;
};

using DeviceChanges = std::vector<DeviceChange>;

// A wanted state of SMT.
struct SmtChange {
  // ON, OFF, FORCEOFF or PARTIAL.
  v1::SmtControl control = v1::SMT_CONTROL_UNSPECIFIED;
  // With PARTIAL alone.
  int threads_per_core = 0;
};

}  // namespace hotplugger::agent
