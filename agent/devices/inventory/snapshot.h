// The whole host at one moment, for the rules, which are pure functions of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/devices/inventory/cpu.h"
#include "agent/devices/inventory/generic_device.h"
#include "agent/devices/inventory/memory.h"
#include "agent/devices/inventory/topology.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

struct CpuSnapshot {
  CpuMasks masks;
  // Those present that have an `online` file.
  CpuSet hotpluggable;
  Topology topology;
  std::vector<ExclusiveCpus> exclusive;
  // Why `exclusive` is not known, if it isn't: a limit that needs it refuses, nothing else does.
  absl::Status exclusive_unknown;
  v1::SmtStatus smt;
};

struct MemorySnapshot {
  MemoryBlocks blocks;
  MemoryUse use;
};

struct Snapshot {
  CpuSnapshot cpus;
  // Nothing where the kernel has no memory hotplug.
  std::optional<MemorySnapshot> memory;
  std::vector<GenericDevice> generic;
  // What could not be read, and why; the rest is there.
  std::vector<std::string> warnings;
};

}  // namespace hotplugger::agent
