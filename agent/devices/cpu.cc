#include "agent/devices/cpu.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kCpuFolder[] = "devices/system/cpu";

absl::StatusOr<CpuSet> ReadMask(const Sysfs& sysfs, absl::string_view name) {
  const std::string path = absl::StrCat(kCpuFolder, "/", name);
  ASSIGN_OR_RETURN(const std::string content, sysfs.Read(path));
  absl::StatusOr<CpuSet> cpus = ParseKernelCpuList(content);
  if (cpus.ok()) return cpus;
  return MakeError(absl::StatusCode::kInternal, "BAD_KERNEL_ANSWER",
                   absl::StrCat(sysfs.root(), "/", path, ": ", cpus.status().message()));
}

std::string OnlineFile(int cpu) { return absl::StrCat(kCpuFolder, "/cpu", cpu, "/online"); }

}  // namespace

absl::StatusOr<CpuInventory> ReadCpus(const Sysfs& sysfs) {
  ASSIGN_OR_RETURN(const CpuSet present, ReadMask(sysfs, "present"));
  ASSIGN_OR_RETURN(const CpuSet online, ReadMask(sysfs, "online"));
  CpuInventory cpus;
  for (const int number : present) {
    ASSIGN_OR_RETURN(const bool hotpluggable, sysfs.Exists(OnlineFile(number)));
    cpus[number] = {.online = online.count(number) > 0, .hotpluggable = hotpluggable};
  }
  return cpus;
}

absl::StatusOr<bool> ReadCpuOnlineFile(const Sysfs& sysfs, int cpu) {
  ASSIGN_OR_RETURN(const std::string content, sysfs.Read(OnlineFile(cpu)));
  const absl::string_view value = absl::StripAsciiWhitespace(content);
  if (value == "0") return false;
  if (value == "1") return true;
  return MakeError(absl::StatusCode::kInternal, "BAD_KERNEL_ANSWER",
                   absl::StrCat(sysfs.root(), "/", OnlineFile(cpu), " reads \"",
                                absl::CEscape(value), "\", neither 0 nor 1"));
}

CpuSet OnlineCpus(const CpuInventory& cpus) {
  CpuSet online;
  for (const auto& [number, cpu] : cpus) {
    if (cpu.online) online.insert(number);
  }
  return online;
}

CpuSet PresentCpus(const CpuInventory& cpus) {
  CpuSet present;
  for (const auto& [number, cpu] : cpus) present.insert(number);
  return present;
}

}  // namespace hotplugger::agent
