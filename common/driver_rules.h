// The rules between hotplug drivers, as pure functions: names, whitelists, who must stop for whom.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// A driver's name has at most so many bytes (contract 1: 32 with the NUL).
inline constexpr size_t kMaxDriverNameLength = 31;
// A whitelist has at most so many names.
inline constexpr size_t kMaxWhitelistLength = 64;

// Names that a driver spares; nullopt where the driver has a whitelist that can't be read, as the
// kernel's own drivers do.
using DriverWhitelist = std::optional<std::vector<std::string>>;

// INVALID_ARGUMENT, with what is wrong, unless `name` is 1 to 31 printable bytes without white
// space, '/', '[' or ']' (contract 1).
absl::Status ValidateDriverName(absl::string_view name);

// The form in which names are compared and stored: lower case (contract 1).
std::string NormalizeDriverName(absl::string_view name);

// INVALID_ARGUMENT unless every name is valid or "*", none is the driver's own, none is there
// twice, and there are at most kMaxWhitelistLength.
absl::Status ValidateWhitelist(absl::string_view driver, const std::vector<std::string>& whitelist);

// The registry's switch as a file has it: "0" or "1", with or without a newline;
// INVALID_ARGUMENT for anything else (contract 21).
absl::StatusOr<bool> ParseSwitching(absl::string_view text);

// Whether two drivers may run side by side.
enum class Coexistence {
  // Both whitelist each other, or they are one driver (contract 8, 11).
  kSpared,
  // At least one side is known not to whitelist the other.
  kConflict,
  // No side is known to object, but a whitelist that can't be read has the last word.
  kUnknown,
};

struct CoexistenceResult {
  Coexistence coexistence;
  // For a person: which side is missing; empty where both are there (contract 8).
  std::string explanation;
};

// Looks at both whitelists. Symmetric but for the order of names in the explanation.
CoexistenceResult CheckCoexistence(absl::string_view starting, const DriverWhitelist& of_starting,
                                   absl::string_view running, const DriverWhitelist& of_running);

}  // namespace hotplugger
