#include "common/metrics/family_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

namespace hotplugger {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(prometheus::MetricFamily family) {
  return prometheus::TextSerializer().Serialize({std::move(family)});
}

TEST(MetricLabelValueTest, LeavesTextAsItIs) {
  for (const char* value : {"", "node-1.example", "a\"b\\c\nd", "zürich", "日本", "🙂"}) {
    EXPECT_EQ(MetricLabelValue(value), value);
  }
  const std::string with_nul("a\0b", 3);
  EXPECT_EQ(MetricLabelValue(with_nul), with_nul);
}

TEST(MetricLabelValueTest, MendsWhatIsNoUtf8) {
  EXPECT_EQ(MetricLabelValue("a\xff z"), "a\uFFFD z");
  // Cut off, overlong, a surrogate, beyond U+10FFFF, a continuation alone.
  EXPECT_EQ(MetricLabelValue("\xc3"), "\uFFFD");
  EXPECT_EQ(MetricLabelValue("\xc0\xaf"), "\uFFFD\uFFFD");
  EXPECT_EQ(MetricLabelValue("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(MetricLabelValue("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(MetricLabelValue("\x80ok"), "\uFFFDok");
}

TEST(MetricLabelValueTest, EndsLongOnesBetweenCharacters) {
  EXPECT_EQ(MetricLabelValue(std::string(128, 'x')), std::string(128, 'x'));
  EXPECT_EQ(MetricLabelValue(std::string(129, 'x')), std::string(128, 'x') + "…");
  EXPECT_EQ(MetricLabelValue(std::string(64 * 1024, 'x')), std::string(128, 'x') + "…");
  // The character that would reach beyond is left out whole.
  EXPECT_EQ(MetricLabelValue(std::string(127, 'x') + "ü"), std::string(127, 'x') + "…");
  EXPECT_EQ(MetricLabelValue(std::string(126, 'x') + "ü"), std::string(126, 'x') + "ü");
  // Mended bytes count with what they have become.
  EXPECT_LE(MetricLabelValue(std::string(1000, '\xff')).size(), 131u);
}

TEST(FamilyBuilderTest, ACounterAndAGauge) {
  FamilyBuilder family("made_total", "Made.", prometheus::MetricType::Counter);
  family.Reserve(2);
  family.Add(3, {{"kind", "a"}});
  family.Add(4, {{"kind", "b\"\\\n"}});
  EXPECT_EQ(Text(family.Take()),
            "# HELP made_total Made.\n"
            "# TYPE made_total counter\n"
            "made_total{kind=\"a\"} 3\n"
            "made_total{kind=\"b\\\"\\\\\\n\"} 4\n");
  EXPECT_EQ(Text(SingleGauge("size", "Size.", -0.5)),
            "# HELP size Size.\n# TYPE size gauge\nsize -0.5\n");
  EXPECT_EQ(Text(SingleCounter("made_total", "Made.", 7)),
            "# HELP made_total Made.\n# TYPE made_total counter\nmade_total 7\n");
}

TEST(FamilyBuilderTest, AHistogramsBucketsAreCumulative) {
  static constexpr double kBounds[] = {0.5, 2};
  const DurationCounts counts{kBounds, {1, 2, 4}, 30.5};
  EXPECT_EQ(Text(SingleHistogram("took_seconds", "Took.", counts)),
            "# HELP took_seconds Took.\n"
            "# TYPE took_seconds histogram\n"
            "took_seconds_count 7\n"
            "took_seconds_sum 30.5\n"
            "took_seconds_bucket{le=\"0.5\"} 1\n"
            "took_seconds_bucket{le=\"2\"} 3\n"
            "took_seconds_bucket{le=\"+Inf\"} 7\n");
}

TEST(FamilyBuilderTest, AHistogramsSeriesKeepTheirLabels) {
  FamilyBuilder family("took_seconds", "Took.", prometheus::MetricType::Histogram);
  family.Add(DurationHistogram(kCallDurationBounds).Counts(), {{"kind", "a"}});
  const std::string text = Text(family.Take());
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{kind=\"a\",le=\"0.0001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("took_seconds_bucket{kind=\"a\",le=\"+Inf\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("inf}")));
}

}  // namespace
}  // namespace hotplugger
