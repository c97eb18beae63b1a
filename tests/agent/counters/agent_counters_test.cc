#include "agent/counters/agent_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/fakes/counted.h"

namespace hotplugger::agent {
namespace {

using testing::CountedDrift;
using testing::CountedDurations;
using testing::CountedOperations;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AgentCountersTest : public ::testing::Test {
 protected:
  void Refuse(absl::string_view reason) {
    counters_.CountOperation(CountedKind::kCpu, CountedAction::kOffline, v1::OUTCOME_REFUSED,
                             reason);
  }
  std::vector<std::string> Limits() const {
    std::vector<std::string> lines;
    const v1::MetricsSnapshot snapshot = counters_.Snapshot();
    for (const v1::LimitRefusals& refusals : snapshot.limit_refusals()) {
      lines.push_back(absl::StrCat(refusals.limit(), " ", refusals.count()));
    }
    return lines;
  }

  AgentCounters counters_{absl::FromUnixSeconds(1'700'000'000)};
};

TEST_F(AgentCountersTest, BeginsWithNothing) {
  const v1::MetricsSnapshot snapshot = counters_.Snapshot();
  EXPECT_EQ(snapshot.start_time().seconds(), 1'700'000'000);
  EXPECT_THAT(snapshot.operations(), IsEmpty());
  EXPECT_THAT(snapshot.operation_durations(), IsEmpty());
  EXPECT_THAT(snapshot.drift(), IsEmpty());
  EXPECT_THAT(snapshot.limit_refusals(), IsEmpty());
  EXPECT_EQ(snapshot.uevents_received(), 0);
  EXPECT_EQ(snapshot.uevent_overflows(), 0);
}

TEST_F(AgentCountersTest, EachKindAndActionHasItsWord) {
  counters_.CountOperation(CountedKind::kCpu, CountedAction::kOnline, v1::OUTCOME_CHANGED, "");
  counters_.CountOperation(CountedKind::kMemory, CountedAction::kOffline, v1::OUTCOME_ALREADY, "");
  counters_.CountOperation(CountedKind::kSmt, CountedAction::kOn, v1::OUTCOME_CHANGED, "");
  counters_.CountOperation(CountedKind::kSmt, CountedAction::kOff, v1::OUTCOME_CHANGED, "");
  counters_.CountOperation(CountedKind::kSmt, CountedAction::kForceOff, v1::OUTCOME_CHANGED, "");
  counters_.CountOperation(CountedKind::kSmt, CountedAction::kPartial, v1::OUTCOME_CHANGED, "");
  counters_.CountOperation(CountedKind::kDevice, CountedAction::kOffline, v1::OUTCOME_SKIPPED,
                           "GROUP_FAILED");
  counters_.CountOperation(CountedKind::kDriver, CountedActionOf(true), v1::OUTCOME_FAILED, "X");
  counters_.CountOperation(CountedKind::kDriver, CountedActionOf(false), v1::OUTCOME_UNDONE, "X");
  EXPECT_THAT(CountedOperations(counters_),
              ElementsAre("cpu online changed 1", "memory offline already 1", "smt on changed 1",
                          "smt off changed 1", "smt forceoff changed 1", "smt partial changed 1",
                          "device offline skipped GROUP_FAILED 1", "driver start failed X 1",
                          "driver stop undone X 1"));
}

TEST_F(AgentCountersTest, WhatWasDoneHasNoReasonAndAllElseHasOne) {
  counters_.CountOperation(CountedKind::kCpu, CountedAction::kOffline, v1::OUTCOME_CHANGED, "X");
  Refuse("");
  Refuse("NOT_HOTPLUGGABLE");
  Refuse("NOT_HOTPLUGGABLE");
  EXPECT_THAT(CountedOperations(counters_),
              ElementsAre("cpu offline changed 1", "cpu offline refused NOT_HOTPLUGGABLE 2",
                          "cpu offline refused OTHER 1"));
}

TEST_F(AgentCountersTest, ALimitsRefusalIsCountedAsSuch) {
  Refuse("LIMIT_KERNEL_ZONE");
  Refuse("LIMIT_MIN_ONLINE_CPUS");
  Refuse("LIMIT_KERNEL_ZONE");
  Refuse("NOT_HOTPLUGGABLE");
  EXPECT_THAT(Limits(), ElementsAre("LIMIT_KERNEL_ZONE 2", "LIMIT_MIN_ONLINE_CPUS 1"));
}

TEST_F(AgentCountersTest, ThereAreAtMost512SeriesWhateverTheReasons) {
  for (int i = 0; i < 10'000; ++i) Refuse(absl::StrCat("LIMIT_", i));
  Refuse(std::string(64 * 1024, 'X'));
  // As many as there can be without a reason of their own.
  for (const CountedKind kind : {CountedKind::kCpu, CountedKind::kMemory, CountedKind::kDevice}) {
    for (const CountedAction action : {CountedAction::kOnline, CountedAction::kOffline}) {
      for (const v1::Outcome outcome :
           {v1::OUTCOME_CHANGED, v1::OUTCOME_ALREADY, v1::OUTCOME_REFUSED, v1::OUTCOME_FAILED,
            v1::OUTCOME_UNDONE, v1::OUTCOME_SKIPPED}) {
        counters_.CountOperation(kind, action, outcome, "ONE_MORE");
      }
    }
  }
  // One that is known goes on.
  Refuse("LIMIT_0");
  const v1::MetricsSnapshot snapshot = counters_.Snapshot();
  EXPECT_LE(snapshot.operations_size(), 512);
  EXPECT_LE(snapshot.limit_refusals_size(), 512);
  int64_t refused = 0;
  int64_t other = 0;
  int64_t first = 0;
  for (const v1::OperationCount& count : snapshot.operations()) {
    EXPECT_NE(count.reason(), "ONE_MORE");
    const bool ours = count.kind() == "cpu" && count.action() == "offline" &&
                      count.outcome() == v1::OUTCOME_REFUSED;
    if (ours) refused += count.count();
    if (ours && count.reason() == "OTHER") other = count.count();
    if (count.reason() == "LIMIT_0") first = count.count();
  }
  EXPECT_EQ(refused, 10'003) << "none is lost";
  EXPECT_GT(other, 9'000);
  EXPECT_EQ(first, 2);
}

TEST_F(AgentCountersTest, DurationsAreInTheirBuckets) {
  counters_.CountDuration(CountedKind::kCpu, CountedAction::kOffline, absl::Milliseconds(2));
  counters_.CountDuration(CountedKind::kCpu, CountedAction::kOffline, absl::Minutes(10));
  counters_.CountDuration(CountedKind::kDriver, CountedAction::kStart, absl::Seconds(-1));
  EXPECT_THAT(CountedDurations(counters_), ElementsAre("cpu offline 2", "driver start 1"));
  const v1::OperationDurations cpu = counters_.Snapshot().operation_durations(0);
  EXPECT_THAT(cpu.bucket_counts(), ElementsAre(0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_DOUBLE_EQ(cpu.sum_seconds(), 600.002);
}

TEST_F(AgentCountersTest, DriftIsCountedByActor) {
  counters_.CountDrift("person");
  counters_.CountDrift("");
  counters_.CountDrift("person");
  counters_.CountDrift("driver/load");
  EXPECT_THAT(CountedDrift(counters_), ElementsAre("driver/load 1", "person 2", "unknown 1"));
}

TEST_F(AgentCountersTest, ThereAreAtMost100Actors) {
  for (int i = 0; i < 1000; ++i) counters_.CountDrift(absl::StrCat("driver/", i));
  counters_.CountDrift("driver/0");
  const std::vector<std::string> drift = CountedDrift(counters_);
  EXPECT_THAT(drift, SizeIs(100));
  EXPECT_EQ(drift.front(), "driver/0 2");
  EXPECT_EQ(drift.back(), "unknown 901");
}

TEST_F(AgentCountersTest, CountsUevents) {
  counters_.CountUevents(3);
  counters_.CountUevents(4);
  counters_.CountUeventOverflow();
  EXPECT_EQ(counters_.Snapshot().uevents_received(), 7);
  EXPECT_EQ(counters_.Snapshot().uevent_overflows(), 1);
}

// What the thread sanitizer looks at.
TEST_F(AgentCountersTest, ManyThreadsCountTogether) {
  constexpr int kThreads = 4;
  constexpr int kTimes = 500;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this] {
      for (int i = 0; i < kTimes; ++i) {
        Refuse("LIMIT_KERNEL_ZONE");
        counters_.CountDuration(CountedKind::kCpu, CountedAction::kOnline, absl::Seconds(1));
        counters_.CountDrift("person");
        counters_.CountUevents(1);
        counters_.CountUeventOverflow();
        (void)counters_.Snapshot();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(CountedOperations(counters_),
              ElementsAre("cpu offline refused LIMIT_KERNEL_ZONE 2000"));
  EXPECT_THAT(CountedDurations(counters_), ElementsAre("cpu online 2000"));
  EXPECT_THAT(CountedDrift(counters_), ElementsAre("person 2000"));
  EXPECT_EQ(counters_.Snapshot().uevents_received(), 2000);
  EXPECT_EQ(counters_.Snapshot().uevent_overflows(), 2000);
}

}  // namespace
}  // namespace hotplugger::agent
