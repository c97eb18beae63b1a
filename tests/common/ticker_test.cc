#include "common/ticker.h"

#include <gtest/gtest.h>

#include <atomic>

#include "absl/time/clock.h"
#include "common/clock.h"

namespace hotplugger {
namespace {

void AwaitAtLeast(const std::atomic<int>& beats, int wanted) {
  const absl::Time give_up = SteadyNow() + absl::Seconds(20);
  while (beats < wanted && SteadyNow() < give_up) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_GE(beats, wanted);
}

TEST(TickerTest, BeatsUntilItIsStopped) {
  std::atomic<int> beats{0};
  ThreadTicker ticker;
  ticker.Start(absl::Milliseconds(1), [&beats] { ++beats; });
  AwaitAtLeast(beats, 3);
  ticker.Stop();
  const int then = beats;
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(beats, then);
  ticker.Stop();
}

TEST(TickerTest, StartedAgainItBeatsAnew) {
  std::atomic<int> first{0};
  std::atomic<int> second{0};
  ThreadTicker ticker;
  ticker.Start(absl::Milliseconds(1), [&first] { ++first; });
  ticker.Start(absl::Milliseconds(1), [&second] { ++second; });
  const int then = first;
  AwaitAtLeast(second, 2);
  EXPECT_EQ(first, then);
}

TEST(TickerTest, ALongIntervalIsNotWaitedForAtTheEnd) {
  ThreadTicker ticker;
  ticker.Start(absl::Hours(10), [] { FAIL(); });
}

}  // namespace
}  // namespace hotplugger
