// The files in which a kernel shows its devices, below a temp directory that stands for a host's
// root.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::testing {

// What a host is made of.
struct FakeHostOptions {
  int cpus = 4;
  // These have no `online` file.
  CpuSet fixed = {0};
  // CPUs that may be hot-added besides.
  int spare_cpus = 0;
  // Siblings are neighbours: 0-1, 2-3, ... More than 1: the host has SMT.
  int threads_per_core = 1;
  int packages = 1;
  // NUMA nodes; CPUs and memory blocks are spread over them in equal runs.
  int nodes = 1;
  // Memory blocks by their zone: 'n' none, 'k' kernel (Normal), 'm' Movable, '-' offline. Empty: a
  // kernel without memory hotplug.
  std::string blocks = {};
  uint64_t block_bytes = uint64_t{128} << 20;
  // "container/NAME", each with what is below it: "cpu3", "memory8".
  std::map<std::string, std::vector<std::string>> containers = {};
};

struct FakeBlock {
  bool online = false;
  // Its pages are being moved away.
  bool going = false;
  // As in FakeHostOptions::blocks; of no meaning while it is offline.
  char zone = 'k';
};

// What the kernel knows.
struct FakeHostState {
  CpuSet present;
  CpuSet online;
  // Stopped on their way: hotplug/state is not what hotplug/target says.
  CpuSet half_way;
  std::map<int, FakeBlock> blocks;
  // By name, whether it is online.
  std::map<std::string, bool> containers;
  // As smt/control has it.
  std::string smt;

  // "cpu3", "memory8".
  bool IsOnline(const std::string& device) const {
    const int number = std::stoi(device.substr(device.find_first_of("0123456789")));
    if (device.rfind("cpu", 0) == 0) return online.count(number) > 0;
    const auto block = blocks.find(number);
    return block != blocks.end() && block->second.online;
  }
};

// Not safe for concurrent use.
class FakeHostTree {
 public:
  explicit FakeHostTree(FakeHostOptions options) : options_(std::move(options)) {}

  const TempDir& dir() const { return dir_; }
  const FakeHostOptions& options() const { return options_; }

  int ThreadOf(int cpu) const { return cpu % options_.threads_per_core; }
  int CoreOf(int cpu) const { return cpu / options_.threads_per_core; }

  void Write(const FakeHostState& state) {
    WriteMasks(state);
    for (const int cpu : state.present) WriteCpuFolder(state, cpu);
    WriteNodes(state);
    if (!state.blocks.empty()) WriteMemory(state);
    WriteContainers(state);
  }

  void RemoveCpu(int cpu) const { dir_.Remove(CpuFolder(cpu)); }
  void RemoveBlock(int block) const {
    dir_.Remove(absl::StrCat(kMemory, "memory", block));
    dir_.Remove(absl::StrCat(NodeFolder(NodeOfBlock(block)), "/memory", block));
  }

  // `state` with what the files say, where another process has written them since; containers
  // aside.
  FakeHostState Read(FakeHostState state) {
    files_.clear();
    state.present = *ParseKernelCpuList(dir_.Read(absl::StrCat(kCpu, "present")));
    state.online = *ParseKernelCpuList(dir_.Read(absl::StrCat(kCpu, "online")));
    state.smt = Line(absl::StrCat(kCpu, "smt/control"));
    for (auto& [number, block] : state.blocks) {
      const std::string folder = absl::StrCat(kMemory, "memory", number);
      block.online = Line(folder + "/state") == "online";
      const std::string zones = Line(folder + "/valid_zones");
      if (block.online) block.zone = zones == "Movable" ? 'm' : zones == "none" ? 'n' : 'k';
    }
    return state;
  }

 private:
  static constexpr char kCpu[] = "sys/devices/system/cpu/";
  static constexpr char kMemory[] = "sys/devices/system/memory/";

  static std::string CpuFolder(int cpu) { return absl::StrCat(kCpu, "cpu", cpu); }
  static std::string NodeFolder(int node) {
    return absl::StrCat("sys/devices/system/node/node", node);
  }

