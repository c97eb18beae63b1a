// The part of device_reader.h that shows a snapshot as devices: pure.
#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/device_reader.h"
#include "common/digest.h"

namespace hotplugger::agent {
namespace {

const char* StateWord(v1::DeviceState state) {
  switch (state) {
    case v1::DEVICE_STATE_ONLINE:
      return "online";
    case v1::DEVICE_STATE_OFFLINE:
      return "offline";
    case v1::DEVICE_STATE_GOING_OFFLINE:
      return "going-offline";
    default:
      return "unknown";
  }
}

v1::DeviceState CpuState(const CpuMasks& masks, int cpu) {
  if (masks.online.count(cpu) > 0) return v1::DEVICE_STATE_ONLINE;
  if (masks.present.count(cpu) > 0) return v1::DEVICE_STATE_OFFLINE;
  return v1::DEVICE_STATE_UNSPECIFIED;
}

// Whether secondary threads may be online.
v1::DeviceState SmtState(const v1::SmtStatus& smt) {
  switch (smt.control()) {
    case v1::SMT_CONTROL_ON:
    case v1::SMT_CONTROL_PARTIAL:
      return v1::DEVICE_STATE_ONLINE;
    case v1::SMT_CONTROL_OFF:
    case v1::SMT_CONTROL_FORCEOFF:
      return v1::DEVICE_STATE_OFFLINE;
    default:
      return v1::DEVICE_STATE_UNSPECIFIED;
  }
}

v1::DeviceState GenericState(const GenericDevice& device) {
  return device.online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE;
}

}  // namespace

v1::Device ToDevice(const CpuSnapshot& cpus, int cpu) {
  v1::Device device;
  device.set_name(absl::StrCat("cpu", cpu));
  device.set_kind(v1::DEVICE_KIND_CPU);
  device.set_state(CpuState(cpus.masks, cpu));
  device.set_hotpluggable(cpus.hotpluggable.count(cpu) > 0);
  if (const v1::CpuTopology* topology = cpus.topology.Find(cpu)) {
    *device.mutable_cpu() = *topology;
    device.mutable_cpu()->set_core_cpus(FormatCpuList(cpus.topology.CoreCpus(cpu)));
  }
  return device;
}

v1::Device ToDevice(const MemoryBlocks& memory, int block) {
  v1::Device device;
  device.set_name(absl::StrCat("memory", block));
  device.set_kind(v1::DEVICE_KIND_MEMORY);
  v1::MemoryBlock* shown = device.mutable_memory();
  shown->set_start(static_cast<uint64_t>(block) * memory.block_size_bytes);
  shown->set_size(memory.block_size_bytes);
  const auto found = memory.blocks.find(block);
  if (found == memory.blocks.end()) return device;
  device.set_state(found->second.state);
  device.set_hotpluggable(found->second.zone != BlockZone::kNone);
  if (found->second.node >= 0) shown->set_node(found->second.node);
  for (const std::string& zone : found->second.zones) shown->add_zones(zone);
  return device;
}

v1::Device ToDevice(const GenericDevice& generic) {
  v1::Device device;
  device.set_name(absl::StrCat(generic.bus, "/", generic.name));
  device.set_kind(v1::DEVICE_KIND_GENERIC);
  device.set_state(GenericState(generic));
  device.set_hotpluggable(true);
  return device;
}

v1::Device ToDevice(const v1::SmtStatus& smt) {
  v1::Device device;
  device.set_name("smt");
  device.set_kind(v1::DEVICE_KIND_SMT);
  device.set_state(SmtState(smt));
  // What is forced off stays off until the next boot.
  device.set_hotpluggable(smt.control() == v1::SMT_CONTROL_ON ||
                          smt.control() == v1::SMT_CONTROL_OFF ||
                          smt.control() == v1::SMT_CONTROL_PARTIAL);
  *device.mutable_smt() = smt;
  return device;
}

std::vector<v1::Device> ToDevices(const Snapshot& snapshot) {
  std::vector<v1::Device> devices;
  for (const int cpu : snapshot.cpus.masks.present) {
    devices.push_back(ToDevice(snapshot.cpus, cpu));
  }
  if (snapshot.memory.has_value()) {
    for (const auto& [number, block] : snapshot.memory->blocks.blocks) {
      devices.push_back(ToDevice(snapshot.memory->blocks, number));
    }
  }
  devices.push_back(ToDevice(snapshot.cpus.smt));
  for (const GenericDevice& device : snapshot.generic) devices.push_back(ToDevice(device));
  return devices;
}

std::string InventoryDigest(const Snapshot& snapshot) {
  std::string text;
  for (const int cpu : snapshot.cpus.masks.present) {
    absl::StrAppend(&text, "cpu", cpu, "=", StateWord(CpuState(snapshot.cpus.masks, cpu)), "\n");
  }
  if (snapshot.memory.has_value()) {
    for (const auto& [number, block] : snapshot.memory->blocks.blocks) {
      absl::StrAppend(&text, "memory", number, "=", StateWord(block.state), "\n");
    }
  }
  // Off and forceoff are one state of the threads, but not of what can be done.
  absl::StrAppend(&text, "smt=", v1::SmtControl_Name(snapshot.cpus.smt.control()), ",",
                  snapshot.cpus.smt.threads_per_core(), "\n");
  for (const GenericDevice& device : snapshot.generic) {
    absl::StrAppend(&text, device.bus, "/", device.name, "=", StateWord(GenericState(device)),
                    "\n");
  }
  return Sha256Hex(text);
}

}  // namespace hotplugger::agent
