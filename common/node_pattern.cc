#include "common/node_pattern.h"

#include <fnmatch.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/names.h"

namespace hotplugger {
namespace {

constexpr size_t kMaxPatternLength = 63;

}  // namespace

bool IsNodePattern(absl::string_view text) {
  return text.find_first_of("*?") != absl::string_view::npos;
}

absl::Status ValidateNodePattern(absl::string_view text) {
  if (!IsNodePattern(text)) return ValidateNodeName(text);
  const bool valid =
      text.size() <= kMaxPatternLength && std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_islower(static_cast<unsigned char>(c)) ||
               absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
               absl::string_view("-.*?").find(c) != absl::string_view::npos;
      });
  if (valid) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_NAME",
      absl::StrCat("node pattern \"", absl::Utf8SafeCEscape(text.substr(0, 80)), "\" is not 1 to ",
                   kMaxPatternLength, " of a-z, 0-9, '-', '.', '*' and '?'"));
}

bool MatchesNodePattern(const std::string& pattern, const std::string& node) {
  return fnmatch(pattern.c_str(), node.c_str(), 0) == 0;
}

}  // namespace hotplugger
