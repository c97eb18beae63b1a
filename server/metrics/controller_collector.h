// Metrics of the controller itself: who it is, its store, its calls.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "server/api/call_counters.h"
#include "server/store/store_timings.h"

namespace hotplugger::server {

struct ControllerFacts {
  uint64_t epoch = 0;
  std::string version;
  std::string fleet_id;
  // Whether plaintext beyond loopback is allowed.
  bool insecure = false;
};

// Safe for concurrent use.
class ControllerCollector final : public prometheus::Collectable {
 public:
  // `store_size_bytes`: of the store's files; negative: nobody knows.
  ControllerCollector(ControllerFacts facts, const StoreTimings* store_timings,
                      std::function<int64_t()> store_size_bytes, const CallCounters* calls)
      : facts_(std::move(facts)),
        store_timings_(store_timings),
        store_size_bytes_(std::move(store_size_bytes)),
        calls_(calls) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  void AppendFacts(std::vector<prometheus::MetricFamily>* families) const;
  void AppendStore(std::vector<prometheus::MetricFamily>* families) const;
  void AppendCalls(std::vector<prometheus::MetricFamily>* families) const;

  const ControllerFacts facts_;
  const StoreTimings* const store_timings_;
  const std::function<int64_t()> store_size_bytes_;
  const CallCounters* const calls_;
};

}  // namespace hotplugger::server
