// How long a store's operations took.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/duration_histogram.h"

namespace hotplugger::server {

// A conflict is a commit whose condition did not hold.
enum class StoreOperation { kGet, kRange, kCommit, kRevision };
enum class StoreResult { kOk, kConflict, kError };

// Safe for concurrent use.
class StoreTimings {
 public:
  struct Series {
    // "get", "range", "commit" or "revision".
    std::string operation;
    // "ok", "conflict" or "error".
    std::string result;
    // By kCallDurationBounds.
    DurationCounts durations;
  };

  void Observe(StoreOperation operation, StoreResult result, absl::Duration duration);

  // One for each operation and each result that it may have, those that never came among them.
  std::vector<Series> Counts() const;

 private:
  static constexpr size_t kOperations = 4;
  static constexpr size_t kResults = 3;

  static size_t IndexOf(StoreOperation operation, StoreResult result) {
    return static_cast<size_t>(operation) * kResults + static_cast<size_t>(result);
  }

  struct CallHistogram : DurationHistogram {
    CallHistogram() : DurationHistogram(kCallDurationBounds) {}
  };
  std::array<CallHistogram, kOperations * kResults> durations_;
};

}  // namespace hotplugger::server
