#include "agent/devices/inventory/cpu_partitions.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/devices/inventory/kernel_text.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kCgroupFolder[] = "sys/fs/cgroup";

// Cgroups come and go as they like: one that goes while it is read is none.
class PartitionReader {
 public:
  PartitionReader(const FileTree& cgroups, size_t max_cgroups)
      : cgroups_(cgroups), max_cgroups_(max_cgroups) {}

  absl::StatusOr<std::vector<ExclusiveCpus>> Read() {
    RETURN_IF_ERROR(AddChildren(""));
    while (!waiting_.empty()) {
      const std::string cgroup = std::move(waiting_.back());
      waiting_.pop_back();
      RETURN_IF_ERROR(AddPartition(cgroup));
      RETURN_IF_ERROR(AddChildren(cgroup));
    }
    std::sort(found_.begin(), found_.end(),
              [](const auto& a, const auto& b) { return a.owner < b.owner; });
    return std::move(found_);
  }

 private:
  // `cgroup` is "" for the root, else "/a/b".
  static std::string File(absl::string_view cgroup, absl::string_view name) {
    return cgroup.empty() ? std::string(name) : absl::StrCat(cgroup.substr(1), "/", name);
  }

  // Children have cpusets only where their parent's cgroup.subtree_control says so.
  absl::Status AddChildren(const std::string& cgroup) {
    ASSIGN_OR_RETURN(const std::optional<std::string> controllers,
                     cgroups_.ReadIfThere(File(cgroup, "cgroup.subtree_control")));
    if (!controllers.has_value()) return absl::OkStatus();
    const std::vector<absl::string_view> names =
        absl::StrSplit(WithoutNewline(*controllers), ' ', absl::SkipEmpty());
    if (std::find(names.begin(), names.end(), "cpuset") == names.end()) return absl::OkStatus();
    const absl::StatusOr<std::vector<std::string>> children =
        cgroups_.ListFolders(cgroup.empty() ? "." : cgroup.substr(1));
    if (absl::IsNotFound(children.status())) return absl::OkStatus();
    if (!children.ok()) return children.status();
    count_ += children->size();
    if (count_ > max_cgroups_) return TooMany();
    for (const std::string& child : *children) waiting_.push_back(absl::StrCat(cgroup, "/", child));
    return absl::OkStatus();
  }

  absl::Status AddPartition(const std::string& cgroup) {
    const std::string path = File(cgroup, "cpuset.cpus.partition");
    ASSIGN_OR_RETURN(const std::optional<std::string> content, cgroups_.ReadIfThere(path));
    if (!content.has_value()) return absl::OkStatus();
    const absl::string_view state = WithoutNewline(*content);
    if (state == "member" || absl::StartsWith(state, "root invalid") ||
        absl::StartsWith(state, "isolated invalid")) {
      return absl::OkStatus();
    }
    if (state != "root" && state != "isolated") {
      return BadKernelAnswer(cgroups_, path, state,
                             "member, root, isolated, or one of these invalid");
    }
    ASSIGN_OR_RETURN(CpuSet cpus, ReadCpus(cgroup, "cpuset.cpus.exclusive.effective"));
    // Kernels before 6.7 have no such file.
    if (cpus.empty()) {
      ASSIGN_OR_RETURN(cpus, ReadCpus(cgroup, "cpuset.cpus.effective"));
    }
    if (!cpus.empty()) found_.push_back({absl::StrCat("cgroup ", cgroup), std::move(cpus)});
    return absl::OkStatus();
  }

  absl::StatusOr<CpuSet> ReadCpus(const std::string& cgroup, absl::string_view name) {
    const std::string path = File(cgroup, name);
    ASSIGN_OR_RETURN(const std::optional<std::string> content, cgroups_.ReadIfThere(path));
    if (!content.has_value()) return CpuSet();
    absl::StatusOr<CpuSet> cpus = ParseKernelCpuList(*content);
    if (cpus.ok()) return cpus;
    return BadKernelAnswer(cgroups_, path, WithoutNewline(*content), "a list of CPUs");
  }

  absl::Status TooMany() const {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_CGROUPS",
                     absl::StrCat(cgroups_.FullPath(""), " has more than ", max_cgroups_,
                                  " cgroups with cpusets, so it can't be told which CPUs are in "
                                  "exclusive use; remove some, or disable the cpuset controller in "
                                  "cgroup.subtree_control where it isn't needed"),
                     {{"retry", "CONDITIONAL"}});
  }

  const FileTree& cgroups_;
  const size_t max_cgroups_;
  std::vector<std::string> waiting_;
  size_t count_ = 0;
  std::vector<ExclusiveCpus> found_;
};

}  // namespace

absl::StatusOr<std::vector<ExclusiveCpus>> ReadCpuPartitions(const FileTree& tree,
                                                             size_t max_cgroups) {
  const absl::StatusOr<std::unique_ptr<FileTree>> cgroups = tree.OpenFolder(kCgroupFolder);
  if (absl::IsNotFound(cgroups.status())) return std::vector<ExclusiveCpus>();
  if (!cgroups.ok()) return cgroups.status();
  return PartitionReader(**cgroups, max_cgroups).Read();
}

}  // namespace hotplugger::agent
