// The part of memory.h that reads /proc.
#include <unistd.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/devices/inventory/kernel_text.h"
#include "agent/devices/inventory/memory.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kMeminfo[] = "proc/meminfo";
constexpr char kZoneinfo[] = "proc/zoneinfo";

// Digits alone, and no overflow when it is taken `unit` times.
std::optional<uint64_t> ParseAmount(absl::string_view text, uint64_t unit) {
  uint64_t number = 0;
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  if (!absl::SimpleAtoi(text, &number) || number > UINT64_MAX / unit) return std::nullopt;
  return number * unit;
}

// "MemTotal:       16303428 kB" after its colon.
absl::StatusOr<uint64_t> ParseKibibytes(const FileTree& tree, absl::string_view line,
                                        absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  std::optional<uint64_t> bytes;
  if (absl::ConsumeSuffix(&value, " kB")) bytes = ParseAmount(value, 1024);
  if (bytes.has_value()) return *bytes;
  return BadKernelAnswer(tree, kMeminfo, line, "a number of kB in this line");
}

absl::Status ReadMeminfo(const FileTree& tree, MemoryUse* use) {
  std::optional<uint64_t> total;
  std::optional<uint64_t> available;
  RETURN_IF_ERROR(tree.VisitLines(kMeminfo, [&](absl::string_view line) -> absl::Status {
    absl::string_view value = line;
    if (absl::ConsumePrefix(&value, "MemTotal:")) {
      ASSIGN_OR_RETURN(total, ParseKibibytes(tree, line, value));
    } else if (absl::ConsumePrefix(&value, "MemAvailable:")) {
      ASSIGN_OR_RETURN(available, ParseKibibytes(tree, line, value));
    }
    return absl::OkStatus();
  }));
  if (!total.has_value() || !available.has_value()) {
    return BadKernelAnswer(tree, kMeminfo, "", "lines with MemTotal and MemAvailable");
  }
  use->total_bytes = *total;
  use->available_bytes = *available;
  return absl::OkStatus();
}

// Adds up what the zones manage: a line "Node 0, zone   Normal", then, among others, one "managed
// 123" in pages.
class ZoneSums {
 public:
  explicit ZoneSums(const FileTree& tree)
      : tree_(tree), page_bytes_(static_cast<uint64_t>(sysconf(_SC_PAGESIZE))) {}

  absl::Status AddLine(absl::string_view line) {
    if (absl::StartsWith(line, "Node ")) return BeginZone(line);
    absl::string_view rest = absl::StripLeadingAsciiWhitespace(line);
    if (!absl::ConsumePrefix(&rest, "managed ")) return absl::OkStatus();
    const std::optional<uint64_t> bytes =
        ParseAmount(absl::StripLeadingAsciiWhitespace(rest), page_bytes_);
    if (!bytes.has_value() || sum_ == nullptr) return Bad(line);
    *sum_ += *bytes;
    sum_ = nullptr;  // one such line a zone
    return absl::OkStatus();
  }

  const std::map<int, NodeMemory>& nodes() const { return nodes_; }

 private:
  absl::Status BeginZone(absl::string_view line) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() != 4 || words[2] != "zone") return Bad(line);
    const std::optional<int> node = ParseDigits(absl::StripSuffix(words[1], ","));
    if (!node.has_value()) return Bad(line);
    NodeMemory& memory = nodes_[*node];
    sum_ = words[3] == "Movable" ? &memory.movable_bytes : &memory.kernel_bytes;
    return absl::OkStatus();
  }

  absl::Status Bad(absl::string_view line) const {
    return BadKernelAnswer(tree_, kZoneinfo, line,
                           "\"Node N, zone NAME\", with one \"managed PAGES\" after it");
  }

  const FileTree& tree_;
  const uint64_t page_bytes_;
  std::map<int, NodeMemory> nodes_;
  // Of the zone whose lines are being read.
  uint64_t* sum_ = nullptr;
};

}  // namespace

absl::StatusOr<MemoryUse> ReadMemoryUse(const FileTree& tree) {
  MemoryUse use;
  RETURN_IF_ERROR(ReadMeminfo(tree, &use));
  ZoneSums sums(tree);
  RETURN_IF_ERROR(
      tree.VisitLines(kZoneinfo, [&](absl::string_view line) { return sums.AddLine(line); }));
  if (sums.nodes().empty()) {
    return BadKernelAnswer(tree, kZoneinfo, "", "zones with the pages that they manage");
  }
  use.nodes = sums.nodes();
  return use;
}

}  // namespace hotplugger::agent
