#include "common/duration_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hotplugger {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

constexpr double kBounds[] = {0.1, 1, 10};

TEST(DurationHistogramTest, CountsWhatIsAboveTheBoundBeforeAndAtMostItsOwn) {
  DurationHistogram histogram(kBounds);
  for (const int milliseconds : {0, 100, 101, 1000, 1001, 10'000, 10'001, 1'000'000}) {
    histogram.Observe(absl::Milliseconds(milliseconds));
  }
  const DurationCounts counts = histogram.Counts();
  EXPECT_THAT(counts.bounds, ElementsAre(0.1, 1, 10));
  EXPECT_THAT(counts.buckets, ElementsAre(2, 2, 2, 2));
  EXPECT_THAT(counts.sum_seconds, DoubleEq(1022.203));
}

TEST(DurationHistogramTest, BeginsWithoutAnyCount) {
  const DurationCounts counts = DurationHistogram(kBounds).Counts();
  EXPECT_THAT(counts.buckets, ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(counts.sum_seconds, 0);
}

TEST(DurationHistogramTest, ANegativeDurationIsNone) {
  DurationHistogram histogram(kBounds);
  histogram.Observe(absl::Seconds(-5));
  EXPECT_THAT(histogram.Counts().buckets, ElementsAre(1, 0, 0, 0));
  EXPECT_EQ(histogram.Counts().sum_seconds, 0);
}

TEST(DurationHistogramTest, LosesNothingOfSeveralThreads) {
  DurationHistogram histogram(kBounds);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&histogram] {
      for (int n = 0; n < 1000; ++n) histogram.Observe(absl::Milliseconds(500));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(histogram.Counts().buckets, ElementsAre(0, 4000, 0, 0));
  EXPECT_THAT(histogram.Counts().sum_seconds, DoubleEq(2000));
}

TEST(DurationHistogramTest, TheBoundsThatAreUsedGrow) {
  for (const absl::Span<const double> bounds :
       {absl::MakeConstSpan(kOperationDurationBounds), absl::MakeConstSpan(kCallDurationBounds)}) {
    for (size_t i = 1; i < bounds.size(); ++i) EXPECT_LT(bounds[i - 1], bounds[i]);
  }
}

}  // namespace
}  // namespace hotplugger
