#include "server/fleet/fleet_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/error_info.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kLab[] = R"(labels {key: "pool" value: "lab"})";
constexpr char kPark[] =
    R"(name: "park" selector {match_labels {key: "pool" value: "lab"}} cpu {offline: "2-3"})";
constexpr char kInventory[] = R"(inventory {
  cpus_present: "0-3" cpus_online: "0-3"
  devices {name: "cpu0" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE}
  devices {name: "cpu1" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE hotpluggable: true}
  devices {name: "cpu2" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE hotpluggable: true}
  devices {name: "cpu3" kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE hotpluggable: true}
  devices {name: "container/PNP0A06:00" kind: DEVICE_KIND_GENERIC state: DEVICE_STATE_ONLINE
           hotpluggable: true}
  devices {name: "container/fixed" kind: DEVICE_KIND_GENERIC state: DEVICE_STATE_ONLINE}
  memory {block_size_bytes: 134217728 blocks_present: "0-15" blocks_online: "0-15"
          blocks_movable: "8-15"}
  drivers {name: "Alucard" state: DRIVER_STATE_RUNNING}
  drivers {name: "thermal" state: DRIVER_STATE_STOPPED}})";

std::string Report(const std::string& digest, const std::string& state) {
  return absl::StrCat("report {digest: \"", digest, "\" state: APPLY_STATE_", state, "}");
}

// Says that the last pushed spec was received, with errors or without.
absl::Status Ack(FakeAgent& agent, const std::string& error = "") {
  const v1::Spec spec = agent.link->specs().back();
  v1::AgentMessage message;
  message.mutable_spec_ack()->set_nonce(spec.nonce());
  message.mutable_spec_ack()->set_digest(spec.digest());
  if (!error.empty()) message.mutable_spec_ack()->add_errors(error);
  return agent.Say(message);
}

class FleetEngineTest : public FleetFixture {};

TEST_F(FleetEngineTest, ANewNodeGetsItsSpecThoughNoPolicyMatches) {
  FakeAgent agent = Connect("n1");
  ASSERT_THAT(agent.link->specs(), SizeIs(1));
  EXPECT_EQ(agent.link->specs()[0].digest(), Sha256Hex(""));
  EXPECT_EQ(agent.link->specs()[0].body(), "");
  EXPECT_NE(agent.link->specs()[0].nonce(), "");
  EXPECT_EQ(agent.link->sent()[1].epoch(), kEpoch);
}

TEST_F(FleetEngineTest, ANodeThatIsInSyncGetsWelcomeAlone) {
  FakeAgent agent = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
  EXPECT_THAT(agent.link->sent(), SizeIs(1));
  EXPECT_TRUE(GetNode("n1").in_sync());
}

TEST_F(FleetEngineTest, APolicyReachesTheNodesItMatches) {
  FakeAgent lab = Connect("n1", kLab);
  FakeAgent other = Connect("n2");
  const auto applied = Apply(kPark);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_TRUE(applied->changed());
  EXPECT_EQ(applied->matched_nodes(), 1);
  EXPECT_EQ(applied->policy().revision(), 1);
  EXPECT_EQ(applied->policy().update_time().seconds(), absl::ToUnixSeconds(clock_.Now()));

  const v1::Node node = GetNode("n1");
  EXPECT_EQ(node.spec().cpu_offline(), "2-3");
  EXPECT_FALSE(node.in_sync());
  Settle();
  ASSERT_THAT(lab.link->specs(), SizeIs(2));
  EXPECT_EQ(lab.link->specs()[1].digest(), node.desired_digest());
  EXPECT_EQ(Sha256Hex(lab.link->specs()[1].body()), node.desired_digest());
  ASSERT_THAT(lab.link->specs()[1].sources(), SizeIs(1));
  EXPECT_EQ(lab.link->specs()[1].sources(0).source(), "policy/park");
  EXPECT_THAT(other.link->specs(), SizeIs(1));
  EXPECT_EQ(counters_.spec_pushes, 3);
  EXPECT_EQ(counters_.policies, 1);

  ASSERT_TRUE(Ack(lab).ok());
  ASSERT_TRUE(lab.Say(Report(node.desired_digest(), "APPLIED")).ok());
  EXPECT_TRUE(GetNode("n1").in_sync());
}

