#include "agent/devices/cpu_causes.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "common/errno_status.h"

namespace hotplugger::agent {
namespace {

enum class Way { kOffline, kOnline, kBoth };

struct CauseRow {
  Way way;
  int error_number;
  const char* reason;
  absl::StatusCode code;
  const char* message;
  bool retryable;
};

using absl::StatusCode;

constexpr CauseRow kCauses[] = {
    {Way::kBoth, ENOENT, "NOT_HOTPLUGGABLE", StatusCode::kFailedPrecondition,
     "it has no `online` file (any more), so the kernel can't switch it", false},
    {Way::kBoth, EACCES, "NO_PERMISSION", StatusCode::kPermissionDenied,
     "the writer may not write there; run the agent as root of the initial user namespace", false},
    {Way::kBoth, EROFS, "READ_ONLY_SYSFS", StatusCode::kFailedPrecondition,
     "/sys is mounted read-only, as in a container; mount it writable for the agent", false},
    {Way::kOffline, EPERM, "OFFLINE_DISABLED", StatusCode::kFailedPrecondition,
     "the kernel has offlining disabled for it", false},
    {Way::kOffline, EOPNOTSUPP, "OFFLINE_UNSUPPORTED", StatusCode::kUnimplemented,
     "this platform can't take CPUs offline (a confidential guest, or firmware wake-up without "
     "reset)",
     false},
    {Way::kOffline, EBUSY, "CPU_BUSY", StatusCode::kFailedPrecondition,
     "the kernel can't spare it now: the last online or housekeeping CPU, the nohz_full "
     "timekeeper, "
     "deadline tasks that would not fit elsewhere, a hypervisor channel bound to it, or hotplug "
     "disabled for a moment",
     true},
    {Way::kOffline, ENOSPC, "NO_INTERRUPT_VECTORS", StatusCode::kResourceExhausted,
     "the other CPUs have too few free interrupt vectors for its interrupts; take fewer CPUs "
     "offline, or give its devices fewer queues",
     false},
    {Way::kOffline, EINVAL, "DEVICE_NOT_FOUND", StatusCode::kNotFound, "it is not present", false},
    {Way::kOnline, EPERM, "SMT_OFF", StatusCode::kFailedPrecondition,
     "it is a secondary thread and SMT is off on this host; turn SMT on first", false},
    {Way::kOnline, EINVAL, "DEVICE_NOT_FOUND", StatusCode::kNotFound,
     "it is not present, or was not configured as may-hotadd at boot", false},
    {Way::kOnline, EBUSY, "HOTPLUG_DISABLED", StatusCode::kUnavailable,
     "hotplug is disabled for a moment (suspend, kexec, or PCI probing at boot)", true},
    {Way::kOnline, ENODEV, "NO_NUMA_NODE", StatusCode::kFailedPrecondition,
     "it has no NUMA node, or the platform could not bring it up", false},
    {Way::kOnline, EIO, "BRING_UP_FAILED", StatusCode::kInternal, "it did not come up", true},
    {Way::kOnline, ETIMEDOUT, "BRING_UP_FAILED", StatusCode::kInternal,
     "it did not come up in time", true},
    {Way::kOnline, ECANCELED, "BRING_UP_FAILED", StatusCode::kInternal,
     "a kernel callback stopped it from coming up", true},
    {Way::kBoth, ENOMEM, "NO_MEMORY", StatusCode::kResourceExhausted,
     "the kernel had too little free memory", true},
    {Way::kBoth, EINTR, "INTERRUPTED", StatusCode::kUnavailable, "the write was interrupted", true},
    {Way::kBoth, EAGAIN, "TRY_AGAIN", StatusCode::kUnavailable, "the kernel asks to try again",
     true},
};

}  // namespace

Cause ExplainCpuErrno(bool online, int error_number) {
  for (const CauseRow& row : kCauses) {
    const bool way_fits = row.way == Way::kBoth || (row.way == Way::kOnline) == online;
    if (way_fits && row.error_number == error_number) {
      return {row.reason, row.code, row.message, row.retryable};
    }
  }
  return {"KERNEL_CALLBACK_FAILED", StatusCode::kInternal,
          absl::StrCat("a kernel callback answered ", ErrnoName(error_number),
                       "; the kernel's log names it"),
          false};
}

}  // namespace hotplugger::agent
