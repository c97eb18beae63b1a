// Small parsers of what the kernel writes into files. All are strict: INTERNAL (BAD_KERNEL_ANSWER)
// names the full path, the value, and what was expected.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/devices/inventory/file_tree.h"

namespace hotplugger::agent {

// The error for a file whose content is none that the kernel writes. `expected` completes "not
// ...".
absl::Status BadKernelAnswer(const FileTree& tree, absl::string_view path, absl::string_view value,
                             absl::string_view expected);

// Without the one newline at the end.
absl::string_view WithoutNewline(absl::string_view content);

// A file that reads 0 or 1.
absl::StatusOr<bool> ReadFlag(const FileTree& tree, absl::string_view path);

// A file that holds one decimal number; nothing where it isn't there, or says -1, the kernel's word
// for "unknown".
absl::StatusOr<std::optional<int>> ReadNumberIfThere(const FileTree& tree, absl::string_view path);

// N of a name "prefixN" as the kernel writes it: digits without leading zeros, at most nine.
// Nothing for any other name.
std::optional<int> NumberAfter(absl::string_view prefix, absl::string_view name);

// INVALID_ARGUMENT (BAD_DEVICE_NAME) unless `name`, of a bus or device, names one folder and no
// path.
absl::Status CheckFolderName(absl::string_view name);

// Digits alone, at most nine.
std::optional<int> ParseDigits(absl::string_view text);

}  // namespace hotplugger::agent
