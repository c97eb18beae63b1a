#include "agent/devices/rules/plan_notes.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/device_name.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {
namespace {

using Strings = std::vector<std::string>;

void AppendCpuName(std::string* out, int cpu) { absl::StrAppend(out, CpuName(cpu)); }

void AddSiblings(const CpuSet& gone, const CpuSnapshot& before, const CpuSnapshot& after,
                 Strings* notes) {
  CpuSet alone;
  Strings lines;
  for (const int cpu : gone) {
    CpuSet stay;
    for (const int sibling : before.topology.CoreCpus(cpu)) {
      if (after.masks.online.count(sibling) > 0) stay.insert(sibling);
    }
    if (stay.empty()) continue;
    alone.insert(cpu);
    lines.push_back(absl::StrCat(
        CpuName(cpu),
        stay.size() == 1 ? " goes without its sibling " : " goes without its siblings ",
        absl::StrJoin(stay, ", ", &AppendCpuName),
        "; to take a core that is bad out of use, name it as a core"));
  }
  if (lines.size() > kMaxNotesOfAKind) {
    lines = {absl::StrCat("CPUs ", FormatCpuList(alone), " go without their siblings")};
  }
  notes->insert(notes->end(), lines.begin(), lines.end());
}

void AddPackages(const CpuSet& gone, const CpuSnapshot& before, const CpuSnapshot& after,
                 Strings* notes) {
  std::map<int, int> left;
  for (const int cpu : after.masks.online) ++left[before.topology.PackageOf(cpu)];
  std::map<int, CpuSet> emptied;
  for (const int cpu : gone) {
    const int package = before.topology.PackageOf(cpu);
    if (package >= 0 && left[package] == 0) emptied[package].insert(cpu);
  }
  for (const auto& [package, cpus] : emptied) {
    notes->push_back(
        absl::StrCat("the last CPUs of package ", package, " go: ", FormatCpuList(cpus)));
  }
}

// One of them does, and the kernel doesn't say which (kernel 2.4).
void AddTimekeepers(const CpuSet& gone, const CpuMasks& masks, Strings* notes) {
  if (masks.nohz_full.empty()) return;
  CpuSet keepers;
  for (const int cpu : gone) {
    if (masks.nohz_full.count(cpu) == 0) keepers.insert(cpu);
  }
  if (keepers.empty()) return;
  const bool one = keepers.size() == 1;
  notes->push_back(absl::StrCat(
      one ? CpuName(*keepers.begin()) : absl::StrCat("one of CPUs ", FormatCpuList(keepers)),
      " may keep the time for the nohz_full CPUs ", FormatCpuList(masks.nohz_full),
      "; if so, the kernel refuses to take it (EBUSY)"));
}

}  // namespace

std::vector<std::string> NotesOnCpus(const CpuSnapshot& before, const CpuSnapshot& after,
                                     bool whole_host) {
  CpuSet gone;
  for (const int cpu : before.masks.online) {
    if (after.masks.online.count(cpu) == 0) gone.insert(cpu);
  }
  Strings notes;
  if (!whole_host) AddSiblings(gone, before, after, &notes);
  AddPackages(gone, before, after, &notes);
  AddTimekeepers(gone, before.masks, &notes);
  return notes;
}

}  // namespace hotplugger::agent
