// Files that a program keeps for itself, read whole: whatever stands in their place, nobody hangs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace hotplugger {

// The content of `name` in the open `directory`; nothing where there is none. `path` is for errors:
// FAILED_PRECONDITION (NOT_A_FILE) for a directory, a FIFO or a device, RESOURCE_EXHAUSTED
// (FILE_TOO_LARGE) for more than `max_bytes`, or the errno's name.
absl::StatusOr<std::optional<std::string>> ReadRegularFile(int directory, const std::string& name,
                                                           const std::string& path,
                                                           size_t max_bytes);

}  // namespace hotplugger
