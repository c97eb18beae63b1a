#include "agent/reconcile/device_pass.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/devices/operations/group_operation.h"
#include "agent/devices/rules/item_result.h"
#include "agent/reconcile/drift.h"
#include "agent/reconcile/held_cores.h"
#include "agent/reconcile/parked_cpus.h"
#include "common/byte_size.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// So many blocks may refuse to go before an amount of memory is given up for this pass: each can
// take as long as its deadline.
constexpr size_t kMaxFailedBlocks = 8;

bool Failed(const v1::ItemResult& item) { return item.outcome() == v1::OUTCOME_FAILED; }

v1::ItemResult AmountNotReached(const v1::NodeSpec& spec, uint64_t offline, size_t failed) {
  v1::ItemResult item;
  item.set_subject("memory");
  item.set_outcome(v1::OUTCOME_FAILED);
  item.set_reason("MEMORY_AMOUNT_NOT_REACHED");
  item.set_retry(v1::RETRY_CLASS_CONDITIONAL);
  item.set_message(absl::StrCat("memory.offline_bytes asks for ",
                                FormatByteSize(spec.memory_offline_bytes()), ", ",
                                FormatByteSize(offline), " are offline, and ",
                                failed == 0 ? std::string("no other movable block is online")
                                            : absl::StrCat(failed, " blocks could not go"),
                                "; the agent tries again with its slow look"));
  return item;
}

}  // namespace

absl::Status DevicePass::Run() {
  ASSIGN_OR_RETURN(Snapshot snapshot, host_.ReadSnapshot());
  host_.KeepBaseline(
      RecordSeenOnline(spec_, host_.state().baseline(), WithoutParking(snapshot, host_.state())));
  ForgetAbsent(snapshot);
  const std::optional<SmtChange> smt =
      PlanSmtChange(spec_, host_.state().baseline(), snapshot.cpus.smt);
  if (smt && !IsSmtDrift(snapshot, *smt)) {
    RETURN_IF_ERROR(Smt(snapshot, *smt));
    ASSIGN_OR_RETURN(snapshot, host_.ReadSnapshot());
  }
  const WantedDevices wanted = WantedOf(spec_, host_.state().baseline(), snapshot);
  TakeFromDrivers(wanted, snapshot);
  const std::vector<WantedDevice> changes = WithoutDrift(PlanDevices(wanted, snapshot));
  // Before the journal tells of our own doing.
  std::vector<std::optional<std::string>> actors;
  for (const WantedDevice& change : changes) actors.push_back(ActorOf(change));
  ASSIGN_OR_RETURN(std::vector<v1::ItemResult> items, Change(changes, snapshot));
  for (size_t i = 0; i < items.size(); ++i) add_(std::move(items[i]), std::move(actors[i]));
  for (v1::ItemResult& item : MissingCores(spec_, snapshot.cpus)) add_(std::move(item), {});
  return MemoryAmount();
}

absl::StatusOr<std::vector<std::string>> DevicePass::Look(const Snapshot& snapshot) {
  std::vector<std::string> unlike;
  const v1::Baseline& baseline = host_.state().baseline();
  const std::optional<SmtChange> smt = PlanSmtChange(spec_, baseline, snapshot.cpus.smt);
  if (smt && !IsSmtDrift(snapshot, *smt)) unlike.push_back("smt");
  const WantedDevices wanted = WantedOf(spec_, baseline, snapshot);
  for (const WantedDevice& device : WithoutDrift(PlanDevices(wanted, snapshot))) {
    if (device.why != WantedDevice::Why::kSpec) continue;
    unlike.push_back(FormatDeviceName(device.change.device));
  }
  if (watched_.Covers("memory_offline_bytes", "memory")) TellAmountDrift(snapshot);
  return unlike;
}

bool DevicePass::IsSmtDrift(const Snapshot& snapshot, const SmtChange& change) {
  if (spec_.smt() == v1::SMT_CONTROL_UNSPECIFIED || !watched_.Covers("smt", "smt")) return false;
  const bool on = change.control == v1::SMT_CONTROL_ON;
  add_drift_(MakeDrift("smt", SmtWord(change.control), SmtWord(snapshot.cpus.smt.control()),
                       FindSmtActor(on, host_.devices().journal())));
  return true;
}

