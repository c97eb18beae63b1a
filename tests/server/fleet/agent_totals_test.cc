#include "server/fleet/agent_totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

v1::MetricsSnapshot Snapshot(const std::string& text) {
  return testing::FromText<v1::MetricsSnapshot>(text);
}

v1::MetricsSnapshot Uevents(int64_t count) {
  return Snapshot(absl::StrCat("uevents_received: ", count));
}

// All that an agent can count (agent/counters/agent_counters.cc).
const std::pair<std::string, std::string> kPossible[] = {
    {"cpu", "online"},    {"cpu", "offline"},    {"memory", "online"}, {"memory", "offline"},
    {"smt", "on"},        {"smt", "off"},        {"smt", "forceoff"},  {"smt", "partial"},
    {"device", "online"}, {"device", "offline"}, {"driver", "start"},  {"driver", "stop"}};

std::string Text(const OperationSort& sort) {
  return absl::StrCat(sort.kind, " ", sort.action, " ", sort.outcome, " ", sort.reason);
}

std::map<std::string, int64_t> Operations(const AgentTotals& totals) {
  std::map<std::string, int64_t> operations;
  for (const auto& [sort, count] : totals.Counts().operations) operations[Text(sort)] = count;
  return operations;
}

template <typename Counts>
int64_t Sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0},
                         [](int64_t sum, const auto& item) { return sum + item.second; });
}

class AgentTotalsTest : public ::testing::Test {
 protected:
  // A node begins with a snapshot in which it has counted nothing.
  void Add(const std::string& node, const std::string& instance,
           const v1::MetricsSnapshot& snapshot) {
    if (met_.insert(node).second) {
      EXPECT_EQ(totals_.Add(node, instance, v1::MetricsSnapshot()), "");
    }
    EXPECT_EQ(totals_.Add(node, instance, snapshot), "");
  }
  int64_t uevents() const { return totals_.Counts().uevents_received; }

  AgentTotals totals_;
  std::set<std::string> met_;
};

TEST_F(AgentTotalsTest, AddsUpEverythingOfAllNodes) {
  const auto snapshot = Snapshot(R"(
      operations {kind: "cpu" action: "offline" outcome: OUTCOME_CHANGED count: 3}
      operations {kind: "cpu" action: "offline" outcome: OUTCOME_REFUSED
                  reason: "LIMIT_MIN_CPUS" count: 2}
      operation_durations {kind: "cpu" action: "offline"
                           bucket_counts: [0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4]
                           sum_seconds: 1500.5}
      drift {actor: "person" count: 1} drift {actor: "driver/alucard" count: 5}
      limit_refusals {limit: "LIMIT_MIN_CPUS" count: 2}
      uevents_received: 70 uevent_overflows: 1
      queues {queue: "operation" length: 3 capacity: 64 refusals: 4}
      queues {queue: "query" refusals: 0})");
  Add("n1", "a", snapshot);
  Add("n2", "b", snapshot);
  const AgentCounts counts = totals_.Counts();
  EXPECT_THAT(Operations(totals_), ElementsAre(Pair("cpu offline changed ", 6),
                                               Pair("cpu offline refused LIMIT_MIN_CPUS", 4)));
  ASSERT_EQ(counts.operation_durations.size(), 1u);
  const auto& [key, durations] = *counts.operation_durations.begin();
  EXPECT_EQ(key, std::pair(std::string("cpu"), std::string("offline")));
  EXPECT_THAT(durations.buckets, ElementsAre(0, 0, 4, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8));
  EXPECT_EQ(durations.sum_seconds, 3001);
  EXPECT_EQ(durations.bounds.size() + 1, durations.buckets.size());
  EXPECT_THAT(counts.drift, ElementsAre(Pair("driver/alucard", 10), Pair("person", 2)));
  EXPECT_THAT(counts.limit_refusals, ElementsAre(Pair("LIMIT_MIN_CPUS", 4)));
  EXPECT_EQ(counts.uevents_received, 140);
  EXPECT_EQ(counts.uevent_overflows, 2);
  EXPECT_THAT(counts.queue_refusals, ElementsAre(Pair("operation", 8), Pair("query", 0)));
}

