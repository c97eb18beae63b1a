// How long things took, counted in buckets: what Prometheus calls a histogram, without it.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/mutex.h"

namespace hotplugger {

// Upper bounds of the buckets, in seconds, of what a host or a fleet does, and of a store's work or
// a call's (docs/metrics.md).
inline constexpr double kOperationDurationBounds[] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1,
                                                      3,     10,    30,   60,   120, 300};
inline constexpr double kCallDurationBounds[] = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
                                                 0.1,    0.3,    1,     3,     10};

// One instant's counts.
struct DurationCounts {
  // Of static storage.
  absl::Span<const double> bounds;
  // One more than there are bounds; each counts what is above the bound before and at most its own.
  std::vector<int64_t> buckets;
  double sum_seconds = 0;
};

// Safe for concurrent use.
class DurationHistogram {
 public:
  // `bounds` grow and are of static storage.
  explicit DurationHistogram(absl::Span<const double> bounds);

  // A negative duration, of a clock that was set, counts as none.
  void Observe(absl::Duration duration);

  DurationCounts Counts() const;

 private:
  const absl::Span<const double> bounds_;
  mutable Mutex mutex_;
  std::vector<int64_t> buckets_ ABSL_GUARDED_BY(mutex_);
  double sum_seconds_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hotplugger
