// The host's hotplug drivers and the rules between them (hotplug-driver contract, 1 to 23).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/counters/agent_counters.h"
#include "agent/drivers/driver.h"
#include "agent/drivers/driver_provider.h"
#include "agent/drivers/driver_snapshot.h"
#include "agent/drivers/state_inquiry.h"
#include "agent/drivers/switch_plan.h"
#include "agent/drivers/switch_transaction.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "hotplugger/v1/device.pb.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::agent {

// A whole switch of drivers, undo included, takes at most this unless its caller says otherwise.
inline constexpr absl::Duration kSwitchDeadline = absl::Seconds(60);

// How a switch ended.
struct SwitchResult {
  // Ok: everything is as asked, verified. Else the first failure, with what was undone.
  absl::Status status;
  // "driver/NAME" each: those asked for first, then those stopped or spared on their account.
  // After a refusal only those asked for, each REFUSED: nothing was changed.
  std::vector<v1::ItemResult> items;
};

// What SyncProvider changed.
struct SyncResult {
  std::vector<std::string> added;
  std::vector<std::string> removed;
};

// Safe for concurrent use; one switch at a time. A second thread's is refused, not queued:
// UNAVAILABLE, reason SWITCH_IN_PROGRESS. A driver may call back from the thread that is changing
// it; that is part of the same switch (contract 19). No lock is held while a driver is called.
//
// Switches are refused with FAILED_PRECONDITION (SWITCHING_OFF), INVALID_ARGUMENT (NO_DRIVER and
// others), NOT_FOUND (DRIVER_NOT_REGISTERED); see switch_plan.h. All end by `deadline` as far as
// the drivers do; half of the time is kept for undoing. Nested calls have their outer one's.
class Registry {
 public:
  static constexpr size_t kMaxDrivers = 256;

  struct Options {
    // As it was when the agent ended; its owner keeps it over restarts (contract 23).
    bool switching = true;
    // For the drivers' answers whether they run, and for a provider's which drivers there are.
    absl::Duration patience = StateInquiry::kPatience;
    // Between tries to put a driver back; `clock` moves on by as much.
    SwitchTransaction::Pause pause = absl::SleepFor;
  };

  // `clock` outlives this, and so do `counters`, where every driver that is to be started or
  // stopped is counted, whoever asks.
  Registry(Clock& clock, AgentCounters& counters, Options options);
  // Waits for providers that hang once more, then leaves them to themselves.
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // INVALID_ARGUMENT (NO_DRIVER, BAD_DRIVER_NAME, BAD_WHITELIST), ALREADY_EXISTS (DRIVER_EXISTS),
  // RESOURCE_EXHAUSTED. Works while switching is off.
  absl::Status Register(std::shared_ptr<HotplugDriver> driver);

  // Stops the driver first if it runs; where that fails, it stays registered. One whose state can't
  // be told goes in any case, and its item says whether it could be stopped. Providers don't bring
  // it back, see SetUnregistered. Works while switching is off. NOT_FOUND changes nothing.
  SwitchResult Unregister(absl::string_view name, absl::Time deadline);

  // Takes over what `provider` has now: new drivers come last, vanished ones go without being
  // called, unregistered ones are left out. All stays on an error, which is warned of as well
  // (PROVIDER_FAILED), and where the provider doesn't answer, which is warned of alone
  // (PROVIDER_HANGS); it is not asked again until then.
  absl::StatusOr<SyncResult> SyncProvider(DriverProvider& provider);

  // Drivers that a person has unregistered, so that their providers don't bring them back. Replaces
  // those of before, those of Unregister included.
  void SetUnregistered(const std::vector<std::string>& names);
  std::vector<std::string> Unregistered();

  // In order of registration, each asked now.
  std::vector<v1::Driver> List();

  // What the last SyncProvider of each provider warned of.
  std::vector<std::string> Warnings();

  // The registry's switch (contract 21, 22). Setting it leaves a switch in progress alone.
  bool switching();
  void SetSwitching(bool on);

  // Replaces the named drivers' own whitelists by these, and those given before. All or none:
  // INVALID_ARGUMENT names what is wrong. Drivers need not be registered.
  absl::Status SetWhitelistOverrides(const std::map<std::string, std::vector<std::string>>& lists);

