#include "agent/reconcile/pass.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/reconcile/plan.h"
#include "common/driver_rules.h"
#include "common/status_macros.h"
#include "google/protobuf/util/message_differencer.h"

namespace hotplugger::agent {
namespace {

// A whole switch of drivers, undo included, takes at most this.
constexpr absl::Duration kSwitchDeadline = absl::Seconds(60);

using Names = google::protobuf::RepeatedPtrField<std::string>;

// One pass's work; lives for that pass.
class Pass {
 public:
  Pass(Host& host, absl::FunctionRef<void()> before_change, PassResult& result)
      : host_(host), before_change_(before_change), result_(result) {}

  absl::Status Run() {
    // Checked when it was taken; an agent that has none yet has an empty body.
    if (!spec_.ParseFromString(host_.state().spec_body())) {
      return absl::DataLossError("the saved spec can't be parsed");
    }
    RETURN_IF_ERROR(Devices());
    // What is to be forbidden from now on must be done before.
    if (WantedSwitching() == v1::SWITCH_OFF) {
      RETURN_IF_ERROR(Drivers());
      return Switching();
    }
    RETURN_IF_ERROR(Switching());
    return Drivers();
  }

  // Once all is done: what is as it was has nothing to be put back any more.
  absl::Status TidyBaseline(const v1::Inventory& inventory) {
    return SaveBaseline(ForgetRestored(host_.state().baseline(), inventory));
  }

 private:
  absl::Status Devices() {
    ASSIGN_OR_RETURN(const CpuInventory cpus, host_.ReadCpuInventory());
    const v1::Baseline& baseline = host_.state().baseline();
    const std::vector<DeviceStep> steps = PlanDevices(spec_, baseline, cpus);
    // On disk before the first touch: whatever happens from here on can be undone.
    if (!steps.empty()) RETURN_IF_ERROR(SaveBaseline(RecordDevices(baseline, steps, cpus)));
    for (const DeviceStep& step : steps) {
      AboutToChange();
      absl::StatusOr<v1::ItemResult> item = host_.devices().SetOnline(step.device, step.online);
      Add(item.ok() ? *std::move(item) : FailedItem(step.device, item.status()));
    }
    return absl::OkStatus();
  }

  // The spec's word, or, where it has none any more, what stood before; absent: as it is.
  v1::Switch WantedSwitching() const {
    if (spec_.switching() != v1::SWITCH_UNSPECIFIED) return spec_.switching();
    return host_.state().baseline().switching();
  }

  absl::Status Switching() {
    const v1::Switch now = host_.drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF;
    const v1::Switch wanted = WantedSwitching();
    const bool released = spec_.switching() == v1::SWITCH_UNSPECIFIED;
    v1::Baseline baseline = host_.state().baseline();
    if (!released && baseline.switching() == v1::SWITCH_UNSPECIFIED) baseline.set_switching(now);
    RETURN_IF_ERROR(SaveBaseline(baseline));
    if (wanted != v1::SWITCH_UNSPECIFIED && wanted != now) {
      AboutToChange();
      RETURN_IF_ERROR(host_.SetSwitching(wanted == v1::SWITCH_ON));
      result_.changed = true;
    }
    if (released) baseline.clear_switching();
    return SaveBaseline(baseline);
  }

  absl::Status Drivers() {
    WhitelistOverrides overrides;
    for (const auto& [driver, whitelist] : spec_.driver_whitelists()) {
      overrides[driver] = {whitelist.drivers().begin(), whitelist.drivers().end()};
    }
    RETURN_IF_ERROR(host_.drivers().SetWhitelistOverrides(overrides));
    RETURN_IF_ERROR(host_.SyncDrivers());
    RETURN_IF_ERROR(ReleaseDrivers());
    if (!WantsDrivers(spec_)) return absl::OkStatus();
    const std::vector<std::string> active(spec_.drivers_active().begin(),
                                          spec_.drivers_active().end());
    const std::vector<std::string> stopped = RegisteredOf(spec_.drivers_stopped());
    if (active.empty() && stopped.empty()) return absl::OkStatus();
    // What the switch will touch is known only afterwards where the kernel decides, so all states
    // are recorded before; those of untouched drivers are dropped at the end of the pass.
    const absl::StatusOr<SwitchPlan> preview = host_.drivers().PreviewSwitch(active, stopped);
    if (preview.ok() && !preview->steps.empty()) {
      AboutToChange();
      RETURN_IF_ERROR(SaveBaseline(RecordDrivers(host_.state().baseline())));
    }
    const SwitchResult switched =
        host_.drivers().SwitchDrivers(active, stopped, absl::Now() + kSwitchDeadline);
    AddAll(switched);
    return absl::OkStatus();
  }

