// What the fleet's code counts for whoever shows it.
#pragma once

#include <atomic>
#include <cstdint>

namespace hotplugger::server {

// Safe for concurrent use.
struct FleetCounters {
  std::atomic<int64_t> spec_pushes{0};
  std::atomic<int64_t> spec_nacks{0};
  // Specs that nodes gave up, because no controller was reached, or because their agents died.
  std::atomic<int64_t> spec_reverts{0};
  std::atomic<int64_t> spec_quarantines{0};
  std::atomic<int64_t> policies{0};
  std::atomic<int64_t> holds{0};
  // Holds whose time is over and that are still in force, and how many could not be released.
  std::atomic<int64_t> holds_overdue{0};
  std::atomic<int64_t> hold_lapse_failures{0};
};

}  // namespace hotplugger::server
