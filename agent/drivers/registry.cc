#include "agent/drivers/registry.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "agent/devices/rules/item_result.h"
#include "agent/drivers/driver_errors.h"
#include "common/driver_rules.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/text.h"

namespace hotplugger::agent {
namespace {

absl::StatusOr<SwitchPlan> PlanUnregister(const DriverSnapshots& snapshot,
                                          absl::string_view driver) {
  ASSIGN_OR_RETURN(SwitchPlan plan, PlanDisableOne(snapshot, driver));
  for (SwitchStep& step : plan.steps) step.why = "stopped and unregistered";
  for (SwitchNote& note : plan.already_stopped) note.why = "unregistered";
  return plan;
}

bool Has(const std::vector<std::shared_ptr<HotplugDriver>>& drivers, absl::string_view name) {
  return std::any_of(drivers.begin(), drivers.end(), [name](const auto& driver) {
    return absl::EqualsIgnoreCase(driver->name(), name);
  });
}

std::string KindName(v1::DriverProvider kind) {
  return absl::AsciiStrToLower(
      absl::StripPrefix(v1::DriverProvider_Name(kind), "DRIVER_PROVIDER_"));
}

}  // namespace

// Holds the host's one switch, or joins the one that this thread holds already.
class Registry::SwitchScope {
 public:
  SwitchScope(Registry& registry, const SwitchRules& rules)
      : registry_(registry), count_already_(rules.count_already) {
    MutexLock lock(&registry_.mutex_);
    if (registry_.transaction_ != nullptr &&
        registry_.switching_thread_ == std::this_thread::get_id()) {
      transaction_ = registry_.transaction_;
      return;
    }
    if (rules.gate == Gate::kSwitching && !registry_.switching_) {
      status_ = SwitchingOffError();
    } else if (registry_.transaction_ != nullptr) {
      status_ = SwitchInProgressError();
    } else {
      own_.emplace(registry_.clock_, registry_.inquiry_, registry_.counters_,
                   registry_.options_.pause, rules.deadline, rules.nested_calls);
      transaction_ = registry_.transaction_ = &*own_;
      registry_.switching_thread_ = std::this_thread::get_id();
    }
  }

  ~SwitchScope() {
    if (!own_) return;
    own_->Count(count_already_);
    MutexLock lock(&registry_.mutex_);
    registry_.transaction_ = nullptr;
  }

  SwitchScope(const SwitchScope&) = delete;
  SwitchScope& operator=(const SwitchScope&) = delete;

  const absl::Status& status() const { return status_; }
  bool nested() const { return !own_; }
  SwitchTransaction& transaction() { return *transaction_; }

 private:
  Registry& registry_;
  const bool count_already_;
  absl::Status status_;
  std::optional<SwitchTransaction> own_;
  SwitchTransaction* transaction_ = nullptr;
};

// One question to a provider, on a thread of its own.
class Registry::RefreshCall {
 public:
  void Run(DriverProvider& provider) {
    absl::StatusOr<DriverList> list = provider.Refresh();
    MutexLock lock(&mutex_);
    answer_ = std::move(list);
    changed_.NotifyAll();
  }

