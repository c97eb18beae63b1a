// The part of safety_limits.h that concerns CPUs.
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/limit_totals.h"
#include "agent/devices/rules/passed_limit.h"
#include "agent/devices/rules/safety_limits.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// "cpu3", or "CPUs 1,3" for several.
std::string Describe(const CpuSet& cpus) {
  if (cpus.size() == 1) return CpuName(*cpus.begin());
  return absl::StrCat("CPUs ", FormatCpuList(cpus));
}

// One change of CPUs against all limits.
class CpuCheck {
 public:
  CpuCheck(const CpuLimits& limits, const CpuSnapshot& cpus, const CpuTotals& totals,
           const CpuSet& gone)
      : limits_(limits), cpus_(cpus), totals_(totals) {
    for (const int cpu : gone) {
      if (cpus.masks.online.count(cpu) > 0) going_.insert(cpu);
    }
    left_ = totals.online - static_cast<int>(going_.size());
    device_ = going_.size() == 1 ? CpuName(*going_.begin()) : "";
  }

  absl::Status Run() const {
    if (going_.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(LastCpu());
    RETURN_IF_ERROR(Count());
    RETURN_IF_ERROR(Groups());
    RETURN_IF_ERROR(Housekeeping());
    return Exclusive();
  }

 private:
  std::string WouldLeave(absl::string_view what) const {
    return absl::StrCat("taking ", Describe(going_), " offline would leave ", what);
  }

  absl::Status LastCpu() const {
    if (left_ > 0) return absl::OkStatus();
    ErrorMetadata facts = {{"retry", "CONDITIONAL"}};
    if (!device_.empty()) facts.emplace_back("device", device_);
    return MakeError(absl::StatusCode::kFailedPrecondition, "LAST_ONLINE_CPU",
                     absl::StrCat(Describe(going_), going_.size() == 1 ? " is" : " are",
                                  " all that is online, and a host can't do without a CPU; bring "
                                  "another one online first"),
                     facts);
  }

  absl::Status Count() const {
    if (left_ < limits_.min_online) {
      return Refuse(device_,
                    {"LIMIT_MIN_ONLINE_CPUS", "cpus.min_online", absl::StrCat(limits_.min_online),
                     WouldLeave(absl::StrCat(left_, " online")), absl::StrCat(left_)});
    }
    const int present = static_cast<int>(cpus_.masks.present.size());
    const int floor = PercentOf(present, limits_.min_online_percent);
    if (left_ >= floor) return absl::OkStatus();
    return Refuse(
        device_,
        {"LIMIT_MIN_ONLINE_CPU_PERCENT", "cpus.min_online_percent",
         absl::StrCat(limits_.min_online_percent),
         WouldLeave(absl::StrCat(left_, " of ", present, " online, and ", floor, " must stay")),
         absl::StrCat(left_)});
  }

  absl::Status Groups() const {
    RETURN_IF_ERROR(Group(limits_.min_online_per_node, totals_.of_node,
                          "LIMIT_MIN_ONLINE_CPUS_PER_NODE", "cpus.min_online_per_node", "NUMA node",
                          [this](int cpu) { return cpus_.topology.NodeOf(cpu); }));
    return Group(limits_.min_online_per_package, totals_.of_package,
                 "LIMIT_MIN_ONLINE_CPUS_PER_PACKAGE", "cpus.min_online_per_package", "package",
                 [this](int cpu) { return cpus_.topology.PackageOf(cpu); });
  }

  // Only groups that lose a CPU matter, and CPUs whose group isn't known are in none.
  template <typename GroupOf>
  absl::Status Group(int floor, const std::map<int, int>& online, absl::string_view reason,
                     absl::string_view key, absl::string_view noun, GroupOf group_of) const {
    std::map<int, int> going;
    for (const int cpu : going_) ++going[group_of(cpu)];
    for (const auto& [group, count] : going) {
      const int left = online.at(group) - count;
      if (group < 0 || left >= floor) continue;
      return Refuse(device_, {reason, key, absl::StrCat(floor),
                              WouldLeave(absl::StrCat(left, " online on ", noun, " ", group)),
                              absl::StrCat(left)});
    }
    return absl::OkStatus();
  }

  absl::Status Housekeeping() const {
    const auto going =
        static_cast<int>(std::count_if(going_.begin(), going_.end(), [this](int cpu) {
          return IsHousekeeping(cpus_.masks, cpu);
        }));
    const int left = totals_.housekeeping - going;
    if (going == 0 || left >= limits_.min_housekeeping) return absl::OkStatus();
    return Refuse(device_,
                  {"LIMIT_MIN_HOUSEKEEPING_CPUS", "cpus.min_housekeeping",
                   absl::StrCat(limits_.min_housekeeping),
                   WouldLeave(absl::StrCat(left, " that are neither isolated nor nohz_full")),
                   absl::StrCat(left)});
  }

  absl::Status Exclusive() const {
    if (limits_.allow_exclusive) return absl::OkStatus();
    if (!cpus_.exclusive_unknown.ok()) {
      return Refuse(device_, {"LIMIT_EXCLUSIVE_CPUS", "cpus.allow_exclusive", "false",
                              absl::StrCat("which CPUs somebody has to itself can't be told: ",
                                           cpus_.exclusive_unknown.message()),
                              ""});
    }
    for (const ExclusiveCpus& exclusive : cpus_.exclusive) {
      for (const int cpu : going_) {
        if (exclusive.cpus.count(cpu) == 0) continue;
        return Refuse(CpuName(cpu),
                      {"LIMIT_EXCLUSIVE_CPUS", "cpus.allow_exclusive", "false",
                       absl::StrCat(CpuName(cpu), " belongs to ", exclusive.owner, " alone (CPUs ",
                                    FormatCpuList(exclusive.cpus), "), which must move first"),
                       ""});
      }
    }
    return absl::OkStatus();
  }

  const CpuLimits& limits_;
  const CpuSnapshot& cpus_;
  const CpuTotals& totals_;
  CpuSet going_;
  int left_ = 0;
  std::string device_;
};

}  // namespace

absl::Status CheckCpusOffline(const SafetyLimits& limits, const CpuSnapshot& cpus,
                              const CpuTotals& totals, const CpuSet& gone) {
  return CpuCheck(limits.cpus, cpus, totals, gone).Run();
}

absl::Status CheckCpusOffline(const SafetyLimits& limits, const CpuSnapshot& cpus,
                              const CpuSet& gone) {
  return CheckCpusOffline(limits, cpus, CpuTotals(cpus), gone);
}

}  // namespace hotplugger::agent