  // contract 12: for a driver to call as it starts; doesn't start it.
  SwitchResult DisableConflicts(absl::string_view driver, absl::Time deadline);

  // contract 13, 14: one driver. Starting what runs, or stopping what doesn't, changes nothing.
  SwitchResult EnableOne(absl::string_view driver, absl::Time deadline);
  SwitchResult DisableOne(absl::string_view driver, absl::Time deadline);

  // contract 16: a whole target set; see PlanSwitch. Whoever calls it again and again to keep
  // things so has what is so already not counted.
  SwitchResult SwitchDrivers(const std::vector<std::string>& active,
                             const std::vector<std::string>& stopped, absl::Time deadline,
                             bool count_already = true);

  // What SwitchDrivers would do now, or the error with which it would refuse. Changes nothing.
  absl::StatusOr<SwitchPlan> PreviewSwitch(const std::vector<std::string>& active,
                                           const std::vector<std::string>& stopped);

  // Every driver, asked now, as if these whitelists replaced their own; keys are normalized names.
  DriverSnapshots Snapshot(const WhitelistOverrides& overrides);

  // Running drivers that starting `driver` would stop, those of the kernel's that came since the
  // last SyncProvider included. NOT_FOUND (DRIVER_NOT_REGISTERED), FAILED_PRECONDITION
  // (DRIVER_STATE_UNKNOWN).
  absl::StatusOr<std::vector<std::string>> RunningConflicts(absl::string_view driver);

  // Back to a recorded baseline, by name (true: running). Consults no whitelist, also where the
  // drivers ask for it as they start.
  SwitchResult RestoreStates(const std::map<std::string, bool>& states, absl::Time deadline);

 private:
  class SwitchScope;
  class RefreshCall;
  using Planner = std::function<absl::StatusOr<SwitchPlan>(const DriverSnapshots&)>;
  enum class Gate { kSwitching, kNone };
  // Names, and whether they are to run.
  using AskedFor = std::vector<std::pair<std::string, bool>>;
  struct SwitchRules {
    absl::Time deadline;
    Gate gate = Gate::kSwitching;
    SwitchTransaction::NestedCalls nested_calls = SwitchTransaction::NestedCalls::kRun;
    bool count_already = true;
  };

  SwitchResult Switch(const AskedFor& asked_for, const SwitchRules& rules, const Planner& planner);
  SwitchResult Refuse(const AskedFor& asked_for, const absl::Status& status);
  std::vector<std::shared_ptr<HotplugDriver>> Drivers();
  WhitelistOverrides Overrides();
  absl::Status CheckNewLocked(const HotplugDriver& driver, const DriverWhitelist& whitelist) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EraseLocked(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SyncKernel();
  void Warn(v1::DriverProvider kind, absl::string_view reason, absl::string_view cause);
  SyncResult Adopt(v1::DriverProvider kind, const DriverList& list);

  Clock& clock_;
  AgentCounters& counters_;
  const Options options_;
  StateInquiry inquiry_;
  // Held over a whole SyncProvider, so that two don't cross; before mutex_.
  Mutex sync_mutex_;
  // Of every provider that was ever asked; null where none is under way.
  std::map<DriverProvider*, std::shared_ptr<RefreshCall>> refreshes_ ABSL_GUARDED_BY(sync_mutex_);
  Mutex mutex_;
  // In order of registration.
  std::vector<std::shared_ptr<HotplugDriver>> drivers_ ABSL_GUARDED_BY(mutex_);
  WhitelistOverrides overrides_ ABSL_GUARDED_BY(mutex_);
  std::map<v1::DriverProvider, std::vector<std::string>> warnings_ ABSL_GUARDED_BY(mutex_);
  // Normalized names.
  std::set<std::string> unregistered_ ABSL_GUARDED_BY(mutex_);
  bool switching_ ABSL_GUARDED_BY(mutex_);
  // The switch in progress, or nullptr, and whose it is.
  SwitchTransaction* transaction_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread::id switching_thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace hotplugger::agent
