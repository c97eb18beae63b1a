// Two texts compared line by line.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace hotplugger::client {

// A unified diff with three lines around each change, under the two names; "" where the texts are
// the same. Both end in a line's end or are empty. Of texts with thousands of changed lines the
// whole middle may be shown as changed.
std::string UnifiedDiff(absl::string_view old_name, absl::string_view new_name,
                        absl::string_view old_text, absl::string_view new_text);

}  // namespace hotplugger::client
