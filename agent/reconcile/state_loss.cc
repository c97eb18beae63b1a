#include "agent/reconcile/state_loss.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/device_name.h"
#include "agent/reconcile/conditions.h"
#include "agent/reconcile/parked_cpus.h"
#include "agent/reconcile/spec_trial.h"
#include "common/cpu_list.h"

namespace hotplugger::agent {
namespace {

using From = StateStore::Loaded::From;

// The spec was in that file too.
constexpr char kLeftAlone[] =
    "; until a controller has sent its spec again the agent leaves this host as it is";
// So many devices are named.
constexpr size_t kMaxNamed = 16;

// What `state` lacks of it. All that was done up to its last operation it knew; what it has no
// record of then was left as it is. And its drivers give back themselves what they have parked.
std::vector<DeviceBefore> TakenSince(const v1::AgentState& state, const Journal& journal) {
  // A journal that was begun anew counts anew.
  const auto known = static_cast<uint64_t>(state.journal_operation());
  std::vector<DeviceBefore> taken =
      journal.TakenOfflineAfter(known <= journal.last_operation() ? known : 0);
  std::set<std::string> parked;
  for (const int cpu : AllParkedCpus(state)) parked.insert(CpuName(cpu));
  taken.erase(std::remove_if(taken.begin(), taken.end(),
                             [&parked](const DeviceBefore& before) {
                               return parked.count(before.device) > 0;
                             }),
              taken.end());
  return taken;
}

// What was off before stays off: that a spec or a hot-add brought something up isn't told apart.
void AddTakenOffline(const std::vector<DeviceBefore>& taken, v1::Baseline* baseline) {
  for (const DeviceBefore& before : taken) {
    if (before.device == "smt") {
      if (!baseline->has_smt()) baseline->mutable_smt()->set_control(v1::SMT_CONTROL_ON);
      continue;
    }
    const bool added = baseline->mutable_devices()->insert({before.device, before.state}).second;
    if (added && before.zone != v1::MEMORY_ZONE_UNSPECIFIED) {
      (*baseline->mutable_zones())[before.device] = before.zone;
    }
  }
}

// Else what is offline would be taken for hot-added.
void AddSeenOnline(const std::set<std::string>& seen, v1::Baseline* baseline) {
  CpuSet cpus = ParseNumberList(baseline->cpus_seen_online(), kCpuListRules).value_or(CpuSet());
  NumberSet blocks =
      ParseNumberList(baseline->memory_seen_online(), kMemoryBlockListRules).value_or(NumberSet());
  for (const std::string& device : seen) {
    const absl::StatusOr<DeviceName> name = ParseDeviceName(device);
    if (!name.ok()) continue;
    if (name->kind == v1::DEVICE_KIND_CPU) cpus.insert(name->number);
    if (name->kind == v1::DEVICE_KIND_MEMORY) blocks.insert(name->number);
  }
  baseline->set_cpus_seen_online(FormatNumberList(cpus));
  baseline->set_memory_seen_online(FormatNumberList(blocks));
}

std::string Named(const std::vector<DeviceBefore>& taken) {
  if (taken.empty()) return "by that, none has been taken offline";
  std::vector<std::string> names;
  for (const DeviceBefore& before : taken) names.push_back(before.device);
  const size_t more = names.size() - std::min(names.size(), kMaxNamed);
  names.resize(names.size() - more);
  return absl::StrCat(absl::StrJoin(names, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "",
                      " will be online again once policies and holds let go of them");
}

StateLoss Restored(const absl::Status& damage) {
  return {
      kStateRestored,
      absl::StrCat(damage.message(),
                   "; the agent goes on with the file before that one, so what it saved last may "
                   "be missing until the controller has sent its spec again; look into this "
                   "host's disk (the agent says this until it is started anew)")};
}

StateLoss Rebuilt(const std::string& damage, const std::vector<DeviceBefore>& taken) {
  return {kBaselineRebuilt,
          absl::StrCat(damage, kLeftAlone,
                       "; how devices were before policies took them offline is taken from this "
                       "boot's journal: ",
                       Named(taken),
                       "; how drivers were is not known, so they stay as they are then "
                       "(`hotplugctl enable` and `disable` change them), and drivers that were "
                       "unregistered are back (the agent says this until it is started anew)")};
}

StateLoss Lost(const std::string& damage) {
  return {
      kBaselineLost,
      absl::StrCat(damage, ", and there is no journal of this boot", kLeftAlone,
                   "; how devices and drivers were before policies "
                   "changed them is not known: what has been taken offline stays "
                   "offline when policies and holds let go of it; bring it back with "
                   "`hotplugctl --host online`, hold it with `hotplugctl online NODE DEVICE`, or "
                   "reboot the host (the agent says this until it is started anew)")};
}

}  // namespace

std::optional<StateLoss> MendState(const StateStore::Loaded& loaded, const Journal& journal,
                                   v1::AgentState* state) {
  if (loaded.from == From::kLatest) return std::nullopt;
  const std::vector<DeviceBefore> taken = TakenSince(*state, journal);
  const std::set<std::string> seen = journal.SeenOnline();
  AddTakenOffline(taken, state->mutable_baseline());
  if (!seen.empty()) AddSeenOnline(seen, state->mutable_baseline());
  if (loaded.from == From::kPrevious) return Restored(loaded.damage);
  const bool of_this_boot = journal.found() == Journal::Found::kThisBoot;
  // An agent that dies in its first moments leaves a journal of nothing.
  const bool never_saved = loaded.damage.ok() && (!of_this_boot || seen.empty());
  if (never_saved || journal.found() == Journal::Found::kOtherBoot) return std::nullopt;
  MarkSpecLost(state);
  const std::string damage =
      loaded.damage.ok() ? "the agent's state file is gone" : std::string(loaded.damage.message());
  return of_this_boot ? Rebuilt(damage, taken) : Lost(damage);
}

}  // namespace hotplugger::agent
