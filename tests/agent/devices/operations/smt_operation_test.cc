#include "tests/agent/devices/operations/operations_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two cores of two threads: 0-1 and 2-3.
class SmtOperationTest : public OperationsTest {
 protected:
  SmtOperationTest() : OperationsTest({.threads_per_core = 2}) {}

  absl::StatusOr<std::vector<v1::ItemResult>> Set(v1::SmtControl control,
                                                  const CpuSet& held_offline = {}) {
    return parts_.devices().SetSmt({.control = control}, held_offline);
  }

  static std::vector<std::string> Subjects(const std::vector<v1::ItemResult>& items) {
    std::vector<std::string> subjects;
    for (const v1::ItemResult& item : items) subjects.push_back(item.subject());
    return subjects;
  }
};

TEST_F(SmtOperationTest, TakesSecondaryThreadsAndGivesThemBack) {
  EXPECT_THAT(Subjects(*Set(v1::SMT_CONTROL_OFF)), ElementsAre("smt", "cpu1", "cpu3"));
  EXPECT_EQ(host_.online(), (CpuSet{0, 2}));
  EXPECT_THAT(Subjects(*Set(v1::SMT_CONTROL_ON)), ElementsAre("smt", "cpu1", "cpu3"));
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(SmtOperationTest, AlreadyIsSuccessWithoutAWrite) {
  const auto items = Set(v1::SMT_CONTROL_ON);
  ASSERT_TRUE(items.ok());
  EXPECT_EQ((*items)[0].outcome(), v1::OUTCOME_ALREADY);
  EXPECT_THAT(host_.writes(), IsEmpty());
}

// kernel 2.3: the kernel brings up a held sibling; the same operation takes it offline again.
TEST_F(SmtOperationTest, AHeldSiblingStaysOffline) {
  ASSERT_TRUE(Set(v1::SMT_CONTROL_OFF).ok());
  const auto items = Set(v1::SMT_CONTROL_ON, {3});
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2}));
  EXPECT_THAT(host_.writes(), ElementsAre("smt=off", "smt=on", "cpu3=0"));
}

// The kernel stops at the first thread that fails and leaves those before it (kernel 2.2).
TEST_F(SmtOperationTest, WhatWentBeforeAFailureIsTold) {
  host_.FailCpu(3, EBUSY);
  const auto items = Set(v1::SMT_CONTROL_OFF);
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_THAT(Subjects(*items), ElementsAre("smt", "cpu1"));
  EXPECT_EQ((*items)[0].outcome(), v1::OUTCOME_FAILED);
  EXPECT_EQ((*items)[0].reason(), "HOTPLUG_BUSY");
  EXPECT_EQ((*items)[0].error_number(), EBUSY);
  EXPECT_EQ((*items)[1].outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ(host_.smt(), "on");
}

// Also where the kernel failed after it had come up.
TEST_F(SmtOperationTest, AHeldSiblingGoesAgainThoughTheKernelFailed) {
  ASSERT_TRUE(Set(v1::SMT_CONTROL_OFF).ok());
  host_.FailCpu(3, EIO);
  const auto items = Set(v1::SMT_CONTROL_ON, {1});
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_EQ((*items)[0].reason(), "BRING_UP_FAILED");
  EXPECT_EQ(host_.online(), (CpuSet{0, 2}));
}

TEST_F(SmtOperationTest, AHeldSiblingThatStaysUpIsToldAsFailed) {
  ASSERT_TRUE(Set(v1::SMT_CONTROL_OFF).ok());
  host_.SetHooks({}, [this](const std::string& write) {
    if (write == "smt=on") host_.FailCpu(3, ENOSPC);
  });
  const auto items = Set(v1::SMT_CONTROL_ON, {3});
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_EQ((*items)[0].outcome(), v1::OUTCOME_CHANGED);
  EXPECT_EQ((*items)[2].subject(), "cpu3");
  EXPECT_EQ((*items)[2].outcome(), v1::OUTCOME_FAILED);
  EXPECT_EQ((*items)[2].reason(), "NO_INTERRUPT_VECTORS");
}

// A core that is off as a whole isn't brought up by SMT.
TEST_F(SmtOperationTest, ACoreThatIsOffStaysOff) {
  ASSERT_TRUE(Set(v1::SMT_CONTROL_OFF).ok());
  ASSERT_TRUE(Change("cpu2", false).ok());
  ASSERT_TRUE(Set(v1::SMT_CONTROL_ON).ok());
  EXPECT_EQ(host_.online(), (CpuSet{0, 1}));
}

TEST_F(SmtOperationTest, ASecondaryThreadCannotComeUpWhileItIsOff) {
  ASSERT_TRUE(Set(v1::SMT_CONTROL_OFF).ok());
  EXPECT_EQ(Refused("cpu3", true), "SMT_OFF");
}

TEST_F(SmtOperationTest, ForceoffStays) {
  ASSERT_TRUE(Set(v1::SMT_CONTROL_FORCEOFF).ok());
  EXPECT_EQ(ErrorReason(Set(v1::SMT_CONTROL_ON).status()), "SMT_FORCED_OFF");
  EXPECT_EQ(host_.smt(), "forceoff");
}

TEST_F(SmtOperationTest, TheKernelsRefusalIsExplained) {
  host_.Fail("smt", EBUSY);
  const auto items = Set(v1::SMT_CONTROL_OFF);
  EXPECT_EQ(ErrorReason(items.status()), "HOTPLUG_BUSY");
  EXPECT_EQ(host_.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(SmtOperationTest, AWriteThatChangesNothingIsNotBelieved) {
  host_.SetLying(true);
  EXPECT_EQ(ErrorReason(Set(v1::SMT_CONTROL_OFF).status()), "NOT_VERIFIED");
}

class NoSmtTest : public OperationsTest {};

TEST_F(NoSmtTest, IsNamed) {
  const auto items = parts_.devices().SetSmt({.control = v1::SMT_CONTROL_OFF}, {});
  EXPECT_EQ(ErrorReason(items.status()), "SMT_NOT_SUPPORTED");
}

}  // namespace
}  // namespace hotplugger::agent
