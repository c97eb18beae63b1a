// Node names with wildcards, as selectors give them.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// Whether a selector's text is a pattern rather than a node's name: it has a '*' or '?'.
bool IsNodePattern(absl::string_view text);

// A pattern is 1 to 63 of a-z, 0-9, '-', '.', '*' (any characters, or none) and '?' (one); what is
// no pattern must be a node's name. INVALID_ARGUMENT (BAD_NAME) says so.
absl::Status ValidateNodePattern(absl::string_view text);

// REQUIRES: `pattern` is valid.
bool MatchesNodePattern(const std::string& pattern, const std::string& node);

}  // namespace hotplugger
