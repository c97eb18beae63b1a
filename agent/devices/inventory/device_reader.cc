#include "agent/devices/inventory/device_reader.h"

#include <utility>

#include "agent/devices/inventory/smt.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

absl::Status DeviceReader::UpdateHotpluggable(const CpuSet& present) {
  CpuSet hotpluggable;
  for (const int cpu : present) {
    bool has_file = hotpluggable_.count(cpu) > 0;
    // A new CPU is present before its device is there, so one without the file is asked again.
    if (!has_file) {
      ASSIGN_OR_RETURN(has_file, IsCpuHotpluggable(tree_, cpu));
    }
    if (has_file) hotpluggable.insert(hotpluggable.end(), cpu);
  }
  hotpluggable_ = std::move(hotpluggable);
  return absl::OkStatus();
}

absl::StatusOr<CpuSnapshot> DeviceReader::ReadCpus() {
  MutexLock lock(&mutex_);
  return ReadCpusLocked();
}

absl::StatusOr<CpuSnapshot> DeviceReader::ReadCpusLocked() {
  CpuSnapshot cpus;
  ASSIGN_OR_RETURN(cpus.masks, ReadCpuMasks(tree_));
  RETURN_IF_ERROR(UpdateHotpluggable(cpus.masks.present));
  cpus.hotpluggable = hotpluggable_;
  ASSIGN_OR_RETURN(const bool changed,
                   record_.Update(tree_, cpus.masks.present, cpus.masks.online));
  record_changed_ |= changed;
  cpus.topology = record_.topology();
  absl::StatusOr<std::vector<ExclusiveCpus>> exclusive = ReadExclusiveCpus(tree_);
  cpus.exclusive_unknown = exclusive.status();
  if (exclusive.ok()) cpus.exclusive = *std::move(exclusive);
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
  ASSIGN_OR_RETURN(snapshot.generic, ReadGenericDevices(tree_, &snapshot.warnings));
  return snapshot;
}

absl::StatusOr<Snapshot> DeviceReader::ReadFor(v1::DeviceKind kind) {
  Snapshot snapshot;
  ASSIGN_OR_RETURN(snapshot.cpus, ReadCpus());
  if (kind == v1::DEVICE_KIND_MEMORY) {
    ASSIGN_OR_RETURN(snapshot.memory, ReadMemory());
  }
  if (kind == v1::DEVICE_KIND_GENERIC) {
    ASSIGN_OR_RETURN(snapshot.generic, ReadGenericDevices(tree_, &snapshot.warnings));
  }
  return snapshot;
}

std::optional<google::protobuf::RepeatedPtrField<v1::KnownCpu>> DeviceReader::TakeChangedRecord() {
  MutexLock lock(&mutex_);
  if (!std::exchange(record_changed_, false)) return std::nullopt;
  return record_.Known();
}

}  // namespace hotplugger::agent
