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

CoreKey KeyOf(int cpu, const v1::CpuTopology& place) {
  if (!place.has_core()) {
    const CpuSet siblings = ListedSiblings(place);
    return {-1, -1, siblings.count(cpu) > 0 ? *siblings.begin() : cpu};
  }
  return {place.has_package() ? place.package() : -1, place.has_die() ? place.die() : -1,
          place.core()};
}

}  // namespace

void Topology::Change(Places places, const CpuSet& gone) {
  auto data = std::make_shared<Data>(*data_);
  const auto erase = [&data](int cpu) {
    const auto found = data->cpus.find(cpu);
    if (found == data->cpus.end()) return;
    const auto core = data->cores.find(KeyOf(cpu, found->second));
    core->second.erase(cpu);
    if (core->second.empty()) data->cores.erase(core);
    data->cpus.erase(found);
  };
  for (const int cpu : gone) erase(cpu);
  for (auto& [cpu, place] : places) {
    erase(cpu);
    data->cores[KeyOf(cpu, place)].insert(cpu);
    data->cpus[cpu] = std::move(place);
  }
  data_ = std::move(data);
}

void Topology::Set(int cpu, v1::CpuTopology place) { Change({{cpu, std::move(place)}}, {}); }

void Topology::Erase(int cpu) { Change({}, {cpu}); }

const v1::CpuTopology* Topology::Find(int cpu) const {
  const auto found = data_->cpus.find(cpu);
  return found == data_->cpus.end() ? nullptr : &found->second;
}

CpuSet Topology::CoreCpus(int cpu) const {
  const v1::CpuTopology* topology = Find(cpu);
  if (topology == nullptr) return {cpu};
  // A sibling that was offline from the start is listed by nobody; one that has gone offline since
  // has the same key.
  CpuSet all = data_->cores.at(KeyOf(cpu, *topology));
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
  return topology == nullptr ? CoreKey{-1, -1, cpu} : KeyOf(cpu, *topology);
}

TopologyRecord::TopologyRecord(std::string boot_id,
                               const google::protobuf::RepeatedPtrField<v1::KnownCpu>& known)
    : boot_id_(std::move(boot_id)) {
  Topology::Places places;
  for (const v1::KnownCpu& cpu : known) {
    if (cpu.cpu() < 0 || cpu.cpu() > kMaxCpuNumber) continue;
    shown_by_[cpu.cpu()] = cpu.boot_id();
    places[cpu.cpu()] = cpu.topology();
  }
  topology_.Change(std::move(places), {});
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
