#include "server/metrics/agent_totals_collector.h"

#include <map>
#include <string>
#include <utility>

#include "common/metrics/family_builder.h"

namespace hotplugger::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// A series for each value of one label.
MetricFamily ByLabel(const char* name, const char* help, const char* label,
                     const std::map<std::string, int64_t>& counts) {
  // Words of agents; mended, two can be one.
  std::map<std::string, double> sums;
  for (const auto& [value, count] : counts) {
    sums[MetricLabelValue(value)] += static_cast<double>(count);
  }
  FamilyBuilder family(name, help, MetricType::Counter);
  for (const auto& [value, sum] : sums) family.Add(sum, MakeLabels(label, value));
  return family.Take();
}

MetricFamily Operations(const AgentCounts& counts) {
  FamilyBuilder family("hotplugger_fleet_operations_total", "Operations of all agents.",
                       MetricType::Counter);
  for (const auto& [sort, count] : counts.operations) {
    family.Add(static_cast<double>(count),
               MakeLabels("kind", sort.kind, "action", sort.action, "outcome", sort.outcome,
                          "reason", sort.reason));
  }
  return family.Take();
}

MetricFamily OperationDurations(const AgentCounts& counts) {
  FamilyBuilder family("hotplugger_fleet_operation_duration_seconds",
                       "How long operations of all agents took.", MetricType::Histogram);
  for (const auto& [sort, durations] : counts.operation_durations) {
    family.Add(durations, MakeLabels("kind", sort.first, "action", sort.second));
  }
  return family.Take();
}

}  // namespace

std::vector<MetricFamily> AgentTotalsCollector::Collect() const {
  const AgentCounts counts = totals_->Counts();
  std::vector<MetricFamily> families;
  families.push_back(Operations(counts));
  families.push_back(OperationDurations(counts));
  families.push_back(ByLabel("hotplugger_fleet_drift_total",
                             "How often agents found changed what specs say.", "actor",
                             counts.drift));
  families.push_back(ByLabel("hotplugger_fleet_limit_refusals_total",
                             "Operations that a limit of their host refused.", "limit",
                             counts.limit_refusals));
  families.push_back(SingleCounter("hotplugger_fleet_uevents_received_total",
                                   "Events of devices that agents took from their kernels.",
                                   static_cast<double>(counts.uevents_received)));
  families.push_back(
      SingleCounter("hotplugger_fleet_uevent_overflows_total",
                    "How often agents' buffers overflowed, so that events were lost.",
                    static_cast<double>(counts.uevent_overflows)));
  families.push_back(ByLabel("hotplugger_fleet_operations_refused_total",
                             "What agents did not take because a queue was full.", "queue",
                             counts.queue_refusals));
  std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
  return families;
}

}  // namespace hotplugger::server