  // Drivers that don't exist count as stopped, as absent CPUs count as offline.
  std::vector<std::string> RegisteredOf(const Names& names) {
    std::vector<std::string> registered;
    const std::vector<v1::Driver> drivers = host_.drivers().List();
    for (const std::string& name : names) {
      const bool found = std::any_of(drivers.begin(), drivers.end(), [&name](const auto& driver) {
        return absl::EqualsIgnoreCase(driver.name(), name);
      });
      if (found) registered.push_back(name);
    }
    return registered;
  }

  absl::Status ReleaseDrivers() {
    const std::map<std::string, bool> release = DriversToRelease(spec_, host_.state().baseline());
    if (release.empty()) return absl::OkStatus();
    // Where switching is off the release waits, with its baseline, until it is on again.
    if (!host_.drivers().switching()) return absl::OkStatus();
    AboutToChange();
    AddAll(host_.drivers().RestoreStates(release, absl::Now() + kSwitchDeadline));
    return absl::OkStatus();
  }

  v1::Baseline RecordDrivers(v1::Baseline baseline) {
    for (const v1::Driver& driver : host_.drivers().List()) {
      const std::string name = NormalizeDriverName(driver.name());
      if (driver.state() == v1::DRIVER_STATE_UNKNOWN || baseline.drivers().count(name) > 0)
        continue;
      (*baseline.mutable_drivers())[name] = driver.state();
    }
    return baseline;
  }

  absl::Status SaveBaseline(v1::Baseline baseline) {
    using google::protobuf::util::MessageDifferencer;
    if (MessageDifferencer::Equals(baseline, host_.state().baseline())) return absl::OkStatus();
    v1::AgentState state = host_.state();
    *state.mutable_baseline() = std::move(baseline);
    return host_.SaveState(std::move(state));
  }

  void AboutToChange() {
    if (std::exchange(announced_, true)) return;
    before_change_();
  }

  void AddAll(const SwitchResult& switched) {
    for (const v1::ItemResult& item : switched.items) Add(item);
    if (switched.status.ok()) return;
    result_.report.set_state(v1::APPLY_STATE_FAILED);
    result_.report.set_message(std::string(switched.status.message()));
  }

  void Add(v1::ItemResult item) {
    if (item.outcome() == v1::OUTCOME_CHANGED || item.outcome() == v1::OUTCOME_UNDONE) {
      result_.changed = true;
    }
    const bool failed =
        item.outcome() == v1::OUTCOME_FAILED || item.outcome() == v1::OUTCOME_REFUSED;
    if (failed) {
      result_.report.set_state(v1::APPLY_STATE_FAILED);
      if (result_.report.message().empty()) {
        result_.report.set_message(absl::StrCat(item.subject(), ": ", item.message()));
      }
      result_.retryable |= item.retryable();
    }
    if (failed || item.outcome() != v1::OUTCOME_ALREADY || !item.message().empty()) {
      *result_.report.add_items() = std::move(item);
    }
  }

  Host& host_;
  absl::FunctionRef<void()> before_change_;
  PassResult& result_;
  v1::NodeSpec spec_;
  bool announced_ = false;
};

// A pass that can't go on is a failure of the whole report, and worth trying again.
void NoteFailure(const absl::Status& status, PassResult* result) {
  result->report.set_state(v1::APPLY_STATE_FAILED);
  result->report.set_message(std::string(status.message()));
  result->retryable = true;
}

}  // namespace

PassResult RunPass(Host& host, absl::FunctionRef<void()> before_change) {
  PassResult result;
  result.report.set_digest(host.state().spec_digest());
  result.report.set_state(v1::APPLY_STATE_APPLIED);
  Pass pass(host, before_change, result);
  const absl::Status status = pass.Run();
  if (!status.ok()) NoteFailure(status, &result);
  absl::StatusOr<v1::Inventory> inventory = host.ReadInventory();
  if (!inventory.ok()) {
    NoteFailure(inventory.status(), &result);
    return result;
  }
  const absl::Status tidied = pass.TidyBaseline(*inventory);
  if (!tidied.ok()) NoteFailure(tidied, &result);
  result.inventory = *std::move(inventory);
  return result;
}

}  // namespace hotplugger::agent
