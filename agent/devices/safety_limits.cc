#include "agent/devices/safety_limits.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/devices/device_name.h"
#include "common/error_info.h"

namespace hotplugger::agent {

absl::Status CheckCpuOffline(const SafetyLimits& limits, const CpuInventory& cpus, int cpu) {
  const CpuSet online = OnlineCpus(cpus);
  if (online.count(cpu) == 0) return absl::OkStatus();
  const int left = static_cast<int>(online.size()) - 1;
  const int floor = std::max(limits.min_online_cpus, 1);
  if (left >= floor) return absl::OkStatus();
  const std::string cause =
      left == 0 ? absl::StrCat(CpuName(cpu), " is the last online CPU")
                : absl::StrCat("taking ", CpuName(cpu), " offline would leave ", left, " online");
  return MakeError(
      absl::StatusCode::kFailedPrecondition, "LIMIT_MIN_ONLINE_CPUS",
      absl::StrCat(cause, "; this host's limit min_online_cpus is ", floor,
                   ", set by its agent's --min-online-cpus"),
      {{"device", CpuName(cpu)}, {"limit", "min_online_cpus"}, {"value", absl::StrCat(floor)}});
}

}  // namespace hotplugger::agent
