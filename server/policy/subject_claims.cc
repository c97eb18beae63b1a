#include "server/policy/subject_claims.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"
#include "common/number_ranges.h"

namespace hotplugger::server {
namespace {

// What one setting of a policy says of the subject. Settings of one group say the same thing in
// different ways, so that only one of them has the last word.
struct Saying {
  const char* group;
  std::string setting;
  std::string wants;
};

std::string StateWord(const v1::Hold& hold, bool driver) {
  const bool online = hold.state() == v1::DEVICE_STATE_ONLINE;
  if (driver) return online ? "running" : "stopped";
  return online ? "online" : "offline";
}

// What a list of devices that are kept offline says of one.
Saying OfList(const char* group, const std::string& setting, const std::string& list, int number) {
  const auto numbers = NumberRanges::Parse(list, kMemoryBlockListRules);
  const bool listed = numbers.ok() && numbers->Contains(number);
  return {group, setting, listed ? "offline" : "no more than as it was: the list leaves it out"};
}

std::string HotAddText(v1::HotAdd hot_add) {
  switch (hot_add) {
    case v1::HOT_ADD_ONLINE_KERNEL:
      return "online in the kernel's zone, where it was hot-added";
    case v1::HOT_ADD_ONLINE_MOVABLE:
      return "online and movable, where it was hot-added";
    default:
      return "online, where it was hot-added";
  }
}

std::string SmtText(v1::SmtControl control) {
  std::string name = v1::SmtControl_Name(control);
  return absl::StrCat("SMT ", absl::AsciiStrToLower(name.substr(sizeof "SMT_CONTROL_" - 1)));
}

void AddCpuSayings(const v1::CpuSettings& cpu, int number, std::vector<Saying>* sayings) {
  if (!cpu.offline().empty()) {
    sayings->push_back(OfList("off", "cpu.offline", cpu.offline(), number));
  }
  if (cpu.has_online_count()) {
    sayings->push_back({"off", "cpu.online_count",
                        absl::StrCat(cpu.online_count(), " CPUs online, of the agent's choice")});
  }
  if (cpu.has_online_percent()) {
    sayings->push_back(
        {"off", "cpu.online_percent",
         absl::StrCat(cpu.online_percent(), "% of the CPUs online, of the agent's choice")});
  }
  if (cpu.hot_add() != v1::HOT_ADD_UNSPECIFIED) {
    sayings->push_back({"hot_add", "cpu.hot_add", HotAddText(cpu.hot_add())});
  }
}

void AddSmtSaying(const v1::CpuSettings& cpu, std::vector<Saying>* sayings) {
  if (cpu.smt() == v1::SMT_CONTROL_UNSPECIFIED) return;
  sayings->push_back({"smt", "cpu.smt", SmtText(cpu.smt())});
}

void AddMemorySayings(const v1::MemorySettings& memory, int number, std::vector<Saying>* sayings) {
  if (!memory.offline_blocks().empty()) {
    sayings->push_back(OfList("off", "memory.offline_blocks", memory.offline_blocks(), number));
  }
  if (!memory.offline_bytes().empty()) {
    sayings->push_back({"off", "memory.offline_bytes",
                        absl::StrCat(memory.offline_bytes(), " offline, of the agent's choice")});
  }
  if (memory.hot_add() != v1::HOT_ADD_UNSPECIFIED) {
    sayings->push_back({"hot_add", "memory.hot_add", HotAddText(memory.hot_add())});
  }
}

bool HasName(const google::protobuf::RepeatedPtrField<std::string>& names,
             const std::string& driver) {
  return std::any_of(names.begin(), names.end(), [&driver](const std::string& name) {
    return NormalizeDriverName(name) == driver;
  });
}

void AddDriverSayings(const v1::DriverSettings& drivers, const std::string& driver,
                      std::vector<Saying>* sayings) {
  if (!drivers.active().empty()) {
    sayings->push_back({"active", "drivers.active",
                        HasName(drivers.active(), driver)
                            ? "running"
                            : "stopped, unless it and each active driver spare each other"});
  }
  if (HasName(drivers.stopped(), driver)) {
    sayings->push_back({"stopped", "drivers.stopped", "stopped"});
  }
  if (drivers.switching() != v1::SWITCH_UNSPECIFIED) {
    sayings->push_back({"switching", "drivers.switching",
                        drivers.switching() == v1::SWITCH_ON ? "drivers can be switched"
                                                             : "no driver is switched"});
  }
  for (const auto& [name, whitelist] : drivers.whitelist()) {
    if (NormalizeDriverName(name) != driver) continue;
    sayings->push_back({"whitelist", absl::StrCat("drivers.whitelist.", driver),
                        "this whitelist in the place of its own"});
  }
}

std::vector<Saying> SayingsOf(const v1::Policy& policy, const ExplainedSubject& explained) {
  std::vector<Saying> sayings;
  if (!explained.subject) {
    AddSmtSaying(policy.cpu(), &sayings);
    return sayings;
  }
  switch (explained.subject->kind) {
    case Subject::Kind::kCpu:
      AddCpuSayings(policy.cpu(), explained.subject->number, &sayings);
      AddSmtSaying(policy.cpu(), &sayings);
      break;
    case Subject::Kind::kMemory:
      AddMemorySayings(policy.memory(), explained.subject->number, &sayings);
      break;
    case Subject::Kind::kDriver:
      AddDriverSayings(policy.drivers(), explained.subject->name, &sayings);
      break;
    case Subject::Kind::kCore:
    case Subject::Kind::kGeneric:
      break;
  }
  return sayings;
}

// One list of claims in the making.
class ClaimFinder {
 public:
  explicit ClaimFinder(const ExplainedSubject& explained) : explained_(explained) {}

