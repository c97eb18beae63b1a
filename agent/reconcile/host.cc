#include "agent/reconcile/host.h"

#include <optional>
#include <utility>

#include "agent/devices/operations/group_operation.h"
#include "agent/reconcile/spec_trial.h"
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
  host->reader_ = std::make_unique<DeviceReader>(own.tree, own.boot_id, host->state_.known_cpus());
  host->devices_ = std::make_unique<DeviceOperator>(DeviceOperator::Parts{.reader = *host->reader_,
                                                                          .writer = own.writer,
                                                                          .journal = own.journal,
                                                                          .limits = own.limits,
                                                                          .clock = own.clock});
  LogRecovered(RecoverJournal(*host->devices_));
  host->drivers().SetSwitching(host->state_.switching() != v1::SWITCH_OFF);
  const auto& unregistered = host->state_.unregistered_drivers();
  host->drivers().SetUnregistered({unregistered.begin(), unregistered.end()});
  return host;
}

absl::Status Host::LoadState() {
  absl::StatusOr<v1::AgentState> state = parts_.state_store.Load();
  if (absl::IsDataLoss(state.status())) {
    Log(LogLevel::kError, std::string(state.status().message()));
    state = parts_.state_store.Load();
  }
  if (!state.ok()) return state.status();
  // Saved with the next change: until then every start comes to the same end.
  state_ = ForgetRejectionByAnother(*std::move(state), agent_version());
  if (std::optional<v1::AgentState> quarantined = QuarantineIfDue(state_, agent_version())) {
    state_ = *std::move(quarantined);
    Log(LogLevel::kError, "a spec is quarantined",
        {{"digest", state_.rejected().digest()}, {"cause", state_.rejected().message()}});
  }
  if (state_.baseline().boot_id() == boot_id()) return absl::OkStatus();
  // A reboot has put devices and drivers back already; only the switch outlives it.
  const v1::Switch switching = state_.baseline().switching();
  state_.mutable_baseline()->Clear();
  state_.mutable_baseline()->set_switching(switching);
  state_.mutable_baseline()->set_boot_id(boot_id());
  state_.clear_builtin_drivers();
  return absl::OkStatus();
}

absl::Status Host::SaveState(v1::AgentState state) {
  RETURN_IF_ERROR(parts_.state_store.Save(state));
  state_ = std::move(state);
  return absl::OkStatus();
}

absl::Status Host::SaveIfAny(std::optional<v1::AgentState> state) {
  return state ? SaveState(*std::move(state)) : absl::OkStatus();
}

absl::Status Host::SaveBaseline(v1::Baseline baseline) {
  using google::protobuf::util::MessageDifferencer;
  if (MessageDifferencer::Equals(baseline, state_.baseline())) return absl::OkStatus();
  v1::AgentState state = state_;
  *state.mutable_baseline() = std::move(baseline);
  return SaveState(std::move(state));
}

absl::Status Host::TakeEpoch(uint64_t epoch) {
  if (epoch < state_.largest_epoch()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "STALE_EPOCH",
                     absl::StrCat("this agent has obeyed a controller of epoch ",
                                  state_.largest_epoch(), " and refuses this one of epoch ", epoch,
                                  "; ask the controller that leads the fleet"));
  }
  if (epoch == state_.largest_epoch()) return absl::OkStatus();
  v1::AgentState state = state_;
  state.set_largest_epoch(epoch);
  return SaveState(std::move(state));
}

absl::StatusOr<v1::NodeSpec> Host::Spec() const {
  v1::NodeSpec spec;
  if (spec.ParseFromString(state_.spec_body())) return spec;
  return MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "the saved spec can't be parsed");
}

absl::Status Host::SetSwitching(bool on) {
  v1::AgentState state = state_;
  state.set_switching(on ? v1::SWITCH_ON : v1::SWITCH_OFF);
  RETURN_IF_ERROR(SaveState(std::move(state)));
  drivers().SetSwitching(on);
  return absl::OkStatus();
}

absl::Status Host::SetUnregistered(const std::set<std::string>& names) {
  v1::AgentState state = state_;
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
    v1::AgentState state = state_;
    *state.mutable_known_cpus() = *std::move(record);
    // The record is a help, not a promise: without it a restarted agent knows less of offline CPUs.
    const absl::Status saved = SaveState(std::move(state));
    if (!saved.ok()) {
      Log(LogLevel::kWarning, "the record of the CPUs' places can't be saved",
          {{"cause", std::string(saved.message())}});
    }
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
  return inventory;
}

}  // namespace hotplugger::agent
