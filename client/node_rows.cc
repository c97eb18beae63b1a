#include "client/node_rows.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "client/node_view.h"
#include "common/byte_size.h"
#include "common/proto_time.h"

namespace hotplugger::client {
namespace {

// Places in the headings.
constexpr size_t kConnected = 1;
constexpr size_t kInSync = 2;
constexpr size_t kState = 9;
constexpr size_t kDrift = 10;

// As git shows its own.
constexpr size_t kShownDigest = 12;

std::string Labels(const v1::Node& node) {
  const std::map<std::string, std::string> labels(node.labels().begin(), node.labels().end());
  return absl::StrJoin(labels, ",", absl::PairFormatter("="));
}

Tone StateTone(const v1::Node& node) {
  if (!node.conditions().empty()) return Tone::kBad;
  switch (node.report().state()) {
    case v1::APPLY_STATE_APPLIED:
      return node.report().awaits_confirmation() ? Tone::kWarning : Tone::kGood;
    case v1::APPLY_STATE_APPLYING:
      return Tone::kWarning;
    case v1::APPLY_STATE_UNSPECIFIED:
      return Tone::kPlain;
    default:
      return Tone::kBad;
  }
}

}  // namespace

Table NodeTable(bool wide) {
  std::vector<std::string> headings = {
      "NAME",          "CONNECTED",      "IN-SYNC", "CPUS-ONLINE", "CPUS-OFFLINE", "SMT",
      "MEMORY-ONLINE", "MEMORY-OFFLINE", "DRIVERS", "STATE",       "DRIFT",        "LAST-CONTACT"};
  if (wide) headings.insert(headings.end(), {"LABELS", "KERNEL", "AGENT", "DESIRED"});
  return Table(std::move(headings));
}

std::vector<std::string> NodeCells(const v1::Node& node, absl::Time now, bool wide) {
  const v1::Inventory& inventory = node.inventory();
  const std::optional<MemorySizes> memory = MemorySizesOf(inventory);
  std::vector<std::string> cells = {
      node.name(),
      node.connected() ? "yes" : "no",
      node.in_sync() ? "yes" : "no",
      inventory.cpus_online(),
      OfflineCpus(inventory),
      SmtState(inventory),
      memory ? FormatByteSize(memory->online) : "",
      memory ? FormatByteSize(memory->offline) : "",
      RunningDrivers(inventory),
      StateText(node),
      DriftText(node),
      node.has_last_contact_time() ? FormatAge(now - ToTime(node.last_contact_time())) : "never"};
  if (wide) {
    cells.insert(cells.end(), {Labels(node), inventory.kernel_release(), node.agent_version(),
                               node.desired_digest().substr(0, kShownDigest)});
  }
  return cells;
}

void AddGoneNodeRow(const std::string& name, bool wide, Table* table) {
  std::vector<std::string> cells = NodeCells(v1::Node(), absl::InfinitePast(), wide);
  for (std::string& cell : cells) cell.clear();
  cells.front() = name;
  cells[kState] = "DELETED";
  table->AddRow(std::move(cells));
}

void AddNodeRow(const v1::Node& node, absl::Time now, bool wide, Table* table) {
  std::map<size_t, Tone> tones = {{kState, StateTone(node)}};
  if (!node.connected()) tones[kConnected] = Tone::kBad;
  if (!node.in_sync()) tones[kInSync] = Tone::kWarning;
  if (!DriftText(node).empty()) tones[kDrift] = Tone::kWarning;
  table->AddRow(NodeCells(node, now, wide), std::move(tones));
}

}  // namespace hotplugger::client
