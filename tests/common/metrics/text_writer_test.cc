// Held against what prometheus-cpp's own serializer writes.
#include "common/metrics/text_writer.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "common/metrics/family_builder.h"

namespace hotplugger {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

std::string Write(const MetricFamily& family) {
  std::string text = "before\n";
  WriteFamily(family, &text);
  EXPECT_EQ(text.substr(0, 7), "before\n");
  return text.substr(7);
}

std::string LibraryText(const MetricFamily& family) {
  return prometheus::TextSerializer().Serialize({family});
}

MetricFamily GaugeOf(double value) { return SingleGauge("value", "Of a test.", value); }

TEST(TextWriterTest, WritesNumbersAsTheLibraryDoes) {
  const double largest = std::numeric_limits<double>::max();
  for (const double value : {0.0,
                             -0.0,
                             1.0,
                             -1.0,
                             0.5,
                             0.1,
                             1e-4,
                             1e-5,
                             1e-300,
                             5e-324,
                             123'456.789,
                             1'700'000'000.125,
                             999'999'999'999'999.0,
                             1e15,
                             1e16,
                             1e17,
                             9'007'199'254'740'993.0,
                             1.5e15,
                             1e21,
                             1e300,
                             -123.5,
                             largest,
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(Write(GaugeOf(value)), LibraryText(GaugeOf(value)));
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t bits = random();
    double any = 0;
    std::memcpy(&any, &bits, sizeof any);
    const auto whole = static_cast<double>(bits >> (i % 64));
    for (const double value : {any, whole, whole / 1000}) {
      if (std::isnan(value)) continue;
      ASSERT_EQ(Write(GaugeOf(value)), LibraryText(GaugeOf(value)));
    }
  }
}

TEST(TextWriterTest, WhatIsNoNumberIsNan) {
  EXPECT_EQ(Write(GaugeOf(std::numeric_limits<double>::quiet_NaN())),
            "# HELP value Of a test.\n# TYPE value gauge\nvalue NaN\n");
}

TEST(TextWriterTest, WritesLabelsAsTheLibraryDoes) {
  FamilyBuilder family("made_total", "Of a test.", MetricType::Counter);
  family.Add(1);
  for (const std::string& value :
       {std::string(), std::string("plain"), std::string("\"\\\n"), std::string("a\nb\\c\"d"),
        std::string("日本"), std::string("\0\t", 2), std::string(100'000, '"')}) {
    family.Add(2, {{"a", value}});
    family.Add(3, {{"a", "first"}, {"b", value}, {"c", "last"}});
  }
  const MetricFamily made = family.Take();
  EXPECT_EQ(Write(made), LibraryText(made));
}

TEST(TextWriterTest, WritesHistogramsAsTheLibraryDoes) {
  FamilyBuilder family("took_seconds", "Of a test.", MetricType::Histogram);
  DurationHistogram durations(kCallDurationBounds);
  family.Add(durations.Counts());
  for (int i = 0; i < 20; ++i) durations.Observe(absl::Microseconds(50) * std::pow(2, i));
  family.Add(durations.Counts(), {{"kind", "a\"b"}});
  MetricFamily made = family.Take();
  EXPECT_EQ(Write(made), LibraryText(made));
  // With a last bound that is none, and without any.
  made.metric[0].histogram.bucket.push_back({7, std::numeric_limits<double>::infinity()});
  made.metric[1].histogram.bucket.clear();
  EXPECT_EQ(Write(made), LibraryText(made));
}

TEST(TextWriterTest, HelpIsOneLine) {
  EXPECT_EQ(Write(SingleGauge("a", "With \\ and \"\nlines.", 1)),
            "# HELP a With \\\\ and \"\\nlines.\n# TYPE a gauge\na 1\n");
}

TEST(TextWriterTest, LeavesOtherTypesToTheLibrary) {
  MetricFamily family = GaugeOf(1);
  for (const MetricType type : {MetricType::Summary, MetricType::Untyped}) {
    family.type = type;
    EXPECT_EQ(Write(family), LibraryText(family));
  }
}

}  // namespace
}  // namespace hotplugger
