#include "agent/drivers/knob/knob_driver.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/devices/inventory/cpu.h"
#include "agent/drivers/driver_errors.h"
#include "agent/drivers/give_back.h"
#include "agent/drivers/knob/knob_files.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"
#include "common/yaml/file_errors.h"

namespace hotplugger::agent {
namespace {

bool StandsFor(const std::vector<std::string>& values, absl::string_view content) {
  return std::any_of(values.begin(), values.end(), [content](const std::string& value) {
    return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(value), content);
  });
}

}  // namespace

std::optional<bool> ReadKnob(const KnobDefinition& knob, absl::string_view content) {
  const absl::string_view value = absl::StripAsciiWhitespace(content);
  if (StandsFor(knob.on, value)) return true;
  if (StandsFor(knob.off, value)) return false;
  return std::nullopt;
}

KnobDriver::KnobDriver(DriverDefinition definition, const FileTree& tree, KernelWriter& writer,
                       CpuControl& control)
    : definition_(std::move(definition)),
      knob_(std::get<KnobDefinition>(definition_.how)),
      tree_(tree),
      writer_(writer),
      control_(control) {}

bool KnobDriver::SameAs(const HotplugDriver& other) const {
  const auto* const knob = dynamic_cast<const KnobDriver*>(&other);
  return knob != nullptr && knob->definition_ == definition_;
}

absl::StatusOr<std::vector<std::string>> KnobDriver::Files() const {
  ASSIGN_OR_RETURN(std::vector<std::string> files, FindFirstKnobFiles(tree_, knob_.paths));
  if (!files.empty()) return files;
  return MakeError(
      absl::StatusCode::kNotFound, "DRIVER_VANISHED",
      absl::StrCat("none of the files of ", definition_.name, " is there any more (",
                   absl::StrJoin(knob_.paths, ", "), "); its module was unloaded, load it again"),
      {{"driver", definition_.name}});
}

absl::StatusOr<bool> KnobDriver::IsRunning() {
  ASSIGN_OR_RETURN(const bool running, ReadState());
  NoteSeen(running);
  return running;
}

absl::StatusOr<bool> KnobDriver::ReadState() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, Files());
  bool running = false;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string content, tree_.Read(file));
    const std::optional<bool> on = ReadKnob(knob_, content);
    if (!on.has_value()) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, "KNOB_UNREADABLE",
          absl::StrCat(
              tree_.FullPath(file), " reads ", QuotedText(absl::StripAsciiWhitespace(content)),
              ", which stands for neither on (", absl::StrJoin(knob_.on, ", "), ") nor off (",
              absl::StrJoin(knob_.off, ", "), "); add it in ", definition_.file),
          {{"driver", definition_.name}});
    }
    running = running || *on;
  }
  return running;
}

absl::StatusOr<std::vector<KnobDriver::Write>> KnobDriver::PlanWrites(bool running) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> own_files, Files());
  std::vector<KnobWrite> steps = running ? knob_.start : knob_.stop;
  if (steps.empty()) steps = {{".", running ? knob_.on.front() : knob_.off.front()}};
  std::vector<Write> writes;
  for (const KnobWrite& step : steps) {
    std::vector<std::string> files = own_files;
    if (step.path != ".") {
      ASSIGN_OR_RETURN(files, FindKnobFiles(tree_, step.path));
    }
    if (files.empty()) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "KNOB_MISSING",
                       absl::StrCat(tree_.FullPath(step.path), ", which ", definition_.file,
                                    " wants written, is not there; nothing was written"),
                       {{"driver", definition_.name}});
    }
    for (std::string& file : files) writes.push_back({std::move(file), step.value});
  }
  return writes;
}

absl::Status KnobDriver::ChangeState(bool running, absl::Time deadline) {
  remark_.clear();
  ASSIGN_OR_RETURN(const std::vector<Write> writes, PlanWrites(running));
  if (!knob_.gives_back_cpus) return CarryAll(writes, deadline);
  return running ? Start(writes, deadline) : Stop(writes, deadline);
}

absl::Status KnobDriver::Start(const std::vector<Write>& writes, absl::Time deadline) {
  CpuSet online_before = OnlineBefore().value_or(OnlineNow());
  RETURN_IF_ERROR(CarryAll(writes, deadline));
  SetOnlineBefore(std::move(online_before));
  return absl::OkStatus();
}

