#include "agent/drivers/unit/unit_provider.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/drivers/unit/unit_driver.h"
#include "common/clock.h"
#include "common/error_info.h"

namespace hotplugger::agent {

absl::StatusOr<DriverList> UnitDriverProvider::Refresh() {
  DriverList list;
  const std::shared_ptr<const CatalogueContent> catalogue = catalogue_.content();
  // For all together: a service manager that hangs must not hold up the host once for each.
  const absl::Time deadline = SteadyNow() + kPatience;
  for (const DriverDefinition& driver : catalogue->drivers) {
    const auto* unit = std::get_if<UnitDefinition>(&driver.how);
    if (unit == nullptr) continue;
    const absl::StatusOr<UnitState> state = services_.ReadState(unit->unit, deadline);
    if (!state.ok()) {
      list.complete = false;
      list.warnings.push_back(
          absl::StrCat(ErrorReason(state.status()),
                       ": drivers that are units can't be looked for: ", state.status().message()));
      return list;
    }
    // One that was masked while it ran goes on, and is to be stopped like any other.
    const bool stopped = state->active == "inactive" || state->active == "failed";
    if (state->load == "not-found" || (state->load == "masked" && stopped)) continue;
    list.drivers.push_back(std::make_shared<UnitDriver>(driver, services_));
  }
  return list;
}

}  // namespace hotplugger::agent
