#include "agent/reconcile/pass.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"
#include "agent/reconcile/device_pass.h"
#include "agent/reconcile/plan.h"
#include "common/clock.h"
#include "common/driver_rules.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

// The more urgent of two; absent is the least.
v1::RetryClass MoreUrgent(v1::RetryClass a, v1::RetryClass b) {
  if (a == v1::RETRY_CLASS_UNSPECIFIED) return b;
  if (b == v1::RETRY_CLASS_UNSPECIFIED) return a;
  return std::min(a, b);
}

// One pass's work; lives for that pass.
class Pass {
 public:
  Pass(Host& host, PassMemory& memory, const PassOptions& options, PassResult& result)
      : host_(host), memory_(memory), options_(options), result_(result) {
    // Said once, however many parts have something to change.
    options_.before_change = [this, &options] {
      if (!std::exchange(announced_, true)) options.before_change();
    };
  }

  absl::Status Run() {
    ASSIGN_OR_RETURN(spec_, host_.Spec());
    DevicePass devices(host_, spec_, memory_, options_, [this](v1::ItemResult item, bool by_spec) {
      Add(std::move(item), by_spec);
    });
    RETURN_IF_ERROR(devices.Run());
    // What is to be forbidden from now on must be done before.
    if (WantedSwitching() == v1::SWITCH_OFF) {
      RETURN_IF_ERROR(Drivers());
      return Switching();
    }
    RETURN_IF_ERROR(Switching());
    return Drivers();
  }

  // Once all is done: what is as it was has nothing to be put back any more.
  absl::Status TidyBaseline(const Snapshot& snapshot) {
    return host_.SaveBaseline(
        ForgetRestored(RecordSeenOnline(spec_, host_.state().baseline(), snapshot), snapshot,
                       host_.drivers().List()));
  }

 private:
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
    RETURN_IF_ERROR(host_.SaveBaseline(baseline));
    if (wanted != v1::SWITCH_UNSPECIFIED && wanted != now) {
      options_.before_change();
      RETURN_IF_ERROR(host_.SetSwitching(wanted == v1::SWITCH_ON));
      result_.changed = true;
    }
    if (released) baseline.clear_switching();
    return host_.SaveBaseline(baseline);
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
      options_.before_change();
      RETURN_IF_ERROR(host_.SaveBaseline(RecordDrivers(host_.state().baseline())));
    }
    const SwitchResult switched =
        host_.drivers().SwitchDrivers(active, stopped, SteadyNow() + kSwitchDeadline);
    AddAll(switched, true);
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
    options_.before_change();
    AddAll(host_.drivers().RestoreStates(release, SteadyNow() + kSwitchDeadline), false);
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

  void AddAll(const SwitchResult& switched, bool by_spec) {
    for (const v1::ItemResult& item : switched.items) Add(item, by_spec);
    if (switched.status.ok()) return;
    result_.report.set_state(v1::APPLY_STATE_FAILED);
    result_.report.set_message(std::string(switched.status.message()));
    NoteRetry(FailedItem("driver", switched.status).retry());
  }

  void Add(v1::ItemResult item, bool by_spec) {
    if (item.outcome() == v1::OUTCOME_CHANGED || item.outcome() == v1::OUTCOME_UNDONE) {
      result_.changed = true;
    }
    if (item.outcome() == v1::OUTCOME_CHANGED && by_spec) result_.enforced.insert(item.subject());
    const bool failed = item.outcome() == v1::OUTCOME_FAILED ||
                        item.outcome() == v1::OUTCOME_REFUSED ||
                        item.outcome() == v1::OUTCOME_SKIPPED;
    if (failed) {
      result_.report.set_state(v1::APPLY_STATE_FAILED);
      if (result_.report.message().empty()) {
        result_.report.set_message(absl::StrCat(item.subject(), ": ", item.message()));
      }
      NoteRetry(item.retry());
    }
    if (failed || item.outcome() != v1::OUTCOME_ALREADY || !item.message().empty()) {
      *result_.report.add_items() = std::move(item);
    }
  }

  void NoteRetry(v1::RetryClass retry) {
    result_.report.set_retry(MoreUrgent(result_.report.retry(), retry));
  }

  Host& host_;
  PassMemory& memory_;
  PassOptions options_;
  PassResult& result_;
  v1::NodeSpec spec_;
  bool announced_ = false;
};

// A pass that can't go on is a failure of the whole report, and worth trying again.
void NoteFailure(const absl::Status& status, PassResult* result) {
  result->report.set_state(v1::APPLY_STATE_FAILED);
  result->report.set_message(std::string(status.message()));
  result->report.set_retry(v1::RETRY_CLASS_TRANSIENT);
}

PassResult EmptyResult(const Host& host) {
  PassResult result;
  result.report.set_digest(host.state().spec_digest());
  result.report.set_state(v1::APPLY_STATE_APPLIED);
  return result;
}

v1::ItemResult Switched(absl::string_view subject) {
  v1::ItemResult item;
  item.set_subject(std::string(subject));
  item.set_outcome(v1::OUTCOME_FAILED);
  item.set_reason("DRIFT");
  item.set_retry(v1::RETRY_CLASS_TRANSIENT);
  item.set_message("something else has switched it again");
  return item;
}

absl::Status Observe(Host& host, PassResult* result) {
  ASSIGN_OR_RETURN(const v1::NodeSpec spec, host.Spec());
  ASSIGN_OR_RETURN(const Snapshot snapshot, host.ReadSnapshot());
  const v1::Baseline& baseline = host.state().baseline();
  if (PlanSmtChange(spec, baseline, snapshot.cpus.smt)) {
    *result->report.add_items() = Switched("smt");
  }
  for (const WantedDevice& device : PlanDevices(WantedOf(spec, baseline, snapshot), snapshot)) {
    if (device.why != WantedDevice::Why::kSpec) continue;
    *result->report.add_items() = Switched(FormatDeviceName(device.change.device));
  }
  result->inventory = host.MakeInventory(snapshot);
  if (result->report.items().empty()) return absl::OkStatus();
  result->report.set_state(v1::APPLY_STATE_FAILED);
  result->report.set_retry(v1::RETRY_CLASS_TRANSIENT);
  return absl::OkStatus();
}

}  // namespace

PassResult RunPass(Host& host, PassMemory& memory, const PassOptions& options) {
  PassResult result = EmptyResult(host);
  Pass pass(host, memory, options, result);
  const absl::Status status = pass.Run();
  if (!status.ok()) NoteFailure(status, &result);
  const absl::StatusOr<Snapshot> snapshot = host.ReadSnapshot();
  if (!snapshot.ok()) {
    NoteFailure(snapshot.status(), &result);
    return result;
  }
  const absl::Status tidied = pass.TidyBaseline(*snapshot);
  if (!tidied.ok()) NoteFailure(tidied, &result);
  result.inventory = host.MakeInventory(*snapshot);
  return result;
}

PassResult ObservePass(Host& host) {
  PassResult result = EmptyResult(host);
  const absl::Status status = Observe(host, &result);
  if (!status.ok()) NoteFailure(status, &result);
  return result;
}

}  // namespace hotplugger::agent
