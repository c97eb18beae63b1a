// Metrics for tests of what serves them.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <atomic>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "common/metrics/family_builder.h"

namespace hotplugger::testing {

// Says the same each time, and counts how often it was asked.
class FakeCollectable final : public prometheus::Collectable {
 public:
  explicit FakeCollectable(std::vector<prometheus::MetricFamily> families)
      : families_(std::move(families)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    ++calls_;
    return families_;
  }
  int calls() const { return calls_; }
  const std::vector<prometheus::MetricFamily>& families() const { return families_; }

 private:
  const std::vector<prometheus::MetricFamily> families_;
  mutable std::atomic<int> calls_{0};
};

// Begins to answer and goes on until it is let go; from then on it is quick.
class BlockingCollectable final : public prometheus::Collectable {
 public:
  BlockingCollectable() : released_(release_.get_future()) {}
  ~BlockingCollectable() override { Release(); }

  std::vector<prometheus::MetricFamily> Collect() const override {
    if (calls_++ == 0) begun_.set_value();
    released_.wait();
    return {SingleGauge("blocking", "Of a test.", 1)};
  }
  int calls() const { return calls_; }

  // Returns once the first Collect has begun. May be called once.
  void AwaitBegun() { begun_.get_future().wait(); }
  void Release() {
    if (!is_released_.exchange(true)) release_.set_value();
  }

 private:
  std::promise<void> release_;
  std::atomic<bool> is_released_{false};
  const std::shared_future<void> released_;
  mutable std::atomic<int> calls_{0};
  mutable std::promise<void> begun_;
};

// A family of about so many bytes of text.
inline prometheus::MetricFamily LargeFamily(size_t bytes) {
  FamilyBuilder family("large", "Of a test.", prometheus::MetricType::Gauge);
  constexpr size_t kBytesEach = 1000;
  for (size_t i = 0; i < bytes / kBytesEach; ++i) {
    family.Add(1, {{"number", std::to_string(i)}, {"filler", std::string(kBytesEach, 'x')}});
  }
  return family.Take();
}

}  // namespace hotplugger::testing
