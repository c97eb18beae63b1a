#include "client/node_description.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/driver_table.h"
#include "client/node_view.h"
#include "client/output.h"
#include "client/text.h"
#include "common/byte_size.h"
#include "common/number_list.h"
#include "common/proto_time.h"

namespace hotplugger::client {
namespace {

constexpr size_t kIndent = 2;
constexpr size_t kNameWidth = 17;

void PrintLine(absl::string_view name, absl::string_view value, std::ostream& out) {
  std::string line = absl::StrCat(name, ":");
  line.resize(std::max(kNameWidth, line.size() + 1), ' ');
  out << line << (value.empty() ? "-" : Printable(value)) << '\n';
}

std::string FormatLabels(const v1::Node& node) {
  std::map<std::string, std::string> labels(node.labels().begin(), node.labels().end());
  return absl::StrJoin(labels, ", ", absl::PairFormatter("="));
}

std::string FormatContact(const v1::Node& node, absl::Time now) {
  if (!node.has_last_contact_time()) return "never since the controller started";
  const absl::Time time = absl::FromUnixSeconds(node.last_contact_time().seconds());
  return absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()), " (",
                      FormatAge(now - time), " ago)");
}

// "" where nothing is asked for.
std::string HotAddName(v1::HotAdd value) {
  return value == v1::HOT_ADD_UNSPECIFIED ? "" : ShortEnumName(*v1::HotAdd_descriptor(), value);
}

std::string SwitchName(v1::Switch value) { return ShortEnumName(*v1::Switch_descriptor(), value); }

// "2Gi (blocks 32-39)".
std::string FormatMemory(uint64_t bytes, const NumberSet& blocks) {
  return blocks.empty()
             ? ""
             : absl::StrCat(FormatByteSize(bytes), " (blocks ", FormatNumberList(blocks), ")");
}

void PrintSmtAndMemory(const v1::Inventory& inventory, std::ostream& out) {
  const std::string smt = SmtState(inventory);
  if (!smt.empty()) {
    PrintLine("SMT", absl::StrCat(smt, inventory.smt().active() ? ", active" : ", not active"),
              out);
  }
  const std::optional<MemorySizes> sizes = MemorySizesOf(inventory);
  if (!sizes) return;
  const v1::MemoryInventory& memory = inventory.memory();
  const auto present = ParseKernelNumberList(memory.blocks_present(), kMemoryBlockListRules);
  const auto online = ParseKernelNumberList(memory.blocks_online(), kMemoryBlockListRules);
  if (!present.ok() || !online.ok()) return;
  NumberSet offline;
  std::set_difference(present->begin(), present->end(), online->begin(), online->end(),
                      std::inserter(offline, offline.end()));
  PrintLine("Memory online", FormatMemory(sizes->online, *online), out);
  PrintLine("Memory offline", FormatMemory(sizes->offline, offline), out);
  PrintLine("Memory block", FormatByteSize(memory.block_size_bytes()), out);
}

void PrintSummary(const v1::Node& node, absl::Time now, std::ostream& out) {
  PrintLine("Name", node.name(), out);
  PrintLine("Labels", FormatLabels(node), out);
  PrintLine("Connected", node.connected() ? "yes" : "no", out);
  PrintLine("Last contact", FormatContact(node, now), out);
  PrintLine("In sync", node.in_sync() ? "yes" : absl::StrCat("no: ", WhyNotInSync(node)), out);
  PrintLine("Kernel", node.inventory().kernel_release(), out);
  PrintLine("Boot id", node.boot_id(), out);
  PrintLine("Agent version", node.agent_version(), out);
  if (!node.metrics_address().empty()) PrintLine("Metrics", node.metrics_address(), out);
  PrintLine("Desired digest", node.desired_digest(), out);
  PrintLine("Applied digest", node.applied_digest(), out);
  PrintLine("CPUs present", node.inventory().cpus_present(), out);
  PrintLine("CPUs online", node.inventory().cpus_online(), out);
  PrintLine("CPUs offline", OfflineCpus(node.inventory()), out);
  PrintSmtAndMemory(node.inventory(), out);
  if (node.inventory().switching() != v1::SWITCH_UNSPECIFIED) {
    PrintLine("Switching", SwitchName(node.inventory().switching()), out);
  }
}

// Settings of the spec, as the rows of a table; those left to the node are left out.
std::vector<std::pair<std::string, std::string>> SpecSettings(const v1::NodeSpec& spec) {
  std::vector<std::pair<std::string, std::string>> settings;
  const auto add = [&settings](absl::string_view name, std::string value) {
    if (!value.empty()) settings.emplace_back(name, std::move(value));
  };
  add("cpu_offline", spec.cpu_offline());
  add("cpu_online", spec.cpu_online());
  if (spec.has_cpu_online_count()) add("cpu_online_count", absl::StrCat(spec.cpu_online_count()));
  if (spec.has_cpu_online_percent()) {
    add("cpu_online_percent", absl::StrCat(spec.cpu_online_percent(), "%"));
  }
  if (spec.smt() != v1::SMT_CONTROL_UNSPECIFIED) {
    add("smt", ShortEnumName(*v1::SmtControl_descriptor(), spec.smt()));
  }
  add("cpu_hot_add", HotAddName(spec.cpu_hot_add()));
  add("memory_offline", spec.memory_offline());
  add("memory_online", spec.memory_online());
  if (spec.has_memory_offline_bytes()) {
    add("memory_offline_bytes", FormatByteSize(spec.memory_offline_bytes()));
  }
  add("memory_hot_add", HotAddName(spec.memory_hot_add()));
  add("devices_offline", absl::StrJoin(spec.devices_offline(), ","));
  add("devices_online", absl::StrJoin(spec.devices_online(), ","));
  add("cores_offline", absl::StrJoin(spec.cores_offline(), ","));
  add("cores_online", absl::StrJoin(spec.cores_online(), ","));
  add("drivers_active", absl::StrJoin(spec.drivers_active(), ","));
  add("drivers_stopped", absl::StrJoin(spec.drivers_stopped(), ","));
  std::map<std::string, std::string> whitelists;
  for (const auto& [driver, whitelist] : spec.driver_whitelists()) {
    whitelists[driver] = absl::StrCat("[", absl::StrJoin(whitelist.drivers(), ","), "]");
  }
  add("driver_whitelists", absl::StrJoin(whitelists, " ", absl::PairFormatter(": ")));
  if (spec.switching() != v1::SWITCH_UNSPECIFIED) add("switching", SwitchName(spec.switching()));
  add("report_drift_of", absl::StrJoin(spec.report_drift_of(), ","));
  add("leave_on_release", absl::StrJoin(spec.leave_on_release(), ","));
  return settings;
}