std::vector<WantedDevice> DevicePass::WithoutDrift(std::vector<WantedDevice> changes) {
  std::vector<WantedDevice> ours;
  for (WantedDevice& wanted : changes) {
    const std::string name = FormatDeviceName(wanted.change.device);
    if (wanted.why != WantedDevice::Why::kSpec || !watched_.Covers(wanted.setting, name)) {
      ours.push_back(std::move(wanted));
      continue;
    }
    const bool online = wanted.change.online;
    add_drift_(MakeDrift(name, online ? "online" : "offline", online ? "offline" : "online",
                         *ActorOf(wanted)));
  }
  return ours;
}

std::optional<std::string> DevicePass::ActorOf(const WantedDevice& wanted) const {
  if (wanted.why != WantedDevice::Why::kSpec) return std::nullopt;
  return FindActor(wanted.change, host_.devices().journal(), host_.state());
}

// A device that was taken away and comes again is another one.
void DevicePass::ForgetAbsent(const Snapshot& snapshot) {
  for (auto it = memory_.given_up.begin(); it != memory_.given_up.end();) {
    const absl::StatusOr<DeviceName> name = ParseDeviceName(it->first.first);
    const bool there =
        name.ok() && (name->kind == v1::DEVICE_KIND_SMT || StateOf(*name, snapshot).has_value());
    it = there ? std::next(it) : memory_.given_up.erase(it);
  }
}

void DevicePass::TakeFromDrivers(const WantedDevices& wanted, const Snapshot& snapshot) {
  const CpuSet parked = AllParkedCpus(host_.state());
  std::vector<WantedDevice> taken;
  for (const auto& [name, device] : wanted) {
    const bool by_spec = device.why == WantedDevice::Why::kSpec;
    const DeviceName& cpu = device.change.device;
    if (by_spec && cpu.kind == v1::DEVICE_KIND_CPU && parked.count(cpu.number) > 0) {
      taken.push_back(device);
    }
  }
  host_.KeepBaseline(
      RecordDevices(host_.state().baseline(), taken, WithoutParking(snapshot, host_.state())));
}

