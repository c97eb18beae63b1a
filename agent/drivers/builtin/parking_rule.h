// When a driver of the agent's own parks CPUs, and when it wakes them.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace hotplugger::agent {

// What a rule sees of the host besides its own sensors.
struct ParkingState {
  int online_cpus = 0;
  // Cores that the driver has parked.
  int parked_cores = 0;
  // Threads of the core that would be parked next; 0: there is none.
  int next_core_threads = 0;
};

// What a rule wants now.
struct ParkingWish {
  enum class Act { kNothing, kPark, kWake };
  Act act = Act::kNothing;
  // Cores, where there are so many.
  int cores = 0;
  // For a person: what was measured, and against what.
  std::string why = {};
};

// Used on the operation queue's thread alone.
class ParkingRule {
 public:
  virtual ~ParkingRule() = default;

  // The driver starts; what was seen before counts no more. FAILED_PRECONDITION where this host
  // has nothing to measure.
  virtual absl::Status Begin(absl::Time now) = 0;

  // Measures and decides. An error: nothing could be measured this time.
  virtual absl::StatusOr<ParkingWish> Judge(const ParkingState& state, absl::Time now) = 0;
};

}  // namespace hotplugger::agent
