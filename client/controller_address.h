// Addresses of controllers, as people write them.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger::client {

// HOST:PORT, [IPV6]:PORT or unix:PATH; else INVALID_ARGUMENT, which says what is wrong and what
// would be right. `place` is where it was given, e.g. "--controller".
absl::Status CheckControllerAddress(const std::string& place, absl::string_view address);

}  // namespace hotplugger::client
