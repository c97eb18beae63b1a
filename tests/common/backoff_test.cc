#include "common/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hotplugger {
namespace {

TEST(BackoffTest, EachWaitIsBelowACeilingThatDoublesToTheCap) {
  for (int round = 0; round < 200; ++round) {
    Backoff backoff({.base = absl::Seconds(1), .cap = absl::Seconds(5)});
    for (const int ceiling : {1, 2, 4, 5, 5, 5}) {
      const absl::Duration wait = backoff.Next();
      EXPECT_GE(wait, absl::ZeroDuration());
      EXPECT_LE(wait, absl::Seconds(ceiling));
    }
  }
}

TEST(BackoffTest, ResetBeginsAgain) {
  for (int round = 0; round < 200; ++round) {
    Backoff backoff({.base = absl::Seconds(1), .cap = absl::Seconds(100)});
    for (int i = 0; i < 6; ++i) backoff.Next();
    backoff.Reset();
    EXPECT_LE(backoff.Next(), absl::Seconds(1));
  }
}

TEST(BackoffTest, AFleetDoesNotComeBackAtOnce) {
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 400; ++i) {
    waits.push_back(Backoff({.base = absl::Seconds(1), .cap = absl::Seconds(1)}).Next());
  }
  // Four equal parts of the range, 100 expected in each: 40 is seven standard deviations off.
  for (int part = 0; part < 4; ++part) {
    const auto in_part = [part](absl::Duration wait) {
      return wait >= part * absl::Milliseconds(250) && wait < (part + 1) * absl::Milliseconds(250);
    };
    EXPECT_GT(std::count_if(waits.begin(), waits.end(), in_part), 40) << part;
  }
}

}  // namespace
}  // namespace hotplugger
