#include "client/node_view.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/text.h"
#include "common/cpu_list.h"
#include "common/number_ranges.h"

namespace hotplugger::client {
namespace {

bool Failed(const v1::ItemResult& item) {
  return item.outcome() == v1::OUTCOME_FAILED || item.outcome() == v1::OUTCOME_REFUSED;
}

// "cpu0: NOT_HOTPLUGGABLE: cpu0 has no online file".
std::string ItemCause(const v1::ItemResult& item) {
  std::vector<std::string> parts = {item.subject()};
  if (!item.reason().empty()) parts.push_back(item.reason());
  if (!item.message().empty()) parts.push_back(item.message());
  return absl::StrJoin(parts, ": ");
}

std::string ReportCauses(const v1::NodeReport& report) {
  std::vector<std::string> causes;
  bool told_by_item = false;
  for (const v1::ItemResult& item : report.items()) {
    if (!Failed(item)) continue;
    causes.push_back(ItemCause(item));
    told_by_item = told_by_item || item.message() == report.message();
  }
  if (!report.message().empty() && !told_by_item) causes.insert(causes.begin(), report.message());
  return causes.empty() ? "no cause was given" : absl::StrJoin(causes, "; ");
}

}  // namespace

std::string OfflineCpus(const v1::Inventory& inventory) {
  const auto present = ParseKernelCpuList(inventory.cpus_present());
  const auto online = ParseKernelCpuList(inventory.cpus_online());
  if (!present.ok() || !online.ok()) return "?";
  CpuSet offline;
  std::set_difference(present->begin(), present->end(), online->begin(), online->end(),
                      std::inserter(offline, offline.end()));
  return FormatCpuList(offline);
}

std::string SmtState(const v1::Inventory& inventory) {
  const v1::SmtStatus& smt = inventory.smt();
  if (smt.control() == v1::SMT_CONTROL_UNSPECIFIED) return "";
  std::string state = ShortEnumName(*v1::SmtControl_descriptor(), smt.control());
  if (smt.has_threads_per_core()) absl::StrAppend(&state, ":", smt.threads_per_core());
  return state;
}

std::optional<MemorySizes> MemorySizesOf(const v1::Inventory& inventory) {
  if (!inventory.has_memory()) return std::nullopt;
  const v1::MemoryInventory& memory = inventory.memory();
  const auto present = NumberRanges::Parse(memory.blocks_present(), kMemoryBlockListRules);
  const auto online = NumberRanges::Parse(memory.blocks_online(), kMemoryBlockListRules);
  if (!present.ok() || !online.ok()) return std::nullopt;
  const size_t offline = present->size() - std::min(present->size(), online->size());
  return MemorySizes{online->size() * memory.block_size_bytes(),
                     offline * memory.block_size_bytes()};
}

std::string RunningDrivers(const v1::Inventory& inventory) {
  std::vector<std::string> names;
  for (const v1::Driver& driver : inventory.drivers()) {
    if (driver.state() == v1::DRIVER_STATE_RUNNING) names.push_back(driver.name());
  }
  return absl::StrJoin(names, ",");
}

std::string ApplyStateName(const v1::Node& node) {
  if (node.report().state() == v1::APPLY_STATE_UNSPECIFIED) return "";
  return absl::AsciiStrToUpper(ShortEnumName(*v1::ApplyState_descriptor(), node.report().state()));
}

std::string ReportText(const v1::Node& node) {
  return absl::StrCat(ApplyStateName(node),
                      node.report().awaits_confirmation() ? ", awaiting confirmation" : "");
}

std::string StateText(const v1::Node& node) {
  std::vector<std::string> parts;
  if (const std::string report = ReportText(node); !report.empty()) parts.push_back(report);
  for (const v1::NodeCondition& condition : node.conditions()) parts.push_back(condition.type());
  return absl::StrJoin(parts, ", ");
}

std::string DriftText(const v1::Node& node) {
  return node.report().drift().empty() ? "" : absl::StrCat(node.report().drift_size());
}

bool ReportIsCurrent(const v1::Node& node) {
  return node.has_report() && node.report().digest() == node.desired_digest();
}

std::string RetryText(v1::RetryClass retry) {
  switch (retry) {
    case v1::RETRY_CLASS_TRANSIENT:
      return "tried again soon";
    case v1::RETRY_CLASS_CONDITIONAL:
      return "tried again once the host has changed";
    case v1::RETRY_CLASS_PERMANENT:
      return "given up";
    default:
      return "";
  }
}

bool HasGivenUp(const v1::Node& node) {
  // One that comes back tries again.
  if (node.in_sync() || !node.connected() || !ReportIsCurrent(node)) return false;
  switch (node.report().state()) {
    case v1::APPLY_STATE_REFUSED:
    case v1::APPLY_STATE_REVERTED:
    case v1::APPLY_STATE_QUARANTINED:
      return true;
    case v1::APPLY_STATE_FAILED:
      break;
    default:
      return false;
  }
  if (node.report().retry() == v1::RETRY_CLASS_PERMANENT) return true;
  // Whatever else is tried again: with an item that is given up the node never gets there.
  bool any_class = node.report().retry() != v1::RETRY_CLASS_UNSPECIFIED;
  for (const v1::ItemResult& item : node.report().items()) {
    if (!Failed(item)) continue;
    if (item.retry() == v1::RETRY_CLASS_PERMANENT) return true;
    any_class = any_class || item.retry() != v1::RETRY_CLASS_UNSPECIFIED;
  }
  return !any_class;
}

std::string WhyNotConnected(const v1::Node& node) {
  for (const v1::NodeCondition& condition : node.conditions()) {
    // The controller's own, which say why.
    if (condition.type() != "TURNED_AWAY" && condition.type() != "NAME_IN_USE") continue;
    return absl::StrCat("it is not connected: ", condition.type(), ": ", condition.message());
  }
  return "it is not connected; is hotplugger-agent running there?";
}

std::string WhyNotInSync(const v1::Node& node) {
  if (node.in_sync()) return "";
  if (!node.connected()) return WhyNotConnected(node);
  if (!ReportIsCurrent(node)) return "it has not answered the newest spec yet";
  switch (node.report().state()) {
    case v1::APPLY_STATE_REFUSED:
      return absl::StrCat("it refused the spec: ", ReportCauses(node.report()));
    case v1::APPLY_STATE_FAILED:
      return absl::StrCat("it failed: ", ReportCauses(node.report()));
    case v1::APPLY_STATE_REVERTED:
      return absl::StrCat("it went back to the last good spec, as nobody confirmed this one: ",
                          ReportCauses(node.report()));
    case v1::APPLY_STATE_QUARANTINED:
      return absl::StrCat("it went back to the last good spec, as its agent died of this one: ",
                          ReportCauses(node.report()));
    case v1::APPLY_STATE_APPLYING:
      return "it is applying the spec";
    default:
      return "it has not reported the spec as applied yet";
  }
}

}  // namespace hotplugger::client
