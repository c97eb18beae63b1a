#include "agent/drivers/driver_snapshot.h"

#include "absl/strings/match.h"

namespace hotplugger::agent {

v1::DriverState AskState(HotplugDriver& driver, std::string* detail) {
  const absl::StatusOr<bool> running = driver.IsRunning();
  if (running.ok()) return *running ? v1::DRIVER_STATE_RUNNING : v1::DRIVER_STATE_STOPPED;
  if (detail != nullptr) *detail = std::string(running.status().message());
  return v1::DRIVER_STATE_UNKNOWN;
}

DriverSnapshots TakeSnapshot(const std::vector<std::shared_ptr<HotplugDriver>>& drivers,
                             const WhitelistOverrides& overrides) {
  DriverSnapshots snapshot;
  snapshot.reserve(drivers.size());
  for (const std::shared_ptr<HotplugDriver>& driver : drivers) {
    DriverSnapshot& added = snapshot.emplace_back();
    added.name = std::string(driver->name());
    added.provider = driver->provider();
    added.state = AskState(*driver, &added.detail);
    added.calls_disable_conflicts = driver->calls_disable_conflicts();
    const auto given = overrides.find(NormalizeDriverName(added.name));
    added.whitelist =
        given == overrides.end() ? driver->whitelist() : DriverWhitelist(given->second);
  }
  return snapshot;
}

const DriverSnapshot* FindDriver(const DriverSnapshots& snapshot, absl::string_view name) {
  for (const DriverSnapshot& driver : snapshot) {
    if (absl::EqualsIgnoreCase(driver.name, name)) return &driver;
  }
  return nullptr;
}

v1::Driver ToProto(const DriverSnapshot& driver) {
  v1::Driver result;
  result.set_name(driver.name);
  result.set_provider(driver.provider);
  result.set_state(driver.state);
  result.set_detail(driver.detail);
  result.set_whitelist_known(driver.whitelist.has_value());
  if (driver.whitelist) {
    for (const std::string& name : *driver.whitelist) result.add_whitelist(name);
  }
  return result;
}

}  // namespace hotplugger::agent
