// What a scrape is answered, made once for all who ask at the same time.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/duration_histogram.h"
#include "common/mutex.h"

namespace hotplugger {

// One answer in the text format 0.0.4. Never changes; safe for concurrent use.
class Rendering {
 public:
  Rendering(std::string text, std::shared_ptr<std::atomic<int>> alive);
  ~Rendering();
  Rendering(const Rendering&) = delete;
  Rendering& operator=(const Rendering&) = delete;

  const std::string& text() const { return text_; }
  // The same by gzip, packed when it is first asked for. Empty where it can't be.
  const std::string& gzip() const;

 private:
  const std::string text_;
  const std::shared_ptr<std::atomic<int>> alive_;
  mutable std::once_flag packed_;
  mutable std::string gzip_;
};

// Safe for concurrent use.
class ScrapeRenderer {
 public:
  // An answer that was begun so shortly before somebody asks is good enough.
  static constexpr absl::Duration kFreshness = absl::Seconds(1);
  // So many answers are kept while slow scrapers take them; then further scrapes are refused.
  static constexpr int kMaxAlive = 4;
  // So long one waits for an answer that another scrape has begun; Prometheus waits no longer
  // unless it is told to.
  static constexpr absl::Duration kLongestWait = absl::Seconds(10);

  // All that is shown, in order; no name twice. `clock` is steady. They outlive this.
  ScrapeRenderer(std::vector<const prometheus::Collectable*> collectables, Clock& clock)
      : collectables_(std::move(collectables)), clock_(clock) {}

  // UNAVAILABLE where slow scrapers hold as much as may be held (reason TOO_MANY_SCRAPES), or the
  // answer that another scrape has begun didn't come in time (METRICS_NOT_READY).
  absl::StatusOr<std::shared_ptr<const Rendering>> Render();

 private:
  // Counts, too.
  absl::Status RefuseMore();
  absl::Status RefuseToWait();
  // Its own account of itself.
  std::vector<prometheus::MetricFamily> CollectOwn() const;
  std::shared_ptr<const Rendering> Make(size_t expected_bytes);

  const std::vector<const prometheus::Collectable*> collectables_;
  Clock& clock_;
  const std::shared_ptr<std::atomic<int>> alive_ = std::make_shared<std::atomic<int>>(0);
  std::atomic<int64_t> refusals_{0};
  DurationHistogram durations_{kCallDurationBounds};

  Mutex mutex_;
  CondVar made_;
  bool making_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Time latest_begun_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::shared_ptr<const Rendering> latest_ ABSL_GUARDED_BY(mutex_);
  size_t latest_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hotplugger
