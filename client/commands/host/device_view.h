// How one device is shown, wherever it is.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client::host {

// "online", "offline", "going_offline"; of SMT what its control says: "on", "forceoff".
std::string DeviceStateName(const v1::Device& device);

// "on, active", "off (until the next reboot)", "2 threads per core, active".
std::string FormatSmt(const v1::SmtStatus& smt);

// "L1d", "L2".
std::string CacheName(const v1::CpuCache& cache);

// Names and values of all that is known of the device, for a person.
std::vector<std::pair<std::string, std::string>> DeviceFacts(const v1::Device& device);

// The facts, one a line, made printable.
void PrintDeviceFacts(const v1::Device& device, std::ostream& out);

}  // namespace hotplugger::client::host
