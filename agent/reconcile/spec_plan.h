// What the host would do of a spec that it doesn't have yet: pure.
#pragma once

#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/rules/safety_limits.h"
#include "agent/drivers/driver_snapshot.h"
#include "hotplugger/v1/device.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

struct SpecPlanInput {
  // The one that is planned, and the one in force.
  const v1::NodeSpec& spec;
  const v1::NodeSpec& before;
  const v1::Baseline& baseline;
  const Snapshot& snapshot;
  const SafetyLimits& limits;
  // With the whitelists of `spec`.
  const DriverSnapshots& drivers;
  // The registry's switch.
  bool switching = true;
};

// In the order in which a pass would do it: SMT and the CPUs that go with it, devices, amounts of
// memory, the registry's switch, drivers; drivers first where switching is to be off. A step's
// message says what it would be ("online", "offline", "running", ...), and why; what is so already
// is left out. What is REFUSED names the limit or cause, of drivers with the subject "driver" for
// the whole set; what comes after it is planned as if it were not there. Without the stamp.
v1::DevicePlan PlanSpec(const SpecPlanInput& input);

}  // namespace hotplugger::agent
