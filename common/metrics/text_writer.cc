#include "common/metrics/text_writer.h"

#include <prometheus/text_serializer.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace hotplugger {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// The serializer's.
constexpr int kDigits = 16;
// Whole numbers below are written without an exponent.
constexpr double kLargestPlain = 1e15;

void WriteEscaped(absl::string_view value, bool in_quotes, std::string* text) {
  const absl::string_view special = in_quotes ? "\\\n\"" : "\\\n";
  for (size_t at = 0; (at = value.find_first_of(special)) != absl::string_view::npos;) {
    text->append(value.data(), at);
    text->push_back('\\');
    text->push_back(value[at] == '\n' ? 'n' : value[at]);
    value.remove_prefix(at + 1);
  }
  text->append(value.data(), value.size());
}

template <typename Number, typename... Format>
void WriteNumber(Number value, std::string* text, Format... format) {
  std::array<char, 32> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, format...).ptr;
  text->append(digits.data(), static_cast<size_t>(end - digits.data()));
}

void WriteValue(double value, std::string* text) {
  if (std::isnan(value)) {
    text->append("NaN");
  } else if (std::isinf(value)) {
    text->append(value < 0 ? "-Inf" : "+Inf");
  } else if (!std::signbit(value) && value < kLargestPlain && value == std::floor(value)) {
    // Most are counts.
    WriteNumber(static_cast<int64_t>(value), text);
  } else {
    WriteNumber(value, text, std::chars_format::general, kDigits);
  }
}

void WriteLabels(const ClientMetric& metric, std::string* text) {
  for (const ClientMetric::Label& label : metric.label) {
    text->push_back(&label == metric.label.data() ? '{' : ',');
    text->append(label.name);
    text->append("=\"");
    WriteEscaped(label.value, /*in_quotes=*/true, text);
    text->push_back('"');
  }
}

// Up to where the value begins.
void WriteHead(const MetricFamily& family, absl::string_view suffix, const ClientMetric& metric,
               std::string* text) {
  text->append(family.name);
  text->append(suffix.data(), suffix.size());
  WriteLabels(metric, text);
  text->append(metric.label.empty() ? " " : "} ");
}

void WriteBucket(const MetricFamily& family, const ClientMetric& metric, double bound,
                 uint64_t count, std::string* text) {
  text->append(family.name);
  text->append("_bucket");
  WriteLabels(metric, text);
  text->append(metric.label.empty() ? "{le=\"" : ",le=\"");
  WriteValue(bound, text);
  text->append("\"} ");
  WriteNumber(count, text);
  text->push_back('\n');
}

void WriteHistogram(const MetricFamily& family, const ClientMetric& metric, std::string* text) {
  const ClientMetric::Histogram& histogram = metric.histogram;
  WriteHead(family, "_count", metric, text);
  WriteNumber(histogram.sample_count, text);
  text->push_back('\n');
  WriteHead(family, "_sum", metric, text);
  WriteValue(histogram.sample_sum, text);
  text->push_back('\n');
  for (const ClientMetric::Bucket& bucket : histogram.bucket) {
    WriteBucket(family, metric, bucket.upper_bound, bucket.cumulative_count, text);
  }
  if (histogram.bucket.empty() || !std::isinf(histogram.bucket.back().upper_bound)) {
    WriteBucket(family, metric, HUGE_VAL, histogram.sample_count, text);
  }
}

void WriteComments(const MetricFamily& family, absl::string_view type, std::string* text) {
  absl::StrAppend(text, "# HELP ", family.name, " ");
  WriteEscaped(family.help, /*in_quotes=*/false, text);
  absl::StrAppend(text, "\n# TYPE ", family.name, " ", type, "\n");
}

void WriteSimple(const MetricFamily& family, bool is_counter, std::string* text) {
  WriteComments(family, is_counter ? "counter" : "gauge", text);
  for (const ClientMetric& metric : family.metric) {
    WriteHead(family, "", metric, text);
    WriteValue(is_counter ? metric.counter.value : metric.gauge.value, text);
    text->push_back('\n');
  }
}

}  // namespace

void WriteFamily(const MetricFamily& family, std::string* text) {
  switch (family.type) {
    case MetricType::Counter:
      return WriteSimple(family, /*is_counter=*/true, text);
    case MetricType::Gauge:
      return WriteSimple(family, /*is_counter=*/false, text);
    case MetricType::Histogram:
      WriteComments(family, "histogram", text);
      for (const ClientMetric& metric : family.metric) WriteHistogram(family, metric, text);
      return;
    default:
      // None of ours.
      text->append(prometheus::TextSerializer().Serialize({family}));
  }
}

}  // namespace hotplugger