  // Nothing where it isn't there in time; from the second time on that is at once.
  std::optional<absl::StatusOr<DriverList>> Await(absl::Duration patience) {
    MutexLock lock(&mutex_);
    const absl::Time give_up = SteadyNow() + (awaited_ ? absl::ZeroDuration() : patience);
    awaited_ = true;
    while (!answer_.has_value() && SteadyNow() < give_up) changed_.WaitUntil(&mutex_, give_up);
    return answer_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool awaited_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::StatusOr<DriverList>> answer_ ABSL_GUARDED_BY(mutex_);
};

Registry::Registry(Clock& clock, AgentCounters& counters, Options options)
    : clock_(clock),
      counters_(counters),
      options_(std::move(options)),
      inquiry_(options_.patience),
      switching_(options_.switching) {}

Registry::~Registry() {
  MutexLock sync_lock(&sync_mutex_);
  for (auto& [provider, call] : refreshes_) {
    if (call != nullptr) (void)call->Await(options_.patience);
  }
}

absl::Status Registry::Register(std::shared_ptr<HotplugDriver> driver) {
  if (driver == nullptr) return NoDriverError();
  const DriverWhitelist whitelist = driver->whitelist();
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckNewLocked(*driver, whitelist));
  unregistered_.erase(NormalizeDriverName(driver->name()));
  drivers_.push_back(std::move(driver));
  return absl::OkStatus();
}

SwitchResult Registry::Unregister(absl::string_view name, absl::Time deadline) {
  const AskedFor asked_for = {{std::string(name), false}};
  const SwitchRules rules = {.deadline = deadline, .gate = Gate::kNone};
  SwitchScope scope(*this, rules);
  if (!scope.status().ok()) return Refuse(asked_for, scope.status());
  if (scope.transaction().IsChanging(name) ||
      (scope.nested() && scope.transaction().ignores_nested_calls())) {
    return Refuse(asked_for, ReentrantChangeError(name));
  }
  bool in_unknown_state = false;
  SwitchResult result = Switch(asked_for, rules, [&](const DriverSnapshots& snapshot) {
    const DriverSnapshot* driver = FindDriver(snapshot, name);
    in_unknown_state = driver != nullptr && driver->state == v1::DRIVER_STATE_UNKNOWN;
    return PlanUnregister(snapshot, name);
  });
  if (!result.status.ok()) {
    if (scope.nested()) return result;
    const absl::Status undone = scope.transaction().Undo(result.status);
    if (!in_unknown_state) return {undone, std::move(result.items)};
    result = {absl::OkStatus(), scope.transaction().Items({std::string(name)})};
    result.items.front().set_message(
        absl::StrCat("unregistered, though whether it runs can't be told: ", undone.message()));
    result.items.front().clear_reason();
  }
  result.items.front().set_outcome(v1::OUTCOME_CHANGED);
  MutexLock lock(&mutex_);
  // Before it goes: whoever asks the providers from now on must not bring it back.
  unregistered_.insert(NormalizeDriverName(name));
  EraseLocked(name);
  return result;
}

absl::StatusOr<SyncResult> Registry::SyncProvider(DriverProvider& provider) {
  MutexLock sync_lock(&sync_mutex_);
  std::shared_ptr<RefreshCall>& call = refreshes_[&provider];
  if (call == nullptr) {
    call = std::make_shared<RefreshCall>();
    std::thread([call, &provider] { call->Run(provider); }).detach();
  }
  // One that hangs is waited for once; from then on it is only looked at.
  std::optional<absl::StatusOr<DriverList>> answer = call->Await(options_.patience);
  if (!answer.has_value()) {
    Warn(provider.kind(), "PROVIDER_HANGS", "that was asked for and is not answered");
    return SyncResult();
  }
  call.reset();
  if (!answer->ok()) {
    Warn(provider.kind(), "PROVIDER_FAILED", answer->status().message());
    return answer->status();
  }
  return Adopt(provider.kind(), **answer);
}

void Registry::Warn(v1::DriverProvider kind, absl::string_view reason, absl::string_view cause) {
  MutexLock lock(&mutex_);
  warnings_[kind] = {absl::StrCat(reason, ": whether there are other drivers of the kind ",
                                  KindName(kind), " can't be told: ", cause,
                                  "; those that are known stay")};
}

void Registry::SyncKernel() {
  std::vector<DriverProvider*> providers;
  {
    MutexLock lock(&sync_mutex_);
    for (const auto& [provider, call] : refreshes_) {
      if (provider->kind() == v1::DRIVER_PROVIDER_KERNEL) providers.push_back(provider);
    }
  }
  // Errors are among the warnings.
  for (DriverProvider* provider : providers) SyncProvider(*provider).status().IgnoreError();
}

std::vector<std::string> Registry::Unregistered() {
  MutexLock lock(&mutex_);
  return {unregistered_.begin(), unregistered_.end()};
}

SyncResult Registry::Adopt(v1::DriverProvider kind, const DriverList& list) {
  SyncResult result;
  std::vector<std::string> warnings = list.warnings;
  std::vector<DriverWhitelist> whitelists;
  for (const auto& driver : list.drivers) whitelists.push_back(driver->whitelist());
  MutexLock lock(&mutex_);
  for (const auto& driver : drivers_) {
    if (list.complete && driver->provider() == kind && !Has(list.drivers, driver->name())) {
      result.removed.emplace_back(driver->name());
    }
  }
  for (const std::string& name : result.removed) EraseLocked(name);
  for (size_t i = 0; i < list.drivers.size(); ++i) {
    const std::shared_ptr<HotplugDriver>& driver = list.drivers[i];
    if (unregistered_.count(NormalizeDriverName(driver->name())) > 0) continue;
    const auto known = std::find_if(drivers_.begin(), drivers_.end(), [&](const auto& other) {
      return other->provider() == kind && absl::EqualsIgnoreCase(other->name(), driver->name());
    });
    if (known != drivers_.end()) {
      // The provider may describe it anew; its place in the order stays. So does the object where
      // nothing is new: a driver that hangs as it is asked is known by it.
      const bool valid = !whitelists[i] || ValidateWhitelist(driver->name(), *whitelists[i]).ok();
      if (valid && !(*known)->SameAs(*driver)) *known = driver;
      continue;
    }
    const absl::Status status = CheckNewLocked(*driver, whitelists[i]);
    if (status.ok()) {
      drivers_.push_back(driver);
      result.added.emplace_back(driver->name());
    } else {
      warnings.push_back(absl::StrCat("not registered: ", status.message()));
    }
  }
  warnings_[kind] = std::move(warnings);
  return result;
}

void Registry::SetUnregistered(const std::vector<std::string>& names) {
  MutexLock lock(&mutex_);
  unregistered_.clear();
  for (const std::string& name : names) unregistered_.insert(NormalizeDriverName(name));
}

std::vector<v1::Driver> Registry::List() {
  const std::vector<std::shared_ptr<HotplugDriver>> drivers = Drivers();
  const DriverSnapshots snapshot = TakeSnapshot(inquiry_, drivers, Overrides());
  std::vector<v1::Driver> list;
  for (size_t i = 0; i < snapshot.size(); ++i) {
    v1::Driver& driver = list.emplace_back(ToProto(snapshot[i]));
    if (driver.state() != v1::DRIVER_STATE_UNKNOWN) drivers[i]->AddDetails(&driver);
  }
  return list;
}

std::vector<std::string> Registry::Warnings() {
  MutexLock lock(&mutex_);
  std::vector<std::string> all;
  for (const auto& [kind, warnings] : warnings_) {
    // They name files, whose names may have any bytes.
    for (const std::string& warning : warnings) all.push_back(PrintableLines(warning));
  }
  return all;
}

bool Registry::switching() {
  MutexLock lock(&mutex_);
  return switching_;
}

void Registry::SetSwitching(bool on) {
  MutexLock lock(&mutex_);
  switching_ = on;
}

absl::Status Registry::SetWhitelistOverrides(
    const std::map<std::string, std::vector<std::string>>& lists) {
  if (lists.size() > kMaxDrivers) {
    return MakeError(absl::StatusCode::kInvalidArgument, "BAD_WHITELIST",
                     absl::StrCat("whitelists for ", lists.size(), " drivers are given; at most ",
                                  kMaxDrivers, " are allowed"));
  }
  WhitelistOverrides overrides;
  for (const auto& [driver, whitelist] : lists) {
    RETURN_IF_ERROR(ValidateDriverName(driver));
    RETURN_IF_ERROR(ValidateWhitelist(driver, whitelist));
    if (!overrides.emplace(NormalizeDriverName(driver), whitelist).second) {
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_WHITELIST",
                       absl::StrCat("there are two whitelists of ", driver,
                                    ", since case doesn't count in names; give one"));
    }
  }
  MutexLock lock(&mutex_);
  overrides_ = std::move(overrides);
  return absl::OkStatus();
}

