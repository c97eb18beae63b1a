#include "server/fleet/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

class EventLogTest : public ::testing::Test {
 protected:
  void Add(const std::string& resource, const std::string& message,
           EventType type = EventType::kNodeConnected) {
    events_.Add({type, resource, message});
  }

  // "TYPE RESOURCE MESSAGE", the latest first.
  std::vector<std::string> List(const std::string& filter = "", size_t limit = 100,
                                int64_t before = kAll) {
    std::vector<std::string> lines;
    for (const auto& event :
         events_.List(testing::FromText<v1::EventFilter>(filter), before, limit)) {
      lines.push_back(absl::StrCat(event->type(), " ", event->resource(), " ", event->message()));
    }
    return lines;
  }

  FakeClock clock_;
  EventLog events_{&clock_};
};

TEST_F(EventLogTest, TheLatestComesFirst) {
  Add("nodes/a", "1");
  Add("nodes/b", "2", EventType::kNodeDisconnected);
  EXPECT_THAT(List(), ElementsAre("NodeDisconnected nodes/b 2", "NodeConnected nodes/a 1"));
  const auto events = events_.List({}, kAll, 10);
  EXPECT_EQ(events[0]->sequence(), 2);
  EXPECT_EQ(events[0]->severity(), v1::EVENT_SEVERITY_WARNING);
  EXPECT_EQ(events[1]->severity(), v1::EVENT_SEVERITY_NORMAL);
  EXPECT_EQ(ToTime(events[0]->time()), clock_.Now());
  EXPECT_THAT(List("", 100, 2), ElementsAre("NodeConnected nodes/a 1"));
  EXPECT_THAT(List("", 1), SizeIs(1));
}

TEST_F(EventLogTest, Filters) {
  Add("nodes/n1", "a");
  Add("nodes/n1/holds/cpu3", "b", EventType::kHoldSet);
  Add("nodes/n10", "c", EventType::kNodeDisconnected);
  EXPECT_THAT(List(R"(resource: "nodes/n1")"), SizeIs(2));
  EXPECT_THAT(List(R"(type: "HoldSet")"), ElementsAre("HoldSet nodes/n1/holds/cpu3 b"));
  EXPECT_THAT(List("warnings_only: true"), ElementsAre("NodeDisconnected nodes/n10 c"));
  clock_.Advance(absl::Minutes(5));
  v1::EventFilter since;
  SetTimestamp(clock_.Now(), since.mutable_since_time());
  EXPECT_THAT(events_.List(since, kAll, 10), SizeIs(0));
}

TEST_F(EventLogTest, WhatSaysTheSameOnceMoreIsNoEvent) {
  for (int i = 0; i < 5; ++i) {
    Add("nodes/n1", "turned away", EventType::kNodeTurnedAway);
    clock_.Advance(absl::Minutes(1));
  }
  EXPECT_THAT(List(), SizeIs(1));
  Add("nodes/n2", "turned away", EventType::kNodeTurnedAway);
  Add("nodes/n1", "connected");
  Add("nodes/n1", "turned away", EventType::kNodeTurnedAway);
  EXPECT_THAT(List(), SizeIs(4));
}

TEST_F(EventLogTest, OneThatFlapsCrowdsOutNobody) {
  Add("nodes/quiet", "hello");
  for (int i = 0; i < 100; ++i) Add("nodes/flaps", absl::StrCat("try ", i));
  EXPECT_THAT(List(R"(resource: "nodes/flaps")"), SizeIs(EventLog::kMaxPerMinute));
  clock_.Advance(absl::Seconds(59));
  Add("nodes/flaps", "still");
  EXPECT_THAT(List()[0], Not(HasSubstr("still")));
  clock_.Advance(absl::Seconds(1));
  Add("nodes/flaps", "later");
  Add("nodes/flaps", "later still");
  EXPECT_THAT(List()[1], HasSubstr("later (81 events of this came before"));
  EXPECT_THAT(List()[0], Not(HasSubstr("came before"))) << "told once";
}

TEST_F(EventLogTest, KeepsTheLastOnes) {
  for (size_t i = 0; i < EventLog::kMaxKept + 10; ++i) Add(absl::StrCat("nodes/n", i), "x");
  const auto events = events_.List({}, kAll, 2 * EventLog::kMaxKept);
  ASSERT_EQ(events.size(), EventLog::kMaxKept);
  EXPECT_EQ(events.back()->resource(), "nodes/n10");
  Add("nodes/n0", "x");
  EXPECT_EQ(events_.List({}, kAll, 1)[0]->resource(), "nodes/n0")
      << "what is no longer kept is news again";
}

TEST_F(EventLogTest, NextGoesOnAndCountsWhatIsGone) {
  EXPECT_EQ(events_.Next(0, {}).event, nullptr);
  for (size_t i = 0; i < EventLog::kMaxKept + 10; ++i) Add(absl::StrCat("nodes/n", i), "x");
  const EventLog::Found first = events_.Next(4, {});
  EXPECT_EQ(first.missed, 6);
  EXPECT_EQ(first.event->sequence(), 11);
  EXPECT_EQ(first.looked, 11);
  const EventLog::Found none =
      events_.Next(0, testing::FromText<v1::EventFilter>(R"(type: "HoldSet")"));
  EXPECT_EQ(none.event, nullptr);
  EXPECT_EQ(none.looked, events_.last_sequence());
}

TEST_F(EventLogTest, LongMessagesAreCut) {
  Add("nodes/n1", std::string(100'000, 'x'));
  EXPECT_LE(events_.List({}, kAll, 1)[0]->message().size(), 1024u);
}

TEST(EventTypesTest, EachHasANameOfItsOwn) {
  const std::vector<std::string> names = EventTypeNames();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  EXPECT_STREQ(EventTypeName(EventType::kHoldLapseFailed), "HoldLapseFailed");
}

}  // namespace
}  // namespace hotplugger::server
