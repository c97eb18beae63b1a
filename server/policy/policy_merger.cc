#include "server/policy/policy_merger.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/byte_size.h"
#include "common/proto_time.h"
#include "google/protobuf/repeated_field.h"
#include "server/policy/active_set.h"

namespace hotplugger::server {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

// Whether `a` has the last word over `b`.
bool Outranks(const v1::Policy& a, const v1::Policy& b) {
  return std::make_tuple(-a.priority(), std::cref(a.name())) <
         std::make_tuple(-b.priority(), std::cref(b.name()));
}

std::set<std::string> ToSet(const Names& names) { return {names.begin(), names.end()}; }

std::optional<CpusOff> GetCpusOff(const v1::Policy& policy) {
  const v1::CpuSettings& cpu = policy.cpu();
  CpusOff off;
  off.offline = cpu.offline();
  if (cpu.has_online_count()) off.online_count = cpu.online_count();
  if (cpu.has_online_percent()) off.online_percent = cpu.online_percent();
  return off == CpusOff() ? std::nullopt : std::optional<CpusOff>(off);
}

std::string CpusOffField(const CpusOff& off) {
  if (off.online_count) return "cpu.online_count";
  return off.online_percent ? "cpu.online_percent" : "cpu.offline";
}

std::optional<MemoryOff> GetMemoryOff(const v1::Policy& policy) {
  const v1::MemorySettings& memory = policy.memory();
  MemoryOff off;
  const auto bytes = ParseByteSize(memory.offline_bytes());
  if (bytes.ok()) off.bytes = *bytes;
  off.blocks = memory.offline_blocks();
  return off == MemoryOff() ? std::nullopt : std::optional<MemoryOff>(off);
}

std::string MemoryOffField(const MemoryOff& off) {
  return off.bytes > 0 ? "memory.offline_bytes" : "memory.offline_blocks";
}

// The value of an enum whose zero means that nothing is said.
template <typename Enum>
std::optional<Enum> Said(Enum value) {
  return value == Enum() ? std::nullopt : std::optional<Enum>(value);
}

std::optional<std::set<std::string>> Said(const Names& names) {
  if (names.empty()) return std::nullopt;
  return ToSet(names);
}

// One merge in the making.
class Merger {
 public:
  Merger(absl::string_view node, const Labels& labels,
         const std::vector<const v1::Policy*>& policies) {
    for (const v1::Policy* policy : policies) {
      if (Matches(policy->selector(), node, labels)) matched_.push_back(policy);
    }
    std::sort(matched_.begin(), matched_.end(),
              [](const v1::Policy* a, const v1::Policy* b) { return Outranks(*a, *b); });
  }

  MergedPolicies Merge();

 private:
  // The highest-ranked value. `get` answers nullopt where a policy doesn't say; `field_of` names
  // the field by which it says so.
  template <typename Get, typename FieldOf>
  auto Choose(Get get, FieldOf field_of)
      -> std::optional<Chosen<typename decltype(get(std::declval<v1::Policy>()))::value_type>>;
  template <typename Get>
  auto ChooseField(const std::string& field, Get get) {
    return Choose(get, [&field](const auto&) { return field; });
  }

  void AddConflict(std::string setting, const v1::Policy& winner, const v1::Policy& loser,
                   absl::string_view problem);
  // Whether `a` wins where it can't go together with `b`; a conflict where the priorities are
  // equal.
  bool Settle(const std::string& setting, const v1::Policy& a, const v1::Policy& b,
              absl::string_view problem);
  void MergeDevices();
  void MergeDrivers();
  void MergeWhitelists();
  void SettleActiveAndStopped();
  void SettleSwitching();
  void CheckActiveSet();
  void MergeConfirm();