SwitchResult Registry::DisableConflicts(absl::string_view driver, absl::Time deadline) {
  return Switch({}, {.deadline = deadline}, [driver](const DriverSnapshots& snapshot) {
    return PlanDisableConflicts(snapshot, driver);
  });
}

SwitchResult Registry::EnableOne(absl::string_view driver, absl::Time deadline) {
  return Switch(
      {{std::string(driver), true}}, {.deadline = deadline},
      [driver](const DriverSnapshots& snapshot) { return PlanEnableOne(snapshot, driver); });
}

SwitchResult Registry::DisableOne(absl::string_view driver, absl::Time deadline) {
  return Switch(
      {{std::string(driver), false}}, {.deadline = deadline},
      [driver](const DriverSnapshots& snapshot) { return PlanDisableOne(snapshot, driver); });
}

SwitchResult Registry::SwitchDrivers(const std::vector<std::string>& active,
                                     const std::vector<std::string>& stopped, absl::Time deadline,
                                     bool count_already) {
  AskedFor asked_for;
  for (const std::string& name : active) asked_for.emplace_back(name, true);
  for (const std::string& name : stopped) asked_for.emplace_back(name, false);
  return Switch(
      asked_for, {.deadline = deadline, .count_already = count_already},
      [&](const DriverSnapshots& snapshot) { return PlanSwitch(snapshot, active, stopped); });
}

