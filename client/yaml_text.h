// JSON as YAML, so that -o yaml has what -o json has.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace hotplugger::client {

// The same data in block style, in the same order, ending in a line's end. Texts that YAML could
// take for something else keep their quotes. REQUIRES: `json` is one value of valid JSON, nested no
// deeper than protobuf's printer does.
std::string YamlFromJson(absl::string_view json);

}  // namespace hotplugger::client