TEST_F(FleetEngineTest, TheListSeesAChangeAtOnce) {
  FakeAgent agent = Connect("n1", kLab);
  const std::string before = ListNodes().nodes(0).desired_digest();
  ASSERT_TRUE(Apply(kPark).ok());
  EXPECT_NE(ListNodes().nodes(0).desired_digest(), before);
}

TEST_F(FleetEngineTest, DeletingAPolicyTakesItsSettingsBack) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(Apply(kPark).ok());
  v1::DeletePolicyRequest request;
  request.set_name("park");
  const auto deleted = Ask(&FleetEngine::DeletePolicy, request);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->policy().cpu().offline(), "2-3");
  Settle();
  EXPECT_EQ(agent.link->specs().back().digest(), Sha256Hex(""));
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::DeletePolicy, request).status()), "POLICY_NOT_FOUND");
}

TEST_F(FleetEngineTest, APolicyThatNoLongerMatchesLetsGo) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(Apply(kPark).ok());
  ASSERT_TRUE(Apply(R"(name: "park" selector {nodes: "n2"} cpu {offline: "2-3"})").ok());
  EXPECT_EQ(GetNode("n1").desired_digest(), Sha256Hex(""));
}

TEST_F(FleetEngineTest, AnUnchangedPolicyIsNotStoredAgain) {
  ASSERT_TRUE(Apply(kPark).ok());
  const int64_t commits = store_.commits();
  const auto again = Apply(
      R"(name: "park" selector {match_labels {key: "pool" value: "lab"}} cpu {offline: "3,2"}
         revision: 99)");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->changed());
  EXPECT_EQ(again->policy().revision(), 1);
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(FleetEngineTest, ValidateOnlyStoresNothing) {
  FakeAgent agent = Connect("n1", kLab);
  const int64_t commits = store_.commits();
  const auto planned = Apply(kPark, /*validate_only=*/true);
  ASSERT_TRUE(planned.ok()) << planned.status();
  EXPECT_TRUE(planned->changed());
  EXPECT_EQ(planned->policy().revision(), 1);
  EXPECT_EQ(planned->matched_nodes(), 1);
  EXPECT_EQ(store_.commits(), commits);
  EXPECT_EQ(GetNode("n1").desired_digest(), Sha256Hex(""));
}

TEST_F(FleetEngineTest, WhatCannotBeStoredChangesNothing) {
  FakeAgent agent = Connect("n1", kLab);
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(Apply(kPark).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(GetNode("n1").desired_digest(), Sha256Hex(""));
  EXPECT_THAT(agent.link->specs(), SizeIs(1));
  v1::GetPolicyRequest request;
  request.set_name("park");
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::GetPolicy, request).status()), "POLICY_NOT_FOUND");
}

TEST_F(FleetEngineTest, ADisagreementOfOneRankIsRefusedNamingBoth) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(Apply(kPark).ok());
  const absl::Status status =
      Apply(R"(name: "other" selector {nodes: "n1"} cpu {offline: "1"})").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(status), "POLICY_CONFLICT");
  for (const char* named : {"other", "park", "cpu.offline", "n1"}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(named));
  }
  EXPECT_EQ(counters_.policies, 1);
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "2-3");
  EXPECT_TRUE(Apply(R"(name: "other" priority: 1 selector {nodes: "n1"} cpu {offline: "1"})").ok());
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "1");
}

TEST_F(FleetEngineTest, ADisagreementOnALaterNodeIsShown) {
  ASSERT_TRUE(Apply(kPark).ok());
  ASSERT_TRUE(Apply(R"(name: "other" selector {nodes: "n1"} cpu {offline: "1"})").ok());
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_THAT(GetNode("n1").conflicts(), SizeIs(1));
  EXPECT_THAT(GetNode("n1").conflicts(0), HasSubstr("other"));
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "1");
}

TEST_F(FleetEngineTest, WarnsOfASelectorThatMatchesNothing) {
  FakeAgent agent = Connect("n1", R"(labels {key: "pool" value: "prod"})");
  const auto applied = Apply(kPark);
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->matched_nodes(), 0);
  EXPECT_THAT(applied->warnings(), ElementsAre(HasSubstr("pool=prod")));
}

