// The table of memory blocks as lsmem prints it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/output.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::client::host {

// Blocks side by side that are alike, or one block.
struct MemoryRow {
  uint64_t start = 0;
  // Bytes.
  uint64_t size = 0;
  // "online", "offline", or "on->off" while pages are being moved away, as lsmem has it.
  std::string state;
  // "32" or "32-39".
  std::string blocks;
  // "" where the kernel doesn't say.
  std::string node;
  // "Normal/Movable".
  std::string zones;
};

// Rows in the order of their addresses. With `joined`, neighbours of one state, node and zones make
// one row. Devices other than memory are left out.
std::vector<MemoryRow> MemoryRows(const google::protobuf::RepeatedPtrField<v1::Device>& devices,
                                  bool joined);

// RANGE SIZE STATE BLOCK NODE ZONES.
Table MemoryTable(const std::vector<MemoryRow>& rows);

// Bytes of the blocks that are online (those on their way offline are still used) or not.
struct MemoryTotals {
  uint64_t online = 0;
  uint64_t offline = 0;
};

MemoryTotals SumMemory(const google::protobuf::RepeatedPtrField<v1::Device>& devices);

}  // namespace hotplugger::client::host
