// Lists of CPU numbers as the kernel writes them: "0-3,8".
#pragma once

#include "common/number_list.h"

namespace hotplugger {

using CpuSet = NumberSet;

// The largest CPU number that a list may name; Linux's own limit is below it.
inline constexpr int kMaxCpuNumber = 8191;

inline constexpr NumberListRules kCpuListRules = {"CPU", kMaxCpuNumber, "BAD_CPU_LIST", "2-3,8"};

// The functions of number_list.h, for CPUs.
inline absl::StatusOr<CpuSet> ParseCpuList(absl::string_view text) {
  return ParseNumberList(text, kCpuListRules);
}
inline absl::StatusOr<CpuSet> ParseKernelCpuList(absl::string_view text) {
  return ParseKernelNumberList(text, kCpuListRules);
}
inline std::string FormatCpuList(const CpuSet& cpus) { return FormatNumberList(cpus); }

}  // namespace hotplugger
