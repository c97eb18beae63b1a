// The files that a knob's patterns stand for on one host.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

// A pattern may match so many files; what is beyond is an error rather than left out.
inline constexpr size_t kMaxKnobFiles = 256;

// Every existing file that `pattern` (see KnobDefinition) matches, in order of name. None where
// there is none; RESOURCE_EXHAUSTED (TOO_MANY_KNOBS); what could not be read.
absl::StatusOr<std::vector<std::string>> FindKnobFiles(const FileTree& tree,
                                                       const std::string& pattern);

// Those of the first pattern that matches any.
absl::StatusOr<std::vector<std::string>> FindFirstKnobFiles(
    const FileTree& tree, const std::vector<std::string>& patterns);

}  // namespace hotplugger::agent
