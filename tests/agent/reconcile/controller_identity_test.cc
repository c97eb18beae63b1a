#include "agent/reconcile/controller_identity.h"

#include <gtest/gtest.h>

#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

struct Case {
  const char* name;
  ControllerIdentity obeyed;
  ControllerIdentity controller;
  // "": it is obeyed.
  const char* reason;
};

class CheckObeysTest : public ::testing::TestWithParam<Case> {};

TEST_P(CheckObeysTest, Decides) {
  EXPECT_EQ(ErrorReason(CheckObeys(GetParam().obeyed, GetParam().controller)), GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    All, CheckObeysTest,
    ::testing::Values(Case{"TheFirstOne", {}, {1, "f", "a"}, ""},
                      Case{"TheSameOne", {1, "f", "a"}, {1, "f", "a"}, ""},
                      Case{"ItsNextStart", {1, "f", "a"}, {2, "f", "b"}, ""},
                      Case{"AnEarlierStart", {2, "f", "b"}, {1, "f", "a"}, "STALE_EPOCH"},
                      Case{"AnotherOneOfTheEpoch", {2, "f", "b"}, {2, "f", "c"}, "EPOCH_MISMATCH"},
                      Case{"AnotherFleet", {1, "f", "a"}, {9, "g", "b"}, "FLEET_MISMATCH"},
                      Case{"OneThatDoesNotSay", {1, "f", "a"}, {9, "", ""}, "FLEET_MISMATCH"},
                      Case{"AFleetThatWasJoined", {0, "g", ""}, {1, "g", "b"}, ""}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ControllerIdentityTest, IsKeptInTheState) {
  v1::AgentState state;
  SetObeyed({3, "f", "a"}, &state);
  const ControllerIdentity obeyed = ObeyedController(state);
  EXPECT_EQ(obeyed.epoch, 3u);
  EXPECT_EQ(obeyed.fleet_id, "f");
  EXPECT_EQ(obeyed.epoch_id, "a");
}

TEST(ControllerIdentityTest, WhatIsKnownOfAStoreIsOfNoUseInAnotherFleet) {
  v1::AgentState state;
  SetObeyed({3, "f", "a"}, &state);
  state.set_spec_epoch(3);
  state.set_spec_store_revision(70);
  SetObeyed({4, "f", "b"}, &state);
  EXPECT_EQ(state.spec_epoch(), 3u);
  EXPECT_EQ(state.spec_store_revision(), 70);
  SetObeyed({0, "g", ""}, &state);
  EXPECT_EQ(state.spec_epoch(), 0u);
  EXPECT_EQ(state.spec_store_revision(), 0);
}

TEST(ControllerIdentityTest, IdsAreShortAndPrintable) {
  const std::string longest(64, 'f');
  EXPECT_TRUE(CheckIds({1, longest, longest}).ok());
  EXPECT_TRUE(CheckIds({1, "", ""}).ok());
  for (const std::string& bad : {longest + "f", std::string("a\nb"), std::string("\0", 1)}) {
    EXPECT_EQ(ErrorReason(CheckIds({1, bad, "a"})), "BAD_IDENTITY");
    EXPECT_EQ(ErrorReason(CheckIds({1, "f", bad})), "BAD_IDENTITY");
  }
}

}  // namespace
}  // namespace hotplugger::agent
