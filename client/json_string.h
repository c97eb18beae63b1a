#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace hotplugger::client {

// `text` as a JSON string with its quotes, by protobuf's own rules. REQUIRES: `text` is UTF-8.
std::string JsonString(absl::string_view text);

}  // namespace hotplugger::client