absl::Status DevicePass::Smt(const Snapshot& snapshot, const SmtChange& change) {
  const auto given_up = memory_.given_up.find({"smt", change.control == v1::SMT_CONTROL_ON});
  if (given_up != memory_.given_up.end()) {
    add_(given_up->second, {});
    return absl::OkStatus();
  }
  if (spec_.smt() != v1::SMT_CONTROL_UNSPECIFIED) {
    host_.KeepBaseline(
        RecordSmt(host_.state().baseline(), WithoutParking(snapshot, host_.state()).cpus));
  }
  RETURN_IF_ERROR(options_.before_change());
  const std::string actor =
      FindSmtActor(change.control == v1::SMT_CONTROL_ON, host_.devices().journal());
  const WantedDevices wanted = WantedOf(spec_, host_.state().baseline(), snapshot);
  absl::StatusOr<std::vector<v1::ItemResult>> items =
      host_.devices().SetSmt(change, HeldOffline(wanted));
  if (!items.ok()) {
    v1::ItemResult failed = FailedItem("smt", items.status());
    if (Failed(failed) && failed.retry() == v1::RETRY_CLASS_PERMANENT) {
      memory_.given_up[{"smt", change.control == v1::SMT_CONTROL_ON}] = failed;
    }
    add_(std::move(failed), {});
    return absl::OkStatus();
  }
  // The CPUs that come and go with it are its doing.
  const bool by_spec = spec_.smt() != v1::SMT_CONTROL_UNSPECIFIED;
  for (v1::ItemResult& item : *items) {
    const bool smt = item.subject() == "smt";
    add_(std::move(item), smt && by_spec ? std::optional<std::string>(actor) : std::nullopt);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::ItemResult>> DevicePass::Change(
    const std::vector<WantedDevice>& wanted, const Snapshot& snapshot) {
  std::vector<v1::ItemResult> items(wanted.size());
  DeviceChanges changes;
  std::vector<size_t> places;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const DeviceChange& change = wanted[i].change;
    const auto given_up = memory_.given_up.find({FormatDeviceName(change.device), change.online});
    if (given_up != memory_.given_up.end()) {
      items[i] = given_up->second;
    } else {
      changes.push_back(change);
      places.push_back(i);
    }
  }
  if (changes.empty()) return items;
  // Recorded before the first touch, on disk if that can be: whatever happens from here on can be
  // undone.
  host_.KeepBaseline(RecordDevices(host_.state().baseline(), wanted, snapshot));
  RETURN_IF_ERROR(options_.before_change());
  std::vector<v1::ItemResult> results =
      RunGroup(host_.devices(), changes, GroupOptions{.stopped = options_.stopped});
  for (size_t i = 0; i < results.size(); ++i) {
    Remember(changes[i], results[i]);
    items[places[i]] = std::move(results[i]);
  }
  return items;
}

void DevicePass::Remember(const DeviceChange& change, const v1::ItemResult& item) {
  // The kernel's word alone is for good; what failed on our side may be mended.
  const bool for_good =
      Failed(item) && item.error_number() != 0 && item.retry() == v1::RETRY_CLASS_PERMANENT;
  if (!for_good) return;
  memory_.given_up[{FormatDeviceName(change.device), change.online}] = item;
}

absl::Status DevicePass::MemoryAmount() {
  if (!spec_.has_memory_offline_bytes()) return absl::OkStatus();
  NumberSet tried;
  std::vector<v1::ItemResult> failures;
  for (;;) {
    ASSIGN_OR_RETURN(const Snapshot snapshot, host_.ReadSnapshot());
    if (!snapshot.memory) return NoMemoryHotplug();
    if (watched_.Covers("memory_offline_bytes", "memory")) {
      TellAmountDrift(snapshot);
      return absl::OkStatus();
    }
    const v1::Baseline& baseline = host_.state().baseline();
    std::vector<WantedDevice> next = PlanMemoryAmount(
        spec_, baseline, WantedOf(spec_, baseline, snapshot), *snapshot.memory, tried);
    if (next.empty() || failures.size() >= kMaxFailedBlocks || options_.stopped()) {
      ReportAmount(snapshot.memory->blocks, failures);
      return absl::OkStatus();
    }
    // However many are wanted: each can fail, and takes its deadline to do so.
    next.resize(std::min(next.size(), kMaxFailedBlocks - failures.size()));
    std::vector<std::optional<std::string>> actors;
    for (const WantedDevice& block : next) actors.push_back(ActorOf(block));
    ASSIGN_OR_RETURN(std::vector<v1::ItemResult> items, Change(next, snapshot));
    for (size_t i = 0; i < items.size(); ++i) {
      // Whatever came of it, once a pass is enough: who switches it back is met with back-off.
      tried.insert(next[i].change.device.number);
      // A block that can't be given back is capacity lost; one that can't go may be replaced.
      if (Succeeded(items[i]) || next[i].change.online) {
        add_(std::move(items[i]), std::move(actors[i]));
      } else {
        failures.push_back(std::move(items[i]));
      }
    }
  }
}

// Blocks that could not go don't matter where others did instead.
void DevicePass::ReportAmount(const MemoryBlocks& memory, std::vector<v1::ItemResult> failures) {
  const uint64_t offline =
      BlocksIn(memory, v1::DEVICE_STATE_OFFLINE).size() * memory.block_size_bytes;
  if (offline >= spec_.memory_offline_bytes()) return;
  add_(AmountNotReached(spec_, offline, failures.size()), {});
  for (v1::ItemResult& item : failures) add_(std::move(item), {});
}

void DevicePass::TellAmountDrift(const Snapshot& snapshot) {
  if (!spec_.has_memory_offline_bytes() || !snapshot.memory) return;
  const MemoryBlocks& memory = snapshot.memory->blocks;
  const uint64_t offline =
      BlocksIn(memory, v1::DEVICE_STATE_OFFLINE).size() * memory.block_size_bytes;
  if (offline >= spec_.memory_offline_bytes()) return;
  add_drift_(MakeDrift("memory",
                       absl::StrCat(FormatByteSize(spec_.memory_offline_bytes()), " offline"),
                       absl::StrCat(FormatByteSize(offline), " offline"), ""));
}

absl::Status DevicePass::NoMemoryHotplug() {
  v1::ItemResult item;
  item.set_subject("memory");
  item.set_outcome(v1::OUTCOME_REFUSED);
  item.set_reason("NO_MEMORY_HOTPLUG");
  item.set_retry(v1::RETRY_CLASS_PERMANENT);
  item.set_message("this host's kernel has no memory hotplug (CONFIG_MEMORY_HOTREMOVE)");
  add_(std::move(item), {});
  return absl::OkStatus();
}

}  // namespace hotplugger::agent
