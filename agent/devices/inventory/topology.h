// Where each CPU sits: a record that outlives an offline CPU, whose topology folder vanishes.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/inventory/file_tree.h"
#include "common/cpu_list.h"
#include "google/protobuf/repeated_field.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/device.pb.h"

namespace hotplugger::agent {

// What identifies a core on a host: core numbers alone are not unique (kernel 2.1).
using CoreKey = std::tuple<int, int, int>;  // package, die, core; -1: the kernel doesn't say

// What is known of the CPUs' places, by CPU. A value: the rules take it as an argument. Copies
// share what they hold, so that each snapshot can have its own; a change costs as much as a whole
// copy.
class Topology {
 public:
  using Places = std::map<int, v1::CpuTopology>;

  // Takes over the CPUs' `places`, their `core_cpus` as the kernel listed them (see CoreCpus for
  // the whole), and forgets those that are `gone`.
  void Change(Places places, const CpuSet& gone);
  // One CPU of them.
  void Set(int cpu, v1::CpuTopology place);
  void Erase(int cpu);

  // Null where nothing is known.
  const v1::CpuTopology* Find(int cpu) const;

  // All CPUs of the same core, this one included: those with the same key, whatever is online, and
  // what the kernel listed as siblings. The CPU alone where nothing is known of it.
  CpuSet CoreCpus(int cpu) const;

  // Whether the CPU is not the first thread of its core.
  bool IsSecondaryThread(int cpu) const;

  // The node, package or -1 where it isn't known.
  int NodeOf(int cpu) const;
  int PackageOf(int cpu) const;
  // {-1, -1, cpu's own number} where no core is known, so that such a CPU is a core of its own;
  // with siblings listed, the lowest's number.
  CoreKey CoreOf(int cpu) const;

  const Places& cpus() const { return data_->cpus; }

 private:
  struct Data {
    Places cpus;
    std::map<CoreKey, CpuSet> cores;
  };

  // Never null, never changed: others may hold it too.
  std::shared_ptr<const Data> data_ = std::make_shared<const Data>();
};

// Keeps a Topology up to date from the kernel. Not safe for concurrent use.
class TopologyRecord {
 public:
  // `known`: of earlier runs. Those of another boot are used only until this boot shows the CPU.
  TopologyRecord(std::string boot_id,
                 const google::protobuf::RepeatedPtrField<v1::KnownCpu>& known);

  // Reads the place of every online CPU that this boot has not shown yet, and forgets CPUs that are
  // not present any more. Files that are missing leave their fields absent; a CPU that goes offline
  // meanwhile keeps what was known of it. True: it changed, and is worth saving.
  absl::StatusOr<bool> Update(const FileTree& tree, const CpuSet& present, const CpuSet& online);

  const Topology& topology() const { return topology_; }

  // For the state file, by CPU.
  google::protobuf::RepeatedPtrField<v1::KnownCpu> Known() const;

 private:
  // Those no longer present, of which it no longer knows who showed them.
  CpuSet ForgetAbsent(const CpuSet& present);

  const std::string boot_id_;
  // The boot that showed each CPU.
  std::map<int, std::string> shown_by_;
  Topology topology_;
};

// Reads one online CPU's place, but for its node, from topology/ and cache/ in its folder. What is
// missing is absent.
absl::StatusOr<v1::CpuTopology> ReadCpuTopology(const FileTree& cpu_folder);

// The nodes of all online CPUs, by CPU; nothing where the kernel has no nodes.
absl::StatusOr<std::map<int, int>> ReadCpuNodes(const FileTree& tree);

}  // namespace hotplugger::agent
