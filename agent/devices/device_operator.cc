#include "agent/devices/device_operator.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/cpu.h"
#include "agent/devices/cpu_causes.h"
#include "agent/devices/device_name.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

absl::string_view Wanted(bool online) { return online ? "online" : "offline"; }

absl::Status NoSuchCpu(const Sysfs& sysfs, int cpu, const CpuInventory& cpus) {
  return MakeError(
      absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
      absl::StrCat(CpuName(cpu), " is not present on this host; ", sysfs.root(),
                   "/devices/system/cpu/present reads ", FormatCpuList(PresentCpus(cpus))),
      {{"device", CpuName(cpu)}});
}

absl::Status NotHotpluggable(int cpu) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "NOT_HOTPLUGGABLE",
                   absl::StrCat(CpuName(cpu),
                                " has no `online` file: the kernel keeps this CPU "
                                "online for as long as the host runs"),
                   {{"device", CpuName(cpu)}});
}

absl::Status KernelRefusal(int cpu, bool online, int error_number) {
  const Cause cause = ExplainCpuErrno(online, error_number);
  return MakeError(cause.code, cause.reason,
                   absl::StrCat("the kernel did not take ", CpuName(cpu), " ", Wanted(online), " (",
                                ErrnoName(error_number), "): ", cause.message),
                   {{"device", CpuName(cpu)},
                    {"errno", ErrnoName(error_number)},
                    {"error_number", absl::StrCat(error_number)},
                    {"retryable", cause.retryable ? "true" : "false"}});
}

v1::ItemResult Done(int cpu, v1::Outcome outcome) {
  v1::ItemResult result;
  result.set_subject(CpuName(cpu));
  result.set_outcome(outcome);
  return result;
}

}  // namespace

absl::StatusOr<v1::ItemResult> DeviceOperator::SetOnline(absl::string_view device, bool online) {
  ASSIGN_OR_RETURN(const DeviceName name, ParseDeviceName(device));
  ASSIGN_OR_RETURN(const CpuInventory cpus, ReadCpus(sysfs_));
  const auto found = cpus.find(name.number);
  if (found == cpus.end()) return NoSuchCpu(sysfs_, name.number, cpus);
  if (found->second.online == online && Verify(name.number, online).ok()) {
    return Done(name.number, v1::OUTCOME_ALREADY);
  }
  if (!found->second.hotpluggable) return NotHotpluggable(name.number);
  if (!online) RETURN_IF_ERROR(CheckCpuOffline(limits_, cpus, name.number));
  ASSIGN_OR_RETURN(const int error_number,
                   writer_.SetCpuOnline(name.number, online, clock_.Now() + kCpuDeadline));
  if (error_number != 0) return KernelRefusal(name.number, online, error_number);
  RETURN_IF_ERROR(Verify(name.number, online));
  return Done(name.number, v1::OUTCOME_CHANGED);
}

// A successful write alone proves nothing (kernel 8, row 22): both places must agree. A CPU
// without an `online` file has the mask alone.
absl::Status DeviceOperator::Verify(int cpu, bool online) const {
  ASSIGN_OR_RETURN(const CpuInventory cpus, ReadCpus(sysfs_));
  const auto found = cpus.find(cpu);
  const bool mask = found != cpus.end() && found->second.online;
  bool file = mask;
  if (found != cpus.end() && found->second.hotpluggable) {
    ASSIGN_OR_RETURN(file, ReadCpuOnlineFile(sysfs_, cpu));
  }
  if (mask == online && file == online) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kAborted, "NOT_VERIFIED",
      absl::StrCat(CpuName(cpu), " was to be ", Wanted(online), ", but its `online` file says ",
                   Wanted(file), " and the mask says ", Wanted(mask),
                   "; something else switches this CPU too"),
      {{"device", CpuName(cpu)}, {"retryable", "true"}});
}

v1::ItemResult FailedItem(absl::string_view subject, const absl::Status& status) {
  v1::ItemResult result;
  result.set_subject(std::string(subject));
  result.set_reason(ErrorReason(status));
  result.set_message(std::string(status.message()));
  const std::string error_number = ErrorMetadataValue(status, "error_number");
  int number = 0;
  if (absl::SimpleAtoi(error_number, &number)) result.set_error_number(number);
  // Where the kernel or the driver answered, it was tried; all else was refused before a write.
  const bool tried = !error_number.empty() ||
                     status.code() == absl::StatusCode::kDeadlineExceeded ||
                     status.code() == absl::StatusCode::kAborted ||
                     status.code() == absl::StatusCode::kUnavailable ||
                     status.code() == absl::StatusCode::kInternal;
  result.set_outcome(tried ? v1::OUTCOME_FAILED : v1::OUTCOME_REFUSED);
  result.set_retryable(ErrorMetadataValue(status, "retryable") == "true" ||
                       status.code() == absl::StatusCode::kUnavailable);
  return result;
}

}  // namespace hotplugger::agent
