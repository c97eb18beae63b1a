#include "server/metrics/fleet_collector.h"

#include <algorithm>
#include <utility>

#include "common/metrics/family_builder.h"
#include "server/metrics/fleet_sums.h"
#include "server/metrics/node_facts.h"
#include "server/metrics/node_walk.h"

namespace hotplugger::server {
namespace {

MetricsSettings WithDomainsOnce(MetricsSettings settings) {
  std::sort(settings.domains.begin(), settings.domains.end());
  settings.domains.erase(std::unique(settings.domains.begin(), settings.domains.end()),
                         settings.domains.end());
  return settings;
}

}  // namespace

FleetCollector::FleetCollector(NodeRegistry* registry, MetricsSettings settings)
    : registry_(registry), settings_(WithDomainsOnce(std::move(settings))) {}

std::vector<prometheus::MetricFamily> FleetCollector::Collect() const {
  NodeSeries::Sizes expected;
  {
    MutexLock lock(&mutex_);
    expected = sizes_;
  }
  FleetSums sums(settings_.domains);
  NodeSeries series(settings_.domains, expected);
  size_t with_series = 0;
  size_t without_series = 0;
  ForEachNode(registry_, NodeRegistry::Scope::kAll, [&](const NodeSnapshot& node) {
    if (node.stranger) return sums.AddStranger(node);
    const NodeFacts facts = FactsOf(node);
    sums.Add(node, facts);
    if (!settings_.node_series.TakesAnother(with_series)) {
      ++without_series;
      return;
    }
    ++with_series;
    series.Add(node, facts);
  });
  {
    MutexLock lock(&mutex_);
    sizes_ = series.sizes();
  }
  std::vector<prometheus::MetricFamily> families;
  sums.AppendFamilies(&families);
  families.push_back(SingleGauge("hotplugger_nodes_without_series",
                                 "Known nodes without series of their own (--node-metrics).",
                                 static_cast<double>(without_series)));
  series.TakeFamilies(&families);
  std::erase_if(families,
                [](const prometheus::MetricFamily& family) { return family.metric.empty(); });
  return families;
}

}  // namespace hotplugger::server
