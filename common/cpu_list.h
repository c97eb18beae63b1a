// Lists of CPU numbers as the kernel writes them: "0-3,8".
#pragma once

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// CPU numbers, ordered.
using CpuSet = std::set<int>;

// The largest CPU number that a list may name; Linux's own limit is below it.
inline constexpr int kMaxCpuNumber = 8191;
// The longest list that is read, in bytes.
inline constexpr size_t kMaxCpuListLength = 4096;

// Reads a list that a person or a policy gave. Strict: no spaces, no empty items, ranges go
// upwards, nothing twice is no error. An empty list is an empty set. INVALID_ARGUMENT names the
// offending item and what would be right.
absl::StatusOr<CpuSet> ParseCpuList(absl::string_view text);

// Reads a list that the kernel wrote: as above, but with the trailing newline, and "(null)" for an
// empty list as the kernel prints for an unused nohz_full (kernel 2.1).
absl::StatusOr<CpuSet> ParseKernelCpuList(absl::string_view text);

// The canonical form: ascending, ranges joined; "" for an empty set.
std::string FormatCpuList(const CpuSet& cpus);

}  // namespace hotplugger