TEST_F(FleetEngineTest, WarnsOfWhatMatchedNodesLack) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(agent.Say(kInventory).ok());
  const auto applied =
      Apply(R"(name: "p" selector {nodes: "n1"} cpu {offline: "0,3,9"} drivers {active: "nope"})");
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_THAT(applied->warnings(),
              ElementsAre(HasSubstr("CPUs 0 can't"), HasSubstr("CPUs 9 don't"), HasSubstr("nope")));
}

TEST_F(FleetEngineTest, ARefusedSpecIsNotPushedAgainUntilItChanges) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(Apply(kPark).ok());
  Settle();
  ASSERT_TRUE(Ack(agent, "cpu_offline: no").ok());
  EXPECT_EQ(counters_.spec_nacks.Counts().at("UNKNOWN"), 1);
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REFUSED);
  EXPECT_EQ(GetNode("n1").report().message(), "cpu_offline: no");
  // The agent goes on with the last good one and says so; the refusal still shows.
  ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLIED")).ok());
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REFUSED);

  // Not on a new stream of the same agent either.
  FakeAgent again = Connect("n1", absl::StrCat(kLab, "applied_digest: \"", Sha256Hex(""), "\""));
  EXPECT_THAT(again.link->specs(), IsEmpty());
  ASSERT_TRUE(
      Apply(R"(name: "park" selector {match_labels {key: "pool" value: "lab"}} cpu {offline: "2"})")
          .ok());
  Settle();
  EXPECT_THAT(again.link->specs(), SizeIs(1));
  EXPECT_NE(GetNode("n1").report().state(), v1::APPLY_STATE_REFUSED);
}

TEST_F(FleetEngineTest, ARefusalInAReportCountsToo) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(Apply(kPark).ok());
  Settle();
  ASSERT_TRUE(Ack(agent).ok());
  ASSERT_TRUE(agent.Say(Report(GetNode("n1").desired_digest(), "REFUSED")).ok());
  FakeAgent again = Connect("n1", kLab);
  EXPECT_THAT(again.link->specs(), IsEmpty());
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REFUSED);
}

TEST_F(FleetEngineTest, AnotherVersionOfTheAgentIsAskedAgain) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(Apply(kPark).ok());
  Settle();
  ASSERT_TRUE(Ack(agent, "no").ok());
  FakeAgent newer = Connect("n1", absl::StrCat(kLab, R"(agent_version: "2")"));
  EXPECT_THAT(newer.link->specs(), SizeIs(1));
}

TEST_F(FleetEngineTest, AStaleReceiptRefusesNothing) {
  FakeAgent agent = Connect("n1", kLab);
  v1::AgentMessage nack;
  nack.mutable_spec_ack()->set_digest(std::string(64, 'a'));
  nack.mutable_spec_ack()->add_errors("no");
  ASSERT_TRUE(agent.Say(nack).ok());
  for (const auto& [reason, count] : counters_.spec_nacks.Counts()) EXPECT_EQ(count, 0) << reason;
}

// An agent may have applied what is wanted, yet work towards something else that it was sent since.
TEST_F(FleetEngineTest, AReportOfAnotherTargetBringsThePush) {
  FakeAgent agent = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
  EXPECT_THAT(agent.link->specs(), IsEmpty());
  ASSERT_TRUE(agent.Say(Report(std::string(64, 'b'), "FAILED")).ok());
  Settle();
  ASSERT_THAT(agent.link->specs(), SizeIs(1));
  // Once pushed, older reports that are still on their way bring nothing more.
  ASSERT_TRUE(agent.Say(Report(std::string(64, 'b'), "FAILED")).ok());
  Settle();
  EXPECT_THAT(agent.link->specs(), SizeIs(1));
}

TEST_F(FleetEngineTest, AFailureIsNoLongerInSync) {
  FakeAgent agent = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
  ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "FAILED")).ok());
  EXPECT_FALSE(GetNode("n1").in_sync());
  ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLIED")).ok());
  EXPECT_TRUE(GetNode("n1").in_sync());
}

