#include "server/policy/resolver.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/cpu_list.h"
#include "common/digest.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "server/policy/active_set.h"
#include "server/policy/subject.h"

namespace hotplugger::server {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

// A setting's value and the policy that it comes from.
template <typename T>
struct Chosen {
  T value;
  const v1::Policy* source;
};

// Whether `a` has the last word over `b`.
bool Outranks(const v1::Policy& a, const v1::Policy& b) {
  return std::make_tuple(-a.priority(), std::cref(a.name())) <
         std::make_tuple(-b.priority(), std::cref(b.name()));
}

std::set<std::string> ToSet(const Names& names) { return {names.begin(), names.end()}; }

// One resolution in the making.
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

  void MergePolicies();
  void ApplyHolds(const std::vector<const v1::Hold*>& holds);
  Resolution Finish();

 private:
  // The highest-ranked value; `get` answers nullopt where a policy doesn't say.
  template <typename Get>
  auto Choose(const std::string& setting, Get get)
      -> std::optional<Chosen<typename decltype(get(std::declval<v1::Policy>()))::value_type>>;

  void AddConflict(std::string setting, const v1::Policy& winner, const v1::Policy& loser,
                   absl::string_view problem);
  // Whether `a` wins where it can't go together with `b`; a conflict where the priorities are
  // equal.
  bool Settle(const std::string& setting, const v1::Policy& a, const v1::Policy& b,
              absl::string_view problem);
  void MergeWhitelists();
  void SettleActiveAndStopped();
  void SettleSwitching();
  void CheckActiveSet();
  void ApplyDriverHold(const std::string& driver, v1::DeviceState state);

  std::vector<const v1::Policy*> matched_;
  std::optional<Chosen<CpuSet>> cpu_offline_;
  CpuSet cpu_online_;
  std::optional<Chosen<std::set<std::string>>> active_;
  std::optional<Chosen<std::set<std::string>>> stopped_;
  std::optional<Chosen<v1::Switch>> switching_;
  std::map<std::string, Chosen<v1::Whitelist>> whitelists_;
  CpuSet held_offline_;
  CpuSet held_online_;
  std::set<std::string> drivers_held_running_;
  std::set<std::string> drivers_held_stopped_;
  std::vector<std::string> held_subjects_;
  std::vector<PolicyConflict> conflicts_;
};

template <typename Get>
auto Merger::Choose(const std::string& setting, Get get)
    -> std::optional<Chosen<typename decltype(get(std::declval<v1::Policy>()))::value_type>> {
  std::optional<Chosen<typename decltype(get(std::declval<v1::Policy>()))::value_type>> chosen;
  for (const v1::Policy* policy : matched_) {
    auto value = get(*policy);
    if (!value) continue;
    if (!chosen) {
      chosen = {*std::move(value), policy};
    } else if (policy->priority() == chosen->source->priority()) {
      if (*value != chosen->value) {
        AddConflict(setting, *chosen->source, *policy, "they want different values");
      }
    } else {
      break;
    }
  }
  return chosen;
}

void Merger::AddConflict(std::string setting, const v1::Policy& winner, const v1::Policy& loser,
                         absl::string_view problem) {
  std::string message =
      absl::StrCat("policies ", winner.name(), " and ", loser.name(), " disagree on ", setting,
                   " (", problem, ") with priorities ", winner.priority(), " and ",
                   loser.priority(), "; ", winner.name(), " wins meanwhile");
  conflicts_.push_back({std::move(setting), winner.name(), loser.name(), std::move(message)});
}

bool Merger::Settle(const std::string& setting, const v1::Policy& a, const v1::Policy& b,
                    absl::string_view problem) {
  const bool a_wins = Outranks(a, b);
  if (a.priority() == b.priority()) AddConflict(setting, a_wins ? a : b, a_wins ? b : a, problem);
  return a_wins;
}

