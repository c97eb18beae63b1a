#include "agent/reconcile/release.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/proto_text.h"
#include "tests/fakes/snapshot_builder.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using testing::FromText;
using ::testing::IsEmpty;
using testing::SnapshotBuilder;

// Two cores of two threads (0 and 2, 1 and 3), and blocks 0 to 7, of which 0 and 1 are the
// kernel's.
Snapshot SmallHost() {
  return SnapshotBuilder().Cpus(1, 2, 2).Memory("0-1", "Normal").Memory("2-7", "Movable").Build();
}

v1::Baseline Recorded(const std::vector<std::string>& devices,
                      const std::vector<std::string>& drivers = {}) {
  v1::Baseline baseline;
  for (const auto& device : devices) {
    (*baseline.mutable_devices())[device] = v1::DEVICE_STATE_ONLINE;
  }
  for (const auto& driver : drivers) {
    (*baseline.mutable_drivers())[driver] = v1::DRIVER_STATE_RUNNING;
  }
  return baseline;
}

v1::Baseline Left(const v1::Baseline& baseline, const std::string& before,
                  const std::string& after) {
  return ForgetLeft(baseline, FromText<v1::NodeSpec>(before), FromText<v1::NodeSpec>(after),
                    SmallHost());
}

std::vector<std::string> Devices(const v1::Baseline& baseline) {
  std::vector<std::string> devices;
  for (const auto& [device, state] : baseline.devices()) devices.push_back(device);
  std::sort(devices.begin(), devices.end());
  return devices;
}

TEST(ForgetLeftTest, ForgetsWhatALeavingListHadWhenItGoes) {
  const v1::Baseline baseline = Recorded({"cpu2", "cpu3", "memory7"});
  EXPECT_THAT(
      Devices(Left(baseline,
                   "cpu_offline: '2-3' memory_offline: '7' leave_on_release: 'cpu_offline'", "")),
      ElementsAre("memory7"));
  EXPECT_THAT(Devices(Left(baseline, "cpu_offline: '2-3' memory_offline: '7'", "")),
              ElementsAre("cpu2", "cpu3", "memory7"));
}

TEST(ForgetLeftTest, WhatTheNewSpecStillNamesStays) {
  const v1::Baseline baseline = Recorded({"cpu2", "cpu3"});
  EXPECT_THAT(Devices(Left(baseline, "cpu_offline: '2-3' leave_on_release: 'cpu_offline'",
                           "cpu_offline: '3'")),
              ElementsAre("cpu3"));
  EXPECT_THAT(Devices(Left(baseline, "cpu_offline: '2-3' leave_on_release: 'cpu_offline'",
                           "cpu_online: '2' cores_offline: '0-0-1'")),
              ElementsAre("cpu2", "cpu3"));
}

TEST(ForgetLeftTest, AnAmountSpeaksOfAllThatItChoosesFrom) {
  const v1::Baseline baseline = Recorded({"cpu2", "cpu3", "memory6", "memory7"});
  const std::string before =
      "cpu_online_count: 2 memory_offline_bytes: 268435456 "
      "leave_on_release: ['cpu_online_count', 'memory_offline_bytes']";
  EXPECT_THAT(
      Devices(Left(baseline, before, "cpu_online_percent: 75 memory_offline_bytes: 134217728")),
      ElementsAre("cpu2", "cpu3", "memory6", "memory7"));
  EXPECT_THAT(Devices(Left(baseline, before, "")), IsEmpty());
}

TEST(ForgetLeftTest, WhatHoldsAskedForIsRestored) {
  EXPECT_THAT(Devices(Left(Recorded({"cpu2", "cpu3"}),
                           "cpu_offline: '2-3' cpu_held: '3' leave_on_release: 'cpu_offline'", "")),
              ElementsAre("cpu3"));
}

TEST(ForgetLeftTest, SmtIsLeftWithItsThreads) {
  v1::Baseline baseline = Recorded({"cpu2", "cpu3"});
  baseline.mutable_smt()->set_control(v1::SMT_CONTROL_ON);
  const std::string before = "smt: SMT_CONTROL_OFF leave_on_release: 'smt'";
  const v1::Baseline left = Left(baseline, before, "");
  EXPECT_FALSE(left.has_smt());
  EXPECT_THAT(left.devices(), IsEmpty());
  const v1::Baseline kept = Left(baseline, before, "smt: SMT_CONTROL_ON");
  EXPECT_TRUE(kept.has_smt());
  EXPECT_THAT(Devices(kept), ElementsAre("cpu2", "cpu3"));
}

// It takes second threads alone: a first one is off for another reason.
TEST(ForgetLeftTest, SmtLeavesNoFirstThread) {
  EXPECT_THAT(
      Devices(Left(Recorded({"cpu1", "cpu3"}), "smt: SMT_CONTROL_OFF leave_on_release: 'smt'", "")),
      ElementsAre("cpu1"));
}

TEST(ForgetLeftTest, DriversAreLeftUnlessTheNewSpecSwitchesThem) {
  const v1::Baseline baseline = Recorded({}, {"alucard", "bricked", "thermal"});
  const std::string before =
      "drivers_active: 'alucard' drivers_stopped: 'thermal' leave_on_release: 'drivers_active'";
  EXPECT_THAT(Left(baseline, before, "").drivers(),
              ElementsAre(::testing::Pair("thermal", v1::DRIVER_STATE_RUNNING)));
  EXPECT_EQ(Left(baseline, before, "drivers_active: 'bricked'").drivers().size(), 3u);
  const v1::Baseline held = Left(baseline, before + " drivers_held: 'bricked'", "");
  EXPECT_EQ(held.drivers().count("bricked"), 1u);
}

TEST(ForgetLeftTest, SwitchingIsLeftUnlessTheNewSpecSetsIt) {
  v1::Baseline baseline;
  baseline.set_switching(v1::SWITCH_ON);
  const std::string before = "switching: SWITCH_OFF leave_on_release: 'switching'";
  EXPECT_EQ(Left(baseline, before, "").switching(), v1::SWITCH_UNSPECIFIED);
  EXPECT_EQ(Left(baseline, before, "switching: SWITCH_OFF").switching(), v1::SWITCH_ON);
}

}  // namespace
}  // namespace hotplugger::agent
