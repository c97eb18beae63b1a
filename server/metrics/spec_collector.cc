#include "server/metrics/spec_collector.h"

#include <atomic>
#include <utility>

#include "common/metrics/family_builder.h"

namespace hotplugger::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

double Value(const std::atomic<int64_t>& count) {
  return static_cast<double>(count.load(std::memory_order_relaxed));
}

MetricFamily Nacks(const FleetCounters& counters) {
  FamilyBuilder nacks("hotplugger_spec_nacks_total", "Specs that nodes refused.",
                      MetricType::Counter);
  for (const auto& [reason, count] : counters.spec_nacks.Counts()) {
    nacks.Add(static_cast<double>(count), MakeLabels("reason", reason));
  }
  return nacks.Take();
}

void AppendStored(const FleetCounters& counters, std::vector<MetricFamily>* families) {
  families->push_back(
      SingleGauge("hotplugger_policies", "Stored policies.", Value(counters.policies)));
  families->push_back(SingleGauge("hotplugger_holds", "Stored holds.", Value(counters.holds)));
  families->push_back(SingleGauge("hotplugger_holds_overdue",
                                  "Holds whose time is over and that are still in force, as while "
                                  "the store takes no change.",
                                  Value(counters.holds_overdue)));
  families->push_back(SingleCounter("hotplugger_hold_lapse_failures_total",
                                    "Holds that could not be released when their time was over.",
                                    Value(counters.hold_lapse_failures)));
}

void AppendSpecs(const FleetCounters& counters, std::vector<MetricFamily>* families) {
  families->push_back(SingleCounter("hotplugger_spec_pushes_total", "Specs sent to nodes.",
                                    Value(counters.spec_pushes)));
  families->push_back(Nacks(counters));
  families->push_back(SingleCounter(
      "hotplugger_spec_reverts_total",
      "Specs that nodes undid because they reached no controller within the confirm window.",
      Value(counters.spec_reverts)));
  families->push_back(SingleCounter("hotplugger_spec_quarantines_total",
                                    "Specs that nodes gave up because their agents died of them.",
                                    Value(counters.spec_quarantines)));
}

void AppendDurations(const FleetCounters& counters, std::vector<MetricFamily>* families) {
  families->push_back(SingleHistogram("hotplugger_spec_push_duration_seconds",
                                      "From the moment when a connected node had a new spec to "
                                      "have until it was handed to its stream.",
                                      counters.spec_push_duration.Counts()));
  families->push_back(SingleHistogram("hotplugger_spec_ack_duration_seconds",
                                      "From when a spec was handed to a node's stream until the "
                                      "node acknowledged or refused it.",
                                      counters.spec_ack_duration.Counts()));
  families->push_back(SingleHistogram("hotplugger_spec_convergence_duration_seconds",
                                      "From the moment when a connected node had a new spec to "
                                      "have until it reported it applied.",
                                      counters.spec_convergence_duration.Counts()));
}

}  // namespace

std::vector<MetricFamily> SpecCollector::Collect() const {
  std::vector<MetricFamily> families;
  AppendStored(*counters_, &families);
  AppendSpecs(*counters_, &families);
  AppendDurations(*counters_, &families);
  return families;
}

}  // namespace hotplugger::server
