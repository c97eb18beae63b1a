#include "agent/drivers/driver_snapshot.h"

#include <utility>

#include "absl/strings/match.h"

namespace hotplugger::agent {

DriverSnapshots TakeSnapshot(StateInquiry& inquiry,
                             const std::vector<std::shared_ptr<HotplugDriver>>& drivers,
                             const WhitelistOverrides& overrides) {
  std::vector<DriverAnswer> answers = inquiry.Ask(drivers);
  DriverSnapshots snapshot;
  snapshot.reserve(drivers.size());
  for (size_t i = 0; i < drivers.size(); ++i) {
    const std::shared_ptr<HotplugDriver>& driver = drivers[i];
    DriverSnapshot& added = snapshot.emplace_back();
    added.name = std::string(driver->name());
    added.provider = driver->provider();
    added.state = answers[i].state;
    added.detail = std::move(answers[i].detail);
    added.description = driver->description();
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
  result.set_description(driver.description);
  result.set_whitelist_known(driver.whitelist.has_value());
  if (driver.whitelist) {
    for (const std::string& name : *driver.whitelist) result.add_whitelist(name);
  }
  return result;
}

}  // namespace hotplugger::agent
