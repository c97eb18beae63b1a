#include "agent/reconcile/host.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/operations/group_operation.h"
#include "agent/reconcile/spec_trial.h"
#include "agent/reconcile/state_loss.h"
#include "common/cpu_list.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "google/protobuf/util/message_differencer.h"

namespace hotplugger::agent {
namespace {

v1::MemoryInventory Summary(const MemoryBlocks& memory) {
  NumberSet present;
  NumberSet movable;
  for (const auto& [number, block] : memory.blocks) {
    present.insert(present.end(), number);
    if (block.zone == BlockZone::kMovable) movable.insert(movable.end(), number);
  }
  v1::MemoryInventory inventory;
  inventory.set_block_size_bytes(memory.block_size_bytes);
  inventory.set_blocks_present(FormatNumberList(present));
  inventory.set_blocks_online(FormatNumberList(BlocksIn(memory, v1::DEVICE_STATE_ONLINE)));
  inventory.set_blocks_movable(FormatNumberList(movable));
  return inventory;
}

// A reboot has put devices and drivers back already; only the switch outlives it.
void BeginBoot(const std::string& boot_id, v1::AgentState* state) {
  if (state->baseline().boot_id() == boot_id) return;
  const v1::Switch switching = state->baseline().switching();
  state->mutable_baseline()->Clear();
  state->mutable_baseline()->set_switching(switching);
  state->mutable_baseline()->set_boot_id(boot_id);
  state->clear_builtin_drivers();
  // A journal counts within its boot.
  state->clear_journal_operation();
}

std::string StateNotSaved(const absl::Status& cause) {
  return absl::StrCat(
      "the agent's memory can't be saved: ", cause.message(),
      "; it goes on enforcing the spec that it has, but takes no new one, and operations on this "
      "host's devices are refused; should it end before it can save, what it takes offline until "
      "then may not come back by itself; free space there, or make it writable: the agent tries "
      "again at least every minute");
}

// Either may be mounted by itself.
struct ChangedFolder {
  const char* path;
  // What is not switched where it is read-only.
  const char* devices;
};
constexpr ChangedFolder kChangedFolders[] = {
    {"sys/devices/system/cpu", "no CPU and no SMT"},
    {"sys/devices/system/memory", "no memory block"},
};

// The two are parallel.
std::string SysfsReadOnly(const std::vector<std::string>& places,
                          const std::vector<std::string>& devices) {
  return absl::StrCat(
      absl::StrJoin(places, " and "), places.size() == 1 ? " is" : " are",
      " mounted read-only, as /sys is in most containers, so that the agent can switch ",
      absl::StrJoin(devices, " and "),
      " (READ_ONLY_SYSFS); mount /sys/devices/system of the host read-write "
      "into the agent's container as docs/deployment.md says, or name ",
      places.size() == 1 ? "the folder" : "the folders", " in the unit's ReadWritePaths=");
}

void LogRecovered(const std::vector<v1::ItemResult>& items) {
  for (const v1::ItemResult& item : items) {
    Log(LogLevel::kWarning, "an earlier agent left an operation unfinished",
        {{"subject", item.subject()},
         {"outcome", v1::Outcome_Name(item.outcome())},
         {"reason", item.reason()},
         {"message", item.message()}});
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Host>> Host::Create(Parts parts) {
  std::unique_ptr<Host> host(new Host(std::move(parts)));
  RETURN_IF_ERROR(host->LoadState());
  const Parts& own = host->parts_;
  host->reader_ = std::make_unique<DeviceReader>(own.tree, own.boot_id, host->state().known_cpus());
  host->devices_ =
      std::make_unique<DeviceOperator>(DeviceOperator::Parts{.reader = *host->reader_,
                                                             .writer = own.writer,
                                                             .journal = own.journal,
                                                             .limits = own.limits,
                                                             .clock = own.clock,
                                                             .counters = own.counters});
  LogRecovered(RecoverJournal(*host->devices_));
  host->drivers().SetSwitching(host->state().switching() != v1::SWITCH_OFF);
  const auto& unregistered = host->state().unregistered_drivers();
  host->drivers().SetUnregistered({unregistered.begin(), unregistered.end()});
  return host;
}

absl::Status Host::LoadState() {
  ASSIGN_OR_RETURN(const StateStore::Loaded loaded, parts_.state_store.Load());
  if (!loaded.damage.ok()) Log(LogLevel::kError, std::string(loaded.damage.message()));
  // Saved with the next change: until then every start comes to the same end.
  v1::AgentState state = ForgetRejectionByAnother(loaded.state, agent_version());
  if (std::optional<v1::AgentState> quarantined = QuarantineIfDue(state, agent_version())) {
    state = *std::move(quarantined);
    Log(LogLevel::kError, "a spec is quarantined",
        {{"digest", state.rejected().digest()}, {"cause", state.rejected().message()}});
  }
  BeginBoot(boot_id(), &state);
  if (const std::optional<StateLoss> loss = MendState(loaded, parts_.journal, &state)) {
    Log(LogLevel::kError, loss->message, {{"condition", loss->condition}});
    conditions_.Set(loss->condition, loss->message, parts_.wall_time());
  }
  kept_.Begin(std::move(state));
  seen_ = ObeyedController(kept_.state());
  return absl::OkStatus();
}

absl::Status Host::SaveState(v1::AgentState state) {
  state.set_journal_operation(parts_.journal.last_operation());
  return kept_.Save(std::move(state));
}

void Host::KeepState(v1::AgentState state) {
  state.set_journal_operation(parts_.journal.last_operation());
  kept_.Keep(std::move(state));
}

void Host::KeepIfAny(std::optional<v1::AgentState> state) {
  if (state) KeepState(*std::move(state));
}

void Host::KeepBaseline(v1::Baseline baseline) {
  using google::protobuf::util::MessageDifferencer;
  if (MessageDifferencer::Equals(baseline, kept_.state().baseline())) return;
  v1::AgentState state = kept_.state();
  *state.mutable_baseline() = std::move(baseline);
  KeepState(std::move(state));
}

void Host::RetrySaving() {
  kept_.Retry();
  // It says itself why it can't be.
  parts_.journal.Save().IgnoreError();
}

void Host::TellConditions(v1::Inventory* inventory) {
  const absl::Status journal = parts_.journal.saved();
  const absl::Status& cause = kept_.failure().ok() ? journal : kept_.failure();
  if (cause.ok()) {
    conditions_.Clear(kStateNotSaved);
  } else {
    conditions_.Set(kStateNotSaved, StateNotSaved(cause), parts_.wall_time());
  }
  TellReadOnly();
  inventory->clear_conditions();
  for (v1::NodeCondition& condition : conditions_.List()) {
    *inventory->add_conditions() = std::move(condition);
  }
}

// What is seen now, at each pass: a mount can be mended while the agent runs.
void Host::TellReadOnly() {
  std::vector<std::string> places;
  std::vector<std::string> devices;
  for (const ChangedFolder& folder : kChangedFolders) {
    // Where that can't be told a write will tell; a kernel without such devices has no folder.
    if (!parts_.tree.IsReadOnly(folder.path).value_or(false)) continue;
    places.push_back(parts_.tree.FullPath(folder.path));
    devices.emplace_back(folder.devices);
  }
  if (places.empty()) return conditions_.Clear(kSysfsReadOnly);
  conditions_.Set(kSysfsReadOnly, SysfsReadOnly(places, devices), parts_.wall_time());
}

void Host::SetCondition(absl::string_view type, absl::string_view message) {
  conditions_.Set(type, message, parts_.wall_time());
}

void Host::ClearCondition(absl::string_view type) { conditions_.Clear(type); }

absl::Status Host::CheckController(const ControllerIdentity& controller) {
  RETURN_IF_ERROR(CheckObeys(seen_, controller));
  seen_ = controller;
  return absl::OkStatus();
}

absl::Status Host::TakeController(const ControllerIdentity& controller) {
  RETURN_IF_ERROR(CheckController(controller));
  const ControllerIdentity obeyed = ObeyedController(kept_.state());
  if (controller.epoch == obeyed.epoch && controller.fleet_id == obeyed.fleet_id &&
      controller.epoch_id == obeyed.epoch_id) {
    return absl::OkStatus();
  }
  v1::AgentState state = kept_.state();
  SetObeyed(controller, &state);
  return SaveState(std::move(state));
}

absl::Status Host::JoinFleet(const std::string& fleet_id) {
  if (kept_.state().fleet_id() == fleet_id) return absl::OkStatus();
  v1::AgentState state = kept_.state();
  const ControllerIdentity joined = {.epoch = 0, .fleet_id = fleet_id};
  SetObeyed(joined, &state);
  RETURN_IF_ERROR(SaveState(std::move(state)));
  seen_ = joined;
  return absl::OkStatus();
}

absl::StatusOr<v1::NodeSpec> Host::Spec() const {
  v1::NodeSpec spec;
  if (spec.ParseFromString(kept_.state().spec_body())) return spec;
  return MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "the saved spec can't be parsed");
}

absl::Status Host::SetSwitching(bool on) {
  v1::AgentState state = kept_.state();
  state.set_switching(on ? v1::SWITCH_ON : v1::SWITCH_OFF);
  RETURN_IF_ERROR(SaveState(std::move(state)));
  drivers().SetSwitching(on);
  return absl::OkStatus();
}

void Host::EnforceSwitching(bool on) {
  v1::AgentState state = kept_.state();
  state.set_switching(on ? v1::SWITCH_ON : v1::SWITCH_OFF);
  KeepState(std::move(state));
  drivers().SetSwitching(on);
}

absl::Status Host::SetUnregistered(const std::set<std::string>& names) {
  v1::AgentState state = kept_.state();
  *state.mutable_unregistered_drivers() = {names.begin(), names.end()};
  RETURN_IF_ERROR(SaveState(std::move(state)));
  drivers().SetUnregistered({names.begin(), names.end()});
  return absl::OkStatus();
}

void Host::ReloadCatalogue() {
  parts_.catalogue.Reload();
  parts_.writer.AllowKnobs(parts_.catalogue.KnobPatterns());
}

absl::Status Host::SyncDrivers() {
  for (DriverProvider* provider : parts_.providers) {
    drivers().SyncProvider(*provider).status().IgnoreError();
  }
  return absl::OkStatus();
}

absl::StatusOr<Snapshot> Host::ReadSnapshot() {
  ASSIGN_OR_RETURN(Snapshot snapshot, reader_->ReadAll());
  if (auto record = reader_->TakeChangedRecord()) {
    v1::AgentState state = kept_.state();
    *state.mutable_known_cpus() = *std::move(record);
    // A help, not a promise: without it a restarted agent knows less of offline CPUs.
    KeepState(std::move(state));
  }
  return snapshot;
}

v1::Inventory Host::MakeInventory(const Snapshot& snapshot) {
  v1::Inventory inventory;
  for (const int cpu : snapshot.cpus.masks.present) {
    *inventory.add_devices() = ToDevice(snapshot.cpus, cpu);
  }
  for (const GenericDevice& device : snapshot.generic) *inventory.add_devices() = ToDevice(device);
  inventory.set_cpus_present(FormatCpuList(snapshot.cpus.masks.present));
  inventory.set_cpus_online(FormatCpuList(snapshot.cpus.masks.online));
  *inventory.mutable_smt() = snapshot.cpus.smt;
  if (snapshot.memory) *inventory.mutable_memory() = Summary(snapshot.memory->blocks);
  for (v1::Driver& driver : drivers().List()) {
    // What changes at every moment would have the inventory sent at every moment.
    driver.clear_decisions();
    driver.clear_power();
    *inventory.add_drivers() = std::move(driver);
  }
  inventory.set_switching(drivers().switching() ? v1::SWITCH_ON : v1::SWITCH_OFF);
  inventory.set_kernel_release(parts_.kernel_release);
  TellConditions(&inventory);
  return inventory;
}

}  // namespace hotplugger::agent
