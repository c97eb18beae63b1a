// How policies are shown in tables.
#pragma once

#include <string>

#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client {

// "pool=lab,rack notin (7, 8),node in (web-*, +5)".
std::string FormatSelector(const v1::Selector& selector);

// "alucard,mpdecision:stopped,switching:off".
std::string FormatDrivers(const v1::DriverSettings& drivers);

// "offline:2-3", "online:50%,smt:off,hot-add:online".
std::string FormatCpu(const v1::CpuSettings& cpu);

// "offline-blocks:32-39" or "offline:4Gi", "hot-add:online_movable".
std::string FormatMemory(const v1::MemorySettings& memory);

// "report", "2m", "leave"; "" where the policy doesn't say.
std::string FormatDrift(const v1::Policy& policy);
std::string FormatConfirm(const v1::Policy& policy);
std::string FormatOnRelease(const v1::Policy& policy);

}  // namespace hotplugger::client
