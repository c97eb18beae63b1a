// A registry with fake drivers, and short ways to look at its answers.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/drivers/registry.h"
#include "common/error_info.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_driver.h"

namespace hotplugger::agent {

using Names = std::vector<std::string>;

class RegistryTest : public ::testing::Test {
 protected:
  // Registered, with this whitelist, running or not.
  std::shared_ptr<FakeDriver> Add(std::string name, DriverWhitelist whitelist = Names(),
                                  bool running = false) {
    auto driver = std::make_shared<FakeDriver>(std::move(name), std::move(whitelist));
    driver->set_running(running);
    driver->set_log(&log_);
    EXPECT_EQ(registry_.Register(driver), absl::OkStatus());
    return driver;
  }

  // As a driver of the seed does: as it starts, it asks for its conflicts to be stopped.
  void CallDisableConflictsOnStart(const std::shared_ptr<FakeDriver>& driver) {
    FakeDriver* raw = driver.get();
    raw->set_calls_disable_conflicts(true);
    raw->set_hook([this, raw](bool running, absl::Time deadline) {
      if (!running) return absl::OkStatus();
      return registry_.DisableConflicts(raw->name(), deadline).status;
    });
  }

  absl::Time Deadline() { return clock_.Now() + absl::Seconds(10); }

  Names Running() {
    Names running;
    for (const v1::Driver& driver : registry_.List()) {
      if (driver.state() == v1::DRIVER_STATE_RUNNING) running.push_back(driver.name());
    }
    return running;
  }

  Names Listed() {
    Names names;
    for (const v1::Driver& driver : registry_.List()) names.push_back(driver.name());
    return names;
  }

  FakeClock clock_;
  CallLog log_;
  AgentCounters counters_;
  Registry registry_{
      clock_, counters_, {.pause = [this](absl::Duration time) { clock_.Advance(time); }}};
};

// "driver/alucard CHANGED", in order.
inline Names Outcomes(const SwitchResult& result) {
  Names outcomes;
  for (const v1::ItemResult& item : result.items) {
    const std::string& outcome = v1::Outcome_Name(item.outcome());
    outcomes.push_back(absl::StrCat(item.subject(), " ", outcome.substr(sizeof "OUTCOME_" - 1)));
  }
  return outcomes;
}

// The message about one driver, or "".
inline std::string Message(const SwitchResult& result, const std::string& driver) {
  for (const v1::ItemResult& item : result.items) {
    if (item.subject() == absl::StrCat("driver/", driver)) return item.message();
  }
  return "";
}

}  // namespace hotplugger::agent
