#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace hotplugger {

// 128 random bits as 32 lower-case hex digits.
std::string RandomId();

// Whether `text` looks like one.
bool IsRandomId(absl::string_view text);

}  // namespace hotplugger
