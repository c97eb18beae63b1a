#include "agent/reconcile/held_cores.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"
#include "common/core_name.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

// What the kernel doesn't tell is the only one there is.
CoreName NameOf(const v1::CpuTopology& place) {
  return {std::max(place.package(), 0), std::max(place.die(), 0), place.core()};
}

std::string SubjectOf(const CoreName& core) { return absl::StrCat("core/", FormatCoreName(core)); }

}  // namespace

std::map<int, std::string> CpusOfCores(const google::protobuf::RepeatedPtrField<std::string>& names,
                                       const CpuSnapshot& cpus) {
  std::set<CoreName> cores;
  for (const std::string& name : names) {
    const absl::StatusOr<CoreName> core = ParseCoreName(name);
    if (core.ok()) cores.insert(*core);
  }
  std::map<int, std::string> found;
  if (cores.empty()) return found;
  for (const auto& [cpu, place] : cpus.topology.cpus()) {
    const CoreName core = NameOf(place);
    if (!place.has_core() || cores.count(core) == 0) continue;
    // A sibling that was never online has no place of its own.
    for (const int thread : cpus.topology.CoreCpus(cpu)) {
      if (cpus.masks.present.count(thread) > 0) found.emplace(thread, SubjectOf(core));
    }
  }
  return found;
}

std::vector<v1::ItemResult> MissingCores(const v1::NodeSpec& spec, const CpuSnapshot& cpus) {
  std::set<std::string> there;
  for (const auto& [cpu, subject] : CpusOfCores(spec.cores_online(), cpus)) there.insert(subject);
  std::vector<v1::ItemResult> missing;
  for (const std::string& name : spec.cores_online()) {
    const absl::StatusOr<CoreName> core = ParseCoreName(name);
    if (!core.ok() || there.count(SubjectOf(*core)) > 0) continue;
    missing.push_back(FailedItem(
        SubjectOf(*core),
        MakeError(
            absl::StatusCode::kNotFound, "CORE_NOT_FOUND",
            absl::StrCat("no CPU of this host is known to be of core ", name,
                         ", package-die-core; `hotplugctl --host cpus` shows their places"))));
  }
  return missing;
}

}  // namespace hotplugger::agent
