// The host and the agent's memory of it, together: what a reconcile pass and a local operation
// work on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/devices/cpu.h"
#include "agent/devices/device_operator.h"
#include "agent/devices/sysfs.h"
#include "agent/drivers/driver_provider.h"
#include "agent/drivers/registry.h"
#include "agent/reconcile/state_file.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use: belongs to the operation queue's thread once that runs.
class Host {
 public:
  struct Parts {
    const Sysfs& sysfs;
    DeviceOperator& devices;
    Registry& drivers;
    // Where drivers that come and go are found.
    std::vector<DriverProvider*> providers;
    StateStore& state_store;
    // Of this boot.
    std::string boot_id;
    // E.g. "6.1.0-38-cloud-amd64".
    std::string kernel_release;
  };

  // Reads the saved state. A damaged one is logged and begun anew: the controller sends the spec
  // again, and what the damaged file knew of a baseline can't be had back. All parts outlive this.
  static absl::StatusOr<std::unique_ptr<Host>> Create(Parts parts);

  const v1::AgentState& state() const { return state_; }

  // Saves `state`, then takes it as its own. On an error the earlier state stands.
  absl::Status SaveState(v1::AgentState state);

  // Takes over what the driver providers have now.
  absl::Status SyncDrivers();

  // The state of everything, as the kernel and the drivers answer now.
  absl::StatusOr<v1::Inventory> ReadInventory();
  absl::StatusOr<CpuInventory> ReadCpuInventory() const { return ReadCpus(parts_.sysfs); }

  DeviceOperator& devices() { return parts_.devices; }
  Registry& drivers() { return parts_.drivers; }
  const std::string& boot_id() const { return parts_.boot_id; }

  // Sets the registry's switch and keeps it over restarts (contract 23).
  absl::Status SetSwitching(bool on);

 private:
  explicit Host(Parts parts) : parts_(std::move(parts)) {}

  Parts parts_;
  v1::AgentState state_;
};

}  // namespace hotplugger::agent
