#include "common/number_ranges.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

bool ParseEnd(absl::string_view digits, int largest, int* number) {
  return !digits.empty() &&
         std::all_of(digits.begin(), digits.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }) &&
         absl::SimpleAtoi(digits, number) && *number <= largest;
}

}  // namespace

absl::StatusOr<NumberRanges> NumberRanges::Parse(absl::string_view text,
                                                 const NumberListRules& rules) {
  NumberRanges parsed;
  absl::ConsumeSuffix(&text, "\n");
  if (text.empty() || absl::StripAsciiWhitespace(text) == "(null)") return parsed;
  std::vector<std::pair<int, int>>& ranges = parsed.ranges_;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    const size_t dash = item.find('-');
    int first = 0;
    int last = 0;
    if (!ParseEnd(item.substr(0, dash), rules.largest, &first) ||
        !ParseEnd(dash == absl::string_view::npos ? item : item.substr(dash + 1), rules.largest,
                  &last) ||
        last < first) {
      return MakeError(
          absl::StatusCode::kInvalidArgument, rules.reason,
          absl::StrCat("\"", absl::Utf8SafeCEscape(item.substr(0, 64)), "\" is not a ", rules.noun,
                       " number up to ", rules.largest, " or an ascending range of them"));
    }
    ranges.emplace_back(first, last);
  }
  std::sort(ranges.begin(), ranges.end());
  size_t apart = 0;
  for (const auto& [first, last] : ranges) {
    if (apart > 0 && first <= ranges[apart - 1].second) {
      ranges[apart - 1].second = std::max(ranges[apart - 1].second, last);
    } else {
      ranges[apart++] = {first, last};
    }
  }
  ranges.resize(apart);
  return parsed;
}

size_t NumberRanges::size() const {
  size_t count = 0;
  for (const auto& [first, last] : ranges_) count += static_cast<size_t>(last - first) + 1;
  return count;
}

bool NumberRanges::Contains(int number) const {
  const auto after =
      std::upper_bound(ranges_.begin(), ranges_.end(), number,
                       [](int value, const auto& range) { return value < range.first; });
  return after != ranges_.begin() && number <= std::prev(after)->second;
}

}  // namespace hotplugger
