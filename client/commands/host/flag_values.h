// Values of flags, read strictly. A wrong one becomes a violation, so that a person sees all of
// them at once.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/error_info.h"

namespace hotplugger::client::host {

using Violations = std::vector<FieldViolation>;

// `text` in quotes, printable, cut where it is long.
std::string Quoted(absl::string_view text);

// Digits alone, from `least` to `most`; else a violation of `flag` and 0.
int ReadNumber(const std::string& flag, absl::string_view text, int least, int most,
               Violations* violations);

// The kernel's name of a device, as far as it can be told here: 1 to 255 printable ASCII characters
// without spaces. The agent knows the rest.
void CheckDeviceName(const std::string& flag, absl::string_view text, Violations* violations);

// The value; where it is an error, a violation of `flag` with its message, and an empty T.
template <typename T>
T ValueOr(const std::string& flag, absl::StatusOr<T> value, Violations* violations) {
  if (value.ok()) return *std::move(value);
  violations->push_back({flag, std::string(value.status().message())});
  return T();
}

}  // namespace hotplugger::client::host
