// DeviceOperator's part about SMT.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/devices/inventory/smt.h"
#include "agent/devices/operations/device_operator.h"
#include "agent/devices/rules/item_result.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

bool IsAlready(const SmtChange& change, const v1::SmtStatus& smt) {
  if (change.control != smt.control()) return false;
  return change.control != v1::SMT_CONTROL_PARTIAL ||
         change.threads_per_core == smt.threads_per_core();
}

v1::DeviceState ToState(v1::SmtControl control) {
  return control == v1::SMT_CONTROL_ON ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE;
}

CountedAction CountedActionOf(const SmtChange& change) {
  switch (change.control) {
    case v1::SMT_CONTROL_ON:
      return CountedAction::kOn;
    case v1::SMT_CONTROL_FORCEOFF:
      return CountedAction::kForceOff;
    case v1::SMT_CONTROL_PARTIAL:
      return CountedAction::kPartial;
    default:
      return CountedAction::kOff;
  }
}

// The word after SMT_CONTROL_, in lower case.
std::string ControlWord(v1::SmtControl control) {
  std::string word = v1::SmtControl_Name(control).substr(sizeof "SMT_CONTROL_" - 1);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return word;
}

// CPUs that came and went with SMT.
std::vector<v1::ItemResult> CpusThatChanged(const CpuSet& before, const CpuSet& after) {
  CpuSet changed;
  std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                std::inserter(changed, changed.end()));
  std::vector<v1::ItemResult> items;
  for (const int cpu : changed) {
    v1::ItemResult& item = items.emplace_back(DoneItem(CpuName(cpu), v1::OUTCOME_CHANGED));
    item.set_message(absl::StrCat(after.count(cpu) > 0 ? "online" : "offline", ", by SMT"));
  }
  return items;
}

}  // namespace

void DeviceOperator::Count(const SmtChange& change, const v1::ItemResult& item) {
  parts_.counters.CountOperation(CountedKind::kSmt, CountedActionOf(change), item.outcome(),
                                 item.reason());
}

absl::StatusOr<std::vector<v1::ItemResult>> DeviceOperator::SetSmt(const SmtChange& change,
                                                                   const CpuSet& held_offline,
                                                                   absl::Duration limit,
                                                                   OperationOrigin origin) {
  absl::StatusOr<std::vector<v1::ItemResult>> items =
      SetSmtUncounted(change, held_offline, limit, origin);
  // The CPUs that come and go with it are no operations of their own.
  Count(change, items.ok() ? items->front() : FailedItem("smt", items.status()));
  return items;
}

absl::StatusOr<std::vector<v1::ItemResult>> DeviceOperator::SetSmtUncounted(
    const SmtChange& change, const CpuSet& held_offline, absl::Duration limit,
    OperationOrigin origin) {
  Snapshot before;
  ASSIGN_OR_RETURN(before.cpus, parts_.reader.ReadCpus());
  if (IsAlready(change, before.cpus.smt)) {
    return std::vector<v1::ItemResult>{DoneItem("smt", v1::OUTCOME_ALREADY)};
  }
  RETURN_IF_ERROR(PlanSmt(change, held_offline, before, parts_.limits).status());
  ASSIGN_OR_RETURN(const uint64_t id,
                   parts_.journal.Begin(
                       {.device = "smt", .state = ToState(before.cpus.smt.control()), .zone = {}},
                       ToState(change.control), /*group=*/0, origin));
  const absl::Status written = WriteSmt(change, limit);
  v1::ItemResult smt =
      written.ok() ? DoneItem("smt", v1::OUTCOME_CHANGED) : FailedItem("smt", written);
  const absl::Status ended = parts_.journal.End(id, smt);
  if (!ended.ok()) {
    Log(LogLevel::kError, "the end of an operation can't be written to the journal",
        {{"device", "smt"}, {"cause", std::string(ended.message())}});
  }
  const absl::StatusOr<CpuSet> after = ReadOnlineCpus(parts_.reader.tree());
  // Something may have changed, so this is no error of the whole.
  if (!after.ok()) return std::vector{std::move(smt), FailedItem("smt", after.status())};
  std::vector<v1::ItemResult> items = CpusThatChanged(before.cpus.masks.online, *after);
  // The kernel stops at the first thread that fails, and leaves those before it (kernel 2.2).
  if (!written.ok() && items.empty()) return written;
  items.insert(items.begin(), std::move(smt));
  TakeHeldOffline(held_offline, before.cpus, limit, &items);
  return items;
}

absl::Status DeviceOperator::WriteSmt(const SmtChange& change, absl::Duration limit) {
  ASSIGN_OR_RETURN(const KernelWriter::Answer answer,
                   AskKernel(CountedKind::kSmt, CountedActionOf(change), [&] {
                     return parts_.writer.SetSmt(change, parts_.clock.Now() + limit);
                   }));
  if (answer.error_number != 0) {
    CauseContext context;
    const absl::StatusOr<v1::SmtStatus> smt = ReadSmt(parts_.reader.tree());
    context.smt_forced_off = smt.ok() && smt->control() == v1::SMT_CONTROL_FORCEOFF;
    const absl::StatusOr<bool> vmbus = parts_.reader.tree().Exists("sys/bus/vmbus");
    context.hyper_v = vmbus.ok() && *vmbus;
    const Cause& cause = ExplainErrno(WriteKind::kSmt, answer.error_number, context);
    return MakeError(
        cause.code, cause.reason,
        absl::StrCat("the kernel did not set SMT to ", ControlWord(change.control), " (",
                     ErrnoName(answer.error_number), "): ", cause.message),
        {{"device", "smt"},
         {"errno", ErrnoName(answer.error_number)},
         {"error_number", absl::StrCat(answer.error_number)},
         {"retry", v1::RetryClass_Name(cause.retry).substr(sizeof "RETRY_CLASS_" - 1)}});
  }
  ASSIGN_OR_RETURN(const v1::SmtStatus now, ReadSmt(parts_.reader.tree()));
  if (IsAlready(change, now)) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kAborted, "NOT_VERIFIED",
      absl::StrCat("SMT was to be ", ControlWord(change.control), ", but smt/control says ",
                   ControlWord(now.control()), "; something else sets it too"),
      {{"device", "smt"}, {"retry", "TRANSIENT"}});
}

// The kernel knows nothing of holds: SMT on brings up every thread of a core that is not off as a
// whole (kernel 2.3).
void DeviceOperator::TakeHeldOffline(const CpuSet& held_offline, const CpuSnapshot& before,
                                     absl::Duration limit, std::vector<v1::ItemResult>* items) {
  for (v1::ItemResult& item : *items) {
    const absl::StatusOr<DeviceName> name = ParseDeviceName(item.subject());
    if (!name.ok() || name->kind != v1::DEVICE_KIND_CPU) continue;
    const bool came_up = before.masks.online.count(name->number) == 0;
    if (!came_up || held_offline.count(name->number) == 0) continue;
    const absl::StatusOr<v1::ItemResult> back = Change({*name, false}, {.deadline = limit});
    if (back.ok()) {
      item.set_message("brought up by SMT, and taken offline again: it is held offline");
    } else {
      item = FailedItem(item.subject(), back.status());
    }
  }
}

}  // namespace hotplugger::agent
