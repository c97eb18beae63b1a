#include "agent/reconcile/explanation.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/device_reader.h"
#include "agent/devices/rules/device_plan.h"
#include "agent/devices/rules/item_result.h"
#include "agent/reconcile/held_by_spec.h"
#include "agent/reconcile/lenient_settings.h"
#include "agent/reconcile/parked_cpus.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

using Why = WantedDevice::Why;

absl::string_view StateWord(bool online) { return online ? "online" : "offline"; }

v1::DeviceState ToState(bool online) {
  return online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE;
}

absl::Status NotFound(const DeviceName& device, absl::string_view present) {
  const std::string name = FormatDeviceName(device);
  return MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
                   absl::StrCat(name, " is not present on this host", present), {{"device", name}});
}

// Collects what has a say in one device.
class Explainer {
 public:
  Explainer(const DeviceName& device, const ExplanationInput& input)
      : device_(device), name_(FormatDeviceName(device)), input_(input) {}

  absl::StatusOr<v1::ExplainDeviceResponse> Run() {
    ASSIGN_OR_RETURN(*response_.mutable_device(), FindDevice(device_, input_.snapshot));
    AddWants();
    AddDrivers();
    AddSmt();
    AddKernel();
    if (device_.kind == v1::DEVICE_KIND_SMT) {
      AddSmtObstacles();
    } else {
      AddObstacles(false, response_.mutable_offline_obstacles());
      AddObstacles(true, response_.mutable_online_obstacles());
    }
    Summarize();
    return std::move(response_);
  }

 private:
  void Add(std::string source, v1::DeviceState wants, std::string message) {
    v1::Influence& influence = *response_.add_influences();
    influence.set_source(std::move(source));
    influence.set_wants(wants);
    influence.set_message(std::move(message));
  }

  void AddWants() {
    if (device_.kind == v1::DEVICE_KIND_SMT) {
      AddSmtWants();
      return;
    }
    wanted_ = WantedOf(input_.spec, input_.state.baseline(), input_.snapshot);
    const auto found = wanted_.find(name_);
    if (found == wanted_.end()) {
      AddAmount();
      return;
    }
    const WantedDevice& wanted = found->second;
    const bool online = wanted.change.online;
    switch (wanted.why) {
      case Why::kSpec:
        Add(SourcesOf(input_.state, wanted.setting, name_), ToState(online),
            DescribeWish(wanted.setting, online));
        return;
      case Why::kRelease:
        Add("baseline", ToState(online),
            absl::StrCat("it was ", StateWord(online),
                         " before Hotplugger touched it, and nothing wants it otherwise now"));
        return;
      case Why::kHotAdd:
        Add(SourcesOf(input_.state, wanted.setting, name_), ToState(online),
            absl::StrCat("it was hot-added, and the spec's ", wanted.setting,
                         " brings such devices online"));
        return;
    }
  }

  std::string DescribeWish(const std::string& setting, bool online) const {
    if (absl::StartsWith(setting, "core/")) {
      return absl::StrCat("the hold of ", setting, " keeps all threads of its core ",
                          StateWord(online));
    }
    if (LenientSettings::ReportedDrift(input_.spec).Covers(setting, name_)) {
      return absl::StrCat("the spec's ", setting, " has it ", StateWord(online),
                          "; what changes that is reported and not undone");
    }
    return absl::StrCat("the spec's ", setting, " keeps it ", StateWord(online));
  }

  // The agent's own, which remember what they have parked.
  void AddDrivers() {
    if (device_.kind != v1::DEVICE_KIND_CPU) return;
    for (const auto& [driver, cpus] : ParkedCpus(input_.state)) {
      if (cpus.count(device_.number) == 0) continue;
      Add(absl::StrCat("driver/", driver), v1::DEVICE_STATE_OFFLINE,
          absl::StrCat("the driver ", driver, " has parked it and wakes it by itself; ",
                       "`hotplugctl --host drivers ", driver, "` shows why"));
    }
  }

  // Which blocks an amount means is the agent's choice, and kept in the baseline.
  void AddAmount() {
    if (device_.kind != v1::DEVICE_KIND_MEMORY || !input_.spec.has_memory_offline_bytes() ||
        input_.state.baseline().devices().count(name_) == 0) {
      return;
    }
    Add(SourcesOf(input_.state, "memory_offline_bytes", name_), v1::DEVICE_STATE_OFFLINE,
        "the spec's memory_offline_bytes keeps so much memory offline, this block among it");
  }

  void AddSmtWants() {
    const v1::SmtControl wanted = input_.spec.smt();
    if (wanted == v1::SMT_CONTROL_UNSPECIFIED) return;
    Add(SourcesOf(input_.state, "smt", "smt"), ToState(wanted == v1::SMT_CONTROL_ON),
        absl::StrCat("the spec's smt is ", v1::SmtControl_Name(wanted)));
  }

  void AddSmt() {
    const CpuSnapshot& cpus = input_.snapshot.cpus;
    const v1::SmtControl control = cpus.smt.control();
    const bool off = control == v1::SMT_CONTROL_OFF || control == v1::SMT_CONTROL_FORCEOFF;
    if (device_.kind != v1::DEVICE_KIND_CPU || !off) return;
    if (!cpus.topology.IsSecondaryThread(device_.number)) return;
    Add("smt", v1::DEVICE_STATE_OFFLINE,
        absl::StrCat("it is a secondary thread of its core, and SMT is ",
                     control == v1::SMT_CONTROL_OFF ? "off" : "off until the next reboot"));
  }

