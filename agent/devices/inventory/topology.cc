#include "agent/devices/inventory/topology.h"

#include <utility>

#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// The CPUs that the kernel listed as the core's. The record is ours, or was checked when it was
// read: a list that doesn't parse comes from a damaged record, and is as good as none.
CpuSet ListedSiblings(const v1::CpuTopology& topology) {
  return ParseCpuList(topology.core_cpus()).value_or(CpuSet());
}

}  // namespace

void Topology::Set(int cpu, v1::CpuTopology topology) {
  Erase(cpu);
  cpus_[cpu] = std::move(topology);
  cores_[CoreOf(cpu)].insert(cpu);
}

void Topology::Erase(int cpu) {
  if (cpus_.count(cpu) == 0) return;
  const auto core = cores_.find(CoreOf(cpu));
  core->second.erase(cpu);
  if (core->second.empty()) cores_.erase(core);
  cpus_.erase(cpu);
}

const v1::CpuTopology* Topology::Find(int cpu) const {
  const auto found = cpus_.find(cpu);
  return found == cpus_.end() ? nullptr : &found->second;
}

CpuSet Topology::CoreCpus(int cpu) const {
  const v1::CpuTopology* topology = Find(cpu);
  if (topology == nullptr) return {cpu};
  // A sibling that was offline from the start is listed by nobody; one that has gone offline since
  // has the same key.
  CpuSet all = cores_.at(CoreOf(cpu));
  all.merge(ListedSiblings(*topology));
  return all;
}

bool Topology::IsSecondaryThread(int cpu) const { return *CoreCpus(cpu).begin() != cpu; }

int Topology::NodeOf(int cpu) const {
  const v1::CpuTopology* topology = Find(cpu);
  return topology != nullptr && topology->has_node() ? topology->node() : -1;
}

int Topology::PackageOf(int cpu) const {
  const v1::CpuTopology* topology = Find(cpu);
  return topology != nullptr && topology->has_package() ? topology->package() : -1;
}

CoreKey Topology::CoreOf(int cpu) const {
  const v1::CpuTopology* topology = Find(cpu);
  if (topology == nullptr) return {-1, -1, cpu};
  if (!topology->has_core()) {
    const CpuSet siblings = ListedSiblings(*topology);
    return {-1, -1, siblings.count(cpu) > 0 ? *siblings.begin() : cpu};
  }
  return {topology->has_package() ? topology->package() : -1,
          topology->has_die() ? topology->die() : -1, topology->core()};
}

TopologyRecord::TopologyRecord(std::string boot_id,
                               const google::protobuf::RepeatedPtrField<v1::KnownCpu>& known)
    : boot_id_(std::move(boot_id)) {
  for (const v1::KnownCpu& cpu : known) {
    if (cpu.cpu() < 0 || cpu.cpu() > kMaxCpuNumber) continue;
    shown_by_[cpu.cpu()] = cpu.boot_id();
    topology_.Set(cpu.cpu(), cpu.topology());
  }
}

google::protobuf::RepeatedPtrField<v1::KnownCpu> TopologyRecord::Known() const {
  google::protobuf::RepeatedPtrField<v1::KnownCpu> known;
  for (const auto& [cpu, topology] : topology_.cpus()) {
    v1::KnownCpu* added = known.Add();
    added->set_cpu(cpu);
    added->set_boot_id(shown_by_.at(cpu));
    *added->mutable_topology() = topology;
  }
  return known;
}

}  // namespace hotplugger::agent
