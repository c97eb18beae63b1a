#include "common/metrics/family_builder.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace hotplugger {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr size_t kMaxValueBytes = 128;
constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";
constexpr absl::string_view kEllipsis = "\xE2\x80\xA6";

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// The length of the well-formed character at the beginning of `text` (Unicode 3.9, table 3-7); 0:
// there is none.
size_t CharacterLength(absl::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  // Overlong forms, surrogates, and what is beyond U+10FFFF.
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

MetricFamily Single(std::string name, std::string help, MetricType type, double value,
                    MetricLabels labels) {
  FamilyBuilder family(std::move(name), std::move(help), type);
  family.Add(value, std::move(labels));
  return family.Take();
}

}  // namespace

std::string MetricLabelValue(absl::string_view value) {
  std::string result;
  while (!value.empty()) {
    const size_t length = CharacterLength(value);
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
