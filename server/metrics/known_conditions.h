// The conditions that this version's agents and controller tell (docs/hotplugctl.md).
#pragma once

#include "absl/strings/string_view.h"

namespace hotplugger::server {

// Whatever else nodes say, these are counted by name: alerts wait for them.
inline constexpr absl::string_view kKnownConditions[] = {
    "STATE_NOT_SAVED",   "STATE_RESTORED",  "BASELINE_REBUILT",
    "BASELINE_LOST",     "SYSFS_READ_ONLY", "METRICS_NOT_SERVED",
    "HEALTH_NOT_SERVED", "TURNED_AWAY",     "NAME_IN_USE"};

}  // namespace hotplugger::server
