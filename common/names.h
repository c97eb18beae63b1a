// The rules for names that people choose: nodes, policies, labels.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// A node has at most so many labels.
inline constexpr size_t kMaxNodeLabels = 64;

// 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit.
absl::Status ValidatePolicyName(absl::string_view name);

// As a policy's, but dots are allowed too, as in host names.
absl::Status ValidateNodeName(absl::string_view name);

// A label's key: 1 to 63 letters, digits, '-', '_', '.' and '/'.
absl::Status ValidateLabelKey(absl::string_view key);

// A label's value: 0 to 63 printable ASCII characters.
absl::Status ValidateLabelValue(absl::string_view value);

}  // namespace hotplugger
