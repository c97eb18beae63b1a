// The host and the agent's memory of it, together: what a reconcile pass and a local operation
// work on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/counters/agent_counters.h"
#include "agent/devices/inventory/device_reader.h"
#include "agent/devices/inventory/file_tree.h"
#include "agent/devices/operations/device_operator.h"
#include "agent/devices/operations/journal.h"
#include "agent/devices/operations/kernel_writer.h"
#include "agent/devices/rules/safety_limits.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/driver_provider.h"
#include "agent/drivers/registry.h"
#include "agent/reconcile/conditions.h"
#include "agent/reconcile/controller_identity.h"
#include "agent/reconcile/kept_state.h"
#include "agent/reconcile/state_file.h"
#include "common/clock.h"
#include "common/version.h"
#include "hotplugger/v1/agent_state.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// Not safe for concurrent use: belongs to the operation queue's thread once that runs.
class Host {
 public:
  struct Parts {
    const FileTree& tree;
    KernelWriter& writer;
    Journal& journal;
    SafetyLimits limits;
    // SteadyNow as a rule: deadlines are measured by it.
    Clock& clock;
    Registry& drivers;
    // Where the parts that work on the host count.
    AgentCounters& counters;
    // Where drivers that come and go are found.
    std::vector<DriverProvider*> providers;
    // What is known of those that files and units switch.
    Catalogue& catalogue;
    StateStore& state_store;
    // Of this boot.
    std::string boot_id;
    // E.g. "6.1.0-38-cloud-amd64".
    std::string kernel_release;
    std::string agent_version = kVersion;
    // What time it is, for people.
    std::function<absl::Time()> wall_time = absl::Now;
  };

  // Reads the saved state, and settles what an earlier agent left unfinished (RecoverJournal). What
  // a damaged state loses is a condition from then on (MendState). A spec in whose application
  // agents died is quarantined here, before anything is done for it, and one that an agent of
  // another version gave up is welcome again. All parts outlive this.
  static absl::StatusOr<std::unique_ptr<Host>> Create(Parts parts);

  const v1::AgentState& state() const { return kept_.state(); }

  // As KeptState's Save and Keep: what is promised to somebody is saved, what must be known to
  // carry out the spec in force is kept.
  absl::Status SaveState(v1::AgentState state);
  void KeepState(v1::AgentState state);
  void KeepIfAny(std::optional<v1::AgentState> state);
  // Of the baseline alone; nothing is written where it is as it was.
  void KeepBaseline(v1::Baseline baseline);

  // Writes what the state file and the journal lack, where a disk was full.
  void RetrySaving();

  // Whether what comes from `controller` may be obeyed: the errors of CheckObeys. From then on no
  // earlier one is, though that can't be saved.
  absl::Status CheckController(const ControllerIdentity& controller);
  // The same; a later epoch than was ever seen is on disk before this returns.
  absl::Status TakeController(const ControllerIdentity& controller);

  // From now on the host belongs to this fleet, whichever it was of before: what its controller
  // says is obeyed, and the last spec stays until then. Nothing is written where it does so
  // already.
  absl::Status JoinFleet(const std::string& fleet_id);

  // The spec in force; empty where there is none. DATA_LOSS where the saved one can't be parsed.
  absl::StatusOr<v1::NodeSpec> Spec() const;

  // Reads the descriptions of drivers again; the writer may write their files from now on.
  void ReloadCatalogue();
  Catalogue& catalogue() { return parts_.catalogue; }

  // Takes over what the driver providers have now; what can't be told of one holds up no other, and
  // is among the registry's warnings. Always ok. Safe for concurrent use.
  absl::Status SyncDrivers();

  // All devices now. What it teaches of the CPUs' places is kept.
  absl::StatusOr<Snapshot> ReadSnapshot();

  // What a controller is told of `snapshot`, with the drivers as they answer now.
  v1::Inventory MakeInventory(const Snapshot& snapshot);
  // Has `inventory` tell what is the matter with this host now.
  void TellConditions(v1::Inventory* inventory);
  // What other parts of the agent find to be the matter; told with the next inventory. Safe for
  // concurrent use: nothing must keep a condition from being set or cleared, least of all a full
  // queue.
  void SetCondition(absl::string_view type, absl::string_view message);
  void ClearCondition(absl::string_view type);

  DeviceReader& reader() { return *reader_; }
  DeviceOperator& devices() { return *devices_; }
  Registry& drivers() { return parts_.drivers; }
  AgentCounters& counters() { return parts_.counters; }
  const std::string& boot_id() const { return parts_.boot_id; }
  const std::string& agent_version() const { return parts_.agent_version; }

  const FileTree& tree() const { return parts_.tree; }

  // Replaces the names (normalized) of the drivers that are unregistered, over restarts, too.
  absl::Status SetUnregistered(const std::set<std::string>& names);

  // Sets the registry's switch and saves it over restarts (contract 23).
  absl::Status SetSwitching(bool on);
  // The same for the spec in force, which will do it again: what can't be saved is kept.
  void EnforceSwitching(bool on);

 private:
  explicit Host(Parts parts) : parts_(std::move(parts)), kept_(parts_.state_store) {}

  absl::Status LoadState();
  void TellReadOnly();

  Parts parts_;
  KeptState kept_;
  // The last controller that might be obeyed.
  ControllerIdentity seen_;
  Conditions conditions_;
  // Made from the saved state.
  std::unique_ptr<DeviceReader> reader_;
  std::unique_ptr<DeviceOperator> devices_;
};

}  // namespace hotplugger::agent
