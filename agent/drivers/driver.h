// A hotplug driver as the registry sees it, whoever speaks to it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/driver_rules.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::agent {

// The registry holds no lock of its own while it calls these, so a driver may call the registry
// back from the thread that called it (contract 19). List asks from any thread, so IsRunning and
// whitelist are safe for concurrent use; ChangeState is called by one thread at a time.
class HotplugDriver {
 public:
  virtual ~HotplugDriver() = default;

  // As it was registered; never changes. Good for as long as the driver lives.
  virtual absl::string_view name() const = 0;
  virtual v1::DriverProvider provider() const = 0;

  // For a person, a line; may be empty.
  virtual std::string description() const { return ""; }

  // What it tells of itself besides: detail, decisions, power. Most drivers keep that to
  // themselves. Safe for concurrent use.
  virtual void AddDetails(v1::Driver* /*driver*/) {}

  // Whether `other`, of the same provider and name, is this driver as it is described now, so that
  // this object may stand for it.
  virtual bool SameAs(const HotplugDriver& other) const { return this == &other; }

  // Whom it spares; nullopt where that can't be read.
  virtual DriverWhitelist whitelist() const = 0;

  // Whether the driver, as it starts, calls Registry::DisableConflicts by itself. For one that
  // can't, as a file or the kernel, EnableOne does so on its behalf.
  virtual bool calls_disable_conflicts() const { return false; }

  // Starts or stops it; never loads or unloads. Returns by `deadline`, come what may. What it says
  // is not believed: the registry asks IsRunning afterwards (contract 17). An error's metadata may
  // have "error_number" and "retry" (see item_result.h).
  virtual absl::Status ChangeState(bool running, absl::Time deadline) = 0;

  // What a person should know of the last ChangeState though it was done, e.g. that some CPUs did
  // not come back; empty: nothing. Told once, to the thread that called ChangeState.
  virtual std::string TakeRemark() { return ""; }

  // Its own answer, now. May take its time where a kernel or service hangs, so it is asked through
  // StateInquiry alone.
  virtual absl::StatusOr<bool> IsRunning() = 0;
};

}  // namespace hotplugger::agent
