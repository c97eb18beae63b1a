#include "server/policy/resolver.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/canonical_bytes.h"
#include "common/core_name.h"
#include "common/cpu_list.h"
#include "common/digest.h"
#include "common/number_list.h"
#include "common/number_ranges.h"
#include "server/policy/policy_merger.h"
#include "server/policy/subject.h"

namespace hotplugger::server {
namespace {

// What is held of one kind, by state.
template <typename Set>
struct Held {
  Set online;
  Set offline;
};

struct Holds {
  Held<NumberSet> cpus;
  Held<std::set<std::string>> cores;
  Held<NumberSet> blocks;
  Held<std::set<std::string>> devices;
  // Online: running.
  Held<std::set<std::string>> drivers;
};

// One resolution in the making.
class Resolver {
 public:
  Resolver(MergedPolicies merged, const std::vector<const v1::Hold*>& holds)
      : merged_(std::move(merged)) {
    for (const v1::Hold* hold : holds) AddHold(*hold);
  }

  Resolution Resolve();

 private:
  void AddHold(const v1::Hold& hold);
  void ResolveCpus();
  void ResolveMemory();
  void ResolveDevices();
  void ResolveDrivers();
  // Tells what of the lists whose drift is reported, or that are left on release, holds ask for.
  void MarkHeld();
  // Notes that `setting` comes from a policy.
  void From(const std::string& setting, const v1::Policy& policy) {
    sources_.emplace(setting, absl::StrCat("policy/", policy.name()));
  }
  // The same of a setting that says how something is to be, and can drift and be released.
  void StateFrom(const std::string& setting, const v1::Policy& policy) {
    From(setting, policy);
    if (policy.drift() == v1::DRIFT_MODE_REPORT) report_drift_of_.insert(setting);
    if (policy.on_release() == v1::RELEASE_MODE_LEAVE) leave_on_release_.insert(setting);
  }
  // Whether the agent treats some of what `setting` says unlike what holds say.
  bool IsMild(const std::string& setting) const {
    return report_drift_of_.count(setting) > 0 || leave_on_release_.count(setting) > 0;
  }

