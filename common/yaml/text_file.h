// Files that people write, read whole.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace hotplugger {

// The content of `path`, which may be a pipe; of one that is larger than kMaxYamlBytes the
// beginning that is enough for ReadYaml to refuse it. Errors of opening and reading have the
// errno's name as reason. Blocks as long as a pipe's other end does.
absl::StatusOr<std::string> ReadTextFile(const std::string& path);

}  // namespace hotplugger
