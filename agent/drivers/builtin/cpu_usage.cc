#include "agent/drivers/builtin/cpu_usage.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/devices/inventory/kernel_text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kStat[] = "proc/stat";
constexpr char kPressure[] = "proc/pressure/cpu";
// Of the columns after the name: idle and iowait; guest and guest_nice are in user and nice
// already.
constexpr size_t kIdle = 3;
constexpr size_t kIoWait = 4;
constexpr size_t kColumns = 8;

}  // namespace

absl::StatusOr<CpuTimes> ReadCpuTimes(const FileTree& tree) {
  CpuTimes times;
  RETURN_IF_ERROR(tree.VisitLines(kStat, [&](absl::string_view line) -> absl::Status {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.empty()) return absl::OkStatus();
    const std::optional<int> cpu = NumberAfter("cpu", words.front());
    if (!cpu.has_value()) return absl::OkStatus();
    CpuTicks ticks;
    for (size_t i = 1; i < words.size() && i <= kColumns; ++i) {
      uint64_t value = 0;
      if (!absl::SimpleAtoi(words[i], &value)) {
        return BadKernelAnswer(tree, kStat, line, "a CPU's line of numbers");
      }
      ticks.total += value;
      if (i - 1 != kIdle && i - 1 != kIoWait) ticks.busy += value;
    }
    if (words.size() <= kIoWait + 1) {
      return BadKernelAnswer(tree, kStat, line, "a CPU's line with its idle time");
    }
    times[*cpu] = ticks;
    return absl::OkStatus();
  }));
  return times;
}

std::optional<double> BusyCpus(const CpuTimes& before, const CpuTimes& after) {
  double busy = 0;
  bool any = false;
  for (const auto& [cpu, now] : after) {
    const auto then = before.find(cpu);
    if (then == before.end() || now.total <= then->second.total) continue;
    // The kernel's counters of idle time may go back a little.
    if (now.busy < then->second.busy) continue;
    any = true;
    busy += static_cast<double>(now.busy - then->second.busy) /
            static_cast<double>(now.total - then->second.total);
  }
  return any ? std::optional<double>(busy) : std::nullopt;
}

absl::StatusOr<std::optional<uint64_t>> ReadCpuPressure(const FileTree& tree) {
  return CpuPressureFrom(tree, tree.ReadIfThere(kPressure));
}

absl::StatusOr<std::optional<uint64_t>> CpuPressureFrom(
    const FileTree& tree, const absl::StatusOr<std::optional<std::string>>& answer) {
  // Where it is compiled in and not switched on (psi=1) the file is there and can't be read.
  if (ErrorReason(answer.status()) == "EOPNOTSUPP") return std::nullopt;
  ASSIGN_OR_RETURN(const std::optional<std::string> content, answer);
  if (!content.has_value()) return std::nullopt;
  for (const absl::string_view line : absl::StrSplit(*content, '\n')) {
    if (!absl::StartsWith(line, "some ")) continue;
    for (const absl::string_view word : absl::StrSplit(line, ' ')) {
      uint64_t total = 0;
      if (absl::StartsWith(word, "total=") && absl::SimpleAtoi(word.substr(6), &total)) {
        return total;
      }
    }
  }
  return BadKernelAnswer(tree, kPressure, *content, "\"some ... total=N\"");
}

}  // namespace hotplugger::agent
