#include "server/metrics/fleet_collector.h"

#include <map>
#include <utility>

#include "common/cpu_list.h"

namespace hotplugger::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using MetricLabels = std::vector<ClientMetric::Label>;

// One family in the making.
class Family {
 public:
  Family(std::string name, std::string help, MetricType type) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }

  void Add(double value, MetricLabels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family_.metric.push_back(std::move(metric));
  }

  MetricFamily Take() { return std::move(family_); }

 private:
  MetricFamily family_;
};

size_t CountCpus(const std::string& list) {
  const auto cpus = ParseCpuList(list);
  return cpus.ok() ? cpus->size() : 0;
}

// What is shown of each node.
struct NodeFamilies {
  Family connected{"hotplugger_node_connected",
                   "Whether the node's agent is connected to this controller.", MetricType::Gauge};
  Family in_sync{"hotplugger_node_in_sync",
                 "Whether the node is connected and has applied what policies and holds want.",
                 MetricType::Gauge};
  Family cpus{"hotplugger_node_cpus", "CPUs of the node that its kernel reports, by state.",
              MetricType::Gauge};
  Family driver_running{"hotplugger_node_driver_running",
                        "Whether the hotplug driver runs on the node, by its own answer.",
                        MetricType::Gauge};
  Family drift{"hotplugger_node_drift_total",
               "How often the node found a device or driver unlike its spec after applying it.",
               MetricType::Counter};
  Family last_contact{"hotplugger_node_last_contact_timestamp_seconds",
                      "When the node's last message came, in seconds since 1970.",
                      MetricType::Gauge};

  void Add(const NodeSnapshot& node);
};

void NodeFamilies::Add(const NodeSnapshot& node) {
  const ClientMetric::Label name{"node", node.name};
  connected.Add(node.connected ? 1 : 0, {name});
  in_sync.Add(node.in_sync() ? 1 : 0, {name});
  if (node.last_contact != absl::InfinitePast()) {
    last_contact.Add(absl::ToDoubleSeconds(node.last_contact - absl::UnixEpoch()), {name});
  }
  if (node.report != nullptr) drift.Add(static_cast<double>(node.report->drift_count()), {name});
  if (node.inventory == nullptr) return;
  const size_t present = CountCpus(node.inventory->cpus_present());
  const size_t online = CountCpus(node.inventory->cpus_online());
  cpus.Add(static_cast<double>(online), {name, {"state", "online"}});
  cpus.Add(static_cast<double>(present > online ? present - online : 0),
           {name, {"state", "offline"}});
  // By name, because a series that is there twice spoils the whole scrape.
  std::map<std::string, bool> drivers;
  for (const v1::Driver& driver : node.inventory->drivers()) {
    drivers[driver.name()] = driver.state() == v1::DRIVER_STATE_RUNNING;
  }
  for (const auto& [driver, running] : drivers) {
    driver_running.Add(running ? 1 : 0, {name, {"driver", driver}});
  }
}

MetricFamily Single(std::string name, std::string help, MetricType type, double value,
                    MetricLabels labels = {}) {
  Family family(std::move(name), std::move(help), type);
  family.Add(value, std::move(labels));
  return family.Take();
}

}  // namespace

std::vector<MetricFamily> FleetCollector::Collect() const {
  NodeFamilies per_node;
  size_t connected = 0;
  size_t in_sync = 0;
  const std::vector<NodeSnapshot> nodes = registry_->Snapshot();
  for (const NodeSnapshot& node : nodes) {
    per_node.Add(node);
    connected += node.connected ? 1 : 0;
    in_sync += node.in_sync() ? 1 : 0;
  }
  Family known("hotplugger_nodes", "Known nodes, by whether they are connected.",
               MetricType::Gauge);
  known.Add(static_cast<double>(connected), {{"state", "connected"}});
  known.Add(static_cast<double>(nodes.size() - connected), {{"state", "disconnected"}});

  const auto count = [](const std::atomic<int64_t>& value) {
    return static_cast<double>(value.load(std::memory_order_relaxed));
  };
  return {
      known.Take(),
      Single("hotplugger_nodes_in_sync",
             "Connected nodes that have applied what policies and holds want.", MetricType::Gauge,
             static_cast<double>(in_sync)),
      per_node.connected.Take(),
      per_node.in_sync.Take(),
      per_node.cpus.Take(),
      per_node.driver_running.Take(),
      per_node.drift.Take(),
      per_node.last_contact.Take(),
      Single("hotplugger_policies", "Stored policies.", MetricType::Gauge,
             count(counters_->policies)),
      Single("hotplugger_holds", "Stored holds.", MetricType::Gauge, count(counters_->holds)),
      Single("hotplugger_holds_overdue",
             "Holds whose time is over and that are still in force, as while the store takes no "
             "change.",
             MetricType::Gauge, count(counters_->holds_overdue)),
      Single("hotplugger_hold_lapse_failures_total",
             "Holds that could not be released when their time was over, since the controller "
             "started.",
             MetricType::Counter, count(counters_->hold_lapse_failures)),
      Single("hotplugger_spec_pushes_total", "Specs sent to nodes since the controller started.",
             MetricType::Counter, count(counters_->spec_pushes)),
      Single("hotplugger_spec_nacks_total",
             "Specs that nodes refused since the controller started.", MetricType::Counter,
             count(counters_->spec_nacks)),
      Single("hotplugger_spec_reverts_total",
             "Specs that nodes undid because they reached no controller within the confirm window, "
             "since the controller started.",
             MetricType::Counter, count(counters_->spec_reverts)),
      Single("hotplugger_spec_quarantines_total",
             "Specs that nodes gave up because their agents died of them, since the controller "
             "started.",
             MetricType::Counter, count(counters_->spec_quarantines)),
      Single("hotplugger_controller_epoch", "The controller's epoch; grows with each start.",
             MetricType::Gauge, static_cast<double>(epoch_)),
      Single("hotplugger_controller_info", "Always 1; the labels tell of the controller.",
             MetricType::Gauge, 1, {{"version", version_}}),
  };
}

}  // namespace hotplugger::server
