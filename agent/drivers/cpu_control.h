// What drivers that park CPUs, or leave parked ones behind, may do to the CPUs of the host.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/devices/inventory/snapshot.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use: everything runs on the operation queue's thread.
class CpuControl {
 public:
  struct View {
    CpuSnapshot cpus;
    // Those whose state is somebody's decision: a policy's, a hold's, that of a person on the host.
    // Drivers leave them alone, and need not bring them back.
    CpuSet decided;
    // Those that the agent's own drivers have parked. Others leave them alone, too.
    CpuSet parked;
  };

  virtual ~CpuControl() = default;

  // The CPUs now.
  virtual absl::StatusOr<View> Look() = 0;

  // One CPU through the host's limits, its journal and the verification, in the name of a driver;
  // errors as DeviceOperator::Change. Takes at most until `deadline`, a time of SteadyNow.
  virtual absl::StatusOr<v1::ItemResult> Change(int cpu, bool online, absl::Time deadline) = 0;
};

}  // namespace hotplugger::agent