  // By rank.
  std::vector<const v1::Policy*> matched_;
  MergedPolicies merged_;
};

template <typename Get, typename FieldOf>
auto Merger::Choose(Get get, FieldOf field_of)
    -> std::optional<Chosen<typename decltype(get(std::declval<v1::Policy>()))::value_type>> {
  std::optional<Chosen<typename decltype(get(std::declval<v1::Policy>()))::value_type>> chosen;
  for (const v1::Policy* policy : matched_) {
    auto value = get(*policy);
    if (!value) continue;
    if (!chosen) {
      chosen = {*std::move(value), policy};
      continue;
    }
    if (policy->priority() != chosen->source->priority()) break;
    if (*value == chosen->value) continue;
    const std::string field = field_of(chosen->value);
    const std::string other = field_of(*value);
    AddConflict(field, *chosen->source, *policy,
                field == other
                    ? "they want different values"
                    : absl::StrCat("they say it in different ways, by ", field, " and by ", other));
  }
  return chosen;
}

void Merger::AddConflict(std::string setting, const v1::Policy& winner, const v1::Policy& loser,
                         absl::string_view problem) {
  std::string message =
      absl::StrCat("policies ", winner.name(), " and ", loser.name(), " disagree on ", setting,
                   " (", problem, ") with priorities ", winner.priority(), " and ",
                   loser.priority(), "; ", winner.name(), " wins meanwhile");
  merged_.conflicts.push_back(
      {std::move(setting), winner.name(), loser.name(), std::move(message)});
}

bool Merger::Settle(const std::string& setting, const v1::Policy& a, const v1::Policy& b,
                    absl::string_view problem) {
  const bool a_wins = Outranks(a, b);
  if (a.priority() == b.priority()) AddConflict(setting, a_wins ? a : b, a_wins ? b : a, problem);
  return a_wins;
}

MergedPolicies Merger::Merge() {
  MergeDevices();
  MergeDrivers();
  MergeConfirm();
  return std::move(merged_);
}

void Merger::MergeDevices() {
  merged_.cpus_off = Choose(&GetCpusOff, &CpusOffField);
  merged_.smt =
      ChooseField("cpu.smt", [](const v1::Policy& policy) { return Said(policy.cpu().smt()); });
  merged_.cpu_hot_add = ChooseField(
      "cpu.hot_add", [](const v1::Policy& policy) { return Said(policy.cpu().hot_add()); });
  merged_.memory_off = Choose(&GetMemoryOff, &MemoryOffField);
  merged_.memory_hot_add = ChooseField(
      "memory.hot_add", [](const v1::Policy& policy) { return Said(policy.memory().hot_add()); });
}

void Merger::MergeDrivers() {
  merged_.drivers_active = ChooseField(
      "drivers.active", [](const v1::Policy& policy) { return Said(policy.drivers().active()); });
  merged_.drivers_stopped = ChooseField(
      "drivers.stopped", [](const v1::Policy& policy) { return Said(policy.drivers().stopped()); });
  merged_.switching = ChooseField("drivers.switching", [](const v1::Policy& policy) {
    return Said(policy.drivers().switching());
  });
  MergeWhitelists();
  SettleSwitching();
  SettleActiveAndStopped();
  CheckActiveSet();
}

void Merger::MergeWhitelists() {
  std::set<std::string> drivers;
  for (const v1::Policy* policy : matched_) {
    for (const auto& [driver, whitelist] : policy->drivers().whitelist()) drivers.insert(driver);
  }
  for (const std::string& driver : drivers) {
    const auto chosen =
        ChooseField(absl::StrCat("drivers.whitelist.", driver),
                    [&driver](const v1::Policy& policy) -> std::optional<std::set<std::string>> {
                      const auto it = policy.drivers().whitelist().find(driver);
                      if (it == policy.drivers().whitelist().end()) return std::nullopt;
                      return ToSet(it->second.drivers());
                    });
    if (!chosen) continue;
    v1::Whitelist whitelist;
    for (const std::string& name : chosen->value) whitelist.add_drivers(name);
    merged_.whitelists.insert_or_assign(driver, Chosen<v1::Whitelist>{whitelist, chosen->source});
  }
}

void Merger::SettleSwitching() {
  if (!merged_.switching || merged_.switching->value != v1::SWITCH_OFF) return;
  constexpr absl::string_view kProblem = "one switches drivers, the other forbids it";
  bool off_wins = true;
  for (const auto* drivers : {&merged_.drivers_active, &merged_.drivers_stopped}) {
    if (*drivers &&
        !Settle("drivers.switching", *merged_.switching->source, *(*drivers)->source, kProblem)) {
      off_wins = false;
    }
  }
  if (off_wins) {
    merged_.drivers_active.reset();
    merged_.drivers_stopped.reset();
  } else {
    merged_.switching.reset();
  }
}

void Merger::SettleActiveAndStopped() {
  auto& active = merged_.drivers_active;
  auto& stopped = merged_.drivers_stopped;
  if (!active || !stopped) return;
  const std::set<std::string> all_active = active->value;
  for (const std::string& driver : all_active) {
    if (stopped->value.count(driver) == 0) continue;
    const bool active_wins =
        Settle("drivers.active", *active->source, *stopped->source,
               absl::StrCat("one wants ", driver, " to run, the other to be stopped"));
    (active_wins ? stopped : active)->value.erase(driver);
  }
  if (active->value.empty()) active.reset();
  if (stopped->value.empty()) stopped.reset();
}

// An active set of one policy and whitelists of another can forbid each other.
void Merger::CheckActiveSet() {
  const auto& active = merged_.drivers_active;
  if (!active) return;
  const Names names(active->value.begin(), active->value.end());
  for (const auto& [driver, whitelist] : merged_.whitelists) {
    if (active->value.count(driver) == 0 || whitelist.source == active->source) continue;
    WhitelistMap one;
    one[driver] = whitelist.value;
    for (const std::string& problem : FindActiveSetProblems(names, one)) {
      AddConflict("drivers.active", *active->source, *whitelist.source, problem);
    }
  }
}

void Merger::MergeConfirm() {
  for (const v1::Policy* policy : matched_) {
    if (!policy->has_confirm()) continue;
    const absl::Duration window = ToDuration(policy->confirm());
    if (!merged_.confirm_window || window < *merged_.confirm_window) {
      merged_.confirm_window = window;
    }
  }
}

}  // namespace

MergedPolicies MergePolicies(absl::string_view node, const Labels& labels,
                             const std::vector<const v1::Policy*>& policies) {
  return Merger(node, labels, policies).Merge();
}

}  // namespace hotplugger::server
