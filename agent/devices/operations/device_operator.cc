#include "agent/devices/operations/device_operator.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/inventory/cpu.h"
#include "agent/devices/inventory/generic_device.h"
#include "agent/devices/inventory/memory.h"
#include "agent/devices/inventory/smt.h"
#include "agent/devices/rules/item_result.h"
#include "common/cpu_list.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

absl::string_view Word(bool online) { return online ? "online" : "offline"; }

v1::DeviceState ToState(bool online) {
  return online ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE;
}

WriteKind KindOf(const DeviceChange& change) {
  switch (change.device.kind) {
    case v1::DEVICE_KIND_CPU:
      return change.online ? WriteKind::kCpuOnline : WriteKind::kCpuOffline;
    case v1::DEVICE_KIND_MEMORY:
      return change.online ? WriteKind::kMemoryOnline : WriteKind::kMemoryOffline;
    default:
      return change.online ? WriteKind::kGenericOnline : WriteKind::kGenericOffline;
  }
}

CountedKind CountedKindOf(const DeviceChange& change) {
  switch (change.device.kind) {
    case v1::DEVICE_KIND_CPU:
      return CountedKind::kCpu;
    case v1::DEVICE_KIND_MEMORY:
      return CountedKind::kMemory;
    default:
      return CountedKind::kDevice;
  }
}

CountedAction CountedActionOf(const DeviceChange& change) {
  return change.online ? CountedAction::kOnline : CountedAction::kOffline;
}

// "TRANSIENT" for RETRY_CLASS_TRANSIENT.
std::string RetryName(v1::RetryClass retry) {
  return v1::RetryClass_Name(retry).substr(sizeof "RETRY_CLASS_" - 1);
}

absl::Status KernelRefusal(absl::string_view device, absl::string_view act, WriteKind kind,
                           int error_number, const CauseContext& context) {
  const Cause& cause = ExplainErrno(kind, error_number, context);
  const std::string children =
      context.online_descendants.empty()
          ? std::string()
          : absl::StrCat(" (", absl::StrJoin(context.online_descendants, ", "), ")");
  return MakeError(cause.code, cause.reason,
                   absl::StrCat("the kernel did not take ", device, " ", act, " (",
                                ErrnoName(error_number), "): ", cause.message, children),
                   {{"device", std::string(device)},
                    {"errno", ErrnoName(error_number)},
                    {"error_number", absl::StrCat(error_number)},
                    {"retry", RetryName(cause.retry)}});
}

absl::Status NotVerified(absl::string_view device, absl::string_view wanted,
                         absl::string_view found) {
  return MakeError(absl::StatusCode::kAborted, "NOT_VERIFIED",
                   absl::StrCat(device, " was to be ", wanted, ", but ", found,
                                "; something else switches it too"),
                   {{"device", std::string(device)}, {"retry", "TRANSIENT"}});
}

// As the kernel writes them.
absl::string_view StateWord(v1::DeviceState state) {
  return state == v1::DEVICE_STATE_GOING_OFFLINE ? "going-offline"
                                                 : Word(state == v1::DEVICE_STATE_ONLINE);
}

absl::Status NoMemoryHotplug(absl::string_view device) {
  return MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND",
                   absl::StrCat(device, " is not there: this host's kernel has no memory hotplug"),
                   {{"device", std::string(device)}});
}

v1::MemoryZone ToZone(BlockZone zone) {
  if (zone == BlockZone::kMovable) return v1::MEMORY_ZONE_MOVABLE;
  return zone == BlockZone::kKernel ? v1::MEMORY_ZONE_KERNEL : v1::MEMORY_ZONE_UNSPECIFIED;
}

bool InZone(const MemoryBlock& block, v1::MemoryZone zone) {
  switch (zone) {
    case v1::MEMORY_ZONE_MOVABLE:
      return block.zone == BlockZone::kMovable;
    case v1::MEMORY_ZONE_KERNEL:
      return block.zone == BlockZone::kKernel;
    default:
      return true;
  }
}

OperationOrigin OriginOf(const OperationOptions& options) {
  return options.undo ? OperationOrigin::kUndo : options.origin;
}

// A number in a file of a CPU's hotplug folder; nothing where the kernel doesn't have it.
absl::StatusOr<std::optional<std::string>> ReadHotplugFile(const FileTree& tree, int cpu,
                                                           absl::string_view file) {
  return tree.ReadIfThere(absl::StrCat("sys/devices/system/cpu/cpu", cpu, "/hotplug/", file));
}