absl::Status KnobDriver::Stop(const std::vector<Write>& writes, absl::Time deadline) {
  // Taken before the first write: who asks meanwhile sees a driver that is stopped, and forgets.
  const std::optional<CpuSet> online_before = OnlineBefore();
  const absl::Status status = CarryAll(writes, deadline);
  SetOnlineBefore(status.ok() ? std::nullopt : online_before);
  if (status.ok()) GiveBackCpus(online_before.value_or(CpuSet()), deadline);
  return status;
}

std::optional<CpuSet> KnobDriver::OnlineBefore() {
  MutexLock lock(&mutex_);
  return online_before_;
}

void KnobDriver::SetOnlineBefore(std::optional<CpuSet> online) {
  MutexLock lock(&mutex_);
  online_before_ = std::move(online);
}

CpuSet KnobDriver::OnlineNow() const { return ReadOnlineCpus(tree_).value_or(CpuSet()); }

void KnobDriver::NoteSeen(bool running) {
  if (!knob_.gives_back_cpus) return;
  if (!running) return SetOnlineBefore(std::nullopt);
  if (OnlineBefore().has_value()) return;
  CpuSet online = OnlineNow();
  MutexLock lock(&mutex_);
  if (!online_before_.has_value()) online_before_ = std::move(online);
}

// The driver is stopped, whatever becomes of the CPUs: what is wrong with them is told and no more.
void KnobDriver::GiveBackCpus(const CpuSet& online_before, absl::Time deadline) {
  CpuSet left;
  const absl::Status status = GiveBackSince(control_, online_before, deadline, &left);
  std::vector<std::string> remarks;
  if (!status.ok()) remarks.push_back(absl::StrCat(ErrorReason(status), ": ", status.message()));
  if (!left.empty()) {
    remarks.push_back(absl::StrCat("CPUs ", FormatCpuList(left),
                                   " stay offline, since they were before it was started or first ",
                                   "seen running"));
  }
  remark_ = absl::StrJoin(remarks, "; ");
}

absl::Status KnobDriver::CarryAll(const std::vector<Write>& writes, absl::Time deadline) {
  std::vector<Write> before;
  for (const Write& write : writes) {
    // What can't be read can't be put back; it is written all the same, as write-only files are.
    const absl::StatusOr<std::string> content = tree_.Read(write.path);
    const absl::Status status = Carry(write, deadline);
    // One that failed may have done a part.
    if (content.ok()) {
      before.push_back({write.path, std::string(absl::StripAsciiWhitespace(*content))});
    }
    if (!status.ok()) return Undo(before, status, deadline);
  }
  return absl::OkStatus();
}

absl::Status KnobDriver::Carry(const Write& write, absl::Time deadline) {
  ASSIGN_OR_RETURN(const int error_number, writer_.SetKnob(write.path, write.value, deadline));
  return error_number == 0 ? absl::OkStatus() : Explain(write, error_number);
}

absl::Status KnobDriver::Undo(const std::vector<Write>& before, const absl::Status& cause,
                              absl::Time deadline) {
  std::vector<std::string> left;
  for (auto write = before.rbegin(); write != before.rend(); ++write) {
    const absl::StatusOr<std::string> now = tree_.Read(write->path);
    if (now.ok() && absl::StripAsciiWhitespace(*now) == write->value) continue;
    if (write->value.empty() || !Carry(*write, deadline).ok()) left.push_back(write->path);
  }
  if (left.empty()) return cause;
  return WithMessage(cause,
                     absl::StrCat(cause.message(), "; not put back: ", absl::StrJoin(left, ", ")));
}

absl::Status KnobDriver::Explain(const Write& write, int error_number) const {
  const bool retryable = error_number == EBUSY || error_number == EAGAIN || error_number == EINTR;
  return MakeError(absl::StatusCode::kFailedPrecondition, "KNOB_REFUSED",
                   absl::StrCat("writing ", write.value, " to ", tree_.FullPath(write.path), ": ",
                                ErrnoName(error_number),
                                error_number == EINVAL
                                    ? "; the driver doesn't take that value, see the values in "
                                    : "; that is the driver's own answer, see the kernel's log",
                                error_number == EINVAL ? definition_.file : std::string()),
                   {{"driver", definition_.name},
                    {"errno", ErrnoName(error_number)},
                    {"error_number", absl::StrCat(error_number)},
                    {"retry", retryable ? "TRANSIENT" : "PERMANENT"}});
}

}  // namespace hotplugger::agent