void Merger::MergePolicies() {
  cpu_offline_ = Choose("cpu.offline", [](const v1::Policy& policy) -> std::optional<CpuSet> {
    if (!policy.has_cpu()) return std::nullopt;
    auto cpus = ParseCpuList(policy.cpu().offline());
    return cpus.ok() ? std::optional<CpuSet>(*std::move(cpus)) : std::nullopt;
  });
  using NameSet = std::optional<std::set<std::string>>;
  active_ = Choose("drivers.active", [](const v1::Policy& policy) -> NameSet {
    if (policy.drivers().active().empty()) return std::nullopt;
    return ToSet(policy.drivers().active());
  });
  stopped_ = Choose("drivers.stopped", [](const v1::Policy& policy) -> NameSet {
    if (policy.drivers().stopped().empty()) return std::nullopt;
    return ToSet(policy.drivers().stopped());
  });
  switching_ =
      Choose("drivers.switching", [](const v1::Policy& policy) -> std::optional<v1::Switch> {
        if (policy.drivers().switching() == v1::SWITCH_UNSPECIFIED) return std::nullopt;
        return policy.drivers().switching();
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
        Choose(absl::StrCat("drivers.whitelist.", driver),
               [&driver](const v1::Policy& policy) -> std::optional<std::set<std::string>> {
                 const auto it = policy.drivers().whitelist().find(driver);
                 if (it == policy.drivers().whitelist().end()) return std::nullopt;
                 return ToSet(it->second.drivers());
               });
    if (!chosen) continue;
    v1::Whitelist whitelist;
    for (const std::string& name : chosen->value) whitelist.add_drivers(name);
    whitelists_.insert_or_assign(driver, Chosen<v1::Whitelist>{whitelist, chosen->source});
  }
}

void Merger::SettleSwitching() {
  if (!switching_ || switching_->value != v1::SWITCH_OFF) return;
  constexpr absl::string_view kProblem = "one switches drivers, the other forbids it";
  bool off_wins = true;
  for (const auto* drivers : {&active_, &stopped_}) {
    if (*drivers &&
        !Settle("drivers.switching", *switching_->source, *(*drivers)->source, kProblem)) {
      off_wins = false;
    }
  }
  if (off_wins) {
    active_.reset();
    stopped_.reset();
  } else {
    switching_.reset();
  }
}

void Merger::SettleActiveAndStopped() {
  if (!active_ || !stopped_) return;
  const std::set<std::string> both_lists = active_->value;
  for (const std::string& driver : both_lists) {
    if (stopped_->value.count(driver) == 0) continue;
    const bool active_wins =
        Settle("drivers.active", *active_->source, *stopped_->source,
               absl::StrCat("one wants ", driver, " to run, the other to be stopped"));
    (active_wins ? stopped_ : active_)->value.erase(driver);
  }
  if (active_->value.empty()) active_.reset();
  if (stopped_->value.empty()) stopped_.reset();
}

// An active set of one policy and whitelists of another can forbid each other.
void Merger::CheckActiveSet() {
  if (!active_) return;
  Names active(active_->value.begin(), active_->value.end());
  for (const auto& [driver, whitelist] : whitelists_) {
    if (active_->value.count(driver) == 0 || whitelist.source == active_->source) continue;
    WhitelistMap one;
    one[driver] = whitelist.value;
    for (const std::string& problem : FindActiveSetProblems(active, one)) {
      AddConflict("drivers.active", *active_->source, *whitelist.source, problem);
    }
  }
}

void Merger::ApplyHolds(const std::vector<const v1::Hold*>& holds) {
  for (const v1::Hold* hold : holds) {
    const auto subject = ParseSubject(hold->subject());
    if (!subject.ok()) continue;
    const bool online = hold->state() == v1::DEVICE_STATE_ONLINE;
    held_subjects_.push_back(hold->subject());
    if (subject->kind == Subject::Kind::kCpu) {
      (online ? held_online_ : held_offline_).insert(subject->cpu);
    } else {
      (online ? drivers_held_running_ : drivers_held_stopped_).insert(subject->driver);
    }
  }
}

Resolution Merger::Finish() {
  Resolution result;
  v1::NodeSpec& spec = result.spec;
  std::set<std::pair<std::string, std::string>> sources;
  const auto from = [&sources](const std::string& setting, const v1::Policy& policy) {
    sources.emplace(setting, absl::StrCat("policy/", policy.name()));
  };

  CpuSet offline = cpu_offline_ ? cpu_offline_->value : CpuSet();
  for (const int cpu : held_online_) offline.erase(cpu);
  if (!offline.empty() && cpu_offline_) from("cpu_offline", *cpu_offline_->source);
  offline.insert(held_offline_.begin(), held_offline_.end());
  spec.set_cpu_offline(FormatCpuList(offline));
  spec.set_cpu_online(FormatCpuList(held_online_));

  std::set<std::string> active = active_ ? active_->value : std::set<std::string>();
  for (const std::string& driver : drivers_held_stopped_) active.erase(driver);
  if (!drivers_held_running_.empty()) {
    active = drivers_held_running_;
  } else if (!active.empty()) {
    from("drivers_active", *active_->source);
  }
  std::set<std::string> stopped = stopped_ ? stopped_->value : std::set<std::string>();
  for (const std::string& driver : drivers_held_running_) stopped.erase(driver);
  if (!stopped.empty()) from("drivers_stopped", *stopped_->source);
  stopped.insert(drivers_held_stopped_.begin(), drivers_held_stopped_.end());
  for (const std::string& driver : active) spec.add_drivers_active(driver);
  for (const std::string& driver : stopped) spec.add_drivers_stopped(driver);

  for (const auto& [driver, whitelist] : whitelists_) {
    (*spec.mutable_driver_whitelists())[driver] = whitelist.value;
    from(absl::StrCat("driver_whitelists.", driver), *whitelist.source);
  }
  // A person who holds a driver outranks the policy that forbids to switch it.
  const bool holds_drivers = !drivers_held_running_.empty() || !drivers_held_stopped_.empty();
  if (switching_ && !(switching_->value == v1::SWITCH_OFF && holds_drivers)) {
    spec.set_switching(switching_->value);
    from("switching", *switching_->source);
  }

  for (const std::string& subject : held_subjects_) {
    sources.emplace(subject, absl::StrCat("hold/", subject));
  }
  for (const auto& [setting, source] : sources) {
    v1::SettingSource& added = result.sources.emplace_back();
    added.set_setting(setting);
    added.set_source(source);
  }
  result.conflicts = std::move(conflicts_);
  result.body = SerializeSpec(spec);
  result.digest = Sha256Hex(result.body);
  return result;
}

}  // namespace

Resolution Resolve(absl::string_view node, const Labels& labels,
                   const std::vector<const v1::Policy*>& policies,
                   const std::vector<const v1::Hold*>& holds) {
  Merger merger(node, labels, policies);
  merger.MergePolicies();
  merger.ApplyHolds(holds);
  return merger.Finish();
}

std::string SerializeSpec(const v1::NodeSpec& spec) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    // Maps have no order otherwise.
    coded.SetSerializationDeterministic(true);
    spec.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace hotplugger::server
