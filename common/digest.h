#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace hotplugger {

// SHA-256 as 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

// Whether a text can be one.
bool IsSha256Hex(absl::string_view text);

}  // namespace hotplugger
