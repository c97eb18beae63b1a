#include "agent/reconcile/pass_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hotplugger::agent {
namespace {

using Due = PassSchedule::Due;

constexpr absl::Duration kSlow = absl::Minutes(1);
constexpr absl::Duration kSettle = absl::Milliseconds(50);
constexpr absl::Duration kBase = absl::Seconds(1);
constexpr absl::Duration kCap = absl::Seconds(8);
constexpr absl::Duration kTick = absl::Nanoseconds(1);

class PassScheduleTest : public ::testing::Test {
 protected:
  // The first pass, which found all well.
  PassScheduleTest() {
    EXPECT_EQ(schedule_.Take(now_), Due::kPass);
    schedule_.NotePass({}, now_);
  }

  // After so many troubles in a row the ceiling of the back-off is at its cap: the longest delay
  // of many, for each is drawn.
  absl::Duration LongestDelay(const PassOutcome& outcome, int passes = 200) {
    absl::Duration longest;
    for (int i = 0; i < passes; ++i) {
      schedule_.NotePass(outcome, now_);
      longest = std::max(longest, schedule_.delay());
    }
    return longest;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  PassSchedule schedule_{
      {.slow_interval = kSlow, .settle = kSettle, .retry = {.base = kBase, .cap = kCap}}};
};

TEST_F(PassScheduleTest, LooksNowAndThenThoughNobodySaysAnything) {
  EXPECT_EQ(schedule_.next(), now_ + kSlow);
  EXPECT_EQ(schedule_.Take(now_ + kSlow - kTick), Due::kNothing);
  EXPECT_EQ(schedule_.Take(now_ + kSlow), Due::kPass);
}

TEST_F(PassScheduleTest, AChangeIsMetOnceItHasSettledHoweverManyFollow) {
  schedule_.NoteChange(now_);
  schedule_.NoteChange(now_ + kSettle - kTick);
  EXPECT_EQ(schedule_.next(), now_ + kSettle);
  EXPECT_EQ(schedule_.Take(now_ + kSettle - kTick), Due::kNothing);
  EXPECT_EQ(schedule_.Take(now_ + kSettle), Due::kPass);
  EXPECT_EQ(schedule_.Take(now_ + kSettle), Due::kNothing) << "it was seen";
}

TEST_F(PassScheduleTest, APassForAnotherReasonSeesChangesToo) {
  schedule_.NoteChange(now_);
  schedule_.TakePass();
  EXPECT_EQ(schedule_.next(), now_ + kSlow);
}

TEST_F(PassScheduleTest, WhatMaySucceedSoonIsTriedSoonAndHoldsUpNothingElse) {
  schedule_.NotePass({.transient = true}, now_);
  EXPECT_LE(schedule_.next(), now_ + kBase);
  schedule_.NoteChange(now_);
  EXPECT_LE(schedule_.next(), now_ + kSettle);
}

TEST_F(PassScheduleTest, AFightIsPutOffHoweverManyChangesCome) {
  for (const PassOutcome& fight : {PassOutcome{.reverted = true}, PassOutcome{.disputed = true}}) {
    EXPECT_GT(LongestDelay(fight), kBase) << "it grows";
    EXPECT_LE(LongestDelay(fight), kCap);
    // One that isn't too short to tell.
    while (schedule_.delay() <= kSettle) schedule_.NotePass(fight, now_);
    schedule_.NoteChange(now_);
    EXPECT_EQ(schedule_.next(), now_ + schedule_.delay());
  }
}

TEST_F(PassScheduleTest, MeanwhileWhatHappensIsLookedAtOnce) {
  while (schedule_.delay() <= kSettle) schedule_.NotePass({.reverted = true}, now_);
  const absl::Time due = now_ + schedule_.delay();
  EXPECT_EQ(schedule_.Take(now_), Due::kNothing) << "nothing has happened";
  schedule_.NoteChange(now_);
  EXPECT_EQ(schedule_.Take(now_), Due::kLook);
  EXPECT_EQ(schedule_.Take(now_), Due::kNothing);
  EXPECT_EQ(schedule_.next(), due) << "a look is no pass";
  EXPECT_EQ(schedule_.Take(due), Due::kPass);
}

TEST_F(PassScheduleTest, WhatDidNotLastIsNotWorthALook) {
  while (schedule_.delay() <= kSettle) schedule_.NotePass({.disputed = true}, now_);
  schedule_.NoteChange(now_);
  EXPECT_EQ(schedule_.Take(now_), Due::kNothing);
}

TEST_F(PassScheduleTest, AHostAtPeaceBeginsAnew) {
  LongestDelay({.reverted = true});
  now_ += PassSchedule::kPeace;
  schedule_.NotePass({}, now_);
  EXPECT_GT(LongestDelay({.reverted = true}, 50), kBase) << "not yet";
  now_ += PassSchedule::kPeace + kTick;
  schedule_.NotePass({}, now_);
  EXPECT_EQ(schedule_.delay(), absl::ZeroDuration());
  EXPECT_LE(LongestDelay({.reverted = true}, 1), kBase);
}

TEST_F(PassScheduleTest, AnotherSpecBeginsAnew) {
  LongestDelay({.reverted = true});
  schedule_.NoteNewSpec();
  EXPECT_LE(LongestDelay({.reverted = true}, 1), kBase);
}

TEST_F(PassScheduleTest, APassThatCannotBeBegunIsTriedLessAndLessOften) {
  for (const absl::Duration wait : {kBase, 2 * kBase, 4 * kBase, kCap, kCap}) {
    schedule_.PostponePass(now_);
    schedule_.NoteChange(now_);
    EXPECT_EQ(schedule_.next(), now_ + wait);
    now_ += wait;
    EXPECT_EQ(schedule_.Take(now_), Due::kPass);
  }
  schedule_.NotePass({}, now_);
  schedule_.PostponePass(now_);
  EXPECT_EQ(schedule_.next(), now_ + kBase);
}

TEST_F(PassScheduleTest, SoIsASpecThatCannotBeTakenUntilAnotherOneComes) {
  EXPECT_EQ(schedule_.offer_due(), absl::InfinitePast());
  for (const absl::Duration wait : {kBase, 2 * kBase, 4 * kBase, kCap, kCap}) {
    schedule_.PostponeOffer(now_);
    EXPECT_EQ(schedule_.offer_due(), now_ + wait);
    schedule_.NotePass({}, now_);
    EXPECT_EQ(schedule_.next(), now_ + kSlow) << "the host is looked at as ever";
  }
  schedule_.NoteOffer();
  EXPECT_EQ(schedule_.offer_due(), absl::InfinitePast());
  schedule_.PostponeOffer(now_);
  EXPECT_EQ(schedule_.offer_due(), now_ + kBase);
}

}  // namespace
}  // namespace hotplugger::agent
