#include "server/fleet/policy_warnings.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/byte_size.h"
#include "common/cpu_list.h"
#include "common/number_ranges.h"

namespace hotplugger::server {
namespace {

// Of long lists, so many are named.
constexpr size_t kMaxNamed = 5;
constexpr size_t kMaxListShown = 200;

std::string FirstOf(const std::set<std::string>& names) {
  std::vector<std::string> first;
  for (const std::string& name : names) {
    if (first.size() == kMaxNamed) break;
    first.push_back(name);
  }
  return absl::StrCat(absl::StrJoin(first, ", "), names.size() > kMaxNamed ? ", …" : "");
}

std::string NothingMatches(const v1::Policy& policy, const std::vector<NodeSnapshot>& known) {
  if (known.empty()) {
    return "the selector matches no node: none has connected yet; the policy waits for them";
  }
  std::set<std::string> seen;
  for (const NodeSnapshot& node : known) {
    for (const auto& [key, value] : node.identity->labels) {
      if (policy.selector().match_labels().count(key) != 0) {
        seen.insert(absl::StrCat(key, "=", value));
      }
    }
  }
  std::string warning =
      absl::StrCat("the selector matches none of the ", known.size(), " known nodes");
  if (!policy.selector().match_labels().empty()) {
    absl::StrAppend(&warning,
                    seen.empty()
                        ? std::string("; no node has a label of the keys it asks for")
                        : absl::StrCat("; of the labels it asks for, nodes have ", FirstOf(seen)));
  }
  return warning;
}

// Nodes by what is amiss with them.
using NodesByProblem = std::map<std::string, std::set<std::string>>;

std::string Shown(const NumberSet& numbers) {
  const std::string list = FormatNumberList(numbers);
  return list.size() <= kMaxListShown ? list : absl::StrCat(list.substr(0, kMaxListShown), "…");
}

NumberSet Minus(const NumberSet& a, const NumberSet& b) {
  NumberSet rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(rest, rest.end()));
  return rest;
}

// What a policy wants of devices, read once for all nodes.
struct WantedDevices {
  CpuSet cpus;
  NumberSet blocks;
  uint64_t bytes = 0;
};

WantedDevices Read(const v1::Policy& policy) {
  WantedDevices wanted;
  const auto cpus = ParseCpuList(policy.cpu().offline());
  if (cpus.ok()) wanted.cpus = *cpus;
  const auto blocks = ParseNumberList(policy.memory().offline_blocks(), kMemoryBlockListRules);
  if (blocks.ok()) wanted.blocks = *blocks;
  const auto bytes = ParseByteSize(policy.memory().offline_bytes());
  if (bytes.ok()) wanted.bytes = *bytes;
  return wanted;
}

class ProblemFinder {
 public:
  ProblemFinder(const v1::Policy& policy, NodesByProblem* problems)
      : policy_(policy), wanted_(Read(policy)), problems_(*problems) {}

  // REQUIRES: the node has said what it has.
  void Look(const NodeSnapshot& node) {
    LookAtCpus(node.name, *node.inventory);
    LookAtSmt(node.name, *node.inventory);
    if (policy_.has_memory()) LookAtMemory(node.name, *node.inventory);
    LookAtDrivers(node.name, *node.inventory);
  }

 private:
  void Add(std::string problem, const std::string& node) {
    problems_[std::move(problem)].insert(node);
  }

  void LookAtCpus(const std::string& node, const v1::Inventory& inventory) {
    const auto present = ParseCpuList(inventory.cpus_present());
    if (!present.ok()) return;
    CpuSet fixed;
    for (const v1::Device& device : inventory.devices()) {
      if (device.kind() != v1::DEVICE_KIND_CPU || device.hotpluggable()) continue;
      for (const int cpu : wanted_.cpus) {
        if (device.name() == absl::StrCat("cpu", cpu)) fixed.insert(cpu);
      }
    }
    const CpuSet absent = Minus(wanted_.cpus, *present);
    if (!absent.empty()) {
      Add(absl::StrCat("cpu.offline: CPUs ", Shown(absent),
                       " don't exist there and count as offline"),
          node);
    }
    if (!fixed.empty()) {
      Add(absl::StrCat("cpu.offline: CPUs ", Shown(fixed),
                       " can't be taken offline there (no online file)"),
          node);
    }
    const auto count = static_cast<size_t>(std::max(policy_.cpu().online_count(), 0));
    if (!present->empty() && present->size() < count) {
      Add(absl::StrCat("cpu.online_count: there are ", present->size(),
                       " CPUs only, which all stay "
                       "online, and ",
                       count, " are asked for"),
          node);
    }
  }

