#include "agent/devices/rules/safety_limits.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/passed_limit.h"

namespace hotplugger::agent {
namespace {

// "cpu", as agent.yaml has it.
std::string KindWord(v1::DeviceKind kind) {
  return absl::AsciiStrToLower(v1::DeviceKind_Name(kind).substr(sizeof "DEVICE_KIND_" - 1));
}

}  // namespace

absl::Status CheckDevice(const SafetyLimits& limits, const DeviceName& device) {
  const std::string name = FormatDeviceName(device);
  if (limits.protected_devices.count(name) > 0) {
    PassedLimit limit{"LIMIT_PROTECTED_DEVICE", "protected_devices",
                      absl::StrJoin(limits.protected_devices, ", "),
                      absl::StrCat(name, " is protected and stays as it is"), ""};
    limit.retry = "PERMANENT";
    return Refuse(name, limit);
  }
  if (limits.allowed_kinds.count(device.kind) > 0) return absl::OkStatus();
  const std::string kinds = absl::StrJoin(
      limits.allowed_kinds, ", ",
      [](std::string* out, v1::DeviceKind kind) { absl::StrAppend(out, KindWord(kind)); });
  PassedLimit limit{
      "LIMIT_KIND_NOT_ALLOWED", "allowed_kinds", kinds.empty() ? "empty" : kinds,
      absl::StrCat(name, " is of kind ", KindWord(device.kind), ", which may not be changed"), ""};
  limit.retry = "PERMANENT";
  return Refuse(name, limit);
}

}  // namespace hotplugger::agent