// What a failed spec has changed must be put back before the node is as it is to be.
TEST_F(FleetEngineTest, ATakenBackSpecIsNotInSyncUntilTheWayBackIsReported) {
  FakeAgent agent = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
  for (const char* state : {"APPLYING", "FAILED"}) {
    ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLIED")).ok());
    ASSERT_TRUE(agent.Say(Report(std::string(64, 'b'), state)).ok());
    EXPECT_FALSE(GetNode("n1").in_sync()) << state;
    ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLYING")).ok());
    EXPECT_FALSE(GetNode("n1").in_sync()) << state;
    ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLIED")).ok());
    EXPECT_TRUE(GetNode("n1").in_sync()) << state;
  }
}

TEST_F(FleetEngineTest, ARestartKnowsPoliciesHoldsAndNodes) {
  {
    FakeAgent agent = Connect("n1", kLab);
    ASSERT_TRUE(Apply(kPark).ok());
    ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_ONLINE)").ok());
  }
  Start();
  const v1::ListNodesResponse nodes = ListNodes();
  ASSERT_THAT(nodes.nodes(), SizeIs(1));
  EXPECT_FALSE(nodes.nodes(0).connected());
  EXPECT_FALSE(nodes.nodes(0).in_sync());
  EXPECT_FALSE(nodes.nodes(0).has_last_contact_time());
  EXPECT_EQ(nodes.nodes(0).labels().at("pool"), "lab");
  EXPECT_EQ(nodes.nodes(0).spec().cpu_offline(), "2");
  EXPECT_EQ(nodes.nodes(0).spec().cpu_online(), "3");
}

TEST_F(FleetEngineTest, NodesAreStoredOnlyWhenTheirLabelsChange) {
  FakeAgent first = Connect("n1", kLab);
  const int64_t commits = store_.commits();
  FakeAgent second = Connect("n1", kLab);
  EXPECT_EQ(store_.commits(), commits);
  FakeAgent third = Connect("n1");
  EXPECT_EQ(store_.commits(), commits + 1);
}

TEST_F(FleetEngineTest, NewLabelsBringNewPolicies) {
  ASSERT_TRUE(Apply(kPark).ok());
  FakeAgent first = Connect("n1");
  EXPECT_EQ(first.link->specs().back().digest(), Sha256Hex(""));
  FakeAgent second = Connect("n1", kLab);
  EXPECT_NE(second.link->specs().back().digest(), Sha256Hex(""));
}

TEST_F(FleetEngineTest, AHoldOutranksAPolicy) {
  FakeAgent agent = Connect("n1", kLab);
  ASSERT_TRUE(agent.Say(kInventory).ok());
  ASSERT_TRUE(Apply(kPark).ok());
  const auto set =
      SetHold(R"(node: "n1" subject: "cpu2" state: DEVICE_STATE_ONLINE reason: "debug")");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_TRUE(set->hold().has_create_time());
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "3");
  EXPECT_EQ(GetNode("n1").spec().cpu_online(), "2");

  v1::ReleaseHoldRequest request;
  request.set_node("n1");
  request.set_subject("cpu2");
  const auto released = Ask(&FleetEngine::ReleaseHold, request);
  ASSERT_TRUE(released.ok()) << released.status();
  EXPECT_EQ(released->hold().reason(), "debug");
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "2-3");
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::ReleaseHold, request).status()), "HOLD_NOT_FOUND");
}

TEST_F(FleetEngineTest, BlocksAndDevicesAreHeldToo) {
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(agent.Say(kInventory).ok());
  auto set = SetHold(R"(node: "n1" subject: "memory8" state: DEVICE_STATE_OFFLINE)");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->warnings(), IsEmpty());
  set = SetHold(R"(node: "n1" subject: "memory0" state: DEVICE_STATE_OFFLINE)");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_THAT(set->warnings(), ElementsAre(HasSubstr("not movable")));
  ASSERT_TRUE(
      SetHold(R"(node: "n1" subject: "container/PNP0A06:00" state: DEVICE_STATE_ONLINE)").ok());
  const v1::Node node = GetNode("n1");
  EXPECT_EQ(node.spec().memory_offline(), "0,8");
  EXPECT_THAT(node.spec().devices_online(), ElementsAre("container/PNP0A06:00"));
  // As after a restart: what is stored is what was answered.
  Start();
  EXPECT_EQ(GetNode("n1").desired_digest(), node.desired_digest());
}

