#include "agent/devices/rules/device_name.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/cpu_list.h"
#include "common/device_rules.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

// Of a text too long to be repeated, so much is.
constexpr size_t kShownLength = 64;

absl::Status BadName(absl::string_view text, absl::string_view problem) {
  return MakeError(
      absl::StatusCode::kInvalidArgument, "BAD_DEVICE_NAME",
      absl::StrCat("\"", absl::Utf8SafeCEscape(text.substr(0, kShownLength)), "\" ", problem,
                   "; names are the kernel's, e.g. cpu3, memory32, smt, or BUS/NAME "
                   "such as container/PNP0A06:00"));
}

absl::StatusOr<DeviceName> ParseGeneric(absl::string_view text, size_t slash) {
  const absl::string_view bus = text.substr(0, slash);
  const absl::string_view name = text.substr(slash + 1);
  if (!IsBusName(bus)) return BadName(text, "has no bus's name before the slash");
  if (IsBusOfItsOwnKind(bus)) {
    return BadName(text, "names its bus; CPUs and memory blocks go by their own names alone");
  }
  if (ParseDeviceName(bus).ok()) return BadName(text, "goes on after a device's name");
  if (bus == "driver") return BadName(text, "names a driver, not a device");
  if (!IsDeviceOnBus(name)) return BadName(text, "has no device's name after the slash");
  DeviceName device;
  device.kind = v1::DEVICE_KIND_GENERIC;
  device.bus = std::string(bus);
  device.name = std::string(name);
  return device;
}

}  // namespace

absl::StatusOr<DeviceName> ParseDeviceName(absl::string_view text) {
  if (text == "smt") {
    DeviceName device;
    device.kind = v1::DEVICE_KIND_SMT;
    return device;
  }
  const size_t slash = text.find('/');
  if (slash != absl::string_view::npos) return ParseGeneric(text, slash);
  absl::string_view digits = text;
  if (absl::ConsumePrefix(&digits, "cpu")) {
    const std::optional<int> cpu = ParseDeviceNumber(digits, kMaxCpuNumber);
    if (cpu) return CpuDevice(*cpu);
  } else if (absl::ConsumePrefix(&digits, "memory")) {
    const std::optional<int> block = ParseDeviceNumber(digits, kMaxMemoryBlock);
    if (block) return MemoryDevice(*block);
  }
  return BadName(text, "is not a device's name");
}

std::string FormatDeviceName(const DeviceName& name) {
  switch (name.kind) {
    case v1::DEVICE_KIND_CPU:
      return CpuName(name.number);
    case v1::DEVICE_KIND_MEMORY:
      return MemoryName(name.number);
    case v1::DEVICE_KIND_SMT:
      return "smt";
    default:
      return absl::StrCat(name.bus, "/", name.name);
  }
}

DeviceName CpuDevice(int cpu) {
  DeviceName device;
  device.kind = v1::DEVICE_KIND_CPU;
  device.number = cpu;
  return device;
}

DeviceName MemoryDevice(int block) {
  DeviceName device;
  device.kind = v1::DEVICE_KIND_MEMORY;
  device.number = block;
  return device;
}

std::string CpuName(int cpu) { return absl::StrCat("cpu", cpu); }

std::string MemoryName(int block) { return absl::StrCat("memory", block); }

}  // namespace hotplugger::agent
