#include "agent/drivers/kernel/kernel_provider.h"

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/drivers/kernel/kernel_driver_list.h"
#include "common/driver_rules.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kDirectory[] = "sys/kernel/hotplugger";
constexpr char kAvailable[] = "sys/kernel/hotplugger/available_drivers";
constexpr char kEnabled[] = "sys/kernel/hotplugger/enabled";

// Nullopt where the kernel has no registry.
absl::StatusOr<std::optional<KernelDriverList>> ReadList(const FileTree& tree) {
  const absl::StatusOr<std::string> content = tree.Read(kAvailable);
  if (content.ok()) return ParseKernelDriverList(*content);
  if (!absl::IsNotFound(content.status())) return content.status();
  ASSIGN_OR_RETURN(const bool exists, tree.Exists(kDirectory));
  if (exists) return content.status();
  return std::nullopt;
}

ErrorMetadata Metadata(absl::string_view driver, int error_number) {
  const bool retryable = error_number == EBUSY || error_number == EAGAIN || error_number == EINTR;
  return {{"driver", std::string(driver)},
          {"errno", ErrnoName(error_number)},
          {"error_number", absl::StrCat(error_number)},
          {"retry", retryable ? "TRANSIENT" : "PERMANENT"}};
}

class KernelDriver final : public HotplugDriver {
 public:
  KernelDriver(std::string name, const FileTree& tree, KernelWriter& writer)
      : name_(std::move(name)), tree_(tree), writer_(writer) {}

  absl::string_view name() const override { return name_; }
  v1::DriverProvider provider() const override { return v1::DRIVER_PROVIDER_KERNEL; }
  DriverWhitelist whitelist() const override { return std::nullopt; }
  absl::Status ChangeState(bool running, absl::Time deadline) override;
  absl::StatusOr<bool> IsRunning() override;
  // Its name is all that there is to it.
  bool SameAs(const HotplugDriver& /*other*/) const override { return true; }

 private:
  std::string FilePath(bool running) const {
    return absl::StrCat(tree_.FullPath(kDirectory), running ? "/enable_driver" : "/disable_driver");
  }
  absl::Status Verify(bool running);
  absl::Status Explain(int error_number, bool running);

  const std::string name_;
  const FileTree& tree_;
  KernelWriter& writer_;
};

absl::StatusOr<bool> KernelDriver::IsRunning() {
  const std::string place = tree_.FullPath(kAvailable);
  ASSIGN_OR_RETURN(const std::optional<KernelDriverList> list, ReadList(tree_));
  if (list) {
    for (const KernelDriverState& driver : list->drivers) {
      if (absl::EqualsIgnoreCase(driver.name, name_)) return driver.running;
    }
    if (list->may_be_cut) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "DRIVER_LIST_CUT",
                       absl::StrCat(name_, " is not in ", place, ", whose list fills its page and ",
                                    "may be cut; unload drivers that aren't needed"),
                       {{"driver", name_}});
    }
  }
  return MakeError(
      absl::StatusCode::kNotFound, "DRIVER_VANISHED",
      absl::StrCat(name_, " is no longer in ", place, "; its module was unloaded, load it again"),
      {{"driver", name_}});
}

absl::Status KernelDriver::ChangeState(bool running, absl::Time deadline) {
  if (name_.size() > kMaxKernelSwitchName) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NAME_TOO_LONG_FOR_KERNEL",
                     absl::StrCat(name_, " has ", name_.size(), " bytes, but ", FilePath(running),
                                  " reads ", kMaxKernelSwitchName, " at most, so nothing was ",
                                  "written; switch it by its module's own parameter, or give it ",
                                  "a shorter name"),
                     {{"driver", name_}});
  }
  ASSIGN_OR_RETURN(const int error_number, writer_.SetKernelDriver(name_, running, deadline));
  if (error_number == 0) return Verify(running);
  // "Already so" or "no change_state": the list tells which (contract 15).
  if (error_number == EFAULT) {
    const absl::Status verified = Verify(running);
    if (ErrorReason(verified) != "DRIVER_DID_NOT_CHANGE") return verified;
  }
  return Explain(error_number, running);
}

absl::Status KernelDriver::Verify(bool running) {
  ASSIGN_OR_RETURN(const bool now, IsRunning());
  if (now == running) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kInternal, "DRIVER_DID_NOT_CHANGE",
      absl::StrCat(FilePath(running), " took \"", name_, "\", but ", kAvailable, " still shows it ",
                   now ? "running" : "stopped", "; see the kernel's log for what its driver said"),
      {{"driver", name_}});
}

absl::Status KernelDriver::Explain(int error_number, bool running) {
  const ErrorMetadata metadata = Metadata(name_, error_number);
  const std::string what =
      absl::StrCat("writing ", name_, " to ", FilePath(running), ": ", ErrnoName(error_number));
  if (error_number == EFAULT) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "NO_CHANGE_STATE",
                     absl::StrCat(what, ", and it is not so already; the driver has no way to be ",
                                  "started or stopped"),
                     metadata);
  }
  if (error_number == EPERM) {
    const absl::StatusOr<std::string> content = tree_.Read(kEnabled);
    const absl::StatusOr<bool> enabled = content.ok() ? ParseSwitching(*content) : content.status();
    if (!enabled.ok() || !*enabled) {
      return MakeError(
          absl::StatusCode::kFailedPrecondition, "KERNEL_SWITCHING_OFF",
          absl::StrCat(what, "; the kernel's own switch is off, write 1 to ",
                       tree_.FullPath(kEnabled), enabled.ok() ? "" : " (which can't be read)"),
          metadata);
    }
  }
  if (error_number == EINVAL) {
    const absl::StatusOr<bool> known = IsRunning();
    if (!known.ok()) {
      return MakeError(known.status().code(), ErrorReason(known.status()),
                       absl::StrCat(what, "; ", known.status().message()), metadata);
    }
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "DRIVER_FAILED",
                   absl::StrCat(what, "; that is the driver's own answer, see the kernel's log"),
                   metadata);
}

}  // namespace

absl::StatusOr<DriverList> KernelDriverProvider::Refresh() {
  DriverList result;
  ASSIGN_OR_RETURN(const std::optional<KernelDriverList> list, ReadList(tree_));
  if (!list) return result;
  const std::string place = tree_.FullPath(kAvailable);
  for (const KernelDriverState& driver : list->drivers) {
    result.drivers.push_back(std::make_shared<KernelDriver>(driver.name, tree_, writer_));
  }
  if (list->may_be_cut) {
    result.complete = false;
    result.warnings.push_back(absl::StrCat(
        "DRIVER_LIST_CUT: ", place, " fills its page, so the kernel may have more drivers than ",
        "it shows; unload modules that aren't needed"));
  }
  for (const std::string& item : list->unreadable) {
    result.warnings.push_back(absl::StrCat("BAD_DRIVER_NAME: \"", item, "\" in ", place,
                                           " is no driver's name and is left alone"));
  }
  return result;
}

}  // namespace hotplugger::agent