TEST_F(AgentTotalsTest, AddsWhatCameSinceTheLastSnapshot) {
  Add("n1", "a", Uevents(5));
  Add("n1", "a", Uevents(5));
  Add("n1", "a", Uevents(7));
  EXPECT_EQ(uevents(), 7);
}

TEST_F(AgentTotalsTest, WhatANodeTellsFirstIsWhereItBegins) {
  EXPECT_EQ(totals_.Add("n1", "a", Uevents(100)), "");
  EXPECT_EQ(uevents(), 0);
  EXPECT_EQ(totals_.Add("n1", "a", Uevents(103)), "");
  EXPECT_EQ(uevents(), 3);
  // That agent was started anew.
  EXPECT_EQ(totals_.Add("n1", "b", Uevents(4)), "");
  EXPECT_EQ(uevents(), 7);
  EXPECT_EQ(totals_.Add("n2", "c", Uevents(50)), "");
  EXPECT_EQ(uevents(), 7);
  // Whatever an agent's clock says.
  v1::MetricsSnapshot late = Uevents(50);
  late.mutable_start_time()->set_seconds(int64_t{1} << 35);
  EXPECT_EQ(totals_.Add("n3", "d", late), "");
  EXPECT_EQ(uevents(), 7);
}

TEST_F(AgentTotalsTest, KnowsEverySortThatAnAgentCanTell) {
  v1::MetricsSnapshot snapshot;
  std::map<std::string, int64_t> expected;
  for (const auto& [kind, action] : kPossible) {
    for (int outcome = v1::OUTCOME_CHANGED; outcome <= v1::OUTCOME_SKIPPED; ++outcome) {
      v1::OperationCount& operation = *snapshot.add_operations();
      operation.set_kind(kind);
      operation.set_action(action);
      operation.set_outcome(static_cast<v1::Outcome>(outcome));
      const bool done = outcome == v1::OUTCOME_CHANGED || outcome == v1::OUTCOME_ALREADY;
      operation.set_reason(done ? "" : "OTHER");
      operation.set_count(outcome);
      expected[absl::StrCat(kind, " ", action, " ",
                            absl::AsciiStrToLower(absl::StripPrefix(
                                v1::Outcome_Name(static_cast<v1::Outcome>(outcome)), "OUTCOME_")),
                            " ", operation.reason())] = outcome;
    }
    v1::OperationDurations& durations = *snapshot.add_operation_durations();
    durations.set_kind(kind);
    durations.set_action(action);
    for (int i = 0; i < 14; ++i) durations.add_bucket_counts(1);
  }
  Add("n1", "a", snapshot);
  EXPECT_EQ(Operations(totals_), expected);
  std::vector<std::pair<std::string, std::string>> timed;
  for (const auto& [key, durations] : totals_.Counts().operation_durations) timed.push_back(key);
  EXPECT_THAT(timed, ::testing::UnorderedElementsAreArray(kPossible));
}

TEST_F(AgentTotalsTest, WhatNoAgentCanDoIsOther) {
  Add("n1", "a", Snapshot(R"(
      operations {kind: "cpu" action: "start" outcome: OUTCOME_CHANGED count: 1}
      operations {kind: "driver" action: "online" outcome: OUTCOME_FAILED reason: "R" count: 2}
      operations {kind: "smt" action: "online" outcome: OUTCOME_ALREADY reason: "R" count: 4}
      operations {kind: "cpu" action: "online" outcome: OUTCOME_CHANGED reason: "R" count: 8}
      operations {kind: "cpu" action: "online" outcome: OUTCOME_ALREADY reason: "R" count: 16}
      operations {kind: "cpu" action: "online" outcome: OUTCOME_UNDONE count: 32}
      operation_durations {kind: "cpu" action: "start"
                           bucket_counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]})"));
  EXPECT_THAT(Operations(totals_),
              ElementsAre(Pair("cpu online already ", 16), Pair("cpu online changed ", 8),
                          Pair("cpu online undone OTHER", 32), Pair("other other already ", 4),
                          Pair("other other changed ", 1), Pair("other other failed OTHER", 2)));
  EXPECT_EQ(totals_.Counts().operation_durations.begin()->first,
            std::pair(std::string("other"), std::string("other")));
}

