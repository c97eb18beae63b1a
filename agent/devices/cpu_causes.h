// The kernel's answers to writes of cpuN/online, as causes that a person can act on (kernel 2.2).
#pragma once

#include <string>

#include "absl/status/status.h"

namespace hotplugger::agent {

// Why the kernel refused, and what to do.
struct Cause {
  // UPPER_SNAKE_CASE.
  std::string reason;
  absl::StatusCode code;
  // Cause and fix, without the device's name.
  std::string message;
  // Whether trying again later can help without anybody acting.
  bool retryable;
};

// The cause behind `error_number` (not 0) when a CPU was to go on- or offline.
Cause ExplainCpuErrno(bool online, int error_number);

}  // namespace hotplugger::agent