// The reason of the device's last act where that has failed; else empty.
std::string LastFailure(const Journal& journal, absl::string_view device) {
  const std::vector<v1::OperationRecord> last = journal.OperationsOf(device, 1);
  const bool failed = !last.empty() && last.front().result().outcome() == v1::OUTCOME_FAILED;
  return failed ? last.front().result().reason() : "";
}

}  // namespace

absl::StatusOr<v1::ItemResult> DeviceOperator::Change(const DeviceChange& change,
                                                      const OperationOptions& options) {
  absl::StatusOr<v1::ItemResult> result = ChangeByKind(change, options);
  if (options.count) {
    Count(change,
          result.ok() ? *result : FailedItem(FormatDeviceName(change.device), result.status()));
  }
  return result;
}

void DeviceOperator::Count(const DeviceChange& change, const v1::ItemResult& item) {
  parts_.counters.CountOperation(CountedKindOf(change), CountedActionOf(change), item.outcome(),
                                 item.reason());
}

absl::StatusOr<KernelWriter::Answer> DeviceOperator::AskKernel(
    CountedKind kind, CountedAction action,
    absl::FunctionRef<absl::StatusOr<KernelWriter::Answer>()> write) {
  const absl::Time begin = parts_.clock.Now();
  absl::StatusOr<KernelWriter::Answer> answer = write();
  // What never went to the kernel took none of its time.
  const std::string reason = ErrorReason(answer.status());
  if (answer.ok() || reason == "STUCK" || reason == "WRITER_ENDED") {
    parts_.counters.CountDuration(kind, action, parts_.clock.Now() - begin);
  }
  return answer;
}

absl::StatusOr<v1::ItemResult> DeviceOperator::ChangeByKind(const DeviceChange& change,
                                                            const OperationOptions& options) {
  switch (change.device.kind) {
    case v1::DEVICE_KIND_CPU:
      return ChangeCpu(change, options);
    case v1::DEVICE_KIND_MEMORY:
      return ChangeMemory(change, options);
    case v1::DEVICE_KIND_GENERIC:
      return ChangeGeneric(change, options);
    default:
      return MakeError(absl::StatusCode::kInvalidArgument, "BAD_DEVICE_NAME",
                       absl::StrCat(FormatDeviceName(change.device),
                                    " can't be taken on- or offline by itself"));
  }
}

absl::StatusOr<v1::ItemResult> DeviceOperator::ChangeCpu(const DeviceChange& change,
                                                         const OperationOptions& options) {
  const int cpu = change.device.number;
  ASSIGN_OR_RETURN(const CpuSnapshot cpus, parts_.reader.ReadCpus());
  const PlannedChange planned = CheckCpuChange(change, cpus, parts_.limits);
  RETURN_IF_ERROR(planned.refusal);
  // A mask that says so is not enough: the file can be stale (kernel 0, fact 6).
  if (planned.outcome == v1::OUTCOME_ALREADY) {
    const absl::Status verified = VerifyCpu(cpu, change.online);
    const bool settled = !IsUnsettled(CpuName(cpu));
    if (verified.ok() && settled) return DoneItem(CpuName(cpu), v1::OUTCOME_ALREADY);
    if (!verified.ok() && ErrorReason(verified) != "NOT_VERIFIED") return verified;
    RETURN_IF_ERROR(CheckDevice(parts_.limits, change.device));
  }
  // By the mask: where the file is stale the CPU may be as wanted already.
  const bool online = cpus.masks.online.count(cpu) > 0;
  return Carry(change, {CpuName(cpu), ToState(online)}, options, CpuContext(cpus, cpu));
}

// Such a CPU can be as wanted now and turn over a moment later, so that only a write which comes
// after the one that hangs makes it so.
bool DeviceOperator::IsUnsettled(absl::string_view device) const {
  const std::string reason = LastFailure(parts_.journal, device);
  return reason == "STUCK" || reason == "QUEUE_BLOCKED" || reason == "WRITER_ENDED" ||
         reason == "AGENT_ENDED";
}

bool DeviceOperator::IsInDoubt(absl::string_view device) const {
  return IsUnsettled(device) || LastFailure(parts_.journal, device) == "NOT_VERIFIED";
}

