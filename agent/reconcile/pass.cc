#include "agent/reconcile/pass.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"
#include "agent/reconcile/device_pass.h"
#include "agent/reconcile/drift.h"
#include "agent/reconcile/lenient_settings.h"
#include "agent/reconcile/plan.h"
#include "agent/reconcile/spec_trial.h"
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

v1::ItemResult SwitchedItem(absl::string_view subject) {
  v1::ItemResult item;
  item.set_subject(std::string(subject));
  item.set_outcome(v1::OUTCOME_FAILED);
  item.set_reason("DRIFT");
  item.set_retry(v1::RETRY_CLASS_TRANSIENT);
  item.set_message("something else has switched it again");
  return item;
}

// One pass's work; lives for that pass.
class Pass {
 public:
  Pass(Host& host, PassMemory& memory, const PassOptions& options, PassResult& result)
      : host_(host), memory_(memory), options_(options), result_(result) {
    // Said once, however many parts have something to change.
    options_.before_change = [this, &options]() -> absl::Status {
      if (!announced_) RETURN_IF_ERROR(options.before_change());
      announced_ = true;
      return absl::OkStatus();
    };
  }

  absl::Status Run() {
    RETURN_IF_ERROR(ReadSpec());
    RETURN_IF_ERROR(Devices().Run());
    // What is to be forbidden from now on must be done before.
    if (WantedSwitching() == v1::SWITCH_OFF) {
      RETURN_IF_ERROR(Drivers());
      return Switching();
    }
    RETURN_IF_ERROR(Switching());
    return Drivers();
  }

  // Touches nothing.
  absl::Status Observe() {
    RETURN_IF_ERROR(ReadSpec());
    ASSIGN_OR_RETURN(const Snapshot snapshot, host_.ReadSnapshot());
    ASSIGN_OR_RETURN(const std::vector<std::string> unlike, Devices().Look(snapshot));
    for (const std::string& subject : unlike) Add(SwitchedItem(subject), {});
    if (IsSwitchingDrift()) TellSwitchingDrift();
    TellDriverDrift();
    result_.inventory = host_.MakeInventory(snapshot);
    return absl::OkStatus();
  }

  // Once all is done: what is as it was has nothing to be put back any more.
  void TidyBaseline(const Snapshot& snapshot) {
    host_.KeepBaseline(ForgetRestored(RecordSeenOnline(spec_, host_.state().baseline(), snapshot),
                                      snapshot, host_.drivers().List(), InDoubt()));
  }

 private:
  // What has failed and may yet have its effect, or had it unseen.
  std::set<std::string> InDoubt() const {
    std::set<std::string> subjects;
    for (const v1::ItemResult& item : result_.report.items()) {
      if (item.reason() == "NOT_VERIFIED" || item.reason() == "STUCK") {
        subjects.insert(item.subject());
      }
    }
    for (const auto& [device, state] : host_.state().baseline().devices()) {
      if (host_.devices().IsInDoubt(device)) subjects.insert(device);
    }
    return subjects;
  }

  absl::Status ReadSpec() {
    ASSIGN_OR_RETURN(spec_, host_.Spec());
    if (memory_.carried_out) {
      watched_ = LenientSettings::ReportedDrift(spec_).Except(memory_.unapplied);
    }
    return absl::OkStatus();
  }

  DevicePass Devices() {
    return DevicePass(
        {.host = host_,
         .spec = spec_,
         .memory = memory_,
         .options = options_,
         .watched = watched_,
         .add = [this](
                    v1::ItemResult item,
                    std::optional<std::string> actor) { Add(std::move(item), std::move(actor)); },
         .add_drift = [this](v1::DriftItem item) { result_.drift.push_back(std::move(item)); }});
  }

  v1::Switch NowSwitching() const {
    return host_.drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF;
  }

  bool IsSwitchingDrift() const {
    return spec_.switching() != v1::SWITCH_UNSPECIFIED && spec_.switching() != NowSwitching() &&
           watched_.Covers("switching", "switching");
  }

  void TellSwitchingDrift() {
    const bool on = spec_.switching() == v1::SWITCH_ON;
    result_.drift.push_back(MakeDrift("switching", on ? "on" : "off", on ? "off" : "on", ""));
  }

  // The spec's word, or, where it has none any more, what stood before; absent: as it is.
  v1::Switch WantedSwitching() const {
    if (spec_.switching() != v1::SWITCH_UNSPECIFIED) return spec_.switching();
    return host_.state().baseline().switching();
  }

  absl::Status Switching() {
    if (IsSwitchingDrift()) {
      TellSwitchingDrift();
      return absl::OkStatus();
    }
    const v1::Switch now = NowSwitching();
    const v1::Switch wanted = WantedSwitching();
    const bool released = spec_.switching() == v1::SWITCH_UNSPECIFIED;
    v1::Baseline baseline = host_.state().baseline();
    if (!released && baseline.switching() == v1::SWITCH_UNSPECIFIED) baseline.set_switching(now);
    host_.KeepBaseline(baseline);
    if (wanted != v1::SWITCH_UNSPECIFIED && wanted != now) {
      RETURN_IF_ERROR(options_.before_change());
      host_.EnforceSwitching(wanted == v1::SWITCH_ON);
      result_.changed = true;
    }
    if (released) baseline.clear_switching();
    host_.KeepBaseline(baseline);
    return absl::OkStatus();
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
    RETURN_IF_ERROR(SwitchDrivers(DriversOfSpec(/*watched=*/false)));
    TellDriverDrift();
    return absl::OkStatus();
  }

