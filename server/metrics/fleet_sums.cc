#include "server/metrics/fleet_sums.h"

#include "common/metrics/family_builder.h"

namespace hotplugger::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array<const char*, 3> kNodeStates = {"in_sync", "out_of_sync", "disconnected"};
// By v1::ApplyState.
constexpr std::array<const char*, 7> kApplyStates = {"none",    "applying", "applied",    "failed",
                                                     "refused", "reverted", "quarantined"};
constexpr std::array<const char*, 3> kDriverStates = {"stopped", "running", "unknown"};

size_t NodeStateOf(const NodeSnapshot& node) {
  if (!node.connected) return 2;
  return node.in_sync() ? 0 : 1;
}

size_t ApplyStateOf(const NodeSnapshot& node) {
  const auto state = node.report == nullptr ? 0 : static_cast<size_t>(node.report->state());
  return state < kApplyStates.size() ? state : 0;
}

size_t DriverStateOf(v1::DriverState state) {
  if (state == v1::DRIVER_STATE_STOPPED) return 0;
  return state == v1::DRIVER_STATE_RUNNING ? 1 : 2;
}

template <size_t N>
NodesByState<N> OneIn(size_t state) {
  NodesByState<N> one;
  one.nodes[state] = 1;
  return one;
}

FamilyBuilder Gauge(const char* name, const char* help) {
  return FamilyBuilder(name, help, MetricType::Gauge);
}

// A series for each state.
template <size_t N>
void AddStates(const NodesByState<N>& counts, const std::array<const char*, N>& states,
               const MetricLabels& labels, FamilyBuilder* family) {
  for (size_t i = 0; i < N; ++i) {
    MetricLabels all = labels;
    all.push_back({"state", states[i]});
    family->Add(static_cast<double>(counts.nodes[i]), std::move(all));
  }
}

void AddCapacity(const Capacity& capacity, const MetricLabels& labels, FamilyBuilder* family) {
  for (const auto& [state, value] :
       {std::pair("online", capacity.online), std::pair("offline", capacity.offline)}) {
    MetricLabels all = labels;
    all.push_back({"state", state});
    family->Add(value, std::move(all));
  }
}

}  // namespace

FleetSums::Group& FleetSums::Group::operator+=(const Group& other) {
  nodes += other.nodes;
  cpus += other.cpus;
  memory_bytes += other.memory_bytes;
  return *this;
}

FleetSums::FleetSums(const std::vector<std::string>& domains) {
  for (const std::string& key : domains) domains_.push_back({.key = key});
}

void FleetSums::Add(const NodeSnapshot& node, const NodeFacts& facts) {
  const Group one = {OneIn<3>(NodeStateOf(node)), facts.cpus.value_or(Capacity()),
                     facts.memory_bytes.value_or(Capacity())};
  all_ += one;
  apply_states_ += OneIn<7>(ApplyStateOf(node));
  drift_items_ += facts.drift_items;
  for (const std::string& type : facts.conditions) conditions_.Add(type, 1);
  for (const auto& [driver, state] : facts.drivers) {
    drivers_.Add(driver, OneIn<3>(DriverStateOf(state)));
  }
  versions_.Add(MetricLabelValue(node.identity->agent_version), 1);
  for (Domain& domain : domains_) {
    const auto label = node.identity->labels.find(domain.key);
    domain.groups.Add(label == node.identity->labels.end() ? "" : MetricLabelValue(label->second),
                      one);
  }
}

void FleetSums::AddStranger(const NodeSnapshot& node) {
  for (const std::string& type : ConditionTypesOf(node)) conditions_.Add(type, 1);
}

void FleetSums::AppendFamilies(std::vector<MetricFamily>* families) const {
  AppendStates(families);
  AppendCapacity(families);
  AppendKinds(families);
  AppendDomains(families);
}

void FleetSums::AppendStates(std::vector<MetricFamily>* families) const {
  FamilyBuilder nodes = Gauge("hotplugger_nodes",
                              "Known nodes. In sync: connected, and has applied what policies and "
                              "holds want.");
  AddStates(all_.nodes, kNodeStates, {}, &nodes);
  families->push_back(nodes.Take());
  FamilyBuilder states = Gauge("hotplugger_nodes_by_apply_state",
                               "Known nodes by what they last reported of their spec.");
  AddStates(apply_states_, kApplyStates, {}, &states);
  families->push_back(states.Take());
  FamilyBuilder conditions =
      Gauge("hotplugger_nodes_with_condition",
            "Nodes with this condition, those that were turned away among them.");
  conditions_.ForEach([&conditions](const std::string& type, int64_t count) {
    conditions.Add(static_cast<double>(count), MakeLabels("condition", type));
  });
  families->push_back(conditions.Take());
}

void FleetSums::AppendCapacity(std::vector<MetricFamily>* families) const {
  FamilyBuilder cpus = Gauge("hotplugger_cpus", "CPUs of all known nodes, as they told last.");
  AddCapacity(all_.cpus, {}, &cpus);
  families->push_back(cpus.Take());
  FamilyBuilder memory = Gauge("hotplugger_memory_bytes",
                               "Hotpluggable memory of all known nodes, as they told last.");
  AddCapacity(all_.memory_bytes, {}, &memory);
  families->push_back(memory.Take());
  families->push_back(SingleGauge("hotplugger_drift_items",
                                  "Devices and drivers that are unlike their spec and left so.",
                                  static_cast<double>(drift_items_)));
}

void FleetSums::AppendKinds(std::vector<MetricFamily>* families) const {
  FamilyBuilder drivers = Gauge("hotplugger_drivers", "Nodes by the state of the hotplug driver.");
  drivers_.ForEach([&drivers](const std::string& driver, const NodesByState<3>& counts) {
    AddStates(counts, kDriverStates, MakeLabels("driver", driver), &drivers);
  });
  families->push_back(drivers.Take());
  FamilyBuilder agents =
      Gauge("hotplugger_agents",
            "Known nodes by their agent's version; empty: not since the controller started.");
  versions_.ForEach([&agents](const std::string& version, int64_t count) {
    agents.Add(static_cast<double>(count), MakeLabels("version", version));
  });
  families->push_back(agents.Take());
}

void FleetSums::AppendDomains(std::vector<MetricFamily>* families) const {
  FamilyBuilder nodes = Gauge("hotplugger_domain_nodes", "Nodes of one label domain.");
  FamilyBuilder cpus = Gauge("hotplugger_domain_cpus", "CPUs of one label domain.");
  FamilyBuilder memory =
      Gauge("hotplugger_domain_memory_bytes", "Hotpluggable memory of one label domain.");
  for (const Domain& domain : domains_) {
    domain.groups.ForEach([&](const std::string& value, const Group& group) {
      const MetricLabels labels =
          MakeLabels("domain", MetricLabelValue(domain.key), "value", value);
      AddStates(group.nodes, kNodeStates, labels, &nodes);
      AddCapacity(group.cpus, labels, &cpus);
      AddCapacity(group.memory_bytes, labels, &memory);
    });
  }
  families->push_back(nodes.Take());
  families->push_back(cpus.Take());
  families->push_back(memory.Take());
}

}  // namespace hotplugger::server
