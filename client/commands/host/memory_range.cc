#include "client/commands/host/memory_range.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "client/flag_values.h"
#include "common/error_info.h"

namespace hotplugger::client::host {
namespace {

constexpr size_t kMaxHexDigits = 16;
// Every kernel's memory blocks are multiples of it (the smallest section has 16 MiB).
constexpr uint64_t kMib = uint64_t{1} << 20;

absl::Status BadRange(absl::string_view text, absl::string_view problem) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BAD_MEMORY_RANGE",
                   absl::StrCat(Quoted(text), " ", problem,
                                "; a range is START-END with the last byte as lsmem prints it, "
                                "e.g. 0x100000000-0x107ffffff, or START:SIZE, e.g. "
                                "0x100000000:0x8000000"));
}

std::optional<uint64_t> ParseHex(absl::string_view text) {
  uint64_t number = 0;
  if (!absl::ConsumePrefix(&text, "0x") && !absl::ConsumePrefix(&text, "0X")) return std::nullopt;
  if (text.empty() || text.size() > kMaxHexDigits ||
      !std::all_of(text.begin(), text.end(), absl::ascii_isxdigit) ||
      !absl::SimpleHexAtoi(text, &number)) {
    return std::nullopt;
  }
  return number;
}

// What is wrong with a range from `start` to the last byte `end`, or "".
std::string CheckEnds(uint64_t start, uint64_t end) {
  if (end < start) return "runs downwards";
  if (end % kMib == 0) {
    return end == start ? "is a single byte"
                        : absl::StrFormat("ends with the first byte after a block (is 0x%x meant?)",
                                          end - 1);
  }
  if (end - start == std::numeric_limits<uint64_t>::max()) return "is larger than any memory";
  return "";
}

}  // namespace

absl::StatusOr<v1::MemoryRange> ParseMemoryRange(absl::string_view text) {
  const size_t separator = text.find_first_of("-:");
  if (separator == absl::string_view::npos) return BadRange(text, "has neither '-' nor ':'");
  const std::optional<uint64_t> start = ParseHex(text.substr(0, separator));
  const std::optional<uint64_t> second = ParseHex(text.substr(separator + 1));
  if (!start || !second) {
    return BadRange(text, "is not made of two hexadecimal numbers with 0x and up to 16 digits");
  }
  v1::MemoryRange range;
  range.set_start(*start);
  if (text[separator] == '-') {
    const std::string problem = CheckEnds(*start, *second);
    if (!problem.empty()) return BadRange(text, problem);
    range.set_size(*second - *start + 1);
  } else {
    if (*second == 0) return BadRange(text, "has no size");
    if (*second - 1 > std::numeric_limits<uint64_t>::max() - *start) {
      return BadRange(text, "reaches beyond the last address");
    }
    range.set_size(*second);
  }
  return range;
}

std::string FormatMemoryRange(uint64_t start, uint64_t size) {
  return absl::StrFormat("0x%016x-0x%016x", start, start + size - 1);
}

}  // namespace hotplugger::client::host
