#include "server/metrics/node_series.h"

#include "server/metrics/label_name.h"

namespace hotplugger::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

struct FamilyText {
  const char* name;
  const char* help;
  MetricType type = MetricType::Gauge;
};

// What each place in the list of families stands for.
enum Place : size_t {
  kInfo,
  kConnected,
  kInSync,
  kLastContact,
  kCpus,
  kMemory,
  kSmtActive,
  kDriverRunning,
  kDriftItems,
  kDrift,
  kFailedItems,
  kCondition,
};

constexpr std::array<FamilyText, NodeSeries::kFamilies> kTexts = {{
    {"hotplugger_node_info", "Always 1; the labels tell of the node."},
    {"hotplugger_node_connected", "Whether the node's agent is connected to this controller."},
    {"hotplugger_node_in_sync",
     "Whether the node is connected and has applied what policies and holds want."},
    {"hotplugger_node_last_contact_timestamp_seconds",
     "When the node's last message came, in seconds since 1970."},
    {"hotplugger_node_cpus", "The node's CPUs."},
    {"hotplugger_node_memory_bytes", "The node's hotpluggable memory."},
    {"hotplugger_node_smt_active", "Whether cores of the node run more than one thread."},
    {"hotplugger_node_driver_running",
     "Whether the hotplug driver runs on the node, by its own answer."},
    {"hotplugger_node_drift_items",
     "Devices and drivers of the node that are unlike the spec and left so."},
    {"hotplugger_node_drift_total",
     "How often the node found something unlike the spec after it had been applied.",
     MetricType::Counter},
    {"hotplugger_node_failed_items",
     "Devices and drivers of the node that could not be brought to what the spec says."},
    {"hotplugger_node_condition", "1 for each condition that the node has."},
}};

}  // namespace

NodeSeries::NodeSeries(const std::vector<std::string>& domains, const Sizes& expected)
    : info_labels_(MetricLabelNames("label_", domains)) {
  families_.reserve(kFamilies);
  for (size_t i = 0; i < kFamilies; ++i) {
    families_.emplace_back(kTexts[i].name, kTexts[i].help, kTexts[i].type).Reserve(expected[i]);
  }
}

void NodeSeries::Add(const NodeSnapshot& node, const NodeFacts& facts) {
  AddInfo(node);
  families_[kConnected].Add(node.connected ? 1 : 0, MakeLabels("node", node.name));
  families_[kInSync].Add(node.in_sync() ? 1 : 0, MakeLabels("node", node.name));
  if (node.last_contact != absl::InfinitePast()) {
    families_[kLastContact].Add(absl::ToDoubleSeconds(node.last_contact - absl::UnixEpoch()),
                                MakeLabels("node", node.name));
  }
  AddCapacity(node, facts);
  if (node.report != nullptr) AddReport(node, facts);
  for (const std::string& type : facts.conditions) {
    families_[kCondition].Add(1, MakeLabels("node", node.name, "condition", type));
  }
}

void NodeSeries::AddInfo(const NodeSnapshot& node) {
  MetricLabels labels;
  labels.reserve(3 + info_labels_.size());
  labels.push_back({"node", node.name});
  labels.push_back({"agent_version", MetricLabelValue(node.identity->agent_version)});
  labels.push_back({"kernel_release", node.inventory == nullptr
                                          ? ""
                                          : MetricLabelValue(node.inventory->kernel_release())});
  for (const auto& [name, key] : info_labels_) {
    const auto label = node.identity->labels.find(key);
    labels.push_back(
        {name, label == node.identity->labels.end() ? "" : MetricLabelValue(label->second)});
  }
  families_[kInfo].Add(1, std::move(labels));
}

void NodeSeries::AddCapacity(const NodeSnapshot& node, const NodeFacts& facts) {
  const auto add = [&node](const Capacity& capacity, FamilyBuilder* family) {
    family->Add(capacity.online, MakeLabels("node", node.name, "state", "online"));
    family->Add(capacity.offline, MakeLabels("node", node.name, "state", "offline"));
  };
  if (facts.cpus) add(*facts.cpus, &families_[kCpus]);
  if (facts.memory_bytes) add(*facts.memory_bytes, &families_[kMemory]);
  if (facts.smt_active) {
    families_[kSmtActive].Add(*facts.smt_active ? 1 : 0, MakeLabels("node", node.name));
  }
  for (const auto& [driver, state] : facts.drivers) {
    // A state that can't be told must not look as if the driver were stopped.
    if (state != v1::DRIVER_STATE_RUNNING && state != v1::DRIVER_STATE_STOPPED) continue;
    families_[kDriverRunning].Add(state == v1::DRIVER_STATE_RUNNING ? 1 : 0,
                                  MakeLabels("node", node.name, "driver", driver));
  }
}

void NodeSeries::AddReport(const NodeSnapshot& node, const NodeFacts& facts) {
  families_[kDriftItems].Add(static_cast<double>(facts.drift_items), MakeLabels("node", node.name));
  families_[kDrift].Add(static_cast<double>(node.report->drift_count()),
                        MakeLabels("node", node.name));
  families_[kFailedItems].Add(static_cast<double>(facts.failed_items),
                              MakeLabels("node", node.name));
}

NodeSeries::Sizes NodeSeries::sizes() const {
  Sizes sizes;
  for (size_t i = 0; i < kFamilies; ++i) sizes[i] = families_[i].series();
  return sizes;
}

void NodeSeries::TakeFamilies(std::vector<MetricFamily>* families) {
  for (FamilyBuilder& family : families_) families->push_back(family.Take());
}

}  // namespace hotplugger::server
