// One driver that is a unit of the service manager.
#pragma once

#include <string>

#include "agent/drivers/catalogue/driver_definition.h"
#include "agent/drivers/driver.h"
#include "agent/drivers/unit/service_manager.h"

namespace hotplugger::agent {

// See UnitDriverProvider.
class UnitDriver final : public HotplugDriver {
 public:
  // REQUIRES: the definition is a unit's. `services` outlives this.
  UnitDriver(DriverDefinition definition, ServiceManager& services);

  absl::string_view name() const override { return definition_.name; }
  v1::DriverProvider provider() const override { return v1::DRIVER_PROVIDER_UNIT; }
  DriverWhitelist whitelist() const override { return definition_.whitelist; }
  std::string description() const override { return definition_.description; }
  absl::Status ChangeState(bool running, absl::Time deadline) override;
  absl::StatusOr<bool> IsRunning() override;
  bool SameAs(const HotplugDriver& other) const override;

 private:
  absl::Status AwaitState(bool running, absl::Time deadline);

  const DriverDefinition definition_;
  const std::string unit_;
  ServiceManager& services_;
};

}  // namespace hotplugger::agent
