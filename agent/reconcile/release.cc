#include "agent/reconcile/release.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/reconcile/lenient_settings.h"
#include "agent/reconcile/plan.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

bool HasCount(const v1::NodeSpec& spec) {
  return spec.has_cpu_online_count() || spec.has_cpu_online_percent();
}

// Finds out what of a baseline is left.
class Leaver {
 public:
  Leaver(const v1::NodeSpec& before, const v1::NodeSpec& after, const Snapshot& snapshot)
      : before_(before),
        after_(after),
        snapshot_(snapshot),
        leaving_(LenientSettings::LeftOnRelease(before)),
        // Without a baseline: what the specs themselves say.
        wanted_before_(WantedOf(before, {}, snapshot)),
        wanted_after_(WantedOf(after, {}, snapshot)) {}

  // Whether the recorded device is to be forgotten.
  bool LeavesDevice(const std::string& name) const {
    const absl::StatusOr<DeviceName> device = ParseDeviceName(name);
    if (!device.ok() || SpeaksOf(*device, name)) return false;
    const std::string setting = SettingOf(*device, name);
    return !setting.empty() && leaving_.Covers(setting, name);
  }

  bool LeavesDriver(const std::string& name) const {
    const std::string subject = absl::StrCat("driver/", name);
    for (const std::string& stopped : before_.drivers_stopped()) {
      if (NormalizeDriverName(stopped) == name) return leaving_.Covers("drivers_stopped", subject);
    }
    // All others are as that set has them, whether they are in it or not.
    return !before_.drivers_active().empty() && leaving_.Covers("drivers_active", subject);
  }

  bool LeavesSmt() const {
    return after_.smt() == v1::SMT_CONTROL_UNSPECIFIED && leaving_.Covers("smt", "smt");
  }

  bool LeavesSwitching() const {
    return after_.switching() == v1::SWITCH_UNSPECIFIED &&
           leaving_.Covers("switching", "switching");
  }

 private:
  static bool Speaks(const WantedDevices& wanted, const std::string& name) {
    const auto found = wanted.find(name);
    return found != wanted.end() && found->second.why == WantedDevice::Why::kSpec;
  }

  // Whether the new spec does.
  bool SpeaksOf(const DeviceName& device, const std::string& name) const {
    if (Speaks(wanted_after_, name)) return true;
    if (device.kind == v1::DEVICE_KIND_MEMORY) return after_.has_memory_offline_bytes();
    if (device.kind != v1::DEVICE_KIND_CPU) return false;
    const bool thread = snapshot_.cpus.topology.IsSecondaryThread(device.number);
    return HasCount(after_) || (thread && after_.smt() != v1::SMT_CONTROL_UNSPECIFIED);
  }

  // The setting for which the old spec has touched the device; "" where it hasn't.
  std::string SettingOf(const DeviceName& device, const std::string& name) const {
    if (Speaks(wanted_before_, name)) return wanted_before_.at(name).setting;
    if (device.kind == v1::DEVICE_KIND_MEMORY) {
      return before_.has_memory_offline_bytes() ? "memory_offline_bytes" : "";
    }
    // It takes no first thread: that one is off for another reason.
    const bool by_smt = device.kind == v1::DEVICE_KIND_CPU &&
                        before_.smt() != v1::SMT_CONTROL_UNSPECIFIED &&
                        snapshot_.cpus.topology.IsSecondaryThread(device.number);
    return by_smt ? "smt" : "";
  }

  const v1::NodeSpec& before_;
  const v1::NodeSpec& after_;
  const Snapshot& snapshot_;
  const LenientSettings leaving_;
  const WantedDevices wanted_before_;
  const WantedDevices wanted_after_;
};

}  // namespace

v1::Baseline ForgetLeft(v1::Baseline baseline, const v1::NodeSpec& before,
                        const v1::NodeSpec& after, const Snapshot& snapshot) {
  if (before.leave_on_release().empty()) return baseline;
  const Leaver leaver(before, after, snapshot);
  const v1::Baseline recorded = baseline;
  for (const auto& [device, state] : recorded.devices()) {
    if (!leaver.LeavesDevice(device)) continue;
    baseline.mutable_devices()->erase(device);
    baseline.mutable_zones()->erase(device);
  }
  for (const auto& [driver, running] : DriversToRelease(after, recorded)) {
    if (leaver.LeavesDriver(driver)) baseline.mutable_drivers()->erase(driver);
  }
  if (leaver.LeavesSmt()) baseline.clear_smt();
  if (leaver.LeavesSwitching()) baseline.clear_switching();
  return baseline;
}

}  // namespace hotplugger::agent
