// Drivers that are units of the service manager, as the catalogue describes them.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/driver_provider.h"
#include "agent/drivers/unit/service_manager.h"

namespace hotplugger::agent {

// Safe for concurrent use. A driver is there when its unit is loaded, or masked and still active;
// it runs when its unit is active, or on its way there or back. One that the unit's own start
// leaves "failed" has failed.
class UnitDriverProvider final : public DriverProvider {
 public:
  // For one answer of the service manager.
  static constexpr absl::Duration kPatience = absl::Seconds(1);

  // Both outlive this and every driver that it made.
  UnitDriverProvider(ServiceManager& services, Catalogue& catalogue)
      : services_(services), catalogue_(catalogue) {}

  v1::DriverProvider kind() const override { return v1::DRIVER_PROVIDER_UNIT; }

  // Without a service manager there are no drivers and one warning; those that are known already
  // stay, and can't be asked.
  absl::StatusOr<DriverList> Refresh() override;

 private:
  ServiceManager& services_;
  Catalogue& catalogue_;
};

}  // namespace hotplugger::agent