absl::Status DeviceOperator::NoteOffline(absl::string_view cpu) {
  const std::optional<OperationOrigin> taken_by = parts_.journal.TakenOfflineBy(cpu);
  if (taken_by && IsDecision(*taken_by)) return absl::OkStatus();
  const DeviceBefore before = {std::string(cpu), v1::DEVICE_STATE_OFFLINE, {}};
  ASSIGN_OR_RETURN(const uint64_t id, parts_.journal.Begin(before, v1::DEVICE_STATE_OFFLINE,
                                                           /*group=*/0, OperationOrigin::kPerson));
  return parts_.journal.End(id, DoneItem(before.device, v1::OUTCOME_ALREADY));
}

absl::StatusOr<v1::ItemResult> DeviceOperator::ChangeMemory(const DeviceChange& change,
                                                            const OperationOptions& options) {
  const std::string name = FormatDeviceName(change.device);
  ASSIGN_OR_RETURN(const std::optional<MemorySnapshot> memory, parts_.reader.ReadMemory());
  if (!memory) return NoMemoryHotplug(name);
  const PlannedChange planned = CheckMemoryChange(change, *memory, parts_.limits);
  RETURN_IF_ERROR(planned.refusal);
  if (planned.outcome == v1::OUTCOME_ALREADY) return DoneItem(name, v1::OUTCOME_ALREADY);
  const CauseContext context = MemoryContext(*memory, change.device.number);
  DeviceBefore before = {name, ToState(!change.online)};
  if (!change.online) before.zone = ToZone(context.zone);
  return Carry(change, before, options, context);
}

absl::StatusOr<v1::ItemResult> DeviceOperator::ChangeGeneric(const DeviceChange& change,
                                                             const OperationOptions& options) {
  const DeviceName& name = change.device;
  const FileTree& tree = parts_.reader.tree();
  ASSIGN_OR_RETURN(GenericDevice device, ReadGenericDevice(tree, name.bus, name.name));
  if (!change.online) {
    ASSIGN_OR_RETURN(device.online_descendants, FindOnlineDescendants(tree, name.bus, name.name));
  }
  const PlannedChange planned = CheckGenericChange(change, device, parts_.limits);
  RETURN_IF_ERROR(planned.refusal);
  if (planned.outcome == v1::OUTCOME_ALREADY) {
    return DoneItem(FormatDeviceName(name), v1::OUTCOME_ALREADY);
  }
  CauseContext context;
  context.online_descendants = device.online_descendants;
  return Carry(change, {FormatDeviceName(name), ToState(device.online)}, options, context);
}

absl::StatusOr<v1::ItemResult> DeviceOperator::Carry(const DeviceChange& change,
                                                     const DeviceBefore& before,
                                                     const OperationOptions& options,
                                                     const CauseContext& context) {
  const std::string& name = before.device;
  // Without the journal nothing is touched.
  ASSIGN_OR_RETURN(const uint64_t id, parts_.journal.Begin(before, ToState(change.online),
                                                           options.group, OriginOf(options)));
  const absl::Status status = Write(change, options.deadline, context);
  v1::ItemResult item =
      status.ok() ? DoneItem(name, v1::OUTCOME_CHANGED) : FailedItem(name, status);
  const absl::Status ended = parts_.journal.End(id, item);
  if (!ended.ok()) {
    // The device is as it is; the next agent finds out.
    Log(LogLevel::kError, "an operation can't be written to the journal",
        {{"device", name}, {"cause", std::string(ended.message())}});
  }
  RETURN_IF_ERROR(status);
  return item;
}

absl::Status DeviceOperator::Write(const DeviceChange& change, absl::Duration limit,
                                   CauseContext context) {
  ASSIGN_OR_RETURN(const KernelWriter::Answer answer,
                   AskKernel(CountedKindOf(change), CountedActionOf(change), [&] {
                     return parts_.writer.Change(change, parts_.clock.Now() + limit);
                   }));
  if (answer.error_number == 0) return Verify(change);
  context.aborted = answer.aborted;
  if (const absl::StatusOr<bool> vmbus = parts_.reader.tree().Exists("sys/bus/vmbus"); vmbus.ok()) {
    context.hyper_v = *vmbus;
  }
  absl::Status refusal = KernelRefusal(FormatDeviceName(change.device), Word(change.online),
                                       KindOf(change), answer.error_number, context);
  return answer.aborted ? CheckAborted(change, std::move(refusal)) : refusal;
}

