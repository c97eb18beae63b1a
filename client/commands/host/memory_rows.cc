#include "client/commands/host/memory_rows.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/commands/host/device_view.h"
#include "client/commands/host/memory_range.h"
#include "common/byte_size.h"

namespace hotplugger::client::host {
namespace {

MemoryRow ToRow(const v1::Device& device) {
  const v1::MemoryBlock& block = device.memory();
  MemoryRow row;
  row.start = block.start();
  row.size = block.size();
  row.state =
      device.state() == v1::DEVICE_STATE_GOING_OFFLINE ? "on->off" : DeviceStateName(device);
  row.blocks = std::string(absl::StripPrefix(device.name(), "memory"));
  if (block.has_node()) row.node = absl::StrCat(block.node());
  row.zones = absl::StrJoin(block.zones(), "/");
  return row;
}

// Whether `next` begins where `row` ends and is like it.
bool Continues(const MemoryRow& row, const MemoryRow& next) {
  return row.size > 0 && next.size > 0 && row.start + row.size == next.start &&
         row.state == next.state && row.node == next.node && row.zones == next.zones;
}

// Runs of rows that continue each other, each as one row.
std::vector<MemoryRow> Join(const std::vector<MemoryRow>& rows) {
  std::vector<MemoryRow> joined;
  for (size_t i = 0; i < rows.size();) {
    MemoryRow row = rows[i];
    size_t next = i + 1;
    for (; next < rows.size() && Continues(row, rows[next]); ++next) row.size += rows[next].size;
    if (next > i + 1) row.blocks = absl::StrCat(rows[i].blocks, "-", rows[next - 1].blocks);
    joined.push_back(row);
    i = next;
  }
  return joined;
}

}  // namespace

std::vector<MemoryRow> MemoryRows(const google::protobuf::RepeatedPtrField<v1::Device>& devices,
                                  bool joined) {
  std::vector<MemoryRow> rows;
  for (const v1::Device& device : devices) {
    if (device.kind() == v1::DEVICE_KIND_MEMORY) rows.push_back(ToRow(device));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const MemoryRow& a, const MemoryRow& b) { return a.start < b.start; });
  return joined ? Join(rows) : rows;
}

Table MemoryTable(const std::vector<MemoryRow>& rows) {
  Table table({"RANGE", "SIZE", "STATE", "BLOCK", "NODE", "ZONES"});
  table.AlignRight({1, 2, 3, 4});
  for (const MemoryRow& row : rows) {
    table.AddRow({row.size > 0 ? FormatMemoryRange(row.start, row.size) : "",
                  FormatByteSize(row.size), row.state, row.blocks, row.node, row.zones});
  }
  return table;
}

MemoryTotals SumMemory(const google::protobuf::RepeatedPtrField<v1::Device>& devices) {
  MemoryTotals totals;
  for (const v1::Device& device : devices) {
    if (device.kind() != v1::DEVICE_KIND_MEMORY) continue;
    const bool used = device.state() == v1::DEVICE_STATE_ONLINE ||
                      device.state() == v1::DEVICE_STATE_GOING_OFFLINE;
    (used ? totals.online : totals.offline) += device.memory().size();
  }
  return totals;
}

}  // namespace hotplugger::client::host
