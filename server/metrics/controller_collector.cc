#include "server/metrics/controller_collector.h"

#include "common/metrics/family_builder.h"

namespace hotplugger::server {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricLabels LabelsOf(const CallCounters::Method& method) {
  return MakeLabels("grpc_type", method.type, "grpc_service", method.service, "grpc_method",
                    method.method);
}

}  // namespace

std::vector<MetricFamily> ControllerCollector::Collect() const {
  std::vector<MetricFamily> families;
  AppendFacts(&families);
  AppendStore(&families);
  AppendCalls(&families);
  std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
  return families;
}

void ControllerCollector::AppendFacts(std::vector<MetricFamily>* families) const {
  families->push_back(SingleGauge("hotplugger_controller_info",
                                  "Always 1; the labels tell of the controller.", 1,
                                  MakeLabels("version", MetricLabelValue(facts_.version), "fleet",
                                             MetricLabelValue(facts_.fleet_id))));
  families->push_back(SingleGauge("hotplugger_controller_epoch", "Grows with each start.",
                                  static_cast<double>(facts_.epoch)));
  families->push_back(SingleGauge("hotplugger_controller_insecure",
                                  "Whether plaintext beyond loopback is allowed (--insecure).",
                                  facts_.insecure ? 1 : 0));
}

void ControllerCollector::AppendStore(std::vector<MetricFamily>* families) const {
  FamilyBuilder durations("hotplugger_store_operation_duration_seconds",
                          "What the store took; a conflict is a commit whose condition did not "
                          "hold.",
                          MetricType::Histogram);
  for (const StoreTimings::Series& series : store_timings_->Counts()) {
    durations.Add(series.durations,
                  MakeLabels("operation", series.operation, "result", series.result));
  }
  families->push_back(durations.Take());
  const int64_t size = store_size_bytes_();
  if (size < 0) return;
  families->push_back(
      SingleGauge("hotplugger_store_size_bytes", "The store's files.", static_cast<double>(size)));
}

void ControllerCollector::AppendCalls(std::vector<MetricFamily>* families) const {
  FamilyBuilder started("grpc_server_started_total", "Calls begun, streams too.",
                        MetricType::Counter);
  FamilyBuilder handled("grpc_server_handled_total", "Calls ended.", MetricType::Counter);
  FamilyBuilder durations("grpc_server_handling_seconds", "How long unary calls took.",
                          MetricType::Histogram);
  for (const CallCounters::Series& series : calls_->Counts()) {
    started.Add(static_cast<double>(series.started), LabelsOf(series.method));
    for (const auto& [code, count] : series.handled) {
      MetricLabels labels = LabelsOf(series.method);
      labels.push_back({"grpc_code", code});
      handled.Add(static_cast<double>(count), std::move(labels));
    }
    if (series.durations) durations.Add(*series.durations, LabelsOf(series.method));
  }
  families->push_back(started.Take());
  families->push_back(handled.Take());
  families->push_back(durations.Take());
}

}  // namespace hotplugger::server
