#include "agent/devices/inventory/device_reader.h"

#include "agent/devices/inventory/smt.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

absl::Status DeviceReader::UpdateHotpluggable(const CpuSet& present) {
  CpuSet hotpluggable;
  for (const int cpu : present) {
    bool has_file = hotpluggable_.count(cpu) > 0;
    if (present_.count(cpu) == 0) {
      ASSIGN_OR_RETURN(has_file, IsCpuHotpluggable(tree_, cpu));
    }
    if (has_file) hotpluggable.insert(hotpluggable.end(), cpu);
  }
  present_ = present;
  hotpluggable_ = std::move(hotpluggable);
  return absl::OkStatus();
}

absl::StatusOr<CpuSnapshot> DeviceReader::ReadCpus() {
  CpuSnapshot cpus;
  ASSIGN_OR_RETURN(cpus.masks, ReadCpuMasks(tree_));
  if (cpus.masks.present != present_) RETURN_IF_ERROR(UpdateHotpluggable(cpus.masks.present));
  cpus.hotpluggable = hotpluggable_;
  ASSIGN_OR_RETURN(const bool changed,
                   record_.Update(tree_, cpus.masks.present, cpus.masks.online));
  record_changed_ |= changed;
  cpus.topology = record_.topology();
  ASSIGN_OR_RETURN(cpus.exclusive, ReadExclusiveCpus(tree_));
  ASSIGN_OR_RETURN(cpus.smt, ReadSmt(tree_));
  return cpus;
}

absl::StatusOr<std::optional<MemorySnapshot>> DeviceReader::ReadMemory() {
  ASSIGN_OR_RETURN(std::optional<MemoryBlocks> blocks, ReadMemoryBlocks(tree_));
  if (!blocks.has_value()) return std::optional<MemorySnapshot>();
  MemorySnapshot memory;
  memory.blocks = *std::move(blocks);
  ASSIGN_OR_RETURN(memory.use, ReadMemoryUse(tree_));
  return std::optional<MemorySnapshot>(std::move(memory));
}

absl::StatusOr<Snapshot> DeviceReader::ReadAll() {
  Snapshot snapshot;
  ASSIGN_OR_RETURN(snapshot.cpus, ReadCpus());
  ASSIGN_OR_RETURN(snapshot.memory, ReadMemory());
  ASSIGN_OR_RETURN(snapshot.generic, ReadGenericDevices(tree_));
  return snapshot;
}

}  // namespace hotplugger::agent