absl::StatusOr<SwitchPlan> Registry::PreviewSwitch(const std::vector<std::string>& active,
                                                   const std::vector<std::string>& stopped) {
  if (!switching()) return SwitchingOffError();
  return PlanSwitch(TakeSnapshot(inquiry_, Drivers(), Overrides()), active, stopped);
}

DriverSnapshots Registry::Snapshot(const WhitelistOverrides& overrides) {
  return TakeSnapshot(inquiry_, Drivers(), overrides);
}

absl::StatusOr<std::vector<std::string>> Registry::RunningConflicts(absl::string_view driver) {
  // One small file; a module may have come since.
  SyncKernel();
  ASSIGN_OR_RETURN(const SwitchPlan plan,
                   PlanDisableConflicts(TakeSnapshot(inquiry_, Drivers(), Overrides()), driver));
  std::vector<std::string> names;
  for (const SwitchStep& step : plan.steps) names.push_back(step.driver);
  return names;
}

SwitchResult Registry::RestoreStates(const std::map<std::string, bool>& states,
                                     absl::Time deadline) {
  return Switch({states.begin(), states.end()},
                {.deadline = deadline, .nested_calls = SwitchTransaction::NestedCalls::kIgnore},
                [&](const DriverSnapshots& snapshot) { return PlanRestore(snapshot, states); });
}

SwitchResult Registry::Refuse(const AskedFor& asked_for, const absl::Status& status) {
  SwitchResult result{status, {}};
  std::set<std::string> seen;
  for (const auto& [name, running] : asked_for) {
    if (name.empty() || !seen.insert(NormalizeDriverName(name)).second) continue;
    v1::ItemResult& item = result.items.emplace_back(FailedItem("driver/" + name, status));
    item.set_outcome(v1::OUTCOME_REFUSED);
    counters_.CountOperation(CountedKind::kDriver, CountedActionOf(running), item.outcome(),
                             item.reason());
  }
  return result;
}

SwitchResult Registry::Switch(const AskedFor& asked_for, const SwitchRules& rules,
                              const Planner& planner) {
  SwitchScope scope(*this, rules);
  if (!scope.status().ok()) return Refuse(asked_for, scope.status());
  SwitchTransaction& transaction = scope.transaction();
  if (scope.nested() && transaction.ignores_nested_calls()) return {};
  const std::vector<std::shared_ptr<HotplugDriver>> drivers = Drivers();
  const DriverSnapshots snapshot = TakeSnapshot(inquiry_, drivers, Overrides());
  const absl::StatusOr<SwitchPlan> plan = planner(snapshot);
  if (!plan.ok()) return Refuse(asked_for, plan.status());
  transaction.Learn(drivers, snapshot);
  absl::Status status = transaction.Run(*plan);
  if (!status.ok()) {
    // The outermost call undoes everything at once, in one order.
    if (scope.nested()) transaction.FailOuterStep(status);
    if (!scope.nested()) status = transaction.Undo(status);
  }
  std::vector<std::string> names;
  for (const auto& [name, running] : asked_for) names.push_back(name);
  return {status, transaction.Items(names)};
}

std::vector<std::shared_ptr<HotplugDriver>> Registry::Drivers() {
  MutexLock lock(&mutex_);
  return drivers_;
}

WhitelistOverrides Registry::Overrides() {
  MutexLock lock(&mutex_);
  return overrides_;
}

absl::Status Registry::CheckNewLocked(const HotplugDriver& driver,
                                      const DriverWhitelist& whitelist) const {
  const absl::string_view name = driver.name();
  RETURN_IF_ERROR(ValidateDriverName(name));
  if (whitelist) RETURN_IF_ERROR(ValidateWhitelist(name, *whitelist));
  if (Has(drivers_, name)) {
    return MakeError(absl::StatusCode::kAlreadyExists, "DRIVER_EXISTS",
                     absl::StrCat("a driver ", name, " is registered already; case doesn't count ",
                                  "in names, so rename one of the two"),
                     {{"driver", std::string(name)}});
  }
  if (drivers_.size() >= kMaxDrivers) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_DRIVERS",
                     absl::StrCat(name, " can't be registered: ", kMaxDrivers,
                                  " drivers, the most that are allowed, are there already"));
  }
  return absl::OkStatus();
}

void Registry::EraseLocked(absl::string_view name) {
  const auto is_named = [name](const auto& driver) {
    return absl::EqualsIgnoreCase(driver->name(), name);
  };
  drivers_.erase(std::remove_if(drivers_.begin(), drivers_.end(), is_named), drivers_.end());
}

}  // namespace hotplugger::agent
