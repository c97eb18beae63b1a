#include "server/fleet/policy_warnings.h"

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/cpu_list.h"

namespace hotplugger::server {
namespace {

// Of long lists, so many are named.
constexpr size_t kMaxNamed = 5;

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

void AddCpuProblems(const CpuSet& offline, const NodeSnapshot& node, NodesByProblem* problems) {
  const auto present = ParseCpuList(node.inventory->cpus_present());
  if (!present.ok()) return;
  CpuSet absent;
  CpuSet fixed;
  for (const int cpu : offline) {
    if (present->count(cpu) == 0) absent.insert(cpu);
  }
  for (const v1::Device& device : node.inventory->devices()) {
    if (device.kind() != v1::DEVICE_KIND_CPU || device.hotpluggable()) continue;
    for (const int cpu : offline) {
      if (device.name() == absl::StrCat("cpu", cpu)) fixed.insert(cpu);
    }
  }
  if (!absent.empty()) {
    (*problems)[absl::StrCat("cpu.offline: CPUs ", FormatCpuList(absent),
                             " don't exist there and count as offline")]
        .insert(node.name);
  }
  if (!fixed.empty()) {
    (*problems)[absl::StrCat("cpu.offline: CPUs ", FormatCpuList(fixed),
                             " can't be taken offline there (no online file)")]
        .insert(node.name);
  }
}

void AddDriverProblems(const v1::DriverSettings& drivers, const NodeSnapshot& node,
                       NodesByProblem* problems) {
  for (const std::string& wanted : drivers.active()) {
    bool found = false;
    for (const v1::Driver& driver : node.inventory->drivers()) {
      found = found || absl::EqualsIgnoreCase(driver.name(), wanted);
    }
    if (!found) {
      (*problems)[absl::StrCat("drivers.active: driver ", wanted, " is not registered there")]
          .insert(node.name);
    }
  }
}

}  // namespace

std::vector<std::string> FindPolicyWarnings(const v1::Policy& policy,
                                            const std::vector<NodeSnapshot>& known,
                                            const std::vector<NodeSnapshot>& matched) {
  if (matched.empty()) return {NothingMatches(policy, known)};
  const auto offline = ParseCpuList(policy.cpu().offline());
  NodesByProblem problems;
  for (const NodeSnapshot& node : matched) {
    if (node.inventory == nullptr) continue;
    if (offline.ok()) AddCpuProblems(*offline, node, &problems);
    AddDriverProblems(policy.drivers(), node, &problems);
  }
  std::vector<std::string> warnings;
  for (const auto& [problem, nodes] : problems) {
    warnings.push_back(absl::StrCat(problem, ": ", nodes.size(), " of ", matched.size(),
                                    " matched nodes, ", FirstOf(nodes)));
  }
  return warnings;
}

}  // namespace hotplugger::server