  // Which of `runs` equal runs of `count` things the `number`th is in.
  static int RunOf(int number, int count, int runs) {
    return std::min(number * runs / std::max(count, 1), runs - 1);
  }
  int NodeOfCpu(int cpu) const { return RunOf(cpu, options_.cpus, options_.nodes); }
  int NodeOfBlock(int block) const {
    return RunOf(block, static_cast<int>(options_.blocks.size()), options_.nodes);
  }

  void WriteMasks(const FakeHostState& state) {
    CpuSet offline;
    std::set_difference(state.present.begin(), state.present.end(), state.online.begin(),
                        state.online.end(), std::inserter(offline, offline.end()));
    CpuSet possible = state.present;
    for (int i = 0; i < options_.spare_cpus; ++i) possible.insert(options_.cpus + i);
    const std::string folder = kCpu;
    WriteFile(folder + "online", FormatCpuList(state.online));
    WriteFile(folder + "offline", FormatCpuList(offline));
    WriteFile(folder + "present", FormatCpuList(state.present));
    WriteFile(folder + "possible", FormatCpuList(possible));
    WriteFile(folder + "isolated", "");
    WriteFile(folder + "nohz_full", "  (null)");
    WriteFile(folder + "smt/control", state.smt);
    const bool active = std::any_of(state.online.begin(), state.online.end(),
                                    [this](int cpu) { return ThreadOf(cpu) > 0; });
    WriteFile(folder + "smt/active", active ? "1" : "0");
  }

  // The topology and the caches of an offline CPU vanish (kernel 0, fact 8).
  void WriteCpuFolder(const FakeHostState& state, int cpu) {
    const std::string folder = CpuFolder(cpu);
    const bool online = state.online.count(cpu) > 0;
    std::filesystem::create_directories(dir_.Path(folder));
    if (options_.fixed.count(cpu) == 0) WriteFile(folder + "/online", online ? "1" : "0");
    const char* target = online ? "236" : "0";
    WriteFile(folder + "/hotplug/target", target);
    WriteFile(folder + "/hotplug/state", state.half_way.count(cpu) > 0 ? "141" : target);
    Link(absl::StrCat("../../node/node", NodeOfCpu(cpu)),
         absl::StrCat(folder, "/node", NodeOfCpu(cpu)));
    if (online) {
      WritePlace(state, cpu);
    } else {
      dir_.Remove(folder + "/topology");
      dir_.Remove(folder + "/cache");
    }
  }

  void WritePlace(const FakeHostState& state, int cpu) {
    CpuSet siblings;
    for (const int other : state.online) {
      if (CoreOf(other) == CoreOf(cpu)) siblings.insert(other);
    }
    const std::string topology = CpuFolder(cpu) + "/topology/";
    WriteFile(topology + "physical_package_id",
              absl::StrCat(RunOf(cpu, options_.cpus, options_.packages)));
    WriteFile(topology + "die_id", "0");
    WriteFile(topology + "core_id", absl::StrCat(CoreOf(cpu)));
    WriteFile(topology + "thread_siblings_list", FormatCpuList(siblings));
    WriteFile(topology + "core_cpus_list", FormatCpuList(siblings));
    const std::string cache = CpuFolder(cpu) + "/cache/index0/";
    WriteFile(cache + "level", "1");
    WriteFile(cache + "type", "Data");
    WriteFile(cache + "id", absl::StrCat(CoreOf(cpu)));
    WriteFile(cache + "shared_cpu_list", FormatCpuList(siblings));
  }

  // A node lists the CPUs that are online (kernel 2.1).
  void WriteNodes(const FakeHostState& state) {
    std::string zoneinfo;
    for (int node = 0; node < options_.nodes; ++node) {
      CpuSet cpus;
      for (const int cpu : state.online) {
        if (NodeOfCpu(cpu) == node) cpus.insert(cpu);
      }
      WriteFile(NodeFolder(node) + "/cpulist", FormatCpuList(cpus));
      absl::StrAppend(&zoneinfo, Zone(state, node, "Normal"), "\n", Zone(state, node, "Movable"),
                      node + 1 < options_.nodes ? "\n" : "");
    }
    WriteFile("proc/zoneinfo", zoneinfo);
  }

