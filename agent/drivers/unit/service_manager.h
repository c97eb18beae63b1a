// What is asked of the host's service manager.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace hotplugger::agent {

// A unit as the service manager shows it.
struct UnitState {
  // "loaded", "not-found", "masked", "bad-setting", "error".
  std::string load;
  // "active", "reloading", "inactive", "failed", "activating", "deactivating".
  std::string active;
  // Whether a start or stop of it is under way or waits for its turn.
  bool job = false;
};

// Safe for concurrent use. Deadlines are times of SteadyNow. UNAVAILABLE (NO_SERVICE_MANAGER) where
// there is none to be asked; DEADLINE_EXCEEDED (SERVICE_MANAGER_HANGS) where it doesn't answer.
class ServiceManager {
 public:
  virtual ~ServiceManager() = default;

  // A unit that nobody has heard of is "not-found", which is no error.
  virtual absl::StatusOr<UnitState> ReadState(const std::string& unit, absl::Time deadline) = 0;

  // Asks for the unit to be started or stopped, and doesn't wait for it. FAILED_PRECONDITION
  // (UNIT_REFUSED) with the service manager's own words.
  virtual absl::Status Request(const std::string& unit, bool running, absl::Time deadline) = 0;
};

}  // namespace hotplugger::agent
