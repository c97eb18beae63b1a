#include "agent/reconcile/plan.h"

#include <set>

#include "agent/devices/device_name.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"

namespace hotplugger::agent {
namespace {

CpuSet ListOrNone(const std::string& list) {
  const absl::StatusOr<CpuSet> cpus = ParseCpuList(list);
  return cpus.ok() ? *cpus : CpuSet();
}

bool IsOnline(v1::DeviceState state) { return state == v1::DEVICE_STATE_ONLINE; }

// The state that each CPU is to have, and whether that is a release.
std::map<int, std::pair<bool, bool>> WantedStates(const v1::NodeSpec& spec,
                                                  const v1::Baseline& baseline) {
  std::map<int, std::pair<bool, bool>> wanted;
  for (const auto& [device, state] : baseline.devices()) {
    const absl::StatusOr<DeviceName> name = ParseDeviceName(device);
    if (name.ok()) wanted[name->number] = {IsOnline(state), true};
  }
  for (const int cpu : ListOrNone(spec.cpu_offline())) wanted[cpu] = {false, false};
  for (const int cpu : ListOrNone(spec.cpu_online())) wanted[cpu] = {true, false};
  return wanted;
}

}  // namespace

std::vector<DeviceStep> PlanDevices(const v1::NodeSpec& spec, const v1::Baseline& baseline,
                                    const CpuInventory& cpus) {
  std::vector<DeviceStep> online_steps;
  std::vector<DeviceStep> offline_steps;
  for (const auto& [number, state] : WantedStates(spec, baseline)) {
    const auto [online, release] = state;
    const auto found = cpus.find(number);
    const bool is_online = found != cpus.end() && found->second.online;
    if (is_online == online || (release && found == cpus.end())) continue;
    (online ? online_steps : offline_steps).push_back({CpuName(number), online});
  }
  std::vector<DeviceStep> steps = std::move(online_steps);
  steps.insert(steps.end(), offline_steps.rbegin(), offline_steps.rend());
  return steps;
}

v1::Baseline RecordDevices(v1::Baseline baseline, const std::vector<DeviceStep>& steps,
                           const CpuInventory& cpus) {
  for (const DeviceStep& step : steps) {
    const absl::StatusOr<DeviceName> name = ParseDeviceName(step.device);
    if (!name.ok() || baseline.devices().count(step.device) > 0) continue;
    const auto found = cpus.find(name->number);
    // What isn't there, or can't be switched, won't be touched.
    if (found == cpus.end() || !found->second.hotpluggable) continue;
    (*baseline.mutable_devices())[step.device] =
        found->second.online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE;
  }
  return baseline;
}

v1::Baseline ForgetRestored(v1::Baseline baseline, const v1::Inventory& inventory) {
  std::map<std::string, v1::DeviceState> devices;
  for (const v1::Device& device : inventory.devices()) devices[device.name()] = device.state();
  std::map<std::string, v1::DriverState> drivers;
  for (const v1::Driver& driver : inventory.drivers()) {
    drivers[NormalizeDriverName(driver.name())] = driver.state();
  }
  const v1::Baseline recorded = baseline;
  for (const auto& [device, state] : recorded.devices()) {
    const auto now = devices.find(device);
    if (now == devices.end() || now->second == state) baseline.mutable_devices()->erase(device);
  }
  for (const auto& [driver, state] : recorded.drivers()) {
    const auto now = drivers.find(driver);
    if (now == drivers.end() || now->second == state) baseline.mutable_drivers()->erase(driver);
  }
  return baseline;
}

bool WantsDrivers(const v1::NodeSpec& spec) {
  return !spec.drivers_active().empty() || !spec.drivers_stopped().empty();
}

std::map<std::string, bool> DriversToRelease(const v1::NodeSpec& spec,
                                             const v1::Baseline& baseline) {
  std::map<std::string, bool> release;
  if (!spec.drivers_active().empty()) return release;
  std::set<std::string> stopped;
  for (const std::string& driver : spec.drivers_stopped()) {
    stopped.insert(NormalizeDriverName(driver));
  }
  for (const auto& [driver, state] : baseline.drivers()) {
    if (stopped.count(driver) == 0) release[driver] = state == v1::DRIVER_STATE_RUNNING;
  }
  return release;
}

}  // namespace hotplugger::agent
