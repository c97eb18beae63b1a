#include "tests/bench/synthetic_host.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/errno_status.h"
#include "common/status_macros.h"

namespace hotplugger::testing {
namespace {

constexpr char kCpus[] = "sys/devices/system/cpu";
constexpr char kMemory[] = "sys/devices/system/memory";
constexpr char kNodes[] = "sys/devices/system/node";
constexpr int kPackages = 8;
constexpr int kContainers = 4;

// Names and contents of a folder's files.
using Files = std::vector<std::pair<std::string, std::string>>;

// What DeviceReader reads of each CPU, of each of its caches, and of each memory block. The builder
// takes its names from here, and so does the list.
constexpr const char* kCpuFiles[] = {"physical_package_id", "die_id", "core_id", "core_cpus_list",
                                     "ppin"};
constexpr const char* kCacheFiles[] = {"level", "type", "id"};
constexpr const char* kBlockFiles[] = {"state", "valid_zones"};

// The kernel's hexadecimal mask: groups of 32 bits, the highest first.
std::string Mask(int bits, int first, int last) {
  std::string mask;
  for (int group = (bits - 1) / 32; group >= 0; --group) {
    uint32_t word = 0;
    for (int bit = 0; bit < 32; ++bit) {
      const int cpu = group * 32 + bit;
      if (cpu >= first && cpu <= last) word |= uint32_t{1} << bit;
    }
    absl::StrAppendFormat(&mask, "%08x%s", word, group == 0 ? "\n" : ",");
  }
  return mask;
}

class Builder {
 public:
  Builder(const SyntheticHostSize& size, std::string root) : size_(size), root_(std::move(root)) {}

  absl::Status Build() {
    RETURN_IF_ERROR(AddGlobals());
    for (int node = 0; node < size_.nodes; ++node) RETURN_IF_ERROR(AddNode(node));
    for (int cpu = 0; cpu < size_.cpus; ++cpu) RETURN_IF_ERROR(AddCpu(cpu));
    for (int block = 0; block < size_.memory_blocks; ++block) RETURN_IF_ERROR(AddBlock(block));
    return absl::OkStatus();
  }

 private:
  absl::Status AddGlobals() {
    const std::string all = absl::StrCat("0-", size_.cpus - 1, "\n");
    RETURN_IF_ERROR(AddFolder(kCpus, {{"possible", all},
                                      {"present", all},
                                      {"online", all},
                                      {"isolated", "\n"},
                                      {"nohz_full", "  (null)\n"},
                                      {"kernel_max", "8191\n"}}));
    RETURN_IF_ERROR(
        AddFolder(absl::StrCat(kCpus, "/smt"), {{"control", "on\n"}, {"active", "1\n"}}));
    RETURN_IF_ERROR(AddFolder(kMemory, {{"block_size_bytes", "8000000\n"}}));
    RETURN_IF_ERROR(AddFolder(kNodes, {{"online", absl::StrCat("0-", size_.nodes - 1, "\n")},
                                       {"possible", absl::StrCat("0-", size_.nodes - 1, "\n")}}));
    RETURN_IF_ERROR(AddFolder("sys/fs/cgroup", {{"cgroup.controllers", "cpuset cpu memory pids\n"},
                                                {"cgroup.subtree_control", "cpu memory pids\n"}}));
    RETURN_IF_ERROR(AddFolder(
        "var/lib/kubelet",
        {{"cpu_manager_state", R"({"policyName":"static","defaultCpuSet":"","entries":{}})"}}));
    for (int i = 0; i < kContainers; ++i) {
      RETURN_IF_ERROR(
          AddFolder(absl::StrCat("sys/bus/container/devices/PNP0A06:0", i), {{"online", "1\n"}}));
    }
    return AddProc();
  }

  absl::Status AddProc() {
    std::string cpuinfo;
    for (int cpu = 0; cpu < size_.cpus; ++cpu) {
      absl::StrAppend(&cpuinfo, "processor\t: ", cpu,
                      "\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 143\n"
                      "model name\t: Synthetic\nstepping\t: 8\ncpu MHz\t\t: 2000.000\n\n");
    }
    std::string zoneinfo;
    for (int node = 0; node < size_.nodes; ++node) {
      for (const char* zone : {" Normal", "Movable"}) {
        absl::StrAppend(&zoneinfo, "Node ", node, ", zone  ", zone,
                        "\n  pages free     1000\n        managed  33554432\n");
      }
    }
    return AddFolder("proc", {{"cpuinfo", cpuinfo},
                              {"meminfo", "MemTotal: 4294967296 kB\nMemAvailable: 4000000000 kB\n"},
                              {"zoneinfo", zoneinfo}});
  }

  absl::Status AddNode(int node) {
    const int first = node * size_.cpus / size_.nodes;
    const int last = (node + 1) * size_.cpus / size_.nodes - 1;
    return AddFolder(absl::StrCat(kNodes, "/node", node),
                     {{"cpulist", absl::StrCat(first, "-", last, "\n")},
                      {"cpumap", Mask(size_.cpus, first, last)}});
  }

