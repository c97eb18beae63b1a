// Events, from what nodes say and operators ask.
#include "server/fleet/node_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class NodeEventsTest : public FleetFixture {
 protected:
  // Events about n1 since the last call.
  std::vector<std::string> News() {
    std::vector<std::string> all = EventsOf("nodes/n1");
    std::vector<std::string> fresh(all.begin() + static_cast<std::ptrdiff_t>(seen_), all.end());
    seen_ = all.size();
    return fresh;
  }
  std::string LastMessage() { return events_.List({}, kAllEvents, 1)[0]->message(); }
  std::string Digest() { return GetNode("n1").desired_digest(); }
  void Report(FakeAgent& agent, const std::string& state, const std::string& rest = "") {
    ASSERT_TRUE(agent
                    .Say(absl::StrCat("report {digest: \"", Digest(), "\" state: APPLY_STATE_",
                                      state, " ", rest, "}"))
                    .ok());
  }
  void Park(const std::string& cpus) {
    ASSERT_TRUE(
        Apply(absl::StrCat(R"(name: "p" selector {nodes: "n1"} cpu {offline: ")", cpus, "\"}"))
            .ok());
    Settle();
  }

  size_t seen_ = 0;
};

TEST_F(NodeEventsTest, OfAConnection) {
  FakeAgent agent = Connect("n1");
  EXPECT_THAT(News(), ElementsAre("NodeConnected", "SpecPushed"));
  agent.session->OnClosed(agent.link.get());
  EXPECT_THAT(News(), ElementsAre("NodeDisconnected"));
}

TEST_F(NodeEventsTest, OfASpecAndAReportThatComesAgainIsNone) {
  FakeAgent agent = Connect("n1");
  Park("1");
  News();
  Report(agent, "APPLYING");
  EXPECT_THAT(News(), IsEmpty());
  Report(agent, "APPLIED");
  EXPECT_THAT(News(), ElementsAre("SpecApplied"));
  EXPECT_EQ(LastMessage(), SpecName(Digest()));
  Report(agent, "APPLIED");
  EXPECT_THAT(News(), IsEmpty());
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Minutes(1));
    Report(agent, "FAILED", R"(items {subject: "cpu1" outcome: OUTCOME_FAILED reason: "BUSY"})");
  }
  EXPECT_THAT(News(), ElementsAre("SpecFailed"));
  EXPECT_THAT(LastMessage(), HasSubstr("cpu1 (BUSY)"));
  Report(agent, "APPLIED");
  EXPECT_THAT(News(), ElementsAre("SpecApplied"));
}

TEST_F(NodeEventsTest, WhatWasAppliedBeforeItConnectedIsNoNews) {
  FakeAgent first = Connect("n1");
  const std::string digest = Digest();
  first.session->OnClosed(first.link.get());
  News();
  FakeAgent again = Connect("n1", absl::StrCat("applied_digest: \"", digest, "\""));
  Report(again, "APPLIED", "drift_count: 5");
  EXPECT_THAT(News(), ElementsAre("NodeConnected"));
}

TEST_F(NodeEventsTest, OfASpecThatIsRefusedOrGivenUp) {
  FakeAgent agent = Connect("n1");
  Park("1");
  News();
  ASSERT_TRUE(
      agent.Say(absl::StrCat("spec_ack {digest: \"", Digest(), R"(" errors: "cpu9: no such"})"))
          .ok());
  EXPECT_THAT(News(), ElementsAre("SpecRefused"));
  EXPECT_THAT(LastMessage(), HasSubstr("cpu9: no such"));
  Park("2");
  EXPECT_THAT(News(), ElementsAre("SpecPushed"));
  Report(agent, "REVERTED", R"(message: "no controller")");
  EXPECT_THAT(News(), ElementsAre("SpecReverted"));
  Park("3");
  Report(agent, "QUARANTINED");
  EXPECT_THAT(News(), ElementsAre("SpecPushed", "SpecQuarantined"));
}