  void LookAtSmt(const std::string& node, const v1::Inventory& inventory) {
    const v1::SmtControl wanted = policy_.cpu().smt();
    if (wanted == v1::SMT_CONTROL_UNSPECIFIED) return;
    switch (inventory.smt().control()) {
      case v1::SMT_CONTROL_UNSPECIFIED:
        Add("cpu.smt: the kernel there has no control of SMT", node);
        break;
      case v1::SMT_CONTROL_NOT_SUPPORTED:
        Add("cpu.smt: the CPUs there have no SMT", node);
        break;
      case v1::SMT_CONTROL_NOT_IMPLEMENTED:
        Add("cpu.smt: the kernel can't control SMT there", node);
        break;
      case v1::SMT_CONTROL_FORCEOFF:
        if (wanted == v1::SMT_CONTROL_ON) {
          Add("cpu.smt: SMT is forced off there and can't come on before a reboot", node);
        }
        break;
      default:
        break;
    }
  }

  void LookAtMemory(const std::string& node, const v1::Inventory& inventory) {
    if (!inventory.has_memory()) return Add("memory: the kernel there has no memory hotplug", node);
    const v1::MemoryInventory& memory = inventory.memory();
    const auto present = NumberRanges::Parse(memory.blocks_present(), kMemoryBlockListRules);
    const auto online = NumberRanges::Parse(memory.blocks_online(), kMemoryBlockListRules);
    const auto movable = NumberRanges::Parse(memory.blocks_movable(), kMemoryBlockListRules);
    if (!present.ok() || !online.ok() || !movable.ok()) return;
    NumberSet absent;
    NumberSet kernel;
    for (const int block : wanted_.blocks) {
      if (!present->Contains(block)) {
        absent.insert(block);
      } else if (online->Contains(block) && !movable->Contains(block)) {
        kernel.insert(block);
      }
    }
    if (!absent.empty()) {
      Add(absl::StrCat("memory.offline_blocks: blocks ", Shown(absent),
                       " don't exist there and count as offline"),
          node);
    }
    if (!kernel.empty()) {
      Add(absl::StrCat("memory.offline_blocks: blocks ", Shown(kernel),
                       " aren't movable there and may never go offline"),
          node);
    }
    const size_t offline = present->size() - std::min(online->size(), present->size());
    const uint64_t blocks_that_can = offline + movable->size();
    const uint64_t bytes_that_can = blocks_that_can * memory.block_size_bytes();
    if (wanted_.bytes > bytes_that_can) {
      Add(absl::StrCat("memory.offline_bytes: ", FormatByteSize(bytes_that_can),
                       " at most are offline or movable there"),
          node);
    }
  }

  void LookAtDrivers(const std::string& node, const v1::Inventory& inventory) {
    for (const std::string& wanted : policy_.drivers().active()) {
      const bool found = std::any_of(inventory.drivers().begin(), inventory.drivers().end(),
                                     [&wanted](const v1::Driver& driver) {
                                       return absl::EqualsIgnoreCase(driver.name(), wanted);
                                     });
      if (!found) {
        Add(absl::StrCat("drivers.active: driver ", wanted, " is not registered there"), node);
      }
    }
  }

  const v1::Policy& policy_;
  const WantedDevices wanted_;
  NodesByProblem& problems_;
};

}  // namespace

std::vector<std::string> FindPolicyWarnings(const v1::Policy& policy,
                                            const std::vector<NodeSnapshot>& known,
                                            const std::vector<NodeSnapshot>& matched) {
  if (matched.empty()) return {NothingMatches(policy, known)};
  NodesByProblem problems;
  ProblemFinder finder(policy, &problems);
  for (const NodeSnapshot& node : matched) {
    if (node.inventory != nullptr) finder.Look(node);
  }
  std::vector<std::string> warnings;
  for (const auto& [problem, nodes] : problems) {
    warnings.push_back(absl::StrCat(problem, ": ", nodes.size(), " of ", matched.size(),
                                    " matched nodes, ", FirstOf(nodes)));
  }
  return warnings;
}

}  // namespace hotplugger::server
