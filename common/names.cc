#include "common/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

constexpr size_t kMaxNameLength = 63;

absl::Status BadName(absl::string_view what, absl::string_view name, absl::string_view rule) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_NAME",
      absl::StrCat(what, " \"", absl::Utf8SafeCEscape(name.substr(0, 80)), "\" is not ", rule));
}

bool IsLowerOrDigit(char c) {
  return absl::ascii_islower(static_cast<unsigned char>(c)) ||
         absl::ascii_isdigit(static_cast<unsigned char>(c));
}

bool IsName(absl::string_view name, absl::string_view also_inside) {
  return !name.empty() && name.size() <= kMaxNameLength && IsLowerOrDigit(name.front()) &&
         IsLowerOrDigit(name.back()) && std::all_of(name.begin(), name.end(), [&](char c) {
           return IsLowerOrDigit(c) || also_inside.find(c) != absl::string_view::npos;
         });
}

}  // namespace

absl::Status ValidatePolicyName(absl::string_view name) {
  if (IsName(name, "-")) return absl::OkStatus();
  return BadName("policy name", name,
                 "1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit");
}

absl::Status ValidateNodeName(absl::string_view name) {
  if (IsName(name, "-.")) return absl::OkStatus();
  return BadName("node name", name,
                 "1 to 63 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit");
}

absl::Status ValidateLabelKey(absl::string_view key) {
  const bool valid = !key.empty() && key.size() <= kMaxNameLength &&
                     std::all_of(key.begin(), key.end(), [](char c) {
                       return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                              absl::string_view("-_./").find(c) != absl::string_view::npos;
                     });
  if (valid) return absl::OkStatus();
  return BadName("label key", key, "1 to 63 letters, digits, '-', '_', '.' and '/'");
}

absl::Status ValidateLabelValue(absl::string_view value) {
  const bool valid =
      value.size() <= kMaxNameLength && std::all_of(value.begin(), value.end(), [](char c) {
        return absl::ascii_isprint(static_cast<unsigned char>(c));
      });
  if (valid) return absl::OkStatus();
  return BadName("label value", value, "0 to 63 printable ASCII characters");
}

}  // namespace hotplugger
