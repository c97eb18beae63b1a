#include "agent/reconcile/local_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class LocalOperationsTest : public ::testing::Test, protected HostFixture {
 protected:
  LocalOperations Operations() { return LocalOperations(*host); }
};

TEST_F(LocalOperationsTest, SwitchesADevice) {
  EXPECT_EQ(Operations().SetDeviceOnline("cpu3", false)->outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(LocalOperationsTest, ListsDevices) {
  fake.SwitchBehindOurBack(2, false);
  const auto list = *Operations().ListDevices();
  ASSERT_THAT(list.devices(), SizeIs(4));
  EXPECT_EQ(list.devices(2).name(), "cpu2");
  EXPECT_EQ(list.devices(2).state(), v1::DEVICE_STATE_OFFLINE);
  EXPECT_FALSE(list.devices(0).hotpluggable());
}

TEST_F(LocalOperationsTest, WhatTheSpecHoldsIsRefusedAndItsSourceNamed) {
  v1::NodeSpec spec;
  spec.set_cpu_offline("3");
  spec.set_cpu_online("1");
  SetSpec(spec);
  const absl::Status online = Operations().SetDeviceOnline("cpu3", true).status();
  EXPECT_EQ(ErrorReason(online), "HELD_BY_SPEC");
  EXPECT_THAT(std::string(online.message()), HasSubstr("policy/park"));
  EXPECT_EQ(ErrorReason(Operations().SetDeviceOnline("cpu1", false).status()), "HELD_BY_SPEC");
  EXPECT_TRUE(Operations().SetDeviceOnline("cpu2", false).ok());
}

TEST_F(LocalOperationsTest, EnablesAndDisablesADriver) {
  kernel.SetRunning("bricked", true);
  EXPECT_TRUE(Operations().EnableDriver("alucard").ok());
  EXPECT_TRUE(Runs("alucard"));
  EXPECT_FALSE(Runs("bricked"));
  EXPECT_TRUE(Operations().DisableDriver("alucard").ok());
  EXPECT_FALSE(Runs("alucard"));
}

TEST_F(LocalOperationsTest, DriversOfASpecAreNotSwitchedLocally) {
  v1::NodeSpec spec;
  spec.add_drivers_active("alucard");
  SetSpec(spec);
  EXPECT_EQ(ErrorReason(Operations().EnableDriver("bricked").status()), "HELD_BY_SPEC");
  EXPECT_EQ(ErrorReason(Operations().DisableDriver("alucard").status()), "HELD_BY_SPEC");
}

TEST_F(LocalOperationsTest, SwitchesASet) {
  v1::SwitchDriversRequest request;
  request.add_active("alucard");
  request.add_active("thermal");
  EXPECT_TRUE(Operations().SwitchDrivers(request).ok());
  EXPECT_TRUE(Runs("alucard"));
  EXPECT_TRUE(Runs("thermal"));
}

TEST_F(LocalOperationsTest, SwitchingIsKept) {
  EXPECT_TRUE(Operations().SetSwitching(v1::SWITCH_OFF).ok());
  EXPECT_EQ(ErrorReason(Operations().EnableDriver("alucard").status()), "SWITCHING_OFF");
  Boot("boot-1");
  EXPECT_EQ(Operations().ListDrivers()->switching(), v1::SWITCH_OFF);
  EXPECT_TRUE(Operations().SetSwitching(v1::SWITCH_ON).ok());
  EXPECT_TRUE(Operations().EnableDriver("alucard").ok());
}

TEST_F(LocalOperationsTest, SwitchingNeedsAnAnswer) {
  EXPECT_EQ(
      ErrorFieldViolations(Operations().SetSwitching(v1::SWITCH_UNSPECIFIED).status())[0].field,
      "switching");
}

TEST_F(LocalOperationsTest, SwitchingOfTheSpecStands) {
  v1::NodeSpec spec;
  spec.set_switching(v1::SWITCH_OFF);
  SetSpec(spec);
  EXPECT_EQ(ErrorReason(Operations().SetSwitching(v1::SWITCH_ON).status()), "HELD_BY_SPEC");
}

}  // namespace
}  // namespace hotplugger::agent
