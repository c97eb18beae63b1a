#include "agent/reconcile/drift_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "agent/reconcile/drift.h"
#include "tests/fakes/counted.h"

namespace hotplugger::agent {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

v1::DriftItem Online(const std::string& device, const std::string& actor = "") {
  return MakeDrift(device, "offline", "online", actor);
}

v1::NodeReport Told(const DriftLog& log) {
  v1::NodeReport report;
  log.Tell(&report);
  return report;
}

std::map<std::string, int64_t> Counts(const v1::NodeReport& report) {
  std::map<std::string, int64_t> counts;
  for (const v1::DriftCount& count : report.drift_counts()) counts[count.actor()] = count.count();
  return counts;
}

TEST(DriftLogTest, TellsSinceWhenAndCountsOnce) {
  AgentCounters counters;
  DriftLog log(counters);
  log.Note({Online("cpu3")}, {}, kNow);
  log.Note({Online("cpu3")}, {}, kNow + absl::Minutes(5));
  const v1::NodeReport report = Told(log);
  ASSERT_THAT(report.drift(), SizeIs(1));
  EXPECT_EQ(report.drift(0).since_time().seconds(), absl::ToUnixSeconds(kNow));
  EXPECT_EQ(report.drift_count(), 1);
}

TEST(DriftLogTest, TheAgentsCountsAreOfAllSpecs) {
  AgentCounters counters;
  DriftLog log(counters);
  log.Note({Online("cpu3")}, {"person", "person"}, kNow);
  log.Clear();
  log.Note({Online("cpu3", "driver/load")}, {""}, kNow);
  EXPECT_THAT(Counts(Told(log)), UnorderedElementsAre(Pair("driver/load", 1), Pair("unknown", 1)));
  EXPECT_THAT(testing::CountedDrift(counters),
              UnorderedElementsAre("driver/load 1", "person 1", "unknown 2"));
}

TEST(DriftLogTest, WhatWentAndComesAgainIsNew) {
  AgentCounters counters;
  DriftLog log(counters);
  log.Note({Online("cpu3")}, {}, kNow);
  log.Note({}, {}, kNow + absl::Minutes(1));
  EXPECT_THAT(Told(log).drift(), IsEmpty());
  log.Note({Online("cpu3")}, {}, kNow + absl::Minutes(2));
  EXPECT_EQ(Told(log).drift_count(), 2);
  EXPECT_EQ(Told(log).drift(0).since_time().seconds(),
            absl::ToUnixSeconds(kNow + absl::Minutes(2)));
}

TEST(DriftLogTest, CountsByActorAndTheSumIsTheCount) {
  AgentCounters counters;
  DriftLog log(counters);
  log.Note({Online("cpu1", "person"), Online("cpu2", "person"), Online("cpu3")}, {}, kNow);
  EXPECT_THAT(Counts(Told(log)), UnorderedElementsAre(Pair("person", 1), Pair("unknown", 1)))
      << "many devices at once are one act";
  log.Note({}, {"", "driver/load"}, kNow);
  EXPECT_THAT(Counts(Told(log)),
              UnorderedElementsAre(Pair("person", 1), Pair("unknown", 2), Pair("driver/load", 1)));
  EXPECT_EQ(Told(log).drift_count(), 4);
}

TEST(DriftLogTest, WhoWasSeenToDoItStaysWhoDidIt) {
  AgentCounters counters;
  DriftLog log(counters);
  log.Note({Online("cpu3", "person")}, {}, kNow);
  // The journal has forgotten.
  log.Note({Online("cpu3")}, {}, kNow);
  EXPECT_EQ(Told(log).drift(0).actor(), "person");
}

TEST(DriftLogTest, IsBounded) {
  AgentCounters counters;
  DriftLog log(counters);
  std::vector<v1::DriftItem> items;
  for (int cpu = 0; cpu < 2000; ++cpu) items.push_back(Online(absl::StrCat("cpu", cpu)));
  log.Note(std::move(items), {}, kNow);
  EXPECT_THAT(Told(log).drift(), SizeIs(DriftLog::kMaxTold));
}

TEST(DriftLogTest, ANewSpecBeginsAnew) {
  AgentCounters counters;
  DriftLog log(counters);
  log.Note({Online("cpu3")}, {}, kNow);
  log.Clear();
  EXPECT_EQ(Told(log).drift_count(), 0);
  EXPECT_THAT(Told(log).drift_counts(), IsEmpty());
}

}  // namespace
}  // namespace hotplugger::agent
