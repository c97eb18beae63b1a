#include "agent/devices/inventory/cpu.h"

#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/cpu_partitions.h"
#include "agent/devices/inventory/kernel_text.h"
#include "agent/devices/inventory/kubelet_state.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kCpuFolder[] = "sys/devices/system/cpu";

absl::StatusOr<CpuSet> ParseMask(const FileTree& tree, absl::string_view path,
                                 absl::string_view content) {
  absl::StatusOr<CpuSet> cpus = ParseKernelCpuList(content);
  if (cpus.ok()) return cpus;
  const std::string place = tree.FullPath(path);
  return MakeError(absl::StatusCode::kInternal, "BAD_KERNEL_ANSWER",
                   absl::StrCat(place, ": ", cpus.status().message()), {{"path", place}});
}

// Every kernel has these, and none runs without a CPU.
absl::StatusOr<CpuSet> ReadMask(const FileTree& tree, absl::string_view name) {
  const std::string path = absl::StrCat(kCpuFolder, "/", name);
  ASSIGN_OR_RETURN(const std::string content, tree.Read(path));
  ASSIGN_OR_RETURN(CpuSet cpus, ParseMask(tree, path, content));
  if (cpus.empty()) return BadKernelAnswer(tree, path, content, "a list of at least one CPU");
  return cpus;
}

absl::StatusOr<CpuSet> ReadMaskIfThere(const FileTree& tree, absl::string_view name) {
  const std::string path = absl::StrCat(kCpuFolder, "/", name);
  ASSIGN_OR_RETURN(const std::optional<std::string> content, tree.ReadIfThere(path));
  if (!content.has_value()) return CpuSet();
  return ParseMask(tree, path, *content);
}

std::string OnlineFile(int cpu) { return absl::StrCat(kCpuFolder, "/cpu", cpu, "/online"); }

}  // namespace

absl::StatusOr<CpuMasks> ReadCpuMasks(const FileTree& tree) {
  CpuMasks masks;
  ASSIGN_OR_RETURN(masks.possible, ReadMaskIfThere(tree, "possible"));
  ASSIGN_OR_RETURN(masks.present, ReadMask(tree, "present"));
  ASSIGN_OR_RETURN(masks.online, ReadMask(tree, "online"));
  ASSIGN_OR_RETURN(masks.isolated, ReadMaskIfThere(tree, "isolated"));
  ASSIGN_OR_RETURN(masks.nohz_full, ReadMaskIfThere(tree, "nohz_full"));
  return masks;
}

absl::StatusOr<CpuSet> ReadOnlineCpus(const FileTree& tree) { return ReadMask(tree, "online"); }

absl::StatusOr<bool> IsCpuHotpluggable(const FileTree& tree, int cpu) {
  return tree.Exists(OnlineFile(cpu));
}

absl::StatusOr<bool> ReadCpuOnlineFile(const FileTree& tree, int cpu) {
  return ReadFlag(tree, OnlineFile(cpu));
}

absl::StatusOr<std::vector<ExclusiveCpus>> ReadExclusiveCpus(const FileTree& tree) {
  ASSIGN_OR_RETURN(std::vector<ExclusiveCpus> owners, ReadCpuPartitions(tree));
  ASSIGN_OR_RETURN(std::vector<ExclusiveCpus> containers, ReadKubeletCpus(tree));
  std::move(containers.begin(), containers.end(), std::back_inserter(owners));
  return owners;
}

}  // namespace hotplugger::agent
