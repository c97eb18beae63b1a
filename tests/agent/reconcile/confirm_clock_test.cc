#include "agent/reconcile/confirm_clock.h"

#include <gtest/gtest.h>

namespace hotplugger::agent {
namespace {

constexpr absl::Time kNow = absl::FromUnixSeconds(1000);
constexpr absl::Duration kWindow = absl::Seconds(30);

TEST(ConfirmClockTest, RunsFromTheFirstPassOnThatWaitsForAConfirmation) {
  ConfirmClock clock;
  EXPECT_EQ(clock.due(), absl::InfiniteFuture());
  clock.NotePass(std::nullopt, kNow);
  EXPECT_FALSE(clock.runs());
  clock.NotePass(kWindow, kNow);
  EXPECT_TRUE(clock.runs());
  EXPECT_EQ(clock.due(), kNow + kWindow);
  clock.NotePass(kWindow, kNow + absl::Seconds(20));
  EXPECT_EQ(clock.due(), kNow + kWindow) << "a second pass is no second window";
}

TEST(ConfirmClockTest, StopsWhereNoConfirmationIsNeededAnyMore) {
  ConfirmClock clock;
  clock.NotePass(kWindow, kNow);
  clock.NotePass(std::nullopt, kNow);
  EXPECT_FALSE(clock.runs());
  clock.NotePass(kWindow, kNow + absl::Hours(1));
  EXPECT_EQ(clock.due(), kNow + absl::Hours(1) + kWindow) << "another spec, another window";
  clock.Stop();
  EXPECT_EQ(clock.due(), absl::InfiniteFuture());
}

TEST(ConfirmClockTest, WhatCouldNotBeDoneIsDueLater) {
  ConfirmClock clock;
  clock.NotePass(kWindow, kNow);
  clock.Postpone(kNow + absl::Minutes(1));
  EXPECT_EQ(clock.due(), kNow + absl::Minutes(1));
}

}  // namespace
}  // namespace hotplugger::agent