TEST_F(AgentTotalsTest, CountsThatShrinkAreNoLoss) {
  const std::string text = R"(operation_durations {
      kind: "cpu" action: "online" bucket_counts: [%, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      sum_seconds: %} operations {kind: "cpu" action: "online" outcome: OUTCOME_CHANGED count: %}
      drift {count: %} limit_refusals {count: %} uevents_received: % uevent_overflows: %
      queues {refusals: %})";
  for (const char* count : {"9", "2", "9", "3", "10"}) {
    std::string filled = text;
    while (filled.find('%') != std::string::npos) filled.replace(filled.find('%'), 1, count);
    Add("n1", "a", Snapshot(filled));
  }
  const AgentCounts counts = totals_.Counts();
  EXPECT_EQ(Sum(counts.operations), 10);
  EXPECT_EQ(counts.operation_durations.begin()->second.buckets[0], 10);
  EXPECT_EQ(counts.operation_durations.begin()->second.sum_seconds, 10);
  EXPECT_EQ(Sum(counts.drift), 10);
  EXPECT_EQ(Sum(counts.limit_refusals), 10);
  EXPECT_EQ(counts.uevents_received, 10);
  EXPECT_EQ(counts.uevent_overflows, 10);
  EXPECT_EQ(Sum(counts.queue_refusals), 10);
}

