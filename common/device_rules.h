// Which texts may stand in a device's name, for both sides: names become paths on the node, and an
// agent refuses a whole spec for one bad name.
#pragma once

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace hotplugger {

// In bytes.
inline constexpr size_t kMaxBusLength = 32;
inline constexpr size_t kMaxDeviceLength = 64;

// Of "container/PNP0A06:00" the part before the slash: letters, digits, '_' and '-'.
bool IsBusName(absl::string_view bus);

// Buses whose devices have names of their own: "cpu" and "memory".
bool IsBusOfItsOwnKind(absl::string_view bus);

// The part after the slash: letters, digits and any of "_-.:@+", but not "." or "..".
bool IsDeviceOnBus(absl::string_view device);

// The N of "cpuN": digits without leading zeros, at most `largest`. "cpu03" would be another path
// for no CPU at all.
std::optional<int> ParseDeviceNumber(absl::string_view digits, int largest);

}  // namespace hotplugger
