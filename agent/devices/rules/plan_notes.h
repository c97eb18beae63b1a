// What a person should know of a plan besides its steps.
#pragma once

#include <string>
#include <vector>

#include "agent/devices/inventory/snapshot.h"

namespace hotplugger::agent {

// Of one kind of note so many are given CPU by CPU; more are summed up in one.
inline constexpr size_t kMaxNotesOfAKind = 8;

// Of the CPUs that go from `before` to `after`: threads whose core stays in part, packages that are
// emptied, CPUs that may keep the time for those without a tick. `whole_host`: every core loses
// threads, as with SMT off, so that siblings that stay are no news.
std::vector<std::string> NotesOnCpus(const CpuSnapshot& before, const CpuSnapshot& after,
                                     bool whole_host);

}  // namespace hotplugger::agent