TEST_F(NodeEventsTest, OfDrift) {
  FakeAgent agent = Connect("n1");
  Report(agent, "APPLIED");
  News();
  Report(agent, "APPLIED", R"(drift {subject: "cpu1" wanted: "offline" found: "online"})");
  EXPECT_THAT(News(), ElementsAre("DriftFound"));
  EXPECT_EQ(LastMessage(), "left so: cpu1 is online and not offline");
  Report(agent, "APPLIED", R"(drift {subject: "cpu1" wanted: "offline" found: "online"})");
  EXPECT_THAT(News(), IsEmpty());
  Report(agent, "APPLIED", R"(drift_count: 1 drift_counts {actor: "person" count: 1})");
  EXPECT_THAT(News(), ElementsAre("DriftFound"));
  EXPECT_EQ(LastMessage(), "brought back, was changed by person");
}

TEST_F(NodeEventsTest, OfConditions) {
  FakeAgent agent = Connect("n1");
  News();
  const char* const bad =
      R"(inventory {conditions {type: "STATE_NOT_SAVED" message: "disk full"}})";
  ASSERT_TRUE(agent.Say(bad).ok());
  ASSERT_TRUE(agent.Say(bad).ok());
  EXPECT_THAT(News(), ElementsAre("ConditionRaised"));
  EXPECT_EQ(LastMessage(), "STATE_NOT_SAVED: disk full");
  ASSERT_TRUE(agent.Say("inventory {}").ok());
  EXPECT_THAT(News(), ElementsAre("ConditionCleared"));
}

TEST_F(NodeEventsTest, OfANodeThatIsTurnedAwayOnce) {
  for (int i = 0; i < 3; ++i) {
    FakeAgent agent = NewAgent();
    EXPECT_FALSE(agent.Say(R"(hello {node: "n1" boot_id: "b" largest_epoch: 99})").ok());
    clock_.Advance(absl::Minutes(1));
  }
  EXPECT_THAT(News(), ElementsAre("NodeTurnedAway"));
}

TEST_F(NodeEventsTest, OfANodeForWhichThereIsNoRoom) {
  max_nodes_ = 0;
  Start();
  for (int i = 0; i < 3; ++i) {
    FakeAgent agent = NewAgent();
    EXPECT_FALSE(agent.Say(R"(hello {node: "n1" boot_id: "b"})").ok());
  }
  EXPECT_THAT(News(), ElementsAre("NodeTurnedAway"));
  EXPECT_THAT(LastMessage(), HasSubstr("--max-nodes"));
}

TEST_F(NodeEventsTest, OfPoliciesAndHolds) {
  FakeAgent agent = Connect("n1");
  Park("1");
  ASSERT_TRUE(Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "1"})").ok());
  EXPECT_THAT(EventsOf("policies/p"), ElementsAre("PolicyChanged")) << "the second changes nothing";
  v1::DeletePolicyRequest gone;
  gone.set_name("p");
  gone.set_validate_only(true);
  ASSERT_TRUE(Ask(&FleetEngine::DeletePolicy, gone).ok());
  EXPECT_THAT(EventsOf("policies/p"), Not(Contains("PolicyDeleted")));
  gone.set_validate_only(false);
  ASSERT_TRUE(Ask(&FleetEngine::DeletePolicy, gone).ok());
  EXPECT_THAT(EventsOf("policies/p"), ElementsAre("PolicyChanged", "PolicyDeleted"));

  for (const char* driver : {"driver/a", "driver/b"}) {
    ASSERT_TRUE(SetHold(absl::StrCat("node: \"n1\" subject: \"", driver,
                                     "\" state: DEVICE_STATE_ONLINE ttl {seconds: 60}"))
                    .ok());
  }
  EXPECT_THAT(EventsOf("nodes/n1/holds/driver/a"), ElementsAre("HoldSet", "HoldReleased"));
  clock_.Advance(absl::Minutes(2));
  engine_->LapseHolds();
  Settle();
  EXPECT_THAT(EventsOf("nodes/n1/holds/driver/b"), ElementsAre("HoldSet", "HoldLapsed"));
}

// A whole fleet that comes back at once.
TEST_F(NodeEventsTest, ManyAtOnceAreAllTold) {
  max_nodes_ = 2000;
  Start();
  std::vector<FakeAgent> agents;
  for (int i = 0; i < 2000; ++i) {
    agents.push_back(NewAgent());
    ASSERT_TRUE(agents.back().Say(absl::StrCat("hello {boot_id: \"b\" node: \"m", i, "\"}")).ok());
  }
  v1::EventFilter connected;
  connected.set_type("NodeConnected");
  EXPECT_EQ(events_.List(connected, kAllEvents, 5000).size(), 2000u);
}

}  // namespace
}  // namespace hotplugger::server