// A series that one snapshot leaves out has not begun anew when it is back.
TEST_F(AgentTotalsTest, WhatIsLeftOutMeanwhileCountsOnce) {
  const v1::MetricsSnapshot all = Snapshot(R"(
      operations {kind: "cpu" action: "online" outcome: OUTCOME_FAILED reason: "R" count: 5}
      operation_durations {kind: "cpu" action: "online" sum_seconds: 5
                           bucket_counts: [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
      drift {actor: "person" count: 5} limit_refusals {limit: "L" count: 5}
      uevents_received: 5 uevent_overflows: 5 queues {queue: "query" refusals: 5})");
  for (int i = 0; i < 3; ++i) {
    Add("n1", "a", all);
    Add("n1", "a", v1::MetricsSnapshot());
  }
  const AgentCounts counts = totals_.Counts();
  EXPECT_EQ(Sum(counts.operations), 5);
  EXPECT_EQ(counts.operation_durations.begin()->second.buckets[0], 5);
  EXPECT_EQ(counts.operation_durations.begin()->second.sum_seconds, 5);
  EXPECT_EQ(Sum(counts.drift), 5);
  EXPECT_EQ(Sum(counts.limit_refusals), 5);
  EXPECT_EQ(counts.uevents_received, 5);
  EXPECT_EQ(counts.uevent_overflows, 5);
  EXPECT_EQ(Sum(counts.queue_refusals), 5);
}

TEST_F(AgentTotalsTest, WordsThatAreUnknownAreOther) {
  Add("n1", "a", Snapshot(R"(
      operations {kind: "gpu" action: "melt" outcome: OUTCOME_UNSPECIFIED reason: "no\n" count: 1}
      operations {kind: "CPU" action: "" outcome: 99 reason: "why" count: 1}
      operation_durations {kind: "gpu" action: "melt"
                           bucket_counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
      drift {actor: "driver/a b" count: 1} drift {actor: "" count: 1} drift {actor: "me" count: 1}
      drift {actor: "driver/ALUCARD" count: 1}
      limit_refusals {limit: "no limit" count: 1} limit_refusals {limit: "" count: 1}
      queues {queue: "third" refusals: 1})"));
  const AgentCounts counts = totals_.Counts();
  EXPECT_THAT(Operations(totals_), ElementsAre(Pair("other other other OTHER", 2)));
  EXPECT_EQ(counts.operation_durations.begin()->first,
            std::pair(std::string("other"), std::string("other")));
  EXPECT_THAT(counts.drift, ElementsAre(Pair("driver/alucard", 1), Pair("unknown", 3)));
  EXPECT_THAT(counts.limit_refusals, ElementsAre(Pair("OTHER", 2)));
  EXPECT_THAT(counts.queue_refusals, ElementsAre(Pair("other", 1)));
}

TEST_F(AgentTotalsTest, ValuesThatAreNoCountsAreNone) {
  Add("n1", "a", Snapshot(R"(
      operations {kind: "cpu" action: "online" outcome: OUTCOME_CHANGED count: -5}
      operation_durations {kind: "cpu" action: "online" sum_seconds: nan
                           bucket_counts: [-1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
      operation_durations {kind: "smt" action: "on" sum_seconds: 5 bucket_counts: [1, 2, 3]}
      operation_durations {kind: "smt" action: "on" sum_seconds: 5}
      drift {actor: "person" count: -1} limit_refusals {limit: "L" count: -1}
      uevents_received: -1 uevent_overflows: -9 queues {queue: "query" refusals: -3})"));
  const AgentCounts counts = totals_.Counts();
  EXPECT_THAT(counts.operations, IsEmpty());
  ASSERT_EQ(counts.operation_durations.size(), 1u) << "other counts than of our buckets";
  EXPECT_THAT(counts.operation_durations.begin()->second.buckets,
              ElementsAre(0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_EQ(counts.operation_durations.begin()->second.sum_seconds, 0);
  EXPECT_THAT(counts.drift, IsEmpty());
  EXPECT_THAT(counts.limit_refusals, IsEmpty());
  EXPECT_EQ(counts.uevents_received, 0);
  EXPECT_EQ(counts.uevent_overflows, 0);
  EXPECT_EQ(Sum(counts.queue_refusals), 0);
}

TEST_F(AgentTotalsTest, OneSnapshotAddsSoMuchAndNoMore) {
  Add("n1", "a", Uevents(kLargest));
  EXPECT_EQ(uevents(), AgentTotals::kMaxIncrement);
  // What it says then is where it goes on.
  Add("n1", "a", Uevents(kLargest));
  EXPECT_EQ(uevents(), AgentTotals::kMaxIncrement);
  Add("n1", "b", Uevents(5));
  EXPECT_EQ(uevents(), AgentTotals::kMaxIncrement + 5);
}

// Else a sum could grow until it tells nothing any more.
TEST_F(AgentTotalsTest, NoTimeIsTakenByNoOperation) {
  for (int i = 0; i < 10; ++i) {
    Add("n1", "a",
        Snapshot(absl::StrCat("operation_durations {kind: \"cpu\" action: \"online\" sum_seconds: ",
                              i * AgentTotals::kMaxIncrement,
                              " bucket_counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}")));
  }
  Add("n1", "a", Snapshot(R"(operation_durations {kind: "cpu" action: "online" sum_seconds: 1e15
      bucket_counts: [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]})"));
  const AgentCounts counts = totals_.Counts();
  EXPECT_EQ(counts.operation_durations.begin()->second.sum_seconds, 2 * 24 * 60 * 60);
}

// Whatever it tells, in however many snapshots and runs.
TEST_F(AgentTotalsTest, OneNodeAddsSoMuchAndNoMore) {
  std::string text = absl::StrCat("uevents_received: ", kLargest, R"( operation_durations {
      kind: "cpu" action: "online" sum_seconds: inf bucket_counts: [)",
                                  kLargest, ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}");
  for (int i = 0; i < AgentTotals::kMaxSnapshotOperations; ++i) {
    absl::StrAppend(&text, "operations {kind: \"cpu\" action: \"online\" count: ", kLargest, "}");
  }
  const v1::MetricsSnapshot snapshot = Snapshot(text);
  int64_t last = 0;
  for (int i = 0; i < 300; ++i) {
    for (const char* node : {"n1", "n2", "n3"}) Add(node, absl::StrCat(i), snapshot);
    ASSERT_GE(uevents(), last);
    last = uevents();
  }
  const AgentCounts counts = totals_.Counts();
  const DurationCounts& durations = counts.operation_durations.begin()->second;
  EXPECT_EQ(Sum(counts.operations) + counts.uevents_received + durations.buckets[0] +
                static_cast<int64_t>(durations.sum_seconds),
            3 * AgentTotals::kMaxOfNode);
  // Others count as before.
  Add("n4", "a", Uevents(7));
  EXPECT_EQ(uevents(), last + 7);
}

TEST_F(AgentTotalsTest, WhatIsTooLargeIsNotTaken) {
  Add("n1", "a", Uevents(1));
  v1::MetricsSnapshot many = Uevents(100);
  for (int i = 0; i <= AgentTotals::kMaxSnapshotOperations; ++i) many.add_operations();
  EXPECT_NE(totals_.Add("n1", "a", many), "");
  v1::MetricsSnapshot large = Uevents(100);
  large.add_drift()->set_actor(std::string(AgentTotals::kMaxSnapshotBytes, 'a'));
  EXPECT_NE(totals_.Add("n1", "a", large), "");
  EXPECT_EQ(uevents(), 1);
  Add("n1", "a", Uevents(3));
  EXPECT_EQ(uevents(), 3);
}

TEST_F(AgentTotalsTest, SeriesAreBoundedAndNothingIsLost) {
  int64_t added = 0;
  for (int node = 0; node < 20; ++node) {
    std::string text;
    for (int i = 0; i < 200; ++i, ++added) {
      absl::StrAppend(&text, "operations {kind: \"cpu\" action: \"online\" outcome: ", i % 7,
                      " reason: \"R", node, "_", i, "\" count: 1}");
      absl::StrAppend(&text, "drift {actor: \"driver/d", node, "-", i, "\" count: 1}");
      absl::StrAppend(&text, "limit_refusals {limit: \"L", node, "_", i, "\" count: 1}");
    }
    Add(absl::StrCat("n", node), "a", Snapshot(text));
  }
  // All else that there could be, with and without a reason.
  for (const char* reason : {"", "OTHER"}) {
    for (int outcome = 0; outcome < 7; ++outcome) {
      std::string text;
      const auto add = [&](const std::string& kind, const std::string& action) {
        absl::StrAppend(&text, "operations {kind: \"", kind, "\" action: \"", action,
                        "\" outcome: ", outcome, " reason: \"", reason, "\" count: 1}");
        ++added;
      };
      for (const auto& [kind, action] : kPossible) add(kind, action);
      add("x", "y");
      Add(absl::StrCat("all-", outcome, reason), "a", Snapshot(text));
    }
  }
  const AgentCounts counts = totals_.Counts();
  EXPECT_LE(counts.operations.size(), AgentTotals::kMaxOperations);
  EXPECT_GT(counts.operations.size(), AgentTotals::kMaxOperations - 10);
  EXPECT_EQ(Sum(counts.operations), added);
  EXPECT_EQ(counts.drift.size(), AgentTotals::kMaxActors - 1);
  EXPECT_EQ(Sum(counts.drift), 4000);
  EXPECT_EQ(counts.limit_refusals.size(), AgentTotals::kMaxLimits - 1);
  EXPECT_EQ(Sum(counts.limit_refusals), 4000);
  EXPECT_GT(counts.operations.at({"cpu", "online", "failed", "OTHER"}), 0);
  EXPECT_EQ(counts.operations.at({"driver", "stop", "failed", "OTHER"}), 2) << "it has a place";
}

// Nobody fills the places alone, in however many snapshots and runs.
TEST_F(AgentTotalsTest, OneNodeBringsInFewWords) {
  const auto snapshot_of = [](int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) {
      absl::StrAppend(&text, "operations {kind: \"cpu\" action: \"online\" outcome: ",
                      "OUTCOME_FAILED reason: \"R", i, "\" count: 1}");
      absl::StrAppend(&text, "drift {actor: \"driver/d", i, "\" count: 1}");
      absl::StrAppend(&text, "limit_refusals {limit: \"L", i, "\" count: 1}");
    }
    return Snapshot(text);
  };
  for (int run = 0; run < 20; ++run) {
    Add("bad", absl::StrCat(run), snapshot_of(10 * run, 10 * run + 10));
  }
  AgentCounts counts = totals_.Counts();
  // With OTHER, or unknown.
  EXPECT_EQ(counts.operations.size(), AgentTotals::kMaxNewOperations + 1);
  EXPECT_EQ(counts.drift.size(), AgentTotals::kMaxNewActors + 1);
  EXPECT_EQ(counts.limit_refusals.size(), AgentTotals::kMaxNewLimits + 1);
  EXPECT_EQ(Sum(counts.operations), 200);
  EXPECT_EQ(Sum(counts.drift), 200);
  EXPECT_EQ(Sum(counts.limit_refusals), 200);
  // What others bring in counts for it too, and what it has brought in costs them nothing.
  Add("good", "a", snapshot_of(0, 10));
  Add("good", "a", snapshot_of(500, 516));
  Add("bad", "last", snapshot_of(500, 516));
  counts = totals_.Counts();
  EXPECT_EQ(counts.operations.at({"cpu", "online", "failed", "R0"}), 2);
  EXPECT_EQ(counts.operations.at({"cpu", "online", "failed", "R515"}), 2);
  EXPECT_EQ(counts.drift.at("driver/d515"), 2);
  EXPECT_EQ(counts.limit_refusals.at("L515"), 2);
}

// What is kept of one agent is bounded too, however many series it tells one after the other.
TEST_F(AgentTotalsTest, AnAgentThatTellsOtherSeriesEachTimeCountsNoneTwice) {
  for (int round = 0; round < 2; ++round) {
    for (int from = 0; from < 1500; from += 500) {
      std::string text;
      for (int i = from; i < from + 500; ++i) {
        absl::StrAppend(&text, "operations {kind: \"cpu\" action: \"online\" outcome: ",
                        "OUTCOME_FAILED reason: \"R", i, "\" count: 1}");
      }
      Add("n1", "a", Snapshot(text));
    }
  }
  // 421 places of their own; of the others the most that came at once, which is how they are known.
  EXPECT_EQ(Sum(totals_.Counts().operations), 421 + 500);
}

TEST_F(AgentTotalsTest, ADeletedNodeLeavesItsSumsAndNothingElse) {
  Add("n1", "a", Uevents(5));
  totals_.Forget("n1");
  totals_.Forget("n2");
  EXPECT_EQ(uevents(), 5);
  EXPECT_EQ(totals_.known_nodes(), 0u);
  // It comes back, the same agent or another: it is new.
  EXPECT_EQ(totals_.Add("n1", "a", Uevents(6)), "");
  EXPECT_EQ(uevents(), 5);
  EXPECT_EQ(totals_.Add("n1", "a", Uevents(8)), "");
  EXPECT_EQ(uevents(), 7);
  totals_.Forget("n1");
  EXPECT_EQ(totals_.Add("n1", "b", Uevents(3)), "");
  EXPECT_EQ(uevents(), 7);
  EXPECT_EQ(totals_.known_nodes(), 1u);
}

TEST_F(AgentTotalsTest, ManyMayTellAtOnce) {
  std::vector<std::thread> agents;
  for (int agent = 0; agent < 4; ++agent) {
    agents.emplace_back([this, node = absl::StrCat("n", agent)] {
      for (int count = 0; count <= 100; ++count) totals_.Add(node, "a", Uevents(count));
      totals_.Forget(node);
    });
  }
  int64_t last = 0;
  for (int look = 0; look < 100; ++look) {
    const int64_t now = uevents();
    EXPECT_GE(now, last);
    last = now;
  }
  for (std::thread& agent : agents) agent.join();
  EXPECT_EQ(uevents(), 400);
  EXPECT_EQ(totals_.known_nodes(), 0u);
}

}  // namespace
}  // namespace hotplugger::server