  absl::Status AddCpu(int cpu) {
    const std::string folder = absl::StrCat(kCpus, "/cpu", cpu);
    const int package_size = size_.cpus / kPackages;
    const int package = cpu / package_size;
    const int core = cpu % package_size / 2;
    const int sibling = cpu / 2 * 2;
    RETURN_IF_ERROR(AddFolder(folder, cpu == 0 ? Files{} : Files{{"online", "1\n"}}));
    const std::string thread_mask = Mask(size_.cpus, sibling, sibling + 1);
    if (cpu % package_size == 0) package_mask_ = Mask(size_.cpus, cpu, cpu + package_size - 1);
    RETURN_IF_ERROR(AddFolder(folder + "/topology",
                              {{kCpuFiles[0], absl::StrCat(package, "\n")},
                               {kCpuFiles[1], "0\n"},
                               {kCpuFiles[2], absl::StrCat(core, "\n")},
                               {kCpuFiles[3], absl::StrCat(sibling, "-", sibling + 1, "\n")},
                               {kCpuFiles[4], absl::StrFormat("0x2b9a0e4d1c3f5a%02x\n", package)},
                               {"thread_siblings", thread_mask},
                               {"core_siblings", package_mask_}}));
    for (int cache = 0; cache < size_.caches_per_cpu; ++cache) {
      RETURN_IF_ERROR(
          AddFolder(absl::StrCat(folder, "/cache/index", cache),
                    {{kCacheFiles[0], absl::StrCat(std::max(cache, 1), "\n")},
                     {kCacheFiles[1], cache == 0   ? "Data\n"
                                      : cache == 1 ? "Instruction\n"
                                                   : "Unified\n"},
                     {kCacheFiles[2], absl::StrCat(cache == 3 ? package : sibling / 2, "\n")},
                     {"size", "64K\n"},
                     {"shared_cpu_map", cache == 3 ? package_mask_ : thread_mask}}));
    }
    const int node = cpu * size_.nodes / size_.cpus;
    return AddLink(absl::StrCat(folder, "/node", node), absl::StrCat("../../node/node", node));
  }

  // Two thirds are movable, a sixteenth is offline.
  absl::Status AddBlock(int block) {
    const std::string name = absl::StrCat("memory", block);
    const int node = block * size_.nodes / size_.memory_blocks;
    const bool online = block % 16 != 15;
    const char* zones = !online ? "Normal Movable\n" : block % 3 == 0 ? "Normal\n" : "Movable\n";
    RETURN_IF_ERROR(AddFolder(absl::StrCat(kMemory, "/", name),
                              {{kBlockFiles[0], online ? "online\n" : "offline\n"},
                               {kBlockFiles[1], zones},
                               {"removable", "1\n"}}));
    RETURN_IF_ERROR(AddLink(absl::StrCat(kMemory, "/", name, "/node", node),
                            absl::StrCat("../../node/node", node)));
    return AddLink(absl::StrCat(kNodes, "/node", node, "/", name),
                   absl::StrCat("../../memory/", name));
  }

  // Makes the folder and those above it.
  absl::Status AddFolder(const std::string& folder, const Files& files) {
    RETURN_IF_ERROR(MakeFolders(folder));
    for (const auto& [name, content] : files) {
      RETURN_IF_ERROR(AddFile(absl::StrCat(root_, "/", folder, "/", name), content));
    }
    return absl::OkStatus();
  }

  absl::Status MakeFolders(const std::string& folder) {
    const std::string path = absl::StrCat(root_, "/", folder);
    if (mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return absl::OkStatus();
    if (errno != ENOENT) return ErrnoStatus(errno, "making", path);
    RETURN_IF_ERROR(MakeFolders(folder.substr(0, folder.rfind('/'))));
    if (mkdir(path.c_str(), 0755) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, "making", path);
  }

  static absl::Status AddFile(const std::string& path, const std::string& content) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return ErrnoStatus(errno, "making", path);
    const ssize_t written = write(fd, content.data(), content.size());
    const int error_number = written < 0 ? errno : ENOSPC;
    close(fd);
    if (written == static_cast<ssize_t>(content.size())) return absl::OkStatus();
    return ErrnoStatus(error_number, "writing", path);
  }

  absl::Status AddLink(const std::string& path, const std::string& target) {
    const std::string place = absl::StrCat(root_, "/", path);
    if (symlink(target.c_str(), place.c_str()) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, "linking", place);
  }

  const SyntheticHostSize size_;
  const std::string root_;
  // Of the package whose CPUs are being added.
  std::string package_mask_;
};

}  // namespace

absl::Status BuildSyntheticHost(const SyntheticHostSize& size, const std::string& root) {
  return Builder(size, root).Build();
}

std::vector<std::string> FilesOfInventory(const SyntheticHostSize& size) {
  std::vector<std::string> files = {
      "proc/meminfo", "proc/zoneinfo", "sys/fs/cgroup/cgroup.subtree_control",
      "var/lib/kubelet/cpu_manager_state", absl::StrCat(kMemory, "/block_size_bytes")};
  for (const char* name :
       {"possible", "present", "online", "isolated", "nohz_full", "smt/control", "smt/active"}) {
    files.push_back(absl::StrCat(kCpus, "/", name));
  }
  for (int i = 0; i < kContainers; ++i) {
    files.push_back(absl::StrCat("sys/bus/container/devices/PNP0A06:0", i, "/online"));
  }
  for (int node = 0; node < size.nodes; ++node) {
    files.push_back(absl::StrCat(kNodes, "/node", node, "/cpulist"));
  }
  for (int cpu = 0; cpu < size.cpus; ++cpu) {
    for (const char* name : kCpuFiles) {
      files.push_back(absl::StrCat(kCpus, "/cpu", cpu, "/topology/", name));
    }
    for (int cache = 0; cache < size.caches_per_cpu; ++cache) {
      for (const char* name : kCacheFiles) {
        files.push_back(absl::StrCat(kCpus, "/cpu", cpu, "/cache/index", cache, "/", name));
      }
    }
  }
  for (int block = 0; block < size.memory_blocks; ++block) {
    for (const char* name : kBlockFiles) {
      files.push_back(absl::StrCat(kMemory, "/memory", block, "/", name));
    }
  }
  return files;
}

}  // namespace hotplugger::testing
