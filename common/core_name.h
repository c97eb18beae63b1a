// The text form of a whole core's place: "PACKAGE-DIE-CORE", e.g. "0-0-3". Unlike a CPU's number it
// means the same core after a boot.
#pragma once

#include <string>
#include <tuple>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// The kernel's own numbers, each 0 or more. A kernel that tells no die has die 0 alone.
struct CoreName {
  int package = 0;
  int die = 0;
  int core = 0;

  friend bool operator==(const CoreName& a, const CoreName& b) {
    return std::tie(a.package, a.die, a.core) == std::tie(b.package, b.die, b.core);
  }
  friend bool operator<(const CoreName& a, const CoreName& b) {
    return std::tie(a.package, a.die, a.core) < std::tie(b.package, b.die, b.core);
  }
};

// Strict, so that a core has one name: three decimal numbers without signs or leading zeros.
// INVALID_ARGUMENT (BAD_CORE_NAME) says what is wrong and what would be right.
absl::StatusOr<CoreName> ParseCoreName(absl::string_view text);

std::string FormatCoreName(const CoreName& core);

}  // namespace hotplugger
