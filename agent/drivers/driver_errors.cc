#include "agent/drivers/driver_errors.h"

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

// An error may be repeated for every name that was asked for.
constexpr size_t kMaxListedNames = 16;

std::string ListNames(const DriverSnapshots& registered) {
  std::vector<std::string> names;
  for (const DriverSnapshot& driver : registered) {
    if (names.size() == kMaxListedNames) {
      return absl::StrCat(absl::StrJoin(names, ", "), " and ", registered.size() - names.size(),
                          " more");
    }
    names.push_back(driver.name);
  }
  return absl::StrJoin(names, ", ");
}

}  // namespace

absl::Status NoDriverError() {
  return MakeError(absl::StatusCode::kInvalidArgument, "NO_DRIVER",
                   "no driver is named; name a registered one (list the drivers to see them)");
}

absl::Status NotRegisteredError(absl::string_view name, const DriverSnapshots& registered) {
  const std::string shown = absl::Utf8SafeCEscape(name.substr(0, 64));
  return MakeError(
      absl::StatusCode::kNotFound, "DRIVER_NOT_REGISTERED",
      absl::StrCat("no driver \"", shown, "\" is registered on this host; ",
                   registered.empty() ? "none is: load the driver's module first"
                                      : absl::StrCat("registered are: ", ListNames(registered))),
      {{"driver", shown}});
}

absl::Status SwitchInProgressError() {
  return MakeError(absl::StatusCode::kUnavailable, "SWITCH_IN_PROGRESS",
                   "another switch of drivers is in progress on this host; try again when it has "
                   "ended",
                   {{"retry", "TRANSIENT"}});
}

absl::Status SwitchingOffError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, "SWITCHING_OFF",
                   "switching is off on this host, so no driver is started or stopped; turn it on "
                   "with `hotplugctl switching on --node NAME`, on the host itself with "
                   "`hotplugctl --host switching on`, or for good with drivers.switching: on in a "
                   "policy of the node");
}

absl::Status ReentrantChangeError(absl::string_view driver) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "REENTRANT_CHANGE",
                   absl::StrCat(driver,
                                " is being changed by the call that this one came from; "
                                "a driver must not reverse a change in progress"),
                   {{"driver", std::string(driver)}});
}

absl::Status StateUnknownError(const DriverSnapshot& driver) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "DRIVER_STATE_UNKNOWN",
                   absl::StrCat("whether ", driver.name, " runs can't be told, so nothing is ",
                                "changed on a guess: ", driver.detail),
                   {{"driver", driver.name}});
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status result(status.code(), message);
  status.ForEachPayload([&result](absl::string_view type_url, const absl::Cord& payload) {
    result.SetPayload(type_url, payload);
  });
  return result;
}

}  // namespace hotplugger::agent
