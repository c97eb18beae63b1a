// Metric families of prometheus-cpp, made by hand for each scrape.
#pragma once

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/duration_histogram.h"

namespace hotplugger {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

namespace internal {
inline void AddLabels(MetricLabels* /*labels*/) {}
template <typename Name, typename Value, typename... Rest>
void AddLabels(MetricLabels* labels, Name&& name, Value&& value, Rest&&... rest) {
  labels->push_back({std::forward<Name>(name), std::forward<Value>(value)});
  AddLabels(labels, std::forward<Rest>(rest)...);
}
}  // namespace internal

// Labels of names and values in turn: MakeLabels("node", name, "state", "online"). A braced list
// would copy each text twice.
template <typename... Texts>
MetricLabels MakeLabels(Texts&&... names_and_values) {
  static_assert(sizeof...(Texts) % 2 == 0, "a value for each name");
  MetricLabels labels;
  labels.reserve(sizeof...(Texts) / 2);
  internal::AddLabels(&labels, std::forward<Texts>(names_and_values)...);
  return labels;
}

// What became of a label's value that may come from anywhere: bytes that are no UTF-8 become
// U+FFFD, since one of them would spoil the whole scrape, and what is longer than 128 bytes ends in
// "…". Two values can become one: sum up under the outcome.
std::string MetricLabelValue(absl::string_view value);

// One family in the making. Series must differ in their labels: Prometheus takes nothing of a
// scrape that has one twice.
class FamilyBuilder {
 public:
  FamilyBuilder(std::string name, std::string help, prometheus::MetricType type);

  void Reserve(size_t series) { family_.metric.reserve(series); }

  // Of a counter or gauge.
  void Add(double value, MetricLabels labels = {});
  // Of a histogram.
  void Add(const DurationCounts& counts, MetricLabels labels = {});

  size_t series() const { return family_.metric.size(); }

  prometheus::MetricFamily Take() { return std::move(family_); }

 private:
  prometheus::MetricFamily family_;
};

// Families with one series.
prometheus::MetricFamily SingleGauge(std::string name, std::string help, double value,
                                     MetricLabels labels = {});
prometheus::MetricFamily SingleCounter(std::string name, std::string help, double value);
prometheus::MetricFamily SingleHistogram(std::string name, std::string help,
                                         const DurationCounts& counts);

}  // namespace hotplugger
