// Files of one person.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger::client {

// Replaces the file at `path` whole, or leaves it as it was: whoever reads it meanwhile finds the
// old content or the new. Nobody but the user can read it (0600). Makes its folders; a symbolic
// link stays one. Errors have the errno's name as reason.
absl::Status WritePrivateFile(const std::string& path, absl::string_view content);

}  // namespace hotplugger::client
