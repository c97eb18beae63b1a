// What all agents count, added up while this controller runs (docs/metrics.md). Agents tell what
// they have counted since they began to run; what came since they told last is added here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "common/duration_histogram.h"
#include "common/mutex.h"
#include "hotplugger/v1/metrics.pb.h"
#include "server/fleet/word_allowance.h"

namespace hotplugger::server {

// One sort of operations, in the words of docs/metrics.md; "other" and "OTHER" stand for words that
// are not in there. In order of kind, action, outcome and reason.
struct OperationSort {
  // "cpu", "memory" or "device", which go "online" or "offline"; "smt", which goes "on", "off",
  // "forceoff" or "partial"; "driver", which has "start" and "stop".
  std::string kind;
  std::string action;
  // "changed", "already", "refused", "failed", "undone" or "skipped".
  std::string outcome;
  // Upper case; empty where it was done (the first two).
  std::string reason;

  bool operator<(const OperationSort& other) const {
    return std::tie(kind, action, outcome, reason) <
           std::tie(other.kind, other.action, other.outcome, other.reason);
  }
};

// One instant's sums. Counts are never negative and never shrink.
struct AgentCounts {
  std::map<OperationSort, int64_t> operations;
  // By kind and action; the bounds are kOperationDurationBounds.
  std::map<std::pair<std::string, std::string>, DurationCounts> operation_durations;
  // By actor: "person", "driver/NAME" or "unknown".
  std::map<std::string, int64_t> drift;
  // By limit, in upper case.
  std::map<std::string, int64_t> limit_refusals;
  int64_t uevents_received = 0;
  int64_t uevent_overflows = 0;
  // By queue: "operation", "query" or "other".
  std::map<std::string, int64_t> queue_refusals;
};

// Safe for concurrent use. Keeps the largest counts that the running agent of each node told, which
// are of as few series as the sums.
class AgentTotals {
 public:
  // A larger snapshot, or one of more operations, is not taken.
  static constexpr size_t kMaxSnapshotBytes = 64 * 1024;
  static constexpr int kMaxSnapshotOperations = 512;
  // So many series there are at most: of operations, what is beyond has the reason OTHER; so have
  // limits; actors are "unknown".
  static constexpr size_t kMaxOperations = 512;
  static constexpr size_t kMaxActors = 100;
  static constexpr size_t kMaxLimits = 100;
  // So many of them one node may bring in, by a reason of its own, and so many of the others.
  static constexpr size_t kMaxNewOperations = 32;
  static constexpr size_t kMaxNewActors = 16;
  static constexpr size_t kMaxNewLimits = 16;
  // A snapshot adds at most so much to one count, and a node so much to all counts together; what
  // is beyond is no count. Sums stay where a double tells each from the next, whatever one says.
  static constexpr int64_t kMaxIncrement = int64_t{1} << 32;
  static constexpr int64_t kMaxOfNode = int64_t{1} << 40;

  // Adds what `node` has counted since its last snapshot. `instance_id` tells one run of its agent
  // from the next, which counts from 0. A node's first snapshot adds nothing: what it had counted
  // when this controller met it is no part of the sums. Returns what is wrong with the snapshot, of
  // which nothing is taken then; empty: nothing.
  std::string Add(const std::string& node, const std::string& instance_id,
                  const v1::MetricsSnapshot& snapshot);

  // The node is deleted. What it has counted stays in the sums; where it comes back, it is new.
  void Forget(const std::string& node);

  AgentCounts Counts() const;

  // For tests: of so many nodes counts are kept.
  size_t known_nodes() const;

 private:
  struct Baseline {
    std::string instance_id;
    AgentCounts counts;
    // What the node may still add.
    int64_t room = kMaxOfNode;
  };

  void AddDeltaLocked(const std::string& node, const AgentCounts& now, Baseline* baseline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddWordsLocked(const std::string& node, const AgentCounts& now, Baseline* baseline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddDurationsLocked(const AgentCounts& now, Baseline* baseline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Baseline> baselines_ ABSL_GUARDED_BY(mutex_);
  AgentCounts totals_ ABSL_GUARDED_BY(mutex_);
  WordAllowance new_operations_ ABSL_GUARDED_BY(mutex_){kMaxNewOperations};
  WordAllowance new_actors_ ABSL_GUARDED_BY(mutex_){kMaxNewActors};
  WordAllowance new_limits_ ABSL_GUARDED_BY(mutex_){kMaxNewLimits};
};

}  // namespace hotplugger::server
