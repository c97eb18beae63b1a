// What the agent remembers of drift under one spec: how often, by whom, and since when.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "agent/counters/agent_counters.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use.
class DriftLog {
 public:
  // What is counted here is counted in `counters` too, which know of no spec and outlive this.
  explicit DriftLog(AgentCounters& counters) : counters_(counters) {}

  // A report tells so many items, the first by subject.
  static constexpr size_t kMaxTold = 1000;

  // Takes what a pass or a look has found, all of it, and whom what a pass has undone was done by
  // ("" where that isn't known). `found` that is told already keeps its time and actor. However
  // many devices one actor has changed since the last call, that counts once.
  void Note(std::vector<v1::DriftItem> found, const std::vector<std::string>& undone_actors,
            absl::Time now);

  // Adds drift, drift_count and drift_counts.
  void Tell(v1::NodeReport* report) const;

  // For a new spec.
  void Clear();

 private:
  AgentCounters& counters_;
  // By subject.
  std::map<std::string, v1::DriftItem> items_;
  std::map<std::string, int64_t> counts_;
};

}  // namespace hotplugger::agent
