// Ranges of physical addresses as lsmem prints them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client::host {

// START-END, where END is the last byte of the range (0x100000000-0x107ffffff), or START:SIZE
// (0x100000000:0x8000000): all hexadecimal with 0x, at most 16 digits. Whether the ends lie on
// block boundaries the agent knows; here only an END that is a multiple of 1 MiB, so surely the
// first byte after the range, is refused. INVALID_ARGUMENT (BAD_MEMORY_RANGE).
absl::StatusOr<v1::MemoryRange> ParseMemoryRange(absl::string_view text);

// "0x0000000100000000-0x0000000107ffffff": the last byte, inclusive. REQUIRES: size > 0.
std::string FormatMemoryRange(uint64_t start, uint64_t size);

}  // namespace hotplugger::client::host
