// A device operator on a fake host.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "agent/devices/inventory/device_reader.h"
#include "agent/devices/operations/device_operator.h"
#include "agent/devices/operations/journal.h"
#include "agent/devices/rules/item_result.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {

// Limits that forbid nothing but the last CPU.
inline SafetyLimits NoLimits() {
  SafetyLimits limits;
  limits.cpus.min_online = 1;
  limits.cpus.min_online_percent = 1;
  limits.cpus.min_online_per_node = 0;
  limits.memory.min_online_percent = 1;
  limits.memory.min_available_bytes = 0;
  limits.memory.min_available_percent = 0;
  limits.memory.max_movable_percent = 1'000'000;
  return limits;
}

// An agent's part that changes devices, as it is after a start. Made anew it finds the journal of
// the one before.
class OperatorParts {
 public:
  OperatorParts(testing::FakeHost& host, const std::string& state_dir, SafetyLimits limits)
      : tree_(*FileTree::Open(host.root())),
        journal_(*Journal::Open(state_dir, "boot-1", wall_clock_)),
        reader_(*tree_, "boot-1", {}),
        devices_({.reader = reader_,
                  .writer = host,
                  .journal = *journal_,
                  .limits = std::move(limits),
                  .clock = clock_,
                  .counters = counters_}) {}

  DeviceOperator& devices() { return devices_; }
  Journal& journal() { return *journal_; }
  AgentCounters& counters() { return counters_; }

 private:
  AgentCounters counters_;
  SystemClock wall_clock_;
  SteadyClock clock_;
  std::unique_ptr<FileTree> tree_;
  std::unique_ptr<Journal> journal_;
  DeviceReader reader_;
  DeviceOperator devices_;
};

class OperationsTest : public ::testing::Test {
 protected:
  explicit OperationsTest(testing::FakeHostOptions host = {}, SafetyLimits limits = NoLimits())
      : host_(std::move(host)), parts_(host_, state_.path(), std::move(limits)) {}

  static DeviceChange ToChange(const std::string& device, bool online,
                               v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED) {
    return {*ParseDeviceName(device), online, zone};
  }

  absl::StatusOr<v1::ItemResult> Change(const std::string& device, bool online,
                                        v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED) {
    return parts_.devices().Change(ToChange(device, online, zone));
  }

  // The reason of the error that the operation must end with; "" where it succeeds.
  std::string Refused(const std::string& device, bool online,
                      v1::MemoryZone zone = v1::MEMORY_ZONE_UNSPECIFIED) {
    const auto result = Change(device, online, zone);
    if (result.ok()) return "";
    message_ = std::string(result.status().message());
    item_ = FailedItem(device, result.status());
    return ErrorReason(result.status());
  }

  testing::TempDir state_;
  testing::FakeHost host_;
  OperatorParts parts_;
  std::string message_;
  v1::ItemResult item_;
};

}  // namespace hotplugger::agent
