// The host's control of secondary threads, devices/system/cpu/smt.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/devices/inventory/file_tree.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// NOT_SUPPORTED where the kernel has no smt folder.
absl::StatusOr<v1::SmtStatus> ReadSmt(const FileTree& tree);

// Reads what smt/control says: a word, or a number of threads. INTERNAL for anything else.
absl::StatusOr<v1::SmtStatus> ParseSmtControl(absl::string_view text);

}  // namespace hotplugger::agent
