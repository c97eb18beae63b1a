#include "client/commands/host/device_view.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/host/memory_range.h"
#include "client/text.h"
#include "common/byte_size.h"

namespace hotplugger::client::host {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

void AddCpuFacts(const v1::CpuTopology& cpu, Facts* facts) {
  if (cpu.has_node()) facts->emplace_back("NUMA node", absl::StrCat(cpu.node()));
  if (cpu.has_package()) facts->emplace_back("Package", absl::StrCat(cpu.package()));
  if (cpu.has_die()) facts->emplace_back("Die", absl::StrCat(cpu.die()));
  if (cpu.has_core()) facts->emplace_back("Core", absl::StrCat(cpu.core()));
  if (!cpu.core_cpus().empty()) facts->emplace_back("CPUs of the core", cpu.core_cpus());
  std::vector<std::string> caches;
  for (const v1::CpuCache& cache : cpu.caches()) {
    caches.push_back(
        absl::StrCat(CacheName(cache), cache.has_id() ? absl::StrCat(" ", cache.id()) : ""));
  }
  if (!caches.empty()) facts->emplace_back("Caches", absl::StrJoin(caches, ", "));
  if (!cpu.ppin().empty()) facts->emplace_back("PPIN", cpu.ppin());
}

void AddMemoryFacts(const v1::MemoryBlock& memory, Facts* facts) {
  if (memory.size() > 0) {
    facts->emplace_back("Range", FormatMemoryRange(memory.start(), memory.size()));
    facts->emplace_back("Size", FormatByteSize(memory.size()));
  }
  if (memory.has_node()) facts->emplace_back("NUMA node", absl::StrCat(memory.node()));
  if (memory.zones_size() > 0) facts->emplace_back("Zones", absl::StrJoin(memory.zones(), ", "));
}

}  // namespace

std::string DeviceStateName(const v1::Device& device) {
  if (device.has_smt()) return ShortEnumName(*v1::SmtControl_descriptor(), device.smt().control());
  if (device.state() == v1::DEVICE_STATE_UNSPECIFIED) return "unknown";
  return ShortEnumName(*v1::DeviceState_descriptor(), device.state());
}

std::string FormatSmt(const v1::SmtStatus& smt) {
  const std::string active = smt.active() ? ", active" : ", not active";
  switch (smt.control()) {
    case v1::SMT_CONTROL_ON:
      return absl::StrCat("on", active);
    case v1::SMT_CONTROL_OFF:
      return "off";
    case v1::SMT_CONTROL_FORCEOFF:
      return "off until the next reboot (forceoff)";
    case v1::SMT_CONTROL_NOT_SUPPORTED:
      return "not supported by these CPUs";
    case v1::SMT_CONTROL_NOT_IMPLEMENTED:
      return "not controllable on this platform";
    case v1::SMT_CONTROL_PARTIAL:
      return absl::StrCat(smt.threads_per_core(), " threads per core", active);
    default:
      return "unknown";
  }
}

std::string CacheName(const v1::CpuCache& cache) {
  // A unified cache has no letter, as in lscpu.
  return absl::StrCat("L", cache.level(), cache.type() == "u" ? "" : cache.type());
}

Facts DeviceFacts(const v1::Device& device) {
  Facts facts = {{"Name", device.name()},
                 {"Kind", ShortEnumName(*v1::DeviceKind_descriptor(), device.kind())}};
  if (device.has_smt()) {
    facts.emplace_back("SMT", FormatSmt(device.smt()));
  } else {
    facts.emplace_back("State", DeviceStateName(device));
  }
  facts.emplace_back("Hotpluggable", device.hotpluggable() ? "yes" : "no");
  if (device.has_cpu()) AddCpuFacts(device.cpu(), &facts);
  if (device.has_memory()) AddMemoryFacts(device.memory(), &facts);
  return facts;
}

void PrintDeviceFacts(const v1::Device& device, std::ostream& out) {
  const Facts facts = DeviceFacts(device);
  size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  for (const auto& [name, value] : facts) {
    out << name << ':' << std::string(width - name.size() + 1, ' ')
        << (value.empty() ? "-" : Printable(value)) << '\n';
  }
}

}  // namespace hotplugger::client::host
