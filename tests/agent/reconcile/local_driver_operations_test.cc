#include "agent/reconcile/local_driver_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/counted.h"

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
  EXPECT_THAT(testing::CountedOperations(counters),
              ::testing::ElementsAre("driver start refused HELD_BY_SPEC 1",
                                     "driver stop refused HELD_BY_SPEC 1"));
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

TEST_F(LocalDriverOperationsTest, UnregisteringStopsAndLeavesOutAndRegisteringBringsBack) {
  kernel.SetRunning("bricked", true);
  const auto unregistered = Operations().UnregisterDriver("BRICKED");
  ASSERT_EQ(unregistered.status(), absl::OkStatus());
  EXPECT_EQ(unregistered->results(0).subject(), "driver/bricked");
  EXPECT_THAT(unregistered->results(0).message(), HasSubstr("stopped and unregistered"));
  EXPECT_FALSE(Runs("bricked"));
  const auto list = Operations().ListDrivers();
  EXPECT_EQ(list->drivers_size(), 2);
  EXPECT_THAT(list->unregistered(), ::testing::ElementsAre("bricked"));
  EXPECT_EQ(ErrorReason(Operations().EnableDriver("bricked").status()), "DRIVER_NOT_REGISTERED");
  EXPECT_EQ(ErrorReason(Operations().UnregisterDriver("bricked").status()),
            "DRIVER_NOT_REGISTERED");
  const auto registered = Operations().RegisterDriver("Bricked");
  ASSERT_EQ(registered.status(), absl::OkStatus());
  EXPECT_EQ(registered->results(0).outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(Operations().ListDrivers()->drivers_size(), 3);
  EXPECT_THAT(Operations().ListDrivers()->unregistered(), ::testing::IsEmpty());
  EXPECT_EQ(Operations().RegisterDriver("bricked")->results(0).outcome(), v1::OUTCOME_ALREADY);
}

TEST_F(LocalDriverOperationsTest, RegisteringWhatIsNotThereSaysWhatIsKnown) {
  const absl::Status unknown = Operations().RegisterDriver("nobody").status();
  EXPECT_EQ(ErrorReason(unknown), "DRIVER_NOT_FOUND");
  EXPECT_THAT(std::string(unknown.message()), HasSubstr(driver_folder.path()));
  driver_folder.Write("a.yaml",
                      "apiVersion: hotplugger/v1\nkind: KnobDriver\nname: alpha\n"
                      "paths: [sys/kernel/alpha]\n");
  driver_folder.Write("b.yaml", "kind: [\n");
  const absl::Status absent = Operations().RegisterDriver("Alpha").status();
  EXPECT_EQ(ErrorReason(absent), "DRIVER_NOT_FOUND");
  EXPECT_THAT(std::string(absent.message()),
              ::testing::AllOf(HasSubstr("a.yaml describes it"), HasSubstr("sys/kernel/alpha"),
                               HasSubstr("b.yaml:")));
  EXPECT_EQ(ErrorReason(Operations().RegisterDriver("a b").status()), "BAD_DRIVER_NAME");
  EXPECT_EQ(ErrorReason(Operations().RegisterDriver("").status()), "BAD_DRIVER_NAME");
  EXPECT_EQ(ErrorReason(Operations().UnregisterDriver("").status()), "NO_DRIVER");
}

TEST_F(LocalDriverOperationsTest, OneThatDoesNotStopStaysRegistered) {
  kernel.SetRunning("bricked", true);
  kernel.Find("bricked")->stop_error = EIO;
  EXPECT_FALSE(Operations().UnregisterDriver("bricked").ok());
  EXPECT_EQ(Operations().ListDrivers()->drivers_size(), 3);
  EXPECT_THAT(Operations().ListDrivers()->unregistered(), ::testing::IsEmpty());
}

TEST_F(LocalDriverOperationsTest, WhatTheSpecHoldsIsNotUnregistered) {
  v1::NodeSpec spec;
  spec.add_drivers_active("alucard");
  SetSpec(spec);
  EXPECT_EQ(ErrorReason(Operations().UnregisterDriver("alucard").status()), "HELD_BY_SPEC");
}

TEST_F(LocalDriverOperationsTest, ConflictingActorsOfTheHost) {
  fake.dir().Write("etc/udev/rules.d/40-hotadd.rules",
                   "SUBSYSTEM==\"cpu\", ACTION==\"add\", ATTR{online}=\"1\"\n");
  const auto actors = Operations().ListConflictingActors();
  ASSERT_EQ(actors.status(), absl::OkStatus());
  ASSERT_GE(actors->actors_size(), 1);
  EXPECT_EQ(actors->actors(0).kind(), v1::ConflictingActor::KIND_UDEV_RULE);
}

}  // namespace
}  // namespace hotplugger::agent
