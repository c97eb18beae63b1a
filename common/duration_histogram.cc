#include "common/duration_histogram.h"

#include <algorithm>

namespace hotplugger {

DurationHistogram::DurationHistogram(absl::Span<const double> bounds)
    : bounds_(bounds), buckets_(bounds.size() + 1) {}

void DurationHistogram::Observe(absl::Duration duration) {
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(duration));
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), seconds) - bounds_.begin();
  MutexLock lock(&mutex_);
  ++buckets_[static_cast<size_t>(bucket)];
  sum_seconds_ += seconds;
}

DurationCounts DurationHistogram::Counts() const {
  MutexLock lock(&mutex_);
  return {bounds_, buckets_, sum_seconds_};
}

}  // namespace hotplugger