// An agent would refuse the whole spec, and nothing of it would be kept up.
TEST_F(FleetEngineTest, AHoldThatMakesTheSpecTooLargeIsRefused) {
  FakeAgent agent = Connect("n1");
  std::string blocks = "1000001";
  while (blocks.size() < 16 * 1024 - 8) {
    absl::StrAppend(&blocks, ",", 1000003 + 2 * (blocks.size() / 8));
  }
  ASSERT_TRUE(Apply(absl::StrCat("name: \"p\" selector {nodes: \"n1\"} memory {offline_blocks: \"",
                                 blocks, "\"}"))
                  .ok());
  const std::string digest = GetNode("n1").desired_digest();
  const absl::Status status =
      SetHold(R"(node: "n1" subject: "memory20000000" state: DEVICE_STATE_OFFLINE)").status();
  EXPECT_EQ(ErrorReason(status), "SPEC_TOO_LARGE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("memory_offline"));
  EXPECT_EQ(store_.CountKeys("holds/"), 0u);
  EXPECT_EQ(GetNode("n1").desired_digest(), digest);
}

TEST_F(FleetEngineTest, SwitchingToADriverReplacesTheOneBefore) {
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(agent.Say(kInventory).ok());
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "driver/alucard" state: DEVICE_STATE_ONLINE)").ok());
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu1" state: DEVICE_STATE_ONLINE)").ok());
  const int64_t commits = store_.commits();
  const auto set = SetHold(R"(node: "n1" subject: "driver/Thermal" state: DEVICE_STATE_ONLINE)");
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->hold().subject(), "driver/thermal");
  ASSERT_THAT(set->replaced(), SizeIs(1));
  EXPECT_EQ(set->replaced(0).subject(), "driver/alucard");
  EXPECT_EQ(store_.commits(), commits + 1);
  EXPECT_THAT(GetNode("n1").spec().drivers_active(), ElementsAre("thermal"));
  EXPECT_EQ(counters_.holds, 2);
}

TEST_F(FleetEngineTest, HoldsThatCannotWorkAreRefusedWithTheCause) {
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(agent.Say(kInventory).ok());
  const struct {
    const char* hold;
    const char* reason;
    const char* text;
  } kCases[] = {
      {R"(node: "n9" subject: "cpu1" state: DEVICE_STATE_OFFLINE)", "NODE_NOT_FOUND", "n9"},
      {R"(node: "n1" subject: "cpu99" state: DEVICE_STATE_OFFLINE)", "DEVICE_NOT_FOUND", "0-3"},
      {R"(node: "n1" subject: "cpu0" state: DEVICE_STATE_OFFLINE)", "NOT_HOTPLUGGABLE", "online"},
      {R"(node: "n1" subject: "driver/x" state: DEVICE_STATE_ONLINE)", "DRIVER_NOT_REGISTERED",
       "Alucard, thermal"},
      {R"(node: "n1" subject: "memory16" state: DEVICE_STATE_OFFLINE)", "DEVICE_NOT_FOUND", "0-15"},
      {R"(node: "n1" subject: "container/x" state: DEVICE_STATE_OFFLINE)", "DEVICE_NOT_FOUND",
       "container/PNP0A06:00"},
      {R"(node: "n1" subject: "container/fixed" state: DEVICE_STATE_OFFLINE)", "NOT_HOTPLUGGABLE",
       "container/fixed"},
      {R"(node: "n1" subject: "smt" state: DEVICE_STATE_OFFLINE)", "INVALID_FIELD", "cpu.smt"},
      {R"(node: "n1" subject: "cpu1")", "INVALID_FIELD", "hold.state"},
  };
  for (const auto& test : kCases) {
    const absl::Status status = SetHold(test.hold).status();
    EXPECT_EQ(ErrorReason(status), test.reason);
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.text));
  }
  ASSERT_TRUE(agent
                  .Say(R"(inventory {cpus_present: "0-1" cpus_online: "1"
                          devices {name: "cpu1" kind: DEVICE_KIND_CPU hotpluggable: true}})")
                  .ok());
  EXPECT_EQ(
      ErrorReason(SetHold(R"(node: "n1" subject: "cpu1" state: DEVICE_STATE_OFFLINE)").status()),
      "LAST_ONLINE_CPU");
  const absl::Status no_memory =
      SetHold(R"(node: "n1" subject: "memory8" state: DEVICE_STATE_OFFLINE)").status();
  EXPECT_EQ(ErrorReason(no_memory), "NOT_HOTPLUGGABLE");
  EXPECT_THAT(std::string(no_memory.message()), HasSubstr("no memory hotplug"));
  EXPECT_EQ(store_.CountKeys("holds/"), 0u);
}

