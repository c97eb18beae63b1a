// What the agent may write to the kernel: typed acts, one at a time.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/devices/rules/device_change.h"

namespace hotplugger::agent {

// Not safe for concurrent use: the host's one operation queue calls it (contract 28).
class KernelWriter {
 public:
  // The kernel's answer to one write.
  struct Answer {
    // 0 for success.
    int error_number = 0;
    // The write was past its deadline, and a signal ended it (EINTR) or came too late.
    bool aborted = false;
  };

  virtual ~KernelWriter() = default;

  // Each act is one write. "Already so" is success for devices and EFAULT for kernel drivers, as
  // the kernel has it. An error status means that the kernel's answer is not known:
  // DEADLINE_EXCEEDED (STUCK) when it did not come in time and could not be aborted, UNAVAILABLE
  // (QUEUE_BLOCKED) while an earlier act is still stuck, which is waited for, UNAVAILABLE
  // (WRITER_ENDED) when the writer died. Or that nothing was written: DEADLINE_EXCEEDED
  // (DEADLINE_PASSED) where the act's turn came too late, FAILED_PRECONDITION where the writer
  // can't be started.

  // Takes one device on- or offline: CPUs and generic devices by their `online` file, memory by its
  // `state` file ("online", "online_kernel", "online_movable", "offline"). A memory offline that is
  // past its deadline is aborted by a signal (kernel 3.2); other devices' changes can't be.
  virtual absl::StatusOr<Answer> Change(const DeviceChange& change, absl::Time deadline) = 0;

  // Writes smt/control.
  virtual absl::StatusOr<Answer> SetSmt(const SmtChange& change, absl::Time deadline) = 0;

  // Writes `driver` to kernel/hotplugger/enable_driver or disable_driver. This and a knob's write
  // get the signal shortly before their deadline: DEADLINE_EXCEEDED (WRITE_ABORTED) where it ends
  // them.
  virtual absl::StatusOr<int> SetKernelDriver(absl::string_view driver, bool running,
                                              absl::Time deadline) = 0;

  // Writes `value` and a newline to the file `path`, below the host's root, of a driver's knob.
  // EACCES unless a pattern of AllowKnobs matches it.
  virtual absl::StatusOr<int> SetKnob(const std::string& path, const std::string& value,
                                      absl::Time deadline) = 0;

  // The only files that SetKnob writes from now on, as patterns of fnmatch. At first none.
  virtual void AllowKnobs(std::vector<std::string> patterns) = 0;
};

}  // namespace hotplugger::agent
