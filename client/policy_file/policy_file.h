// Policies as operators write them: YAML, several documents a file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/policy.pb.h"

namespace hotplugger::client {

// Reads every policy in `text`. `file` is its name, for messages. INVALID_ARGUMENT with a violation
// for everything that is wrong, each beginning with FILE:LINE:COLUMN; then there are no policies.
absl::StatusOr<std::vector<v1::Policy>> ParsePolicies(absl::string_view file,
                                                      absl::string_view text);

// The same of the file at `path`, which may be a pipe. Errors of opening and reading have the
// errno's name as reason.
absl::StatusOr<std::vector<v1::Policy>> ReadPolicyFile(const std::string& path);

}  // namespace hotplugger::client
