// Lists of numbers as the kernel writes them: "0-3,8". CPUs, memory blocks, nodes.
#pragma once

#include <string>

#include "absl/container/btree_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// Ordered. A host has thousands of CPUs and blocks: a node for each would cost more than reading
// them.
using NumberSet = absl::btree_set<int>;

// What a list is of, for its limits and messages.
struct NumberListRules {
  // "CPU", "memory block".
  const char* noun;
  // The largest number that may be named.
  int largest;
  // Of errors: "BAD_CPU_LIST".
  const char* reason;
  // What would be right: "2-3,8".
  const char* example;
};

// The longest list that is read, in bytes, and the most numbers that one may name.
inline constexpr size_t kMaxNumberListLength = 16 * 1024;
inline constexpr size_t kMaxNumberListItems = 65'536;
// Numbers of memory blocks are start addresses divided by the block size.
inline constexpr int kMaxMemoryBlock = (1 << 25) - 1;

inline constexpr NumberListRules kMemoryBlockListRules = {"memory block", kMaxMemoryBlock,
                                                          "BAD_MEMORY_BLOCK_LIST", "32-39,64"};

// Reads a list that a person or a policy gave. Strict: no spaces, no empty items, ranges go
// upwards, nothing twice is no error. An empty list is an empty set. INVALID_ARGUMENT names the
// offending item and what would be right.
absl::StatusOr<NumberSet> ParseNumberList(absl::string_view text, const NumberListRules& rules);

// Reads a list that the kernel wrote: as above, but with the trailing newline, and "(null)" for an
// empty list as the kernel prints for an unused nohz_full (kernel 2.1). Bounded by
// kMaxNumberListItems alone.
absl::StatusOr<NumberSet> ParseKernelNumberList(absl::string_view text,
                                                const NumberListRules& rules);

// The canonical form: ascending, ranges joined; "" for an empty set.
std::string FormatNumberList(const NumberSet& numbers);

}  // namespace hotplugger