  const MergedPolicies merged_;
  Holds holds_;
  v1::NodeSpec spec_;
  // Setting and source.
  std::set<std::pair<std::string, std::string>> sources_;
  // Settings.
  std::set<std::string> report_drift_of_;
  std::set<std::string> leave_on_release_;
};

void Resolver::AddHold(const v1::Hold& hold) {
  const auto subject = ParseSubject(hold.subject());
  if (!subject.ok()) return;
  sources_.emplace(hold.subject(), absl::StrCat("hold/", hold.subject()));
  const bool online = hold.state() == v1::DEVICE_STATE_ONLINE;
  switch (subject->kind) {
    case Subject::Kind::kCpu:
      (online ? holds_.cpus.online : holds_.cpus.offline).insert(subject->number);
      break;
    case Subject::Kind::kCore:
      (online ? holds_.cores.online : holds_.cores.offline).insert(FormatCoreName(subject->core));
      break;
    case Subject::Kind::kMemory:
      (online ? holds_.blocks.online : holds_.blocks.offline).insert(subject->number);
      break;
    case Subject::Kind::kGeneric:
      (online ? holds_.devices.online : holds_.devices.offline).insert(subject->name);
      break;
    case Subject::Kind::kDriver:
      (online ? holds_.drivers.online : holds_.drivers.offline).insert(subject->name);
      break;
  }
}

// A policy's list with the holds that outrank it, and whether anything of it is left.
struct HeldList {
  std::string list;
  bool from_policy;
};

HeldList ApplyHolds(const std::string& list, const Held<NumberSet>& held,
                    const NumberListRules& rules) {
  if (held.online.empty() && held.offline.empty()) return {list, !list.empty()};
  NumberSet numbers = ParseNumberList(list, rules).value_or(NumberSet());
  for (const int number : held.online) numbers.erase(number);
  const bool from_policy = !numbers.empty();
  numbers.insert(held.offline.begin(), held.offline.end());
  return {FormatNumberList(numbers), from_policy};
}

void Resolver::ResolveCpus() {
  const HeldList offline = ApplyHolds(merged_.cpus_off ? merged_.cpus_off->value.offline : "",
                                      holds_.cpus, kCpuListRules);
  spec_.set_cpu_offline(offline.list);
  spec_.set_cpu_online(FormatCpuList(holds_.cpus.online));
  if (merged_.cpus_off) {
    const auto& [off, source] = *merged_.cpus_off;
    if (offline.from_policy) StateFrom("cpu_offline", *source);
    if (off.online_count) {
      spec_.set_cpu_online_count(*off.online_count);
      StateFrom("cpu_online_count", *source);
    }
    if (off.online_percent) {
      spec_.set_cpu_online_percent(*off.online_percent);
      StateFrom("cpu_online_percent", *source);
    }
  }
  if (merged_.smt) {
    spec_.set_smt(merged_.smt->value);
    StateFrom("smt", *merged_.smt->source);
  }
  if (merged_.cpu_hot_add) {
    spec_.set_cpu_hot_add(merged_.cpu_hot_add->value);
    From("cpu_hot_add", *merged_.cpu_hot_add->source);
  }
}

void Resolver::ResolveMemory() {
  const HeldList offline = ApplyHolds(merged_.memory_off ? merged_.memory_off->value.blocks : "",
                                      holds_.blocks, kMemoryBlockListRules);
  spec_.set_memory_offline(offline.list);
  spec_.set_memory_online(FormatNumberList(holds_.blocks.online));
  if (merged_.memory_off) {
    const auto& [off, source] = *merged_.memory_off;
    if (offline.from_policy) StateFrom("memory_offline", *source);
    if (off.bytes > 0) {
      spec_.set_memory_offline_bytes(off.bytes);
      StateFrom("memory_offline_bytes", *source);
    }
  }
  if (merged_.memory_hot_add) {
    spec_.set_memory_hot_add(merged_.memory_hot_add->value);
    From("memory_hot_add", *merged_.memory_hot_add->source);
  }
}

void Resolver::ResolveDevices() {
  for (const std::string& core : holds_.cores.offline) spec_.add_cores_offline(core);
  for (const std::string& core : holds_.cores.online) spec_.add_cores_online(core);
  for (const std::string& device : holds_.devices.offline) spec_.add_devices_offline(device);
  for (const std::string& device : holds_.devices.online) spec_.add_devices_online(device);
}

void Resolver::ResolveDrivers() {
  const Held<std::set<std::string>>& held = holds_.drivers;
  std::set<std::string> active;
  if (merged_.drivers_active) active = merged_.drivers_active->value;
  for (const std::string& driver : held.offline) active.erase(driver);
  if (!held.online.empty()) {
    active = held.online;
  } else if (!active.empty()) {
    StateFrom("drivers_active", *merged_.drivers_active->source);
  }
  std::set<std::string> stopped;
  if (merged_.drivers_stopped) stopped = merged_.drivers_stopped->value;
  for (const std::string& driver : held.online) stopped.erase(driver);
  if (!stopped.empty()) StateFrom("drivers_stopped", *merged_.drivers_stopped->source);
  stopped.insert(held.offline.begin(), held.offline.end());
  for (const std::string& driver : active) spec_.add_drivers_active(driver);
  for (const std::string& driver : stopped) spec_.add_drivers_stopped(driver);

  for (const auto& [driver, whitelist] : merged_.whitelists) {
    (*spec_.mutable_driver_whitelists())[driver] = whitelist.value;
    From(absl::StrCat("driver_whitelists.", driver), *whitelist.source);
  }
  // A person who holds a driver outranks the policy that forbids to switch it.
  const bool holds_drivers = !held.online.empty() || !held.offline.empty();
  if (merged_.switching && !(merged_.switching->value == v1::SWITCH_OFF && holds_drivers)) {
    spec_.set_switching(merged_.switching->value);
    StateFrom("switching", *merged_.switching->source);
  }
}

void Resolver::MarkHeld() {
  for (const std::string& setting : report_drift_of_) spec_.add_report_drift_of(setting);
  for (const std::string& setting : leave_on_release_) spec_.add_leave_on_release(setting);
  // A hold of one CPU outranks that of its core, and a policy doesn't.
  if (IsMild("cpu_offline") || !holds_.cores.online.empty()) {
    spec_.set_cpu_held(FormatCpuList(holds_.cpus.offline));
  }
  if (IsMild("memory_offline")) spec_.set_memory_held(FormatNumberList(holds_.blocks.offline));
  std::set<std::string> drivers;
  if (IsMild("drivers_active")) drivers = holds_.drivers.online;
  if (IsMild("drivers_stopped")) {
    drivers.insert(holds_.drivers.offline.begin(), holds_.drivers.offline.end());
  }
  for (const std::string& driver : drivers) spec_.add_drivers_held(driver);
}

Resolution Resolver::Resolve() {
  ResolveCpus();
  ResolveMemory();
  ResolveDevices();
  ResolveDrivers();
  MarkHeld();
  Resolution result;
  for (const auto& [setting, source] : sources_) {
    v1::SettingSource& added = result.sources.emplace_back();
    added.set_setting(setting);
    added.set_source(source);
  }
  result.conflicts = merged_.conflicts;
  result.confirm_window = merged_.confirm_window;
  result.body = SerializeSpec(spec_);
  result.digest = Sha256Hex(result.body);
  result.spec = std::move(spec_);
  return result;
}

}  // namespace

Resolution Resolve(absl::string_view node, const Labels& labels,
                   const std::vector<const v1::Policy*>& policies,
                   const std::vector<const v1::Hold*>& holds) {
  return Resolver(MergePolicies(node, labels, policies), holds).Resolve();
}

std::string SerializeSpec(const v1::NodeSpec& spec) { return CanonicalBytes(spec); }

std::string FindSpecSizeProblem(const Resolution& resolution) {
  if (resolution.body.size() > kMaxSpecBytes) {
    return absl::StrCat("it would have ", resolution.body.size(), " bytes; at most ", kMaxSpecBytes,
                        " are allowed; give shorter whitelists or fewer holds");
  }
  const v1::NodeSpec& spec = resolution.spec;
  const std::pair<const char*, const std::string*> lists[] = {
      {"cpu_offline", &spec.cpu_offline()},
      {"cpu_online", &spec.cpu_online()},
      {"memory_offline", &spec.memory_offline()},
      {"memory_online", &spec.memory_online()}};
  for (const auto& [name, list] : lists) {
    if (list->size() > kMaxNumberListLength) {
      return absl::StrCat("its list ", name, " would have ", list->size(), " bytes; at most ",
                          kMaxNumberListLength,
                          " are allowed; give ranges rather than single numbers, or fewer holds");
    }
    const auto ranges = NumberRanges::Parse(*list, kMemoryBlockListRules);
    if (ranges.ok() && ranges->size() > kMaxNumberListItems) {
      return absl::StrCat("its list ", name, " would have ", ranges->size(), " numbers; at most ",
                          kMaxNumberListItems, " are allowed; give a shorter list, or fewer holds");
    }
  }
  return "";
}

}  // namespace hotplugger::server
