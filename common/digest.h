#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace hotplugger {

// SHA-256 as 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace hotplugger
