// What the drivers of a host are at one moment: the input of every decision about them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "agent/drivers/driver.h"
#include "agent/drivers/state_inquiry.h"
#include "common/driver_rules.h"
#include "hotplugger/v1/driver.pb.h"

namespace hotplugger::agent {

// One registered driver, as it answered.
struct DriverSnapshot {
  // As registered.
  std::string name;
  v1::DriverProvider provider = v1::DRIVER_PROVIDER_UNSPECIFIED;
  v1::DriverState state = v1::DRIVER_STATE_UNKNOWN;
  // Why the state is UNKNOWN.
  std::string detail;
  // The one that counts: the policy's where there is one, else the driver's own.
  DriverWhitelist whitelist;
  bool calls_disable_conflicts = false;
  // For a person; may be empty.
  std::string description = {};
};

// In order of registration.
using DriverSnapshots = std::vector<DriverSnapshot>;

// Whitelists that replace the drivers' own; keys are normalized names.
using WhitelistOverrides = std::map<std::string, std::vector<std::string>>;

// Asks every driver.
DriverSnapshots TakeSnapshot(StateInquiry& inquiry,
                             const std::vector<std::shared_ptr<HotplugDriver>>& drivers,
                             const WhitelistOverrides& overrides);

// By name, without regard to case; nullptr where there is none.
const DriverSnapshot* FindDriver(const DriverSnapshots& snapshot, absl::string_view name);

// For ListDrivers and inventories.
v1::Driver ToProto(const DriverSnapshot& driver);

}  // namespace hotplugger::agent