  void AddKernel() {
    if (response_.device().hotpluggable() || device_.kind == v1::DEVICE_KIND_SMT) return;
    Add("kernel", v1::DEVICE_STATE_UNSPECIFIED,
        device_.kind == v1::DEVICE_KIND_MEMORY
            ? "the kernel can't take this block offline: it lies in several zones, or has holes"
            : "it has no `online` file: the kernel keeps it as it is for as long as the host runs");
  }

  using Items = google::protobuf::RepeatedPtrField<v1::ItemResult>;

  void AddObstacles(bool online, Items* obstacles) {
    const DeviceChange change = {device_, online};
    const absl::Status held = CheckHeld(change, wanted_, input_.spec, input_.state);
    if (!held.ok()) *obstacles->Add() = FailedItem(name_, held);
    const ChangePlan plan = PlanChanges({change}, input_.snapshot, input_.limits);
    for (const PlannedChange& step : plan.steps) {
      if (!step.refusal.ok()) *obstacles->Add() = FailedItem(name_, step.refusal);
    }
  }

  void AddSmtObstacles() {
    const CpuSet held =
        HeldOffline(WantedOf(input_.spec, input_.state.baseline(), input_.snapshot));
    const auto add = [&](v1::SmtControl control, Items* obstacles) {
      const auto plan = PlanSmt({control}, held, input_.snapshot, input_.limits);
      if (!plan.ok()) {
        *obstacles->Add() = FailedItem(name_, plan.status());
        return;
      }
      for (const PlannedChange& step : plan->steps) {
        if (!step.refusal.ok()) {
          *obstacles->Add() = FailedItem(FormatDeviceName(step.change.device), step.refusal);
        }
      }
    };
    add(v1::SMT_CONTROL_OFF, response_.mutable_offline_obstacles());
    add(v1::SMT_CONTROL_ON, response_.mutable_online_obstacles());
  }

  void Summarize() {
    const v1::Device& device = response_.device();
    std::string state;
    switch (device.state()) {
      case v1::DEVICE_STATE_ONLINE:
        state = "online";
        break;
      case v1::DEVICE_STATE_GOING_OFFLINE:
        state = "going offline: its pages are being moved away";
        break;
      default:
        state = "offline";
    }
    if (device_.kind == v1::DEVICE_KIND_SMT) state = v1::SmtControl_Name(device.smt().control());
    std::string why = "nothing in Hotplugger has a say in it";
    if (!response_.influences().empty()) {
      const v1::Influence& first = response_.influences(0);
      const bool as_wanted =
          first.wants() == v1::DEVICE_STATE_UNSPECIFIED || first.wants() == device.state();
      why = absl::StrCat(as_wanted ? "" : "although ", first.source(), ": ", first.message());
    }
    response_.set_summary(absl::StrCat(name_, " is ", state, "; ", why));
  }

  const DeviceName& device_;
  const std::string name_;
  const ExplanationInput& input_;
  WantedDevices wanted_;
  v1::ExplainDeviceResponse response_;
};

}  // namespace

absl::StatusOr<v1::Device> FindDevice(const DeviceName& device, const Snapshot& snapshot) {
  switch (device.kind) {
    case v1::DEVICE_KIND_CPU:
      if (snapshot.cpus.masks.present.count(device.number) > 0) {
        return ToDevice(snapshot.cpus, device.number);
      }
      return NotFound(
          device, absl::StrCat("; present CPUs are ", FormatCpuList(snapshot.cpus.masks.present)));
    case v1::DEVICE_KIND_MEMORY:
      if (!snapshot.memory) return NotFound(device, ": its kernel has no memory hotplug");
      if (snapshot.memory->blocks.blocks.count(device.number) > 0) {
        return ToDevice(snapshot.memory->blocks, device.number);
      }
      return NotFound(device, "; hotplugctl --host memory lists those that are");
    case v1::DEVICE_KIND_SMT:
      return ToDevice(snapshot.cpus.smt);
    default:
      for (const GenericDevice& generic : snapshot.generic) {
        if (generic.bus == device.bus && generic.name == device.name) return ToDevice(generic);
      }
      return NotFound(device, ", or has no `online` file");
  }
}

absl::Status CheckHeld(const DeviceChange& change, const WantedDevices& wanted,
                       const v1::NodeSpec& spec, const v1::AgentState& state) {
  const std::string name = FormatDeviceName(change.device);
  // What the agent would not undo is anybody's to do.
  const LenientSettings reported = LenientSettings::ReportedDrift(spec);
  const auto found = wanted.find(name);
  if (found != wanted.end() && found->second.why == Why::kSpec &&
      found->second.change.online != change.online &&
      !reported.Covers(found->second.setting, name)) {
    return HeldBySpec(absl::StrCat(name, " is kept ", StateWord(found->second.change.online)),
                      SourcesOf(state, found->second.setting, name));
  }
  // Which blocks an amount means is the agent's choice: those that it took it would take again.
  if (change.online && change.device.kind == v1::DEVICE_KIND_MEMORY &&
      spec.has_memory_offline_bytes() && state.baseline().devices().count(name) > 0 &&
      !reported.Covers("memory_offline_bytes", name)) {
    return HeldBySpec(absl::StrCat(name, " is among the memory kept offline"),
                      SourcesOf(state, "memory_offline_bytes", name));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ExplainDeviceResponse> Explain(const DeviceName& device,
                                                  const ExplanationInput& input) {
  return Explainer(device, input).Run();
}

}  // namespace hotplugger::agent