void PrintSpec(const v1::Node& node, std::ostream& out) {
  const auto settings = SpecSettings(node.spec());
  out << "\nSpec:";
  if (settings.empty()) out << " nothing is asked of this node";
  out << '\n';
  if (!settings.empty()) {
    Table table({"SETTING", "VALUE"});
    for (const auto& [name, value] : settings) table.AddRow({name, value});
    table.Print(out, kIndent);
  }
  if (node.sources().empty()) return;
  out << "\nSources:\n";
  Table table({"SETTING", "SOURCE"});
  for (const v1::SettingSource& source : node.sources()) {
    table.AddRow({source.setting(), source.source()});
  }
  table.Print(out, kIndent);
}

std::string WithRetry(const std::string& outcome, v1::RetryClass retry) {
  const std::string text = RetryText(retry);
  return text.empty() ? outcome : absl::StrCat(outcome, ", ", text);
}

// What is left as it is, and who has changed what.
void PrintDrift(const v1::NodeReport& report, absl::Time now, std::ostream& out) {
  if (report.drift_count() > 0) {
    std::vector<std::string> actors;
    for (const v1::DriftCount& drift : report.drift_counts()) {
      actors.push_back(absl::StrCat(drift.count(), " by ", Printable(drift.actor())));
    }
    out << "  drift found: " << report.drift_count() << " times"
        << (actors.empty() ? "" : absl::StrCat(" (", absl::StrJoin(actors, ", "), ")")) << '\n';
  }
  if (report.drift().empty()) return;
  out << "  left unlike the spec:\n";
  Table table({"SUBJECT", "WANTED", "FOUND", "SINCE", "BY"});
  for (const v1::DriftItem& item : report.drift()) {
    table.AddRow({item.subject(), item.wanted(), item.found(),
                  item.has_since_time() ? FormatAge(now - ToTime(item.since_time())) : "",
                  item.actor()});
  }
  table.Print(out, kIndent);
}

void PrintReport(const v1::Node& node, absl::Time now, std::ostream& out) {
  if (!node.has_report()) return;
  const v1::NodeReport& report = node.report();
  out << "\nLast report: " << WithRetry(ReportText(node), report.retry())
      << (ReportIsCurrent(node) ? "" : " (of an older spec)") << '\n';
  if (!report.message().empty()) out << "  " << Printable(report.message()) << '\n';
  PrintDrift(report, now, out);
  if (report.items().empty()) return;
  Table table({"SUBJECT", "OUTCOME", "REASON", "MESSAGE"});
  for (const v1::ItemResult& item : report.items()) {
    const std::string outcome = ShortEnumName(*v1::Outcome_descriptor(), item.outcome());
    table.AddRow({item.subject(), WithRetry(outcome, item.retry()), item.reason(), item.message()});
  }
  table.Print(out, kIndent);
}

// What is the matter with the node as a whole.
void PrintConditions(const v1::Node& node, absl::Time now, std::ostream& out) {
  if (node.conditions().empty()) return;
  out << "\nConditions:\n";
  Table table({"TYPE", "SINCE", "MESSAGE"});
  for (const v1::NodeCondition& condition : node.conditions()) {
    table.AddRow({condition.type(),
                  condition.has_since_time() ? FormatAge(now - ToTime(condition.since_time())) : "",
                  condition.message()});
  }
  table.Print(out, kIndent);
}

void PrintInventory(const v1::Inventory& inventory, std::ostream& out) {
  if (!inventory.drivers().empty()) {
    out << "\nDrivers:\n";
    DriverTable(inventory.drivers()).Print(out, kIndent);
  }
  if (inventory.devices().empty()) return;
  out << "\nDevices:\n";
  Table table({"NAME", "KIND", "STATE", "HOTPLUGGABLE"});
  for (const v1::Device& device : inventory.devices()) {
    table.AddRow({device.name(), ShortEnumName(*v1::DeviceKind_descriptor(), device.kind()),
                  ShortEnumName(*v1::DeviceState_descriptor(), device.state()),
                  device.hotpluggable() ? "yes" : "no"});
  }
  table.Print(out, kIndent);
}

}  // namespace

void PrintNodeDescription(const v1::Node& node, absl::Time now, std::ostream& out) {
  PrintSummary(node, now, out);
  PrintConditions(node, now, out);
  if (!node.conflicts().empty()) {
    out << "\nConflicts:\n";
    for (const std::string& conflict : node.conflicts()) out << "  " << Printable(conflict) << '\n';
  }
  PrintSpec(node, out);
  PrintReport(node, now, out);
  PrintInventory(node.inventory(), out);
}

}  // namespace hotplugger::client
