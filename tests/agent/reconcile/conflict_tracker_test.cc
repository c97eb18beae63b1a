#include "agent/reconcile/conflict_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

TEST(ConflictTrackerTest, OneTooManyIsAConflict) {
  ConflictTracker tracker;
  for (size_t i = 1; i < ConflictTracker::kReversions; ++i) tracker.NoteReversion("cpu2", kStart);
  EXPECT_FALSE(tracker.IsConflict("cpu2", kStart));
  tracker.NoteReversion("cpu2", kStart);
  EXPECT_TRUE(tracker.IsConflict("cpu2", kStart));
  EXPECT_FALSE(tracker.IsConflict("cpu3", kStart));
}

TEST(ConflictTrackerTest, WhatIsLongAgoNoLongerCounts) {
  ConflictTracker tracker;
  for (size_t i = 0; i < ConflictTracker::kReversions; ++i) tracker.NoteReversion("cpu2", kStart);
  const absl::Time end = kStart + ConflictTracker::kWindow;
  EXPECT_TRUE(tracker.IsConflict("cpu2", end - absl::Seconds(1)));
  EXPECT_FALSE(tracker.IsConflict("cpu2", end));
}

TEST(ConflictTrackerTest, ANewSpecBeginsAnew) {
  ConflictTracker tracker;
  for (size_t i = 0; i < ConflictTracker::kReversions; ++i) tracker.NoteReversion("cpu2", kStart);
  tracker.Clear();
  EXPECT_EQ(tracker.Count("cpu2", kStart), 0U);
}

TEST(ConflictTrackerTest, ForgetsTheOldestOfVeryMany) {
  ConflictTracker tracker;
  for (int i = 0; i < 5000; ++i) tracker.NoteReversion("cpu2", kStart);
  EXPECT_LE(tracker.Count("cpu2", kStart), 1000U);
}

TEST(ConflictTrackerTest, SaysHowOftenAndWhatComesNext) {
  ConflictTracker tracker;
  for (int i = 0; i < 4; ++i) tracker.NoteReversion("cpu2", kStart);
  const std::string text = tracker.Describe("cpu2", kStart, absl::Seconds(8));
  EXPECT_THAT(text, HasSubstr("cpu2 back 4 times"));
  EXPECT_THAT(text, HasSubstr("after 8s"));
  EXPECT_THAT(text, HasSubstr("udev"));
}

}  // namespace
}  // namespace hotplugger::agent
