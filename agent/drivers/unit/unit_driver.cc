#include "agent/drivers/unit/unit_driver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/drivers/unit/unit_provider.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

// Between looks at a unit on its way: systemd's signals would tell sooner, but not after a
// connection was lost.
constexpr absl::Duration kLookInterval = absl::Milliseconds(50);

bool Runs(const UnitState& state) { return state.active != "inactive" && state.active != "failed"; }

bool IsSettled(const UnitState& state) {
  return !state.job && state.active != "activating" && state.active != "deactivating" &&
         state.active != "reloading";
}

}  // namespace

UnitDriver::UnitDriver(DriverDefinition definition, ServiceManager& services)
    : definition_(std::move(definition)),
      unit_(std::get<UnitDefinition>(definition_.how).unit),
      services_(services) {}

bool UnitDriver::SameAs(const HotplugDriver& other) const {
  const auto* const unit = dynamic_cast<const UnitDriver*>(&other);
  return unit != nullptr && unit->definition_ == definition_;
}

absl::StatusOr<bool> UnitDriver::IsRunning() {
  ASSIGN_OR_RETURN(const UnitState state,
                   services_.ReadState(unit_, SteadyNow() + UnitDriverProvider::kPatience));
  if (state.load == "not-found") {
    return MakeError(absl::StatusCode::kNotFound, "DRIVER_VANISHED",
                     absl::StrCat("the service manager no longer knows ", unit_,
                                  "; its package was removed, install it again"),
                     {{"driver", definition_.name}});
  }
  return Runs(state);
}

absl::Status UnitDriver::ChangeState(bool running, absl::Time deadline) {
  RETURN_IF_ERROR(services_.Request(unit_, running, deadline));
  return AwaitState(running, deadline);
}

absl::Status UnitDriver::AwaitState(bool running, absl::Time deadline) {
  for (;;) {
    ASSIGN_OR_RETURN(const UnitState state, services_.ReadState(unit_, deadline));
    if (IsSettled(state) && Runs(state) == running) return absl::OkStatus();
    if (IsSettled(state)) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "UNIT_FAILED",
                       absl::StrCat(unit_, " was to be ", running ? "started" : "stopped",
                                    ", and systemd is done with it, but it is ", state.active,
                                    "; see journalctl -u ", unit_),
                       {{"driver", definition_.name}});
    }
    const absl::Time now = SteadyNow();
    if (now >= deadline) {
      return MakeError(absl::StatusCode::kDeadlineExceeded, "UNIT_HANGS",
                       absl::StrCat(unit_, " is still ", state.active, " at its deadline; see ",
                                    "systemctl status ", unit_),
                       {{"driver", definition_.name}, {"retry", "TRANSIENT"}});
    }
    absl::SleepFor(std::min(kLookInterval, deadline - now));
  }
}

}  // namespace hotplugger::agent
