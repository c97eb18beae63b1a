#include "common/number_list.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger {
namespace {

// Of a text too long to be repeated, so much is.
constexpr size_t kShownLength = 64;

class Parser {
 public:
  explicit Parser(const NumberListRules& rules) : rules_(rules) {}

  absl::StatusOr<NumberSet> Parse(absl::string_view text, size_t max_length) {
    if (text.empty()) return numbers_;
    if (text.size() > max_length) {
      return Bad(text, absl::StrCat("… is longer than ", max_length, " bytes"));
    }
    for (const absl::string_view item : absl::StrSplit(text, ',')) {
      if (item.empty()) return Bad(text, "has an empty item");
      RETURN_IF_ERROR(AddItem(item));
    }
    return std::move(numbers_);
  }

 private:
  absl::Status Bad(absl::string_view item, absl::string_view problem) const {
    return MakeError(absl::StatusCode::kInvalidArgument, rules_.reason,
                     absl::StrCat("\"", absl::Utf8SafeCEscape(item.substr(0, kShownLength)), "\" ",
                                  problem, "; a ", rules_.noun,
                                  " list is numbers and ascending ranges joined by commas, e.g. \"",
                                  rules_.example, "\""));
  }

  // Digits alone: no sign, no space, no base prefix.
  absl::StatusOr<int> ParseNumber(absl::string_view item, absl::string_view digits) const {
    int number = 0;
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
      return Bad(item, absl::StrCat("is not a ", rules_.noun, " number or range"));
    }
    if (!absl::SimpleAtoi(digits, &number) || number > rules_.largest) {
      return Bad(item,
                 absl::StrCat("is above the largest ", rules_.noun, " number, ", rules_.largest));
    }
    return number;
  }

  absl::Status AddItem(absl::string_view item) {
    const std::vector<absl::string_view> ends = absl::StrSplit(item, absl::MaxSplits('-', 1));
    ASSIGN_OR_RETURN(const int first, ParseNumber(item, ends[0]));
    int last = first;
    if (ends.size() == 2) {
      ASSIGN_OR_RETURN(last, ParseNumber(item, ends[1]));
    }
    if (last < first) return Bad(item, "runs downwards");
    if (static_cast<size_t>(last - first) >= kMaxNumberListItems - numbers_.size()) {
      return Bad(item, absl::StrCat("makes more than ", kMaxNumberListItems, " numbers"));
    }
    for (int number = first; number <= last; ++number) numbers_.insert(numbers_.end(), number);
    return absl::OkStatus();
  }

  const NumberListRules& rules_;
  NumberSet numbers_;
};

}  // namespace

absl::StatusOr<NumberSet> ParseNumberList(absl::string_view text, const NumberListRules& rules) {
  return Parser(rules).Parse(text, kMaxNumberListLength);
}

absl::StatusOr<NumberSet> ParseKernelNumberList(absl::string_view text,
                                                const NumberListRules& rules) {
  absl::ConsumeSuffix(&text, "\n");
  if (absl::StripAsciiWhitespace(text) == "(null)") return NumberSet();
  return Parser(rules).Parse(text, std::numeric_limits<size_t>::max());
}

std::string FormatNumberList(const NumberSet& numbers) {
  std::vector<std::string> items;
  for (auto it = numbers.begin(); it != numbers.end();) {
    const int first = *it;
    int last = first;
    while (++it != numbers.end() && *it == last + 1) last = *it;
    items.push_back(first == last ? absl::StrCat(first) : absl::StrCat(first, "-", last));
  }
  return absl::StrJoin(items, ",");
}

}  // namespace hotplugger
