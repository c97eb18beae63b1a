#include "common/byte_size.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

// In the order of their powers of 1024.
constexpr absl::string_view kUnits = "KMGTP";
constexpr uint64_t kMaxBytes = uint64_t{1} << 60;
// Of a text too long to be repeated, so much is.
constexpr size_t kShownLength = 40;

absl::Status Bad(absl::string_view text, absl::string_view problem) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_SIZE",
      absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, kShownLength)),
                   text.size() > kShownLength ? "…" : "", "\" ", problem,
                   "; a size is whole bytes, or has one of the units K, M, G, T and P, powers of "
                   "1024, e.g. 4Gi"));
}

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }

}  // namespace

absl::StatusOr<uint64_t> ParseByteSize(absl::string_view text) {
  const auto end_of_digits = std::find_if_not(text.begin(), text.end(), IsDigit);
  const auto length = static_cast<size_t>(end_of_digits - text.begin());
  const absl::string_view digits = text.substr(0, length);
  absl::string_view unit = text.substr(length);
  if (text.empty()) return Bad(text, "is no size");
  if (digits.empty()) return Bad(text, "does not begin with a digit");
  size_t power = 0;
  if (!unit.empty()) {
    power = kUnits.find(unit.front()) + 1;
    unit.remove_prefix(1);
    if (power == 0) return Bad(text, "has a unit that is none of these");
    if (unit == "B") return Bad(text, "has a unit that means powers of 1000 to some");
    if (absl::ConsumePrefix(&unit, "i")) absl::ConsumePrefix(&unit, "B");
    if (!unit.empty()) return Bad(text, "has something after its unit");
  }
  uint64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number) || number > kMaxBytes >> (10 * power)) {
    return Bad(text, "is more than 1024Pi");
  }
  return number << (10 * power);
}

std::string FormatByteSize(uint64_t bytes) {
  size_t power = 0;
  while (bytes > 0 && bytes % 1024 == 0 && power < kUnits.size()) {
    bytes /= 1024;
    ++power;
  }
  return power == 0 ? absl::StrCat(bytes) : absl::StrCat(bytes, kUnits.substr(power - 1, 1), "i");
}

}  // namespace hotplugger