TEST_F(FleetEngineTest, HoldsAreListedByNodeAndSubjectInPages) {
  FakeAgent a = Connect("a");
  FakeAgent b = Connect("b.c");
  for (const char* hold : {R"(node: "b.c" subject: "cpu1" state: DEVICE_STATE_OFFLINE)",
                           R"(node: "a" subject: "driver/x" state: DEVICE_STATE_OFFLINE)",
                           R"(node: "a" subject: "cpu1" state: DEVICE_STATE_OFFLINE)"}) {
    ASSERT_TRUE(SetHold(hold).ok());
  }
  std::vector<std::string> seen;
  v1::ListHoldsRequest request;
  request.set_page_size(1);
  do {
    const auto page = Ask(&FleetEngine::ListHolds, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::Hold& hold : page->holds()) seen.push_back(hold.node() + "/" + hold.subject());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(seen, ElementsAre("a/cpu1", "a/driver/x", "b.c/cpu1"));
  request.Clear();
  request.mutable_filter()->set_node("b.c");
  EXPECT_THAT(Ask(&FleetEngine::ListHolds, request)->holds(), SizeIs(1));
}

TEST_F(FleetEngineTest, NodesAreListedInPagesAndByPolicy) {
  FakeAgent a = Connect("a", kLab);
  FakeAgent b = Connect("b");
  FakeAgent c = Connect("c", kLab);
  ASSERT_TRUE(a.Say(kInventory).ok());
  ASSERT_TRUE(Apply(kPark).ok());
  v1::ListNodesRequest request;
  request.set_page_size(2);
  auto page = Ask(&FleetEngine::ListNodes, request);
  ASSERT_THAT(page->nodes(), SizeIs(2));
  request.set_page_token(page->next_page_token());
  page = Ask(&FleetEngine::ListNodes, request);
  ASSERT_THAT(page->nodes(), SizeIs(1));
  EXPECT_EQ(page->nodes(0).name(), "c");
  EXPECT_EQ(page->next_page_token(), "");

  request.Clear();
  request.mutable_filter()->set_policy("park");
  request.set_summary_only(true);
  page = Ask(&FleetEngine::ListNodes, request);
  ASSERT_THAT(page->nodes(), SizeIs(2));
  EXPECT_EQ(page->nodes(1).name(), "c");
  EXPECT_FALSE(page->nodes(0).has_inventory());
  EXPECT_FALSE(page->nodes(0).has_spec());
  EXPECT_NE(page->nodes(0).desired_digest(), "");

  request.mutable_filter()->set_policy("none");
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::ListNodes, request).status()), "POLICY_NOT_FOUND");
  request.Clear();
  request.set_page_token("nonsense");
  EXPECT_EQ(ErrorFieldViolations(Ask(&FleetEngine::ListNodes, request).status())[0].field,
            "page_token");
  request.Clear();
  request.set_page_size(-1);
  EXPECT_EQ(ErrorFieldViolations(Ask(&FleetEngine::ListNodes, request).status())[0].field,
            "page_size");
}

TEST_F(FleetEngineTest, APageStaysBelowTheSizeThatClientsTake) {
  std::string nodes;
  for (int i = 0; i < 1000; ++i)
    absl::StrAppend(&nodes, "nodes: \"", std::string(60, 'n'), i, "\" ");
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        Apply(absl::StrCat("name: \"p", i, "\" selector {", nodes, "} cpu {offline: \"1\"}")).ok());
  }
  v1::ListPoliciesRequest request;
  size_t seen = 0;
  do {
    const auto page = Ask(&FleetEngine::ListPolicies, request);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LT(page->ByteSizeLong(), 600u * 1024);
    seen += static_cast<size_t>(page->policies_size());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, 20u);
}

