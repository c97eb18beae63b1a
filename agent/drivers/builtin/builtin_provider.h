// The agent's own drivers, where the registry looks for drivers.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "agent/drivers/builtin/parking_driver.h"
#include "agent/drivers/driver_provider.h"

namespace hotplugger::agent {

// They are always there. Safe for concurrent use.
class BuiltinDriverProvider final : public DriverProvider {
 public:
  explicit BuiltinDriverProvider(std::vector<std::shared_ptr<ParkingDriver>> drivers)
      : drivers_(std::move(drivers)) {}

  v1::DriverProvider kind() const override { return v1::DRIVER_PROVIDER_BUILTIN; }

  absl::StatusOr<DriverList> Refresh() override {
    DriverList list;
    list.drivers.assign(drivers_.begin(), drivers_.end());
    return list;
  }

  // See ParkingDriver.
  void Resume() {
    for (const auto& driver : drivers_) driver->Resume();
  }
  void Suspend() {
    for (const auto& driver : drivers_) driver->Suspend();
  }

 private:
  const std::vector<std::shared_ptr<ParkingDriver>> drivers_;
};

}  // namespace hotplugger::agent
