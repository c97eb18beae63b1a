// What all agents count, against a model of each.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/fleet/agent_totals.h"

namespace hotplugger::server {
namespace {

// One agent as it is in truth, and what of it the sums must have.
class ModelAgent {
 public:
  explicit ModelAgent(std::string node) : node_(std::move(node)) {}

  void Restart() {
    instance_ = absl::StrCat("run-", ++runs_);
    counts_.assign(kCounts, 0);
    // Of a run of a node that is known all counts.
    counted_ = counts_;
  }

  void Increment(std::mt19937* random) { counts_[(*random)() % kCounts] += (*random)() % 5; }

  // Returns what comes to the sums.
  std::vector<int64_t> Tell(AgentTotals* totals) {
    v1::MetricsSnapshot snapshot;
    for (size_t i = 0; i < 3; ++i) {
      v1::OperationCount* operation = snapshot.add_operations();
      operation->set_kind("cpu");
      operation->set_action("online");
      operation->set_outcome(v1::OUTCOME_FAILED);
      operation->set_reason(absl::StrCat("R", i));
      operation->set_count(counts_[i]);
    }
    snapshot.set_uevents_received(counts_[3]);
    v1::OperationDurations* durations = snapshot.add_operation_durations();
    durations->set_kind("cpu");
    durations->set_action("online");
    for (int i = 0; i < 14; ++i) durations->add_bucket_counts(i == 2 ? counts_[4] : 0);
    durations->set_sum_seconds(0.25 * static_cast<double>(counts_[4]));
    EXPECT_EQ(totals->Add(node_, instance_, snapshot), "");
    std::vector<int64_t> added(kCounts);
    for (size_t i = 0; known_ && i < kCounts; ++i) added[i] = counts_[i] - counted_[i];
    counted_ = counts_;
    known_ = true;
    return added;
  }

  void Delete(AgentTotals* totals) {
    totals->Forget(node_);
    known_ = false;
  }

  static constexpr size_t kCounts = 5;

 private:
  const std::string node_;
  int runs_ = 0;
  std::string instance_ = "run-0";
  std::vector<int64_t> counts_ = std::vector<int64_t>(kCounts);
  // What of this run's counts the sums have, where the node is known.
  std::vector<int64_t> counted_ = std::vector<int64_t>(kCounts);
  bool known_ = false;
};

// However increments are split over snapshots, restarts, and deletions.
TEST(AgentTotalsPropertyTest, SumsAreWhatWasCountedWhileNodesWereKnown) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    AgentTotals totals;
    std::vector<ModelAgent> agents;
    for (int i = 0; i < 4; ++i) agents.emplace_back(absl::StrCat("n", i));
    std::vector<int64_t> expected(ModelAgent::kCounts);
    for (int step = 0; step < 300; ++step) {
      ModelAgent& agent = agents[random() % agents.size()];
      const auto what = random() % 20;
      if (what < 12) agent.Increment(&random);
      if (what >= 12 && what < 18) {
        const std::vector<int64_t> added = agent.Tell(&totals);
        for (size_t i = 0; i < added.size(); ++i) expected[i] += added[i];
      }
      if (what == 18) agent.Restart();
      if (what == 19) agent.Delete(&totals);
    }
    const AgentCounts counts = totals.Counts();
    std::vector<int64_t> found;
    for (size_t i = 0; i < 3; ++i) {
      const auto it = counts.operations.find({"cpu", "online", "failed", absl::StrCat("R", i)});
      found.push_back(it == counts.operations.end() ? 0 : it->second);
    }
    found.push_back(counts.uevents_received);
    const auto durations = counts.operation_durations.find({"cpu", "online"});
    const bool any = durations != counts.operation_durations.end();
    found.push_back(any ? durations->second.buckets[2] : 0);
    EXPECT_EQ(found, expected) << "seed " << seed;
    const double seconds = any ? durations->second.sum_seconds : 0;
    EXPECT_EQ(seconds, 0.25 * static_cast<double>(expected[4])) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hotplugger::server
