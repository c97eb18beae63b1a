#include "agent/reconcile/spec_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/rules/device_plan.h"
#include "agent/devices/rules/item_result.h"
#include "agent/drivers/driver_errors.h"
#include "agent/drivers/switch_plan.h"
#include "agent/reconcile/drift.h"
#include "agent/reconcile/held_cores.h"
#include "agent/reconcile/plan.h"
#include "agent/reconcile/release.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

std::string WhyText(const WantedDevice& wanted) {
  switch (wanted.why) {
    case WantedDevice::Why::kRelease:
      return ", as it was before Hotplugger changed it";
    case WantedDevice::Why::kHotAdd:
      return ", since it was hot-added";
    case WantedDevice::Why::kSpec:
      return absl::StrCat(", by ", wanted.setting);
  }
  return "";
}

// One plan in the making.
class SpecPlanner {
 public:
  explicit SpecPlanner(const SpecPlanInput& input)
      : input_(input),
        snapshot_(input.snapshot),
        baseline_(ForgetLeft(input.baseline, input.before, input.spec, input.snapshot)) {}

  v1::DevicePlan Plan() {
    PlanSmtStep();
    PlanDeviceSteps();
    for (v1::ItemResult& item : MissingCores(input_.spec, snapshot_.cpus)) {
      *plan_.add_steps() = std::move(item);
    }
    // As in a pass: what is to be forbidden from now on is done before.
    const bool forbids = WantedSwitching() == v1::SWITCH_OFF;
    if (!forbids) PlanSwitching();
    PlanDrivers(forbids ? input_.switching : SwitchingAfter());
    if (forbids) PlanSwitching();
    return std::move(plan_);
  }

 private:
  void PlanSmtStep();
  void PlanDeviceSteps();
  // The spec's word, or, where it has none any more, what stood before; absent: as it is.
  v1::Switch WantedSwitching() const;
  bool SwitchingAfter() const;
  void PlanSwitching();
  // With the registry's switch as it is by then.
  void PlanDrivers(bool switching);
  std::vector<WantedDevice> WantedMemory(const WantedDevices& wanted,
                                         const std::vector<WantedDevice>& changes) const;
  std::vector<std::string> RegisteredStopped() const;

  void AddStep(const std::string& subject, const std::string& message) {
    v1::ItemResult item = DoneItem(subject, v1::OUTCOME_CHANGED);
    item.set_message(message);
    *plan_.add_steps() = std::move(item);
  }
  void AddStep(const PlannedChange& step, const std::string& why);
  void AddSwitch(const absl::StatusOr<SwitchPlan>& plan);
  void NoteKernelsChoice(const std::string& started, const SwitchPlan& plan);
  void Note(const ChangePlan& part) {
    if (!plan_.has_before()) *plan_.mutable_before() = part.before;
    *plan_.mutable_after() = part.after;
    for (const std::string& note : part.notes) plan_.add_notes(note);
  }

  const SpecPlanInput& input_;
  // The host as it would be, as far as the plan has come.
  Snapshot snapshot_;
  const v1::Baseline baseline_;
  v1::DevicePlan plan_;
};

void SpecPlanner::AddStep(const PlannedChange& step, const std::string& why) {
  const std::string name = FormatDeviceName(step.change.device);
  if (!step.refusal.ok()) {
    *plan_.add_steps() = FailedItem(name, step.refusal);
  } else if (step.outcome == v1::OUTCOME_CHANGED) {
    AddStep(name, absl::StrCat(step.change.online ? "online" : "offline", why));
  }
}

void SpecPlanner::PlanSmtStep() {
  const std::optional<SmtChange> change = PlanSmtChange(input_.spec, baseline_, snapshot_.cpus.smt);
  if (!change) return;
  const WantedDevices wanted = WantedOf(input_.spec, baseline_, snapshot_);
  const absl::StatusOr<ChangePlan> part =
      PlanSmt(*change, HeldOffline(wanted), snapshot_, input_.limits);
  if (!part.ok()) {
    *plan_.add_steps() = FailedItem("smt", part.status());
    return;
  }
  AddStep("smt", SmtWord(change->control));
  for (const PlannedChange& step : part->steps) {
    AddStep(step, ", with SMT");
    if (step.outcome != v1::OUTCOME_CHANGED) continue;
    CpuSet& online = snapshot_.cpus.masks.online;
    if (step.change.online) {
      online.insert(step.change.device.number);
    } else {
      online.erase(step.change.device.number);
    }
  }
  snapshot_.cpus.smt.set_control(change->control);
  Note(*part);
}