  // Drivers that are to run and to be stopped.
  struct DriverSet {
    std::vector<std::string> active;
    std::vector<std::string> stopped;
  };

  // What the spec says of drivers, as far as it is watched, or as far as it isn't.
  DriverSet DriversOfSpec(bool watched) {
    DriverSet drivers;
    if (watched_.Covers("drivers_active", "driver") == watched) {
      drivers.active = {spec_.drivers_active().begin(), spec_.drivers_active().end()};
    }
    for (const std::string& driver : RegisteredOf(spec_.drivers_stopped())) {
      const std::string subject = absl::StrCat("driver/", NormalizeDriverName(driver));
      if (watched_.Covers("drivers_stopped", subject) == watched) drivers.stopped.push_back(driver);
    }
    return drivers;
  }

  absl::Status SwitchDrivers(const DriverSet& drivers) {
    const auto& [active, stopped] = drivers;
    if (active.empty() && stopped.empty()) return absl::OkStatus();
    // What the switch will touch is known only afterwards where the kernel decides, so all states
    // are recorded before; those of untouched drivers are dropped at the end of the pass.
    const absl::StatusOr<SwitchPlan> preview = host_.drivers().PreviewSwitch(active, stopped);
    if (preview.ok() && !preview->steps.empty()) {
      RETURN_IF_ERROR(options_.before_change());
      host_.KeepBaseline(RecordDrivers(host_.state().baseline()));
    }
    const SwitchResult switched =
        host_.drivers().SwitchDrivers(active, stopped, SteadyNow() + kSwitchDeadline,
                                      /*count_already=*/false);
    // The journal is of devices: nobody knows who switched a driver.
    AddAll(switched, "");
    return absl::OkStatus();
  }

  // What a switch to the watched drivers would do.
  void TellDriverDrift() {
    if (spec_.report_drift_of().empty()) return;
    DriverSet drivers = DriversOfSpec(/*watched=*/true);
    const std::vector<std::string> registered = RegisteredOf(spec_.drivers_active());
    for (const std::string& driver : drivers.active) {
      if (std::count(registered.begin(), registered.end(), driver) > 0) continue;
      result_.drift.push_back(
          MakeDrift(absl::StrCat("driver/", driver), "running", "not registered", ""));
    }
    if (!drivers.active.empty()) drivers.active = registered;
    if (drivers.active.empty() && drivers.stopped.empty()) return;
    const absl::StatusOr<SwitchPlan> plan =
        host_.drivers().PreviewSwitch(drivers.active, drivers.stopped);
    if (!plan.ok()) {
      AddAll({.status = plan.status(), .items = {}}, {});
      return;
    }
    for (const SwitchStep& step : plan->steps) {
      result_.drift.push_back(MakeDrift(absl::StrCat("driver/", step.driver),
                                        step.running ? "running" : "stopped",
                                        step.running ? "stopped" : "running", ""));
    }
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
    RETURN_IF_ERROR(options_.before_change());
    AddAll(host_.drivers().RestoreStates(release, SteadyNow() + kSwitchDeadline), {});
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

  void AddAll(const SwitchResult& switched, const std::optional<std::string>& actor) {
    for (const v1::ItemResult& item : switched.items) Add(item, actor);
    if (switched.status.ok()) return;
    result_.report.set_state(v1::APPLY_STATE_FAILED);
    result_.report.set_message(std::string(switched.status.message()));
    NoteRetry(FailedItem("driver", switched.status).retry());
  }

  // `actor`: see PassResult's enforced; nothing where it isn't the spec that wanted it.
  void Add(v1::ItemResult item, std::optional<std::string> actor) {
    if (item.outcome() == v1::OUTCOME_CHANGED || item.outcome() == v1::OUTCOME_UNDONE) {
      result_.changed = true;
    }
    if (item.outcome() == v1::OUTCOME_CHANGED && actor) {
      result_.enforced.emplace(item.subject(), *std::move(actor));
    }
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
  // Of these the drift is told and nothing done.
  LenientSettings watched_;
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

// What failed is tried again also where the drift of the rest is but told.
void NoteCarriedOut(const PassResult& result, PassMemory* memory) {
  memory->carried_out = true;
  memory->unapplied.clear();
  for (const v1::ItemResult& item : result.report.items()) {
    if (!Succeeded(item)) memory->unapplied.insert(item.subject());
  }
}

}  // namespace

PassResult RunPass(Host& host, PassMemory& memory, const PassOptions& options) {
  PassResult result = EmptyResult(host);
  Pass pass(host, memory, options, result);
  // Nobody knows what this host is to be: it is left alone.
  const absl::Status status = IsSpecLost(host.state()) ? absl::OkStatus() : pass.Run();
  // One that was stopped has not tried all.
  if (status.ok() && !options.stopped()) NoteCarriedOut(result, &memory);
  if (!status.ok()) NoteFailure(status, &result);
  const absl::StatusOr<Snapshot> snapshot = host.ReadSnapshot();
  if (!snapshot.ok()) {
    NoteFailure(snapshot.status(), &result);
    return result;
  }
  pass.TidyBaseline(*snapshot);
  result.inventory = host.MakeInventory(*snapshot);
  return result;
}

PassResult ObservePass(Host& host, const PassMemory& memory, const PassOptions& options) {
  PassResult result = EmptyResult(host);
  PassMemory unchanged = memory;
  const absl::Status status = Pass(host, unchanged, options, result).Observe();
  if (!status.ok()) {
    NoteFailure(status, &result);
  } else if (!result.report.items().empty()) {
    // Each item says what it is; which is told first is the caller's choice.
    result.report.clear_message();
  }
  return result;
}

}  // namespace hotplugger::agent
