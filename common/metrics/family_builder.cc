#include "common/metrics/family_builder.h"

#include <algorithm>
#include <utility>

#include "common/text.h"

namespace hotplugger {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr size_t kMaxValueBytes = 128;
constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";
constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";

// Most values are short and plain, and a fleet has hundreds of thousands.
bool IsPlain(absl::string_view value) {
  return value.size() <= kMaxValueBytes && std::all_of(value.begin(), value.end(), [](char byte) {
           return static_cast<unsigned char>(byte) < 0x80;
         });
}

MetricFamily Single(std::string name, std::string help, MetricType type, double value,
                    MetricLabels labels) {
  FamilyBuilder family(std::move(name), std::move(help), type);
  family.Add(value, std::move(labels));
  return family.Take();
}

}  // namespace

std::string MetricLabelValue(absl::string_view value) {
  if (IsPlain(value)) return std::string(value);
  std::string result;
  while (!value.empty()) {
    const size_t length = Utf8SequenceLength(value);
    const absl::string_view next = length == 0 ? kReplacement : value.substr(0, length);
    if (result.size() + next.size() > kMaxValueBytes) {
      result.append(kEllipsis.data(), kEllipsis.size());
      break;
    }
    result.append(next.data(), next.size());
    value.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

FamilyBuilder::FamilyBuilder(std::string name, std::string help, MetricType type) {
  family_.name = std::move(name);
  family_.help = std::move(help);
  family_.type = type;
}

void FamilyBuilder::Add(double value, MetricLabels labels) {
  ClientMetric& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

void FamilyBuilder::Add(const DurationCounts& counts, MetricLabels labels) {
  ClientMetric& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  metric.histogram.sample_sum = counts.sum_seconds;
  // The serializer adds the bucket without a bound itself.
  for (size_t i = 0; i < counts.buckets.size(); ++i) {
    metric.histogram.sample_count += static_cast<uint64_t>(counts.buckets[i]);
    if (i == counts.bounds.size()) break;
    metric.histogram.bucket.push_back({metric.histogram.sample_count, counts.bounds[i]});
  }
}

MetricFamily SingleGauge(std::string name, std::string help, double value, MetricLabels labels) {
  return Single(std::move(name), std::move(help), MetricType::Gauge, value, std::move(labels));
}

MetricFamily SingleCounter(std::string name, std::string help, double value) {
  return Single(std::move(name), std::move(help), MetricType::Counter, value, {});
}

MetricFamily SingleHistogram(std::string name, std::string help, const DurationCounts& counts) {
  FamilyBuilder family(std::move(name), std::move(help), MetricType::Histogram);
  family.Add(counts);
  return family.Take();
}

}  // namespace hotplugger
