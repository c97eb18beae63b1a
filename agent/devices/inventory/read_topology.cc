// The reading half of topology.h.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/devices/inventory/cpu.h"
#include "agent/devices/inventory/kernel_text.h"
#include "agent/devices/inventory/nodes.h"
#include "agent/devices/inventory/topology.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// Older kernels have thread_siblings_list alone.
constexpr const char* kSiblingFiles[] = {"topology/core_cpus_list",
                                         "topology/thread_siblings_list"};

absl::StatusOr<std::string> ReadSiblings(const FileTree& cpu_folder) {
  for (const char* file : kSiblingFiles) {
    ASSIGN_OR_RETURN(const std::optional<std::string> content, cpu_folder.ReadIfThere(file));
    if (!content.has_value()) continue;
    const absl::string_view list = WithoutNewline(*content);
    const absl::StatusOr<CpuSet> cpus = ParseKernelCpuList(list);
    if (!cpus.ok()) return BadKernelAnswer(cpu_folder, file, list, "a list of CPUs");
    return FormatCpuList(*cpus);
  }
  return std::string();
}

// "" where the kernel has none, or only root may read it, as is usual.
absl::StatusOr<std::string> ReadPpin(const FileTree& cpu_folder) {
  constexpr char kFile[] = "topology/ppin";
  const absl::StatusOr<std::optional<std::string>> content = cpu_folder.ReadIfThere(kFile);
  if (absl::IsPermissionDenied(content.status())) return std::string();
  if (!content.ok()) return content.status();
  if (!content->has_value()) return std::string();
  const absl::string_view value = WithoutNewline(**content);
  const absl::string_view digits = absl::StripPrefix(value, "0x");
  for (const char digit : digits) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(digit))) {
      return BadKernelAnswer(cpu_folder, kFile, value, "a hexadecimal number");
    }
  }
  return absl::AsciiStrToLower(digits);
}

absl::StatusOr<std::string> ReadCacheType(const FileTree& cpu_folder, const std::string& path) {
  ASSIGN_OR_RETURN(const std::optional<std::string> content, cpu_folder.ReadIfThere(path));
  if (!content.has_value()) return std::string();
  const absl::string_view type = WithoutNewline(*content);
  if (type == "Data") return std::string("d");
  if (type == "Instruction") return std::string("i");
  if (type == "Unified") return std::string("u");
  return BadKernelAnswer(cpu_folder, path, type, "Data, Instruction or Unified");
}

// Indices can have gaps, so the folder is listed.
absl::Status AddCaches(const FileTree& cpu_folder, v1::CpuTopology* topology) {
  std::vector<int> indices;
  const absl::Status listed = cpu_folder.Visit("cache", [&](absl::string_view name, bool) {
    if (const std::optional<int> index = NumberAfter("index", name)) indices.push_back(*index);
  });
  if (absl::IsNotFound(listed)) return absl::OkStatus();
  RETURN_IF_ERROR(listed);
  std::sort(indices.begin(), indices.end());
  for (const int index : indices) {
    const std::string folder = absl::StrCat("cache/index", index, "/");
    ASSIGN_OR_RETURN(const std::optional<int> level,
                     ReadNumberIfThere(cpu_folder, absl::StrCat(folder, "level")));
    if (!level.has_value()) continue;  // it is going offline
    v1::CpuCache* cache = topology->add_caches();
    cache->set_level(*level);
    ASSIGN_OR_RETURN(*cache->mutable_type(),
                     ReadCacheType(cpu_folder, absl::StrCat(folder, "type")));
    ASSIGN_OR_RETURN(const std::optional<int> id,
                     ReadNumberIfThere(cpu_folder, absl::StrCat(folder, "id")));
    if (id.has_value()) cache->set_id(*id);
  }
  return absl::OkStatus();
}

