#include "common/core_name.h"

#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/device_rules.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

// Of a text too long to be repeated, so much is.
constexpr size_t kShownLength = 64;
// Three numbers of ten digits and what is between them.
constexpr size_t kMaxCoreNameLength = 32;

absl::Status Bad(absl::string_view text, absl::string_view problem) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_CORE_NAME",
      absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, kShownLength)), "\" ", problem,
                   "; a core is named PACKAGE-DIE-CORE, e.g. \"0-0-3\", with die 0 "
                   "where the kernel tells none"));
}

}  // namespace

absl::StatusOr<CoreName> ParseCoreName(absl::string_view text) {
  if (text.size() > kMaxCoreNameLength) return Bad(text, "is too long");
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '-');
  if (parts.size() != 3) return Bad(text, "is not three numbers joined by '-'");
  int numbers[3];
  constexpr const char* kParts[] = {"package", "die", "core"};
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::optional<int> number = ParseDeviceNumber(parts[i], std::numeric_limits<int>::max());
    if (!number) {
      return Bad(text, absl::StrCat("has no number without leading zeros for its ", kParts[i]));
    }
    numbers[i] = *number;
  }
  return CoreName{numbers[0], numbers[1], numbers[2]};
}

std::string FormatCoreName(const CoreName& core) {
  return absl::StrCat(core.package, "-", core.die, "-", core.core);
}

}  // namespace hotplugger
