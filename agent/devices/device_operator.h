// device_offline and device_online (contract 24 to 31): checks, one write, verification.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/devices/kernel_writer.h"
#include "agent/devices/safety_limits.h"
#include "agent/devices/sysfs.h"
#include "common/clock.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use: the host's operation queue calls it.
class DeviceOperator {
 public:
  // A CPU's state machine takes milliseconds; an operation past this is reported STUCK.
  static constexpr absl::Duration kCpuDeadline = absl::Seconds(60);

  // All outlive this.
  DeviceOperator(const Sysfs& sysfs, KernelWriter& writer, const SafetyLimits& limits, Clock& clock)
      : sysfs_(sysfs), writer_(writer), limits_(limits), clock_(clock) {}

  // Brings the device to `online`, within kCpuDeadline. Ok, CHANGED or ALREADY, means that
  // attribute and mask were read back so. Otherwise an error whose message and reason say why:
  // INVALID_ARGUMENT (no device's name), NOT_FOUND (no such device), FAILED_PRECONDITION (not
  // hotpluggable, a limit, the kernel's refusal), DEADLINE_EXCEEDED (STUCK) and others.
  absl::StatusOr<v1::ItemResult> SetOnline(absl::string_view device, bool online);

 private:
  absl::Status Verify(int cpu, bool online) const;

  const Sysfs& sysfs_;
  KernelWriter& writer_;
  const SafetyLimits limits_;
  Clock& clock_;
};

// The item that stands for an error of SetOnline (or of a driver's change) in a list of results.
v1::ItemResult FailedItem(absl::string_view subject, const absl::Status& status);

}  // namespace hotplugger::agent
