#include "agent/reconcile/pass.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "agent/reconcile/plan.h"
#include "common/driver_rules.h"
#include "common/status_macros.h"
#include "google/protobuf/util/message_differencer.h"

namespace hotplugger::agent {
namespace {

// A whole switch of drivers, undo included, takes at most this.
constexpr absl::Duration kSwitchDeadline = absl::Seconds(60);
constexpr absl::string_view kDriverPrefix = "driver/";

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
    RETURN_IF_ERROR(Switching());
    RETURN_IF_ERROR(Drivers());
    return absl::OkStatus();
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
    ASSIGN_OR_RETURN(const CpuInventory after, host_.ReadCpuInventory());
    return SaveBaseline(ForgetReleased(host_.state().baseline(), spec_, after));
  }

  // The spec's switch, or, where it has none any more, the one that stood before.
  absl::Status Switching() {
    const v1::AgentState& state = host_.state();
    const v1::Switch now = host_.drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF;
    const v1::Switch before = state.baseline().switching();
    const bool released = spec_.switching() == v1::SWITCH_UNSPECIFIED;
    const v1::Switch wanted = released ? before : spec_.switching();
    v1::Baseline baseline = state.baseline();
    if (!released && before == v1::SWITCH_UNSPECIFIED) baseline.set_switching(now);
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
    const std::vector<std::string> stopped(spec_.drivers_stopped().begin(),
                                           spec_.drivers_stopped().end());
    // What the switch will touch is known only afterwards where the kernel decides, so all states
    // are recorded before and those of untouched drivers dropped after.
    const v1::Baseline before = host_.state().baseline();
    const absl::StatusOr<SwitchPlan> preview = host_.drivers().PreviewSwitch(active, stopped);
    if (preview.ok() && !preview->steps.empty()) {
      AboutToChange();
      RETURN_IF_ERROR(SaveBaseline(RecordDrivers(before)));
    }
    const SwitchResult switched =
        host_.drivers().SwitchDrivers(active, stopped, absl::Now() + kSwitchDeadline);
    AddAll(switched);
    return SaveBaseline(KeepTouchedDrivers(host_.state().baseline(), before, switched.items));
  }

  absl::Status ReleaseDrivers() {
    const std::map<std::string, bool> release = DriversToRelease(spec_, host_.state().baseline());
    if (release.empty()) return absl::OkStatus();
    AboutToChange();
    const SwitchResult restored =
        host_.drivers().RestoreStates(release, absl::Now() + kSwitchDeadline);
    AddAll(restored);
    if (!restored.status.ok()) return absl::OkStatus();
    v1::Baseline baseline = host_.state().baseline();
    for (const auto& [driver, running] : release) baseline.mutable_drivers()->erase(driver);
    return SaveBaseline(baseline);
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

  static v1::Baseline KeepTouchedDrivers(v1::Baseline recorded, const v1::Baseline& before,
                                         const std::vector<v1::ItemResult>& items) {
    std::set<std::string> touched;
    for (const v1::ItemResult& item : items) {
      absl::string_view name = item.subject();
      const bool is_touched = item.outcome() == v1::OUTCOME_CHANGED;
      if (is_touched && absl::ConsumePrefix(&name, kDriverPrefix)) {
        touched.insert(NormalizeDriverName(name));
      }
    }
    std::vector<std::string> untouched;
    for (const auto& [driver, state] : recorded.drivers()) {
      if (touched.count(driver) == 0 && before.drivers().count(driver) == 0) {
        untouched.push_back(driver);
      }
    }
    for (const std::string& driver : untouched) recorded.mutable_drivers()->erase(driver);
    return recorded;
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
  const absl::Status status = Pass(host, before_change, result).Run();
  if (!status.ok()) NoteFailure(status, &result);
  absl::StatusOr<v1::Inventory> inventory = host.ReadInventory();
  if (inventory.ok()) {
    result.inventory = *std::move(inventory);
  } else {
    NoteFailure(inventory.status(), &result);
  }
  return result;
}

}  // namespace hotplugger::agent