// What is chosen besides the blocks that are named.
std::vector<WantedDevice> SpecPlanner::WantedMemory(
    const WantedDevices& wanted, const std::vector<WantedDevice>& changes) const {
  if (!input_.spec.has_memory_offline_bytes() || !snapshot_.memory) return {};
  MemorySnapshot memory = *snapshot_.memory;
  for (const WantedDevice& change : changes) {
    const DeviceName& device = change.change.device;
    if (device.kind != v1::DEVICE_KIND_MEMORY) continue;
    const auto block = memory.blocks.blocks.find(device.number);
    if (block == memory.blocks.blocks.end()) continue;
    block->second.state = change.change.online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE;
  }
  return PlanMemoryAmount(input_.spec, baseline_, wanted, memory, {});
}

void SpecPlanner::PlanDeviceSteps() {
  const WantedDevices wanted = WantedOf(input_.spec, baseline_, snapshot_);
  std::vector<WantedDevice> all = PlanDevices(wanted, snapshot_);
  for (WantedDevice& block : WantedMemory(wanted, all)) all.push_back(std::move(block));
  DeviceChanges changes;
  for (const WantedDevice& change : all) changes.push_back(change.change);
  const ChangePlan part = PlanChanges(changes, snapshot_, input_.limits);
  for (size_t i = 0; i < part.steps.size(); ++i) AddStep(part.steps[i], WhyText(all[i]));
  Note(part);
}

v1::Switch SpecPlanner::WantedSwitching() const {
  const v1::Switch wanted = input_.spec.switching();
  return wanted == v1::SWITCH_UNSPECIFIED ? baseline_.switching() : wanted;
}

bool SpecPlanner::SwitchingAfter() const {
  const v1::Switch wanted = WantedSwitching();
  return wanted == v1::SWITCH_UNSPECIFIED ? input_.switching : wanted == v1::SWITCH_ON;
}

void SpecPlanner::PlanSwitching() {
  const bool on = SwitchingAfter();
  if (on != input_.switching) AddStep("switching", on ? "on" : "off");
}

void SpecPlanner::AddSwitch(const absl::StatusOr<SwitchPlan>& plan) {
  if (!plan.ok()) {
    *plan_.add_steps() = FailedItem("driver", plan.status());
    return;
  }
  for (const SwitchStep& step : plan->steps) {
    AddStep(
        absl::StrCat("driver/", NormalizeDriverName(step.driver)),
        absl::StrCat(step.running ? "running" : "stopped", step.why.empty() ? "" : ": ", step.why));
    if (step.running) NoteKernelsChoice(step.driver, *plan);
  }
}

// Which of its drivers the kernel stops for another one of them is its own to decide.
void SpecPlanner::NoteKernelsChoice(const std::string& started, const SwitchPlan& plan) {
  const DriverSnapshot* const driver = FindDriver(input_.drivers, started);
  if (driver == nullptr || driver->provider != v1::DRIVER_PROVIDER_KERNEL) return;
  std::vector<std::string> others;
  for (const DriverSnapshot& other : input_.drivers) {
    const bool planned =
        std::any_of(plan.steps.begin(), plan.steps.end(),
                    [&other](const SwitchStep& step) { return step.driver == other.name; });
    if (other.provider == v1::DRIVER_PROVIDER_KERNEL && !planned &&
        other.state == v1::DRIVER_STATE_RUNNING) {
      others.push_back(absl::StrCat("driver/", NormalizeDriverName(other.name)));
    }
  }
  if (others.empty()) return;
  plan_.add_notes(absl::StrCat("as it starts ", started, ", the kernel may stop ",
                               absl::StrJoin(others, ", "),
                               ": its own whitelists, which can't be read, decide"));
}

// Drivers that don't exist count as stopped.
std::vector<std::string> SpecPlanner::RegisteredStopped() const {
  std::vector<std::string> registered;
  for (const std::string& name : input_.spec.drivers_stopped()) {
    if (FindDriver(input_.drivers, name) != nullptr) registered.push_back(name);
  }
  return registered;
}

void SpecPlanner::PlanDrivers(bool switching) {
  const std::map<std::string, bool> release = DriversToRelease(input_.spec, baseline_);
  // Where switching is off a release waits.
  if (!release.empty() && switching) AddSwitch(PlanRestore(input_.drivers, release));
  if (!WantsDrivers(input_.spec)) return;
  const std::vector<std::string> active(input_.spec.drivers_active().begin(),
                                        input_.spec.drivers_active().end());
  const std::vector<std::string> stopped = RegisteredStopped();
  if (active.empty() && stopped.empty()) return;
  if (!switching) return AddSwitch(SwitchingOffError());
  AddSwitch(PlanSwitch(input_.drivers, active, stopped));
}

}  // namespace

v1::DevicePlan PlanSpec(const SpecPlanInput& input) { return SpecPlanner(input).Plan(); }

}  // namespace hotplugger::agent