  void AddHolds(const std::vector<const v1::Hold*>& holds) {
    if (!explained_.subject) return;
    AddHoldOf(FormatSubject(*explained_.subject), holds);
    if (!explained_.core) return;
    Subject core;
    core.kind = Subject::Kind::kCore;
    core.core = *explained_.core;
    AddHoldOf(FormatSubject(core), holds);
  }

  void AddPolicy(const v1::Policy& policy) {
    for (const Saying& saying : SayingsOf(policy, explained_)) {
      v1::Claim claim;
      claim.set_source(absl::StrCat("policy/", policy.name()));
      claim.set_priority(policy.priority());
      claim.set_setting(saying.setting);
      claim.set_wants(saying.wants);
      Rank(saying.group, policy.priority(), &claim);
      claims_.push_back(std::move(claim));
    }
  }

  std::vector<v1::Claim> Take() { return std::move(claims_); }

 private:
  struct First {
    std::string source;
    int32_t priority;
    std::string wants;
  };

  void AddHoldOf(const std::string& subject, const std::vector<const v1::Hold*>& holds) {
    for (const v1::Hold* hold : holds) {
      if (hold->subject() != subject) continue;
      v1::Claim claim;
      claim.set_source(absl::StrCat("hold/", subject));
      claim.set_wants(StateWord(*hold, explained_.subject->kind == Subject::Kind::kDriver));
      claim.set_reason(hold->reason());
      claim.set_ticket(hold->ticket());
      claim.set_author(hold->author());
      if (hold->has_expire_time()) *claim.mutable_expire_time() = hold->expire_time();
      claim.set_decides(hold_.empty());
      if (hold_.empty()) {
        hold_ = claim.source();
      } else {
        claim.set_why_not(absl::StrCat("outranked by ", hold_));
      }
      claims_.push_back(std::move(claim));
    }
  }

  // What SMT and whitelists say a hold doesn't contradict.
  bool HoldOutranks(const std::string& group) const {
    return !hold_.empty() && group != "smt" && group != "whitelist";
  }

  void Rank(const std::string& group, int32_t priority, v1::Claim* claim) {
    const auto [first, is_first] =
        first_.emplace(group, First{claim->source(), priority, claim->wants()});
    if (HoldOutranks(group)) {
      claim->set_why_not(absl::StrCat("outranked by ", hold_));
    } else if (is_first || first->second.source == claim->source()) {
      claim->set_decides(true);
    } else if (first->second.priority == priority) {
      claim->set_decides(first->second.wants == claim->wants());
      if (!claim->decides()) {
        claim->set_why_not(absl::StrCat("of the same priority as ", first->second.source,
                                        ", which comes first by name"));
      }
    } else {
      claim->set_why_not(absl::StrCat("outranked by ", first->second.source, ", whose priority is ",
                                      first->second.priority));
    }
  }

  const ExplainedSubject& explained_;
  // The hold that has the last word; "" where there is none.
  std::string hold_;
  std::map<std::string, First> first_;
  std::vector<v1::Claim> claims_;
};

}  // namespace

std::vector<v1::Claim> FindClaims(const ExplainedSubject& explained, absl::string_view node,
                                  const Labels& labels,
                                  const std::vector<const v1::Policy*>& policies,
                                  const std::vector<const v1::Hold*>& holds) {
  std::vector<const v1::Policy*> matched;
  for (const v1::Policy* policy : policies) {
    if (Matches(policy->selector(), node, labels)) matched.push_back(policy);
  }
  std::sort(matched.begin(), matched.end(), [](const v1::Policy* a, const v1::Policy* b) {
    return std::make_tuple(-a->priority(), std::cref(a->name())) <
           std::make_tuple(-b->priority(), std::cref(b->name()));
  });
  ClaimFinder finder(explained);
  finder.AddHolds(holds);
  for (const v1::Policy* policy : matched) finder.AddPolicy(*policy);
  return finder.Take();
}

std::string SummarizeClaims(absl::string_view subject, const std::vector<v1::Claim>& claims) {
  for (const v1::Claim& claim : claims) {
    if (!claim.decides()) continue;
    return absl::StrCat(subject, " is to be ", claim.wants(), ", by ", claim.source(),
                        claim.setting().empty() ? "" : absl::StrCat(" (", claim.setting(), ")"));
  }
  return absl::StrCat("no policy and no hold has a say in ", subject,
                      ": Hotplugger leaves it as it is");
}

}  // namespace hotplugger::server