  std::string Zone(const FakeHostState& state, int node, const std::string& name) const {
    uint64_t bytes = 0;
    for (const auto& [number, block] : state.blocks) {
      const bool in_zone = block.online && (block.zone == 'm') == (name == "Movable");
      if (in_zone && NodeOfBlock(number) == node) bytes += options_.block_bytes;
    }
    return absl::StrCat("Node ", node, ", zone ", name, "\n  pages free 1\n        present ",
                        bytes / 4096, "\n        managed ", bytes / 4096);
  }

  void WriteMemory(const FakeHostState& state) {
    const std::string folder = kMemory;
    WriteFile(folder + "block_size_bytes", absl::StrCat(absl::Hex(options_.block_bytes)));
    uint64_t total = 0;
    for (const auto& [number, block] : state.blocks) {
      const std::string block_folder = absl::StrCat(folder, "memory", number);
      WriteFile(block_folder + "/state", block.going    ? "going-offline"
                                         : block.online ? "online"
                                                        : "offline");
      WriteFile(block_folder + "/valid_zones", Zones(block));
      WriteFile(block_folder + "/removable", "1");
      WriteFile(block_folder + "/phys_index", absl::StrCat(absl::Hex(number, absl::kZeroPad8)));
      LinkToNode(number);
      if (block.online) total += options_.block_bytes;
    }
    WriteFile("proc/meminfo", absl::StrCat("MemTotal: ", total / 1024,
                                           " kB\nMemAvailable: ", total / 1024 * 9 / 10, " kB"));
  }

  // Of an offline block the default first.
  static std::string Zones(const FakeBlock& block) {
    if (!block.online) return "Normal Movable";
    if (block.zone == 'n') return "none";
    return block.zone == 'm' ? "Movable" : "Normal";
  }

  // Nodes know their blocks by links, blocks their node.
  void LinkToNode(int block) {
    const int node = NodeOfBlock(block);
    const std::string name = absl::StrCat("memory", block);
    Link("../../memory/" + name, absl::StrCat(NodeFolder(node), "/", name));
    Link(absl::StrCat("../../node/node", node), absl::StrCat(kMemory, name, "/node", node));
  }

  // The bus shows a link to the device's real folder; what is below it are folders in that one.
  void WriteContainers(const FakeHostState& state) {
    for (const auto& [name, online] : state.containers) {
      const std::string short_name = name.substr(name.find('/') + 1);
      const std::string folder = "sys/devices/system/container/" + short_name;
      WriteFile(folder + "/online", online ? "1" : "0");
      LinkSubsystem(folder, "container");
      std::filesystem::create_directories(dir_.Path("sys/bus/container/devices"));
      Link("../../../devices/system/container/" + short_name,
           "sys/bus/container/devices/" + short_name);
      for (const std::string& below : options_.containers.at(name)) {
        WriteFile(absl::StrCat(folder, "/", below, "/online"), state.IsOnline(below) ? "1" : "0");
        LinkSubsystem(absl::StrCat(folder, "/", below),
                      below.substr(0, below.find_first_of("0123456789")));
      }
    }
  }

  void LinkSubsystem(const std::string& folder, const std::string& bus) {
    std::filesystem::create_directories(dir_.Path("sys/bus/" + bus));
    const auto depth = std::count(folder.begin(), folder.end(), '/');
    std::string up;
    for (std::ptrdiff_t i = 0; i < depth; ++i) up += "../";
    Link(up + "bus/" + bus, folder + "/subsystem");
  }

  void Link(const std::string& target, const std::string& name) {
    const std::filesystem::path path(dir_.Path(name));
    std::filesystem::create_directories(path.parent_path());
    std::error_code exists;
    std::filesystem::create_symlink(target, path, exists);
  }

  std::string Line(const std::string& name) const {
    const std::string content = dir_.Read(name);
    return content.substr(0, content.find('\n'));
  }

  // Renamed into place, for sysfs never shows half a value; left alone where nothing changed.
  void WriteFile(const std::string& name, const std::string& value) {
    std::string& known = files_[name];
    if (known == value + "\n" && std::filesystem::exists(dir_.Path(name))) return;
    known = value + "\n";
    dir_.Write(name + ".new", known);
    std::filesystem::rename(dir_.Path(name + ".new"), dir_.Path(name));
  }

  const FakeHostOptions options_;
  const TempDir dir_;
  // What this object has written to each.
  std::map<std::string, std::string> files_;
};

}  // namespace hotplugger::testing
