// Lists of numbers kept as ranges: a host has tens of thousands of memory blocks, and a fleet tens
// of thousands of hosts, but each list only a few ranges.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/number_list.h"

namespace hotplugger {

class NumberRanges {
 public:
  NumberRanges() = default;

  // Reads a list that the kernel or an agent wrote, as ParseKernelNumberList does, but in time and
  // memory that grow with the text alone.
  static absl::StatusOr<NumberRanges> Parse(absl::string_view text, const NumberListRules& rules);

  // How many numbers there are.
  size_t size() const;
  bool Contains(int number) const;

 private:
  // First and last, ascending and apart.
  std::vector<std::pair<int, int>> ranges_;
};

}  // namespace hotplugger