// That the block is online again is looked up, not believed.
absl::Status DeviceOperator::CheckAborted(const DeviceChange& change, absl::Status refusal) {
  const std::string name = FormatDeviceName(change.device);
  ASSIGN_OR_RETURN(const MemoryBlock block,
                   ReadMemoryBlock(parts_.reader.tree(), change.device.number));
  if (block.state == v1::DEVICE_STATE_ONLINE) return refusal;
  return MakeError(absl::StatusCode::kAborted, "NOT_VERIFIED",
                   absl::StrCat(name,
                                " was aborted at its deadline, but is not online again: its "
                                "state is ",
                                StateWord(block.state), "; list the devices anew"),
                   {{"device", name}, {"retry", "CONDITIONAL"}});
}

// A successful write alone proves nothing (kernel 8, row 22).
absl::Status DeviceOperator::Verify(const DeviceChange& change) {
  switch (change.device.kind) {
    case v1::DEVICE_KIND_CPU:
      return VerifyCpu(change.device.number, change.online);
    case v1::DEVICE_KIND_MEMORY:
      return VerifyMemory(change);
    default:
      break;
  }
  ASSIGN_OR_RETURN(const GenericDevice device,
                   ReadGenericDevice(parts_.reader.tree(), change.device.bus, change.device.name));
  if (device.online == change.online) return absl::OkStatus();
  return NotVerified(FormatDeviceName(change.device), Word(change.online),
                     absl::StrCat("its `online` file says ", Word(device.online)));
}

// Mask and file must agree; a CPU without an `online` file has the mask alone. A state machine that
// stopped half-way shows in hotplug/state (kernel 2.2).
absl::Status DeviceOperator::VerifyCpu(int cpu, bool online) {
  const FileTree& tree = parts_.reader.tree();
  ASSIGN_OR_RETURN(const CpuSet online_cpus, ReadOnlineCpus(tree));
  const bool mask = online_cpus.count(cpu) > 0;
  bool file = mask;
  const absl::StatusOr<bool> read = ReadCpuOnlineFile(tree, cpu);
  if (!read.ok() && !absl::IsNotFound(read.status())) return read.status();
  if (read.ok()) file = *read;
  if (mask != online || file != online) {
    return NotVerified(
        CpuName(cpu), Word(online),
        absl::StrCat("its `online` file says ", Word(file), " and the mask says ", Word(mask)));
  }
  // One that can't be switched has never been: its target may say nothing.
  if (!read.ok()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<std::string> state, ReadHotplugFile(tree, cpu, "state"));
  ASSIGN_OR_RETURN(const std::optional<std::string> target, ReadHotplugFile(tree, cpu, "target"));
  if (!state || !target || *state == *target) return absl::OkStatus();
  return NotVerified(CpuName(cpu), Word(online),
                     absl::StrCat("its hotplug state is ", absl::StripAsciiWhitespace(*state),
                                  " and its target ", absl::StripAsciiWhitespace(*target)));
}

absl::Status DeviceOperator::VerifyMemory(const DeviceChange& change) {
  const std::string name = FormatDeviceName(change.device);
  ASSIGN_OR_RETURN(const MemoryBlock block,
                   ReadMemoryBlock(parts_.reader.tree(), change.device.number));
  if (block.state != ToState(change.online)) {
    return NotVerified(name, Word(change.online),
                       absl::StrCat("its state is ", StateWord(block.state)));
  }
  if (!change.online || InZone(block, change.zone)) return absl::OkStatus();
  return NotVerified(name, "online in another zone",
                     absl::StrCat("it is in ", block.zones.empty() ? "none" : block.zones.front()));
}

absl::StatusOr<v1::DeviceState> DeviceOperator::ReadState(absl::string_view device) {
  ASSIGN_OR_RETURN(const DeviceName name, ParseDeviceName(device));
  const FileTree& tree = parts_.reader.tree();
  switch (name.kind) {
    case v1::DEVICE_KIND_CPU: {
      ASSIGN_OR_RETURN(const CpuSet online, ReadOnlineCpus(tree));
      return ToState(online.count(name.number) > 0);
    }
    case v1::DEVICE_KIND_MEMORY: {
      ASSIGN_OR_RETURN(const MemoryBlock block, ReadMemoryBlock(tree, name.number));
      return block.state;
    }
    case v1::DEVICE_KIND_SMT: {
      ASSIGN_OR_RETURN(const v1::SmtStatus smt, ReadSmt(tree));
      return ToState(smt.control() == v1::SMT_CONTROL_ON);
    }
    default: {
      ASSIGN_OR_RETURN(const GenericDevice generic, ReadGenericDevice(tree, name.bus, name.name));
      return ToState(generic.online);
    }
  }
}

}  // namespace hotplugger::agent
