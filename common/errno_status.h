// errno values as absl::Status: the one table for errors of files and system calls. Errors of
// device operations have causes of their own; see agent/devices.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// "EBUSY" for EBUSY; the number for one without a name here.
std::string ErrnoName(int error_number);

// The status code that fits an errno, e.g. NOT_FOUND for ENOENT.
absl::StatusCode ErrnoStatusCode(int error_number);

// An error that tells what was tried, on what path, and the kernel's answer. Reason: the errno's
// name.
absl::Status ErrnoStatus(int error_number, absl::string_view action, absl::string_view path);

}  // namespace hotplugger
