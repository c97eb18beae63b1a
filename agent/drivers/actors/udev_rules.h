// Rules of udev that bring CPUs or memory online by themselves.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace hotplugger::agent {

// One rule that writes a device's state.
struct UdevWrite {
  // Where the rule begins, from 1.
  int line = 0;
  // "ATTR{online}=1".
  std::string write;
};

// The rules of one file's text that assign to ATTR{online} or ATTR{state} of a CPU or of memory,
// or run a program on such a file. Rules over several lines (a \ at the end) count as one.
std::vector<UdevWrite> FindUdevWrites(absl::string_view text);

}  // namespace hotplugger::agent
