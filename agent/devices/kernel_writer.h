// What the agent may write to the kernel: typed acts, one at a time.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace hotplugger::agent {

// Not safe for concurrent use: the host's one operation queue calls it (contract 28).
class KernelWriter {
 public:
  virtual ~KernelWriter() = default;

  // Each act is one write and answers the kernel's errno, 0 for success. "Already so" is success
  // for CPUs and EFAULT for kernel drivers, as the kernel has it. An error status means that the
  // kernel's answer is not known: DEADLINE_EXCEEDED (reason STUCK) when it did not come in time,
  // UNAVAILABLE (reason QUEUE_BLOCKED) while an earlier act is still stuck, UNAVAILABLE (reason
  // WRITER_ENDED) when the writer died, FAILED_PRECONDITION where it can't be started.

  // Writes 0 or 1 to devices/system/cpu/cpuN/online.
  virtual absl::StatusOr<int> SetCpuOnline(int cpu, bool online, absl::Time deadline) = 0;

  // Writes `driver` to kernel/hotplugger/enable_driver or disable_driver.
  virtual absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                              absl::Time deadline) = 0;
};

}  // namespace hotplugger::agent
