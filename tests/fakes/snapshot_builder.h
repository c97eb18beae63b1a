// Snapshots of hosts for tests of rules, a call a fact. Lists are the kernel's: "0-3,8".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/devices/inventory/snapshot.h"

namespace hotplugger::testing {

class SnapshotBuilder {
 public:
  static constexpr uint64_t kBlockBytes = uint64_t{128} << 20;

  // CPUs online, all hotpluggable, SMT on where there are threads; numbered as on x86: the first
  // threads of all cores, package by package, then the second ones. A package is a NUMA node.
  SnapshotBuilder& Cpus(int packages, int cores, int threads) {
    const int all_cores = packages * cores;
    for (int cpu = 0; cpu < all_cores * threads; ++cpu) {
      AddCpu(cpu);
      const int core = cpu % all_cores;
      v1::CpuTopology place;
      place.set_package(core / cores);
      place.set_die(0);
      place.set_core(core % cores);
      place.set_node(core / cores);
      cpus_.topology.Set(cpu, place);
    }
    cpus_.smt.set_control(threads > 1 ? v1::SMT_CONTROL_ON : v1::SMT_CONTROL_NOT_SUPPORTED);
    return *this;
  }

  // CPUs online of which only the numbers are known.
  SnapshotBuilder& CpusWithoutPlace(const std::string& list) {
    for (const int cpu : Numbers(list)) AddCpu(cpu);
    return *this;
  }

  SnapshotBuilder& OfflineCpus(const std::string& list) {
    for (const int cpu : Numbers(list)) cpus_.masks.online.erase(cpu);
    return *this;
  }

  // Without an `online` file.
  SnapshotBuilder& FixedCpus(const std::string& list) {
    for (const int cpu : Numbers(list)) cpus_.hotpluggable.erase(cpu);
    return *this;
  }

  SnapshotBuilder& Isolated(const std::string& list) {
    cpus_.masks.isolated = Numbers(list);
    return *this;
  }
  SnapshotBuilder& NohzFull(const std::string& list) {
    cpus_.masks.nohz_full = Numbers(list);
    return *this;
  }
  SnapshotBuilder& Exclusive(const std::string& owner, const std::string& list) {
    cpus_.exclusive.push_back({owner, Numbers(list)});
    return *this;
  }

  SnapshotBuilder& Smt(v1::SmtControl control, int threads_per_core = 0) {
    cpus_.smt.set_control(control);
    if (threads_per_core > 0) cpus_.smt.set_threads_per_core(threads_per_core);
    return *this;
  }

  // Memory blocks online in `zone`, "Movable" or a kernel zone's name; "" for "none".
  SnapshotBuilder& Memory(const std::string& list, const std::string& zone, int node = 0) {
    for (const int number : Numbers(list)) {
      agent::MemoryBlock block;
      block.state = v1::DEVICE_STATE_ONLINE;
      block.node = node;
      if (!zone.empty()) block.zones = {zone};
      block.zone = zone.empty()        ? agent::BlockZone::kNone
                   : zone == "Movable" ? agent::BlockZone::kMovable
                                       : agent::BlockZone::kKernel;
      AddBlock(number, std::move(block));
    }
    return *this;
  }

  // Memory blocks offline that may go to `zones`, the default first.
  SnapshotBuilder& OfflineMemory(const std::string& list, const std::vector<std::string>& zones,
                                 int node = 0) {
    for (const int number : Numbers(list)) {
      agent::MemoryBlock block;
      block.state = v1::DEVICE_STATE_OFFLINE;
      block.node = node;
      block.zones = zones;
      AddBlock(number, std::move(block));
    }
    return *this;
  }

  SnapshotBuilder& MemoryState(int block, v1::DeviceState state) {
    blocks_.blocks.at(block).state = state;
    return *this;
  }

  // MemAvailable; all that is online unless said.
  SnapshotBuilder& Available(uint64_t bytes) {
    available_bytes_ = bytes;
    return *this;
  }

  SnapshotBuilder& Generic(const std::string& bus, const std::string& name, bool online) {
    generic_.push_back({bus, name, online});
    return *this;
  }

  agent::CpuSnapshot BuildCpus() const { return cpus_; }

  // There must be memory.
  agent::MemorySnapshot BuildMemory() const {
    agent::MemorySnapshot memory;
    memory.blocks = blocks_;
    for (const auto& [number, block] : blocks_.blocks) {
      if (block.state != v1::DEVICE_STATE_ONLINE) continue;
      memory.use.total_bytes += kBlockBytes;
      agent::NodeMemory& node = memory.use.nodes[block.node < 0 ? 0 : block.node];
      const bool movable = block.zone == agent::BlockZone::kMovable;
      (movable ? node.movable_bytes : node.kernel_bytes) += kBlockBytes;
    }
    memory.use.available_bytes = available_bytes_.value_or(memory.use.total_bytes);
    return memory;
  }

  agent::Snapshot Build() const {
    agent::Snapshot snapshot;
    snapshot.cpus = cpus_;
    if (blocks_.block_size_bytes != 0) snapshot.memory = BuildMemory();
    snapshot.generic = generic_;
    return snapshot;
  }

 private:
  // A list that doesn't parse is the test's mistake, and ends it.
  static NumberSet Numbers(const std::string& list) {
    return *ParseNumberList(list, kMemoryBlockListRules);
  }

  void AddCpu(int cpu) {
    cpus_.masks.possible.insert(cpu);
    cpus_.masks.present.insert(cpu);
    cpus_.masks.online.insert(cpu);
    cpus_.hotpluggable.insert(cpu);
  }

  void AddBlock(int number, agent::MemoryBlock block) {
    blocks_.block_size_bytes = kBlockBytes;
    blocks_.blocks[number] = std::move(block);
  }

  agent::CpuSnapshot cpus_;
  agent::MemoryBlocks blocks_;
  std::optional<uint64_t> available_bytes_;
  std::vector<agent::GenericDevice> generic_;
};

}  // namespace hotplugger::testing