// Of those `cpus` that are still online when they have been read. Their nodes are read first: a CPU
// that goes offline after that shows in what is missing.
absl::StatusOr<Topology::Places> ReadPlaces(const FileTree& tree, const std::vector<int>& cpus) {
  ASSIGN_OR_RETURN(const auto node_of, ReadCpuNodes(tree));
  Topology::Places places;
  bool incomplete = false;
  for (const int cpu : cpus) {
    const absl::StatusOr<std::unique_ptr<FileTree>> folder =
        tree.OpenFolder(absl::StrCat("sys/devices/system/cpu/cpu", cpu));
    if (absl::IsNotFound(folder.status())) continue;  // removed meanwhile
    if (!folder.ok()) return folder.status();
    ASSIGN_OR_RETURN(v1::CpuTopology place, ReadCpuTopology(**folder));
    incomplete |= !place.has_package() || !place.has_core();
    if (const auto node = node_of.find(cpu); node != node_of.end()) place.set_node(node->second);
    places.emplace_hint(places.end(), cpu, std::move(place));
  }
  if (!incomplete) return places;
  // Either the kernel says no more, or the files vanished while they were read: then the mask,
  // which changes first, tells.
  ASSIGN_OR_RETURN(const CpuSet online, ReadOnlineCpus(tree));
  std::erase_if(places, [&](const auto& place) { return online.count(place.first) == 0; });
  return places;
}

}  // namespace

absl::StatusOr<std::map<int, int>> ReadCpuNodes(const FileTree& tree) {
  std::map<int, int> node_of;
  const absl::StatusOr<std::unique_ptr<FileTree>> nodes = tree.OpenFolder(kNodeFolder);
  if (absl::IsNotFound(nodes.status())) return node_of;
  if (!nodes.ok()) return nodes.status();
  ASSIGN_OR_RETURN(const std::vector<int> numbers, ListNodes(**nodes));
  for (const int node : numbers) {
    const std::string path = absl::StrCat("node", node, "/cpulist");
    ASSIGN_OR_RETURN(const std::optional<std::string> content, (*nodes)->ReadIfThere(path));
    if (!content.has_value()) continue;
    const absl::StatusOr<CpuSet> cpus = ParseKernelCpuList(*content);
    if (!cpus.ok()) return BadKernelAnswer(**nodes, path, *content, "a list of CPUs");
    for (const int cpu : *cpus) node_of.emplace(cpu, node);
  }
  return node_of;
}

absl::StatusOr<v1::CpuTopology> ReadCpuTopology(const FileTree& cpu_folder) {
  v1::CpuTopology topology;
  ASSIGN_OR_RETURN(const std::optional<int> package,
                   ReadNumberIfThere(cpu_folder, "topology/physical_package_id"));
  if (package.has_value()) topology.set_package(*package);
  ASSIGN_OR_RETURN(const std::optional<int> die, ReadNumberIfThere(cpu_folder, "topology/die_id"));
  if (die.has_value()) topology.set_die(*die);
  ASSIGN_OR_RETURN(const std::optional<int> core,
                   ReadNumberIfThere(cpu_folder, "topology/core_id"));
  if (core.has_value()) topology.set_core(*core);
  ASSIGN_OR_RETURN(*topology.mutable_core_cpus(), ReadSiblings(cpu_folder));
  ASSIGN_OR_RETURN(*topology.mutable_ppin(), ReadPpin(cpu_folder));
  RETURN_IF_ERROR(AddCaches(cpu_folder, &topology));
  return topology;
}

CpuSet TopologyRecord::ForgetAbsent(const CpuSet& present) {
  CpuSet gone;
  for (auto it = shown_by_.begin(); it != shown_by_.end();) {
    if (present.count(it->first) > 0) {
      ++it;
      continue;
    }
    gone.insert(it->first);
    it = shown_by_.erase(it);
  }
  return gone;
}

absl::StatusOr<bool> TopologyRecord::Update(const FileTree& tree, const CpuSet& present,
                                            const CpuSet& online) {
  const CpuSet gone = ForgetAbsent(present);
  if (!gone.empty()) topology_.Change({}, gone);
  std::vector<int> unseen;
  for (const int cpu : online) {
    const auto shown = shown_by_.find(cpu);
    if (shown == shown_by_.end() || shown->second != boot_id_) unseen.push_back(cpu);
  }
  if (unseen.empty()) return !gone.empty();
  ASSIGN_OR_RETURN(Topology::Places places, ReadPlaces(tree, unseen));
  if (places.empty()) return !gone.empty();
  for (const auto& [cpu, place] : places) shown_by_[cpu] = boot_id_;
  topology_.Change(std::move(places), {});
  return true;
}

}  // namespace hotplugger::agent
