#include "agent/reconcile/local_driver_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;

class LocalDriverOperationsTest : public ::testing::Test, protected HostFixture {
 protected:
  LocalDriverOperations Operations() { return LocalDriverOperations(*host); }
};

TEST_F(LocalDriverOperationsTest, EnablesAndDisablesADriver) {
  kernel.SetRunning("bricked", true);
  EXPECT_TRUE(Operations().EnableDriver("alucard").ok());
  EXPECT_TRUE(Runs("alucard"));
  EXPECT_FALSE(Runs("bricked"));
  EXPECT_TRUE(Operations().DisableDriver("alucard").ok());
  EXPECT_FALSE(Runs("alucard"));
}

TEST_F(LocalDriverOperationsTest, DriversOfASpecAreNotSwitchedLocally) {
  v1::NodeSpec spec;
  spec.add_drivers_active("alucard");
  SetSpec(spec);
  EXPECT_EQ(ErrorReason(Operations().EnableDriver("bricked").status()), "HELD_BY_SPEC");
  EXPECT_EQ(ErrorReason(Operations().DisableDriver("alucard").status()), "HELD_BY_SPEC");
}

TEST_F(LocalDriverOperationsTest, ASpecThatOnlyStopsLeavesTheOthersToTheHost) {
  v1::NodeSpec spec;
  spec.add_drivers_stopped("bricked");
  SetSpec(spec, "policy/no-bricks");
  const absl::Status refused = Operations().EnableDriver("Bricked").status();
  EXPECT_EQ(ErrorReason(refused), "HELD_BY_SPEC");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("policy/no-bricks"));
  EXPECT_TRUE(Operations().EnableDriver("alucard").ok());
  EXPECT_TRUE(Operations().DisableDriver("bricked").ok());
}

TEST_F(LocalDriverOperationsTest, SwitchesASet) {
  v1::SwitchDriversRequest request;
  request.add_active("alucard");
  request.add_active("thermal");
  EXPECT_TRUE(Operations().SwitchDrivers(request).ok());
  EXPECT_TRUE(Runs("alucard"));
  EXPECT_TRUE(Runs("thermal"));
}

TEST_F(LocalDriverOperationsTest, SwitchingIsKept) {
  EXPECT_TRUE(Operations().SetSwitching(v1::SWITCH_OFF).ok());
  EXPECT_EQ(ErrorReason(Operations().EnableDriver("alucard").status()), "SWITCHING_OFF");
  Boot("boot-1");
  EXPECT_EQ(Operations().ListDrivers()->switching(), v1::SWITCH_OFF);
  EXPECT_TRUE(Operations().SetSwitching(v1::SWITCH_ON).ok());
  EXPECT_TRUE(Operations().EnableDriver("alucard").ok());
}

TEST_F(LocalDriverOperationsTest, SwitchingNeedsAnAnswer) {
  EXPECT_EQ(
      ErrorFieldViolations(Operations().SetSwitching(v1::SWITCH_UNSPECIFIED).status())[0].field,
      "switching");
}

TEST_F(LocalDriverOperationsTest, SwitchingOfTheSpecStands) {
  v1::NodeSpec spec;
  spec.set_switching(v1::SWITCH_OFF);
  SetSpec(spec);
  EXPECT_EQ(ErrorReason(Operations().SetSwitching(v1::SWITCH_ON).status()), "HELD_BY_SPEC");
}

}  // namespace
}  // namespace hotplugger::agent
