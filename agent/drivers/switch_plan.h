// What a switch of drivers will do, decided before anything is done: pure functions of a snapshot.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "agent/drivers/driver_snapshot.h"

namespace hotplugger::agent {

// Starts or stops one driver.
struct SwitchStep {
  std::string driver;
  bool running = false;
  // For a person, e.g. "stopped for alucard: ...".
  std::string why;
};

// A driver that is left as it is.
struct SwitchNote {
  std::string driver;
  std::string why;
};

struct SwitchPlan {
  // In order; stops come before starts.
  std::vector<SwitchStep> steps;
  // Asked to run, and to be stopped, and so already.
  std::vector<SwitchNote> already_running;
  std::vector<SwitchNote> already_stopped;
  // Asked for, but no longer registered; only where that is no error.
  std::vector<SwitchNote> gone;
  // Running, not asked for, and left running.
  std::vector<SwitchNote> spared;
};

// The whole target set (contract 7 to 11, 16): `active` run, `stopped` don't, and any other running
// driver is stopped unless it and each active one spare each other. Two of the kernel's drivers
// are left to the kernel, whose own whitelists can't be read; a whitelist that can't be read across
// providers counts as empty. Refused, with nothing to undo: INVALID_ARGUMENT (NO_DRIVER;
// ACTIVE_AND_STOPPED; ACTIVE_SET_CONFLICT, naming the missing side), NOT_FOUND
// (DRIVER_NOT_REGISTERED), FAILED_PRECONDITION (DRIVER_STATE_UNKNOWN).
absl::StatusOr<SwitchPlan> PlanSwitch(const DriverSnapshots& snapshot,
                                      const std::vector<std::string>& active,
                                      const std::vector<std::string>& stopped);

// contract 12: stops what `driver` and it don't spare, and doesn't start `driver`.
absl::StatusOr<SwitchPlan> PlanDisableConflicts(const DriverSnapshots& snapshot,
                                                absl::string_view driver);

// contract 13: starts that one alone; its conflicts are stopped first only where the driver can't
// ask for that itself. What runs already is left alone, with all others (contract 15).
absl::StatusOr<SwitchPlan> PlanEnableOne(const DriverSnapshots& snapshot, absl::string_view driver);

// contract 14. One whose state can't be told is stopped too: there is no other way to be rid of it.
absl::StatusOr<SwitchPlan> PlanDisableOne(const DriverSnapshots& snapshot,
                                          absl::string_view driver);

// Brings each named driver to its state (true: running); no whitelist is consulted. One whose
// module has been unloaded since has nothing to be put back, and doesn't hold up the others.
absl::StatusOr<SwitchPlan> PlanRestore(const DriverSnapshots& snapshot,
                                       const std::map<std::string, bool>& states);

}  // namespace hotplugger::agent
