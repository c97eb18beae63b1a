// Reads the host: the edge between the kernel's files and the rules.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "agent/devices/inventory/snapshot.h"
#include "agent/devices/inventory/topology.h"
#include "common/mutex.h"

namespace hotplugger::agent {

// Safe for concurrent use; one reads at a time, and nobody waits for an operation.
class DeviceReader {
 public:
  // `tree` outlives this. `known` as TopologyRecord has it.
  DeviceReader(const FileTree& tree, std::string boot_id,
               const google::protobuf::RepeatedPtrField<v1::KnownCpu>& known)
      : tree_(tree), record_(std::move(boot_id), known) {}

  // Everything, read anew.
  absl::StatusOr<Snapshot> ReadAll();
  // What tells of devices of this kind: CPUs and SMT always, memory or generic devices where that
  // is `kind`; else they are left out.
  absl::StatusOr<Snapshot> ReadFor(v1::DeviceKind kind);
  // CPUs and SMT alone, for a change of CPUs.
  absl::StatusOr<CpuSnapshot> ReadCpus();
  // Memory alone; nothing where the kernel has no memory hotplug.
  absl::StatusOr<std::optional<MemorySnapshot>> ReadMemory();

  const FileTree& tree() const { return tree_; }
  // The record of the CPUs' places, for keeping, where it has changed since this was asked last.
  std::optional<google::protobuf::RepeatedPtrField<v1::KnownCpu>> TakeChangedRecord();

 private:
  absl::StatusOr<CpuSnapshot> ReadCpusLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status UpdateHotpluggable(const CpuSet& present) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const FileTree& tree_;
  Mutex mutex_;
  TopologyRecord record_ ABSL_GUARDED_BY(mutex_);
  bool record_changed_ ABSL_GUARDED_BY(mutex_) = false;
  // Whether a CPU is hotpluggable is decided when it appears: asked once, not at every reading.
  CpuSet hotpluggable_ ABSL_GUARDED_BY(mutex_);
};

// What the API shows: by kind, then by number or name.
std::vector<v1::Device> ToDevices(const Snapshot& snapshot);
v1::Device ToDevice(const CpuSnapshot& cpus, int cpu);
v1::Device ToDevice(const MemoryBlocks& memory, int block);
v1::Device ToDevice(const GenericDevice& device);
v1::Device ToDevice(const v1::SmtStatus& smt);

// Lower-case hex SHA-256 of all devices' names and states, in order (PlanStamp).
std::string InventoryDigest(const Snapshot& snapshot);

}  // namespace hotplugger::agent
