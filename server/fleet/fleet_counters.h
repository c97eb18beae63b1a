// What the fleet's code counts for whoever shows it.
#pragma once

#include <atomic>
#include <cstdint>

namespace hotplugger::server {

// Safe for concurrent use.
struct FleetCounters {
  std::atomic<int64_t> spec_pushes{0};
  std::atomic<int64_t> spec_nacks{0};
  std::atomic<int64_t> policies{0};
  std::atomic<int64_t> holds{0};
};

}  // namespace hotplugger::server