TEST_F(FleetEngineTest, ANodeIsDeletedOnlyWhenGoneAndWithoutHolds) {
  FakeAgent agent = Connect("n1");
  v1::DeleteNodeRequest request;
  request.set_name("n1");
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::DeleteNode, request).status()), "NODE_CONNECTED");
  request.set_validate_only(true);
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::DeleteNode, request).status()), "NODE_CONNECTED");
  request.set_validate_only(false);
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu1" state: DEVICE_STATE_OFFLINE)").ok());
  agent.session->OnClosed(agent.link.get());
  const absl::Status held = Ask(&FleetEngine::DeleteNode, request).status();
  EXPECT_EQ(ErrorReason(held), "NODE_HAS_HOLDS");
  EXPECT_THAT(std::string(held.message()), HasSubstr("cpu1"));
  v1::ReleaseHoldRequest release;
  release.set_node("n1");
  release.set_subject("cpu1");
  ASSERT_TRUE(Ask(&FleetEngine::ReleaseHold, release).ok());

  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(Ask(&FleetEngine::DeleteNode, request).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(ListNodes().nodes(), SizeIs(1));
  store_.FailCommits(absl::OkStatus());
  request.set_validate_only(true);
  EXPECT_EQ(Ask(&FleetEngine::DeleteNode, request)->node().name(), "n1");
  EXPECT_THAT(ListNodes().nodes(), SizeIs(1));
  request.set_validate_only(false);
  EXPECT_TRUE(Ask(&FleetEngine::DeleteNode, request).ok());
  EXPECT_THAT(ListNodes().nodes(), IsEmpty());
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::DeleteNode, request).status()), "NODE_NOT_FOUND");
  Start();
  EXPECT_THAT(ListNodes().nodes(), IsEmpty());
}

TEST_F(FleetEngineTest, AfterTheEndRequestsAreRefused) {
  engine_->Stop();
  EXPECT_EQ(ErrorReason(Apply(kPark).status()), "SHUTTING_DOWN");
}

TEST_F(FleetEngineTest, AFullQueueRefusesRequestsButNoArrivals) {
  std::promise<void> entered;
  std::promise<void> release;
  engine_->ListHolds({}, [&](const absl::StatusOr<v1::ListHoldsResponse>&) {
    entered.set_value();
    release.get_future().wait();
  });
  entered.get_future().wait();
  std::atomic<int> refused{0};
  for (size_t i = 0; i < FleetEngine::kQueueCapacity + 5; ++i) {
    engine_->ListHolds({}, [&refused](const absl::StatusOr<v1::ListHoldsResponse>& answer) {
      if (ErrorReason(answer.status()) == "QUEUE_FULL") ++refused;
    });
  }
  EXPECT_EQ(refused, 5);
  FakeAgent agent = NewAgent();
  ASSERT_TRUE(agent.Say(R"(hello {node: "n1" boot_id: "b"})").ok());
  release.set_value();
  engine_->Stop();
  EXPECT_THAT(agent.link->specs(), SizeIs(1));
}

// Arrivals, reports and requests at once: for the thread sanitizer.
TEST_F(FleetEngineTest, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int round = 0; round < 25; ++round) {
        FakeAgent agent = NewAgent();
        ASSERT_TRUE(agent.session->OnOpened(agent.link).ok());
        ASSERT_TRUE(
            agent.Say(absl::StrCat("hello {node: \"n", i, "\" boot_id: \"b\" ", kLab, "}")).ok());
        ASSERT_TRUE(agent.Say(kInventory).ok());
        ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLIED")).ok());
        ASSERT_TRUE(Apply(absl::StrCat("name: \"p", i, "\" selector {nodes: \"n", i,
                                       "\"} cpu {offline: \"", round % 3 + 1, "\"}"))
                        .ok());
        agent.session->OnClosed(agent.link.get());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(ListNodes().nodes(), SizeIs(4));
}

}  // namespace
}  // namespace hotplugger::server
