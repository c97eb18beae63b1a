#include "common/cpu_list.h"

#include <algorithm>
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

absl::Status BadList(absl::string_view item, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_CPU_LIST",
                   absl::StrCat("\"", absl::Utf8SafeCEscape(item.substr(0, 64)), "\" ", problem,
                                "; a CPU list is numbers and ascending ranges joined by commas, "
                                "e.g. \"2-3,8\""));
}

// Digits alone: no sign, no space, no base prefix.
absl::StatusOr<int> ParseCpuNumber(absl::string_view item, absl::string_view digits) {
  int number = 0;
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) {
    return BadList(item, "is not a CPU number or range");
  }
  if (!absl::SimpleAtoi(digits, &number) || number > kMaxCpuNumber) {
    return BadList(item, absl::StrCat("is above the largest CPU number, ", kMaxCpuNumber));
  }
  return number;
}

absl::Status AddItem(absl::string_view item, CpuSet* cpus) {
  const std::vector<absl::string_view> ends = absl::StrSplit(item, absl::MaxSplits('-', 1));
  ASSIGN_OR_RETURN(const int first, ParseCpuNumber(item, ends[0]));
  int last = first;
  if (ends.size() == 2) {
    ASSIGN_OR_RETURN(last, ParseCpuNumber(item, ends[1]));
  }
  if (last < first) return BadList(item, "runs downwards");
  for (int cpu = first; cpu <= last; ++cpu) cpus->insert(cpu);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CpuSet> ParseCpuList(absl::string_view text) {
  CpuSet cpus;
  if (text.empty()) return cpus;
  if (text.size() > kMaxCpuListLength) {
    return BadList(text, absl::StrCat("… is longer than ", kMaxCpuListLength, " bytes"));
  }
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    if (item.empty()) return BadList(text, "has an empty item");
    RETURN_IF_ERROR(AddItem(item, &cpus));
  }
  return cpus;
}

absl::StatusOr<CpuSet> ParseKernelCpuList(absl::string_view text) {
  absl::ConsumeSuffix(&text, "\n");
  if (absl::StripAsciiWhitespace(text) == "(null)") return CpuSet();
  return ParseCpuList(text);
}

std::string FormatCpuList(const CpuSet& cpus) {
  std::vector<std::string> items;
  for (auto it = cpus.begin(); it != cpus.end();) {
    const int first = *it;
    int last = first;
    while (++it != cpus.end() && *it == last + 1) last = *it;
    items.push_back(first == last ? absl::StrCat(first) : absl::StrCat(first, "-", last));
  }
  return absl::StrJoin(items, ",");
}

}  // namespace hotplugger
