// Amounts of memory as people write them: "4Gi", "512Mi", "134217728".
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace hotplugger {

// Digits, then a unit or none (bytes): K, M, G, T, P are powers of 1024 as lsmem and chmem have
// them, with or without "i", "iB" ("4G", "4Gi", "4GiB"); "KB", "MB", ... are refused, for they mean
// powers of 1000 to some. At most 2^60. INVALID_ARGUMENT (BAD_SIZE) says what is wrong and what
// would be right.
absl::StatusOr<uint64_t> ParseByteSize(absl::string_view text);

// The largest unit that is exact: "4Gi", "1536Mi", "100".
std::string FormatByteSize(uint64_t bytes);

}  // namespace hotplugger
