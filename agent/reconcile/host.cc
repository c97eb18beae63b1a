#include "agent/reconcile/host.h"

#include <utility>

#include "agent/devices/device_name.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {

absl::StatusOr<std::unique_ptr<Host>> Host::Create(Parts parts) {
  std::unique_ptr<Host> host(new Host(std::move(parts)));
  absl::StatusOr<v1::AgentState> state = host->parts_.state_store.Load();
  if (absl::IsDataLoss(state.status())) {
    Log(LogLevel::kError, std::string(state.status().message()));
    state = host->parts_.state_store.Load();
  }
  if (!state.ok()) return state.status();
  host->state_ = *std::move(state);
  if (host->state_.baseline().boot_id() != host->boot_id()) {
    // A reboot has put devices and drivers back already; only the switch outlives it.
    v1::Baseline* baseline = host->state_.mutable_baseline();
    baseline->clear_devices();
    baseline->clear_drivers();
    baseline->set_boot_id(host->boot_id());
  }
  host->drivers().SetSwitching(host->state_.switching() != v1::SWITCH_OFF);
  return host;
}

absl::Status Host::SaveState(v1::AgentState state) {
  RETURN_IF_ERROR(parts_.state_store.Save(state));
  state_ = std::move(state);
  return absl::OkStatus();
}

absl::Status Host::SetSwitching(bool on) {
  v1::AgentState state = state_;
  state.set_switching(on ? v1::SWITCH_ON : v1::SWITCH_OFF);
  RETURN_IF_ERROR(SaveState(std::move(state)));
  drivers().SetSwitching(on);
  return absl::OkStatus();
}

absl::Status Host::SyncDrivers() {
  for (DriverProvider* provider : parts_.providers) {
    RETURN_IF_ERROR(drivers().SyncProvider(*provider).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Inventory> Host::ReadInventory() {
  v1::Inventory inventory;
  ASSIGN_OR_RETURN(const CpuInventory cpus, ReadCpuInventory());
  for (const auto& [number, cpu] : cpus) {
    v1::Device* device = inventory.add_devices();
    device->set_name(CpuName(number));
    device->set_kind(v1::DEVICE_KIND_CPU);
    device->set_state(cpu.online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE);
    device->set_hotpluggable(cpu.hotpluggable);
  }
  inventory.set_cpus_present(FormatCpuList(PresentCpus(cpus)));
  inventory.set_cpus_online(FormatCpuList(OnlineCpus(cpus)));
  for (v1::Driver& driver : drivers().List()) *inventory.add_drivers() = std::move(driver);
  inventory.set_switching(drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF);
  inventory.set_kernel_release(parts_.kernel_release);
  return inventory;
}

}  // namespace hotplugger::agent
