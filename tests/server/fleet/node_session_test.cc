// Streams and the registry, without an engine's answer in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/error_info.h"
#include "server/fleet/liveness_timer.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class NodeSessionTest : public FleetFixture {};

TEST_F(NodeSessionTest, HelloIsAnsweredWithWelcome) {
  FakeAgent agent = Connect("n1");
  ASSERT_FALSE(agent.link->sent().empty());
  const v1::ControllerMessage welcome = agent.link->sent()[0];
  EXPECT_EQ(welcome.epoch(), kEpoch);
  EXPECT_EQ(welcome.welcome().ping_interval().seconds(), 20);
  EXPECT_EQ(welcome.welcome().fleet_id(), kFleetId);
  EXPECT_EQ(welcome.welcome().epoch_id(), "start-7");
}

TEST_F(NodeSessionTest, AnythingElseFirstIsAnError) {
  FakeAgent agent = NewAgent();
  EXPECT_EQ(ErrorReason(agent.Say("pong {}")), "HELLO_EXPECTED");
  EXPECT_EQ(ErrorReason(agent.Say("")), "HELLO_EXPECTED");
  EXPECT_THAT(ListNodes().nodes(), IsEmpty());
}

TEST_F(NodeSessionTest, ASecondHelloIsAnError) {
  FakeAgent agent = Connect("n1");
  EXPECT_EQ(ErrorReason(agent.Say(R"(hello {node: "n1" boot_id: "b"})")), "HELLO_REPEATED");
}

TEST_F(NodeSessionTest, ABadHelloIsToldAllThatIsWrong) {
  FakeAgent agent = NewAgent();
  const absl::Status status =
      agent.Say(R"(hello {node: "N1" labels {key: "a b" value: "\n"} applied_digest: "x"
                          instance_id: "\n"})");
  std::vector<std::string> fields;
  for (const auto& violation : ErrorFieldViolations(status)) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("hello.node", "hello.boot_id", "hello.labels",
                                             "hello.labels[a b]", "hello.applied_digest",
                                             "hello.instance_id"));
  EXPECT_THAT(ListNodes().nodes(), IsEmpty());
}

TEST_F(NodeSessionTest, AnAgentThatHasObeyedALaterControllerIsNamed) {
  FakeAgent agent = NewAgent();
  const absl::Status status = agent.Say(R"(hello {node: "n1" boot_id: "b" largest_epoch: 8})");
  EXPECT_EQ(ErrorReason(status), "EPOCH_BEHIND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("epoch 8"));
}

TEST_F(NodeSessionTest, ANodeThatIsTurnedAwayShowsWhyUntilItIsTaken) {
  FakeAgent agent = NewAgent();
  const std::string hello = R"(hello {node: "n1" boot_id: "b" labels {key: "pool" value: "lab"} )";
  const absl::Status refusal =
      agent.Say(hello + R"(fleet_id: "fleet-2" largest_epoch: 3 epoch_id: "x"})");
  EXPECT_EQ(ErrorReason(refusal), "FLEET_MISMATCH");
  const v1::Node shown = GetNode("n1");
  EXPECT_FALSE(shown.connected());
  EXPECT_EQ(shown.labels().at("pool"), "lab");
  ASSERT_THAT(shown.conditions(), SizeIs(1));
  EXPECT_EQ(shown.conditions(0).type(), "TURNED_AWAY");
  EXPECT_EQ(shown.conditions(0).message(), refusal.message());
  EXPECT_EQ(shown.conditions(0).since_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  FakeAgent taken = NewAgent();
  ASSERT_TRUE(
      taken.Say(hello + R"(fleet_id: "fleet-1" largest_epoch: 7 epoch_id: "start-7"})").ok());
  Settle();
  EXPECT_TRUE(GetNode("n1").connected());
  EXPECT_THAT(GetNode("n1").conditions(), IsEmpty());
}

TEST_F(NodeSessionTest, AHostOfAnotherFleetMarksNoConnectedNodeAsTurnedAway) {
  FakeAgent known = Connect("n1", R"(labels {key: "pool" value: "lab"})");
  FakeAgent agent = NewAgent();
  EXPECT_EQ(ErrorReason(agent.Say(R"(hello {node: "n1" boot_id: "clone" fleet_id: "fleet-2"
                                          labels {key: "pool" value: "web"}})")),
            "FLEET_MISMATCH");
  const v1::Node shown = GetNode("n1");
  EXPECT_TRUE(shown.connected());
  EXPECT_EQ(shown.labels().at("pool"), "lab");
  EXPECT_EQ(known.link->closes(), 0);
  ASSERT_THAT(shown.conditions(), SizeIs(1));
  EXPECT_EQ(shown.conditions(0).type(), "NAME_IN_USE");
  EXPECT_THAT(shown.conditions(0).message(), HasSubstr("clone"));
  EXPECT_THAT(shown.conditions(0).message(), Not(HasSubstr("take-over")));
}

TEST_F(NodeSessionTest, StrangersAreShownAndCountForNothing) {
  max_nodes_ = 1;
  Start();
  const std::string hello =
      R"(boot_id: "b" fleet_id: "fleet-2" labels {key: "pool" value: "lab"}})";
  EXPECT_FALSE(NewAgent().Say(R"(hello {node: "n2" )" + hello).ok());
  EXPECT_FALSE(NewAgent().Say(R"(hello {node: "n3" )" + hello).ok()) << "more than fit";
  EXPECT_THAT(ListNodes().nodes(), SizeIs(1));
  const auto applied =
      Apply(R"(name: "p" selector {match_labels {key: "pool" value: "lab"}} cpu {offline: "1"})");
  ASSERT_TRUE(applied.ok()) << applied.status();
  EXPECT_EQ(applied->matched_nodes(), 0);
  EXPECT_TRUE(SetHold(R"(node: "n2" subject: "cpu3" state: DEVICE_STATE_OFFLINE)").ok())
      << "so that holds can be set before a take-over";
  FakeAgent first = Connect("n1");
  EXPECT_THAT(ListNodes().nodes(), SizeIs(2));
  // It doesn't come back.
  clock_.Advance(NodeRegistry::kStrangerMemory + absl::Seconds(1));
  RunPingRound(registry_.get(), kEpoch, 0, 1);
  ASSERT_THAT(ListNodes().nodes(), SizeIs(1));
  EXPECT_EQ(ListNodes().nodes(0).name(), "n1");
}

TEST_F(NodeSessionTest, AStrangerThatIsTakenIsAMember) {
  FakeAgent agent = NewAgent();
  EXPECT_FALSE(agent.Say(R"(hello {node: "n1" boot_id: "b" fleet_id: "fleet-2"})").ok());
  FakeAgent taken = Connect("n1");
  EXPECT_THAT(registry_->Snapshot(), SizeIs(1));
}

TEST_F(NodeSessionTest, AnAgentThatWasStartedAnewDisplacesTheOneBefore) {
  FakeAgent before = Connect("n1", R"(instance_id: "one")");
  FakeAgent anew = Connect("n1", R"(instance_id: "two")");
  EXPECT_EQ(before.link->closes(), 1);
  FakeAgent again = Connect("n1", R"(instance_id: "two")");
  EXPECT_EQ(anew.link->closes(), 1);
  EXPECT_THAT(GetNode("n1").conditions(), IsEmpty());
}

TEST_F(NodeSessionTest, OfTwoAgentsOfOneBootTheLaterStaysAndTheOtherIsNamed) {
  FakeAgent first = Connect("n1", R"(instance_id: "one")");
  FakeAgent second = Connect("n1", R"(instance_id: "two")");
  FakeAgent back = NewAgent();
  const std::string hello = R"(hello {node: "n1" boot_id: "boot-n1" instance_id: "one"})";
  const absl::Status refusal = back.Say(hello);
  EXPECT_EQ(ErrorReason(refusal), "NODE_NAME_TAKEN");
  EXPECT_THAT(std::string(refusal.message()), HasSubstr("another agent"));
  EXPECT_EQ(second.link->closes(), 0);
  ASSERT_THAT(GetNode("n1").conditions(), SizeIs(1));
  EXPECT_EQ(GetNode("n1").conditions(0).type(), "NAME_IN_USE");
  // The other one has given up.
  clock_.Advance(NodeRegistry::kNameInUseMemory + absl::Seconds(1));
  RunPingRound(registry_.get(), kEpoch, 1, 1);
  EXPECT_THAT(GetNode("n1").conditions(), IsEmpty());
  // Or the name is free.
  EXPECT_FALSE(NewAgent().Say(hello).ok());
  second.session->OnClosed(second.link.get());
  FakeAgent third = NewAgent();
  EXPECT_TRUE(third.Say(hello).ok());
  EXPECT_THAT(GetNode("n1").conditions(), IsEmpty());
}

TEST_F(NodeSessionTest, ConditionsThatANodeReportsAreShown) {
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(
      agent.Say(R"(inventory {conditions {type: "STATE_NOT_SAVED" message: "disk full"}})").ok());
  ASSERT_THAT(GetNode("n1").conditions(), SizeIs(1));
  EXPECT_EQ(GetNode("n1").conditions(0).message(), "disk full");
  std::string many = "inventory {";
  for (int i = 0; i < 17; ++i) absl::StrAppend(&many, "conditions {type: \"T", i, "\"}");
  ASSERT_TRUE(agent.Say(many + "}").ok());
  EXPECT_THAT(GetNode("n1").conditions(), SizeIs(1));
}

TEST_F(NodeSessionTest, TheSameHostDisplacesItsOlderStream) {
  FakeAgent older = Connect("n1");
  FakeAgent newer = Connect("n1");
  EXPECT_EQ(older.link->closes(), 1);
  EXPECT_EQ(ErrorReason(older.link->close_status()), "SESSION_SUPERSEDED");
  EXPECT_EQ(older.link->close_status().code(), absl::StatusCode::kAborted);
  // The older stream's end comes late and must not take the newer with it.
  older.session->OnClosed(older.link.get());
  EXPECT_TRUE(GetNode("n1").connected());
  newer.session->OnClosed(newer.link.get());
  EXPECT_FALSE(GetNode("n1").connected());
}

TEST_F(NodeSessionTest, ASecondHostOfTheNameIsRefused) {
  FakeAgent first = Connect("n1");
  FakeAgent second = NewAgent();
  const absl::Status status = second.Say(R"(hello {node: "n1" boot_id: "other"})");
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrorReason(status), "NODE_NAME_TAKEN");
  EXPECT_THAT(std::string(status.message()), HasSubstr("boot-n1"));
  EXPECT_EQ(first.link->closes(), 0);
  second.session->OnClosed(second.link.get());
  EXPECT_TRUE(GetNode("n1").connected());

  // Once the first is gone the name is free.
  first.session->OnClosed(first.link.get());
  FakeAgent third = NewAgent();
  EXPECT_TRUE(third.Say(R"(hello {node: "n1" boot_id: "other"})").ok());
}

TEST_F(NodeSessionTest, MessagesOfADisplacedStreamAreIgnored) {
  FakeAgent older = Connect("n1");
  FakeAgent newer = Connect("n1");
  EXPECT_TRUE(older.Say(R"(inventory {cpus_present: "0-7"})").ok());
  EXPECT_FALSE(GetNode("n1").has_inventory());
}

TEST_F(NodeSessionTest, NodesAreBounded) {
  max_nodes_ = 1;
  Start();
  FakeAgent first = Connect("n1");
  FakeAgent second = NewAgent();
  const absl::Status status = second.Say(R"(hello {node: "n2" boot_id: "b"})");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), "TOO_MANY_NODES");
  EXPECT_TRUE(status.GetPayload("type.googleapis.com/google.rpc.RetryInfo").has_value());
}

TEST_F(NodeSessionTest, InsaneInventoriesAndReportsAreNotKept) {
  FakeAgent agent = Connect("n1");
  EXPECT_TRUE(agent.Say(R"(inventory {cpus_present: "7-0"})").ok());
  EXPECT_TRUE(agent.Say(R"(inventory {memory {blocks_online: "x"}})").ok());
  EXPECT_TRUE(agent.Say(R"(report {digest: "short" state: APPLY_STATE_APPLIED})").ok());
  EXPECT_TRUE(agent.Say(absl::StrCat("report {digest: \"", std::string(64, 'a'), "\"}")).ok());
  EXPECT_TRUE(agent
                  .Say(absl::StrCat("report {digest: \"", std::string(64, 'a'),
                                    "\" state: APPLY_STATE_APPLIED drift_count: -1}"))
                  .ok());
  EXPECT_TRUE(agent
                  .Say(absl::StrCat("report {digest: \"", std::string(64, 'a'),
                                    "\" state: APPLY_STATE_APPLIED drift_counts {count: -1}}"))
                  .ok());
  EXPECT_FALSE(GetNode("n1").has_inventory());
  EXPECT_FALSE(GetNode("n1").has_report());
}

TEST_F(NodeSessionTest, EveryMessageIsASignOfLife) {
  FakeAgent agent = Connect("n1");
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(agent.Say("pong {}").ok());
  EXPECT_EQ(GetNode("n1").last_contact_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
}

TEST_F(NodeSessionTest, ASilentStreamIsEnded) {
  FakeAgent silent = Connect("n1");
  FakeAgent alive = Connect("n2");
  for (uint64_t i = 0; i < NodeRegistry::kMissedPings; ++i) {
    RunPingRound(registry_.get(), kEpoch, i, 1);
    ASSERT_TRUE(alive.Say("pong {}").ok());
  }
  EXPECT_EQ(silent.link->closes(), 0);
  RunPingRound(registry_.get(), kEpoch, 9, 1);
  EXPECT_EQ(silent.link->closes(), 1);
  EXPECT_EQ(ErrorReason(silent.link->close_status()), "NODE_SILENT");
  EXPECT_FALSE(GetNode("n1").connected());
  EXPECT_EQ(alive.link->closes(), 0);
  EXPECT_EQ(alive.link->sent().back().ping().sequence(), 9u);
  EXPECT_EQ(alive.link->sent().back().epoch(), kEpoch);
}

TEST_F(NodeSessionTest, EveryNodeIsPingedOnceAnInterval) {
  FakeAgent a = Connect("a");
  FakeAgent b = Connect("b");
  const size_t before = a.link->sent().size() + b.link->sent().size();
  for (uint64_t i = 0; i < 10; ++i) RunPingRound(registry_.get(), kEpoch, i, 10);
  EXPECT_EQ(a.link->sent().size() + b.link->sent().size(), before + 2);
}

TEST_F(NodeSessionTest, EveryPingAsksForMetrics) {
  FakeAgent agent = Connect("n1");
  for (uint64_t i = 0; i < 2; ++i) {
    RunPingRound(registry_.get(), kEpoch, i, 1);
    EXPECT_TRUE(agent.link->sent().back().ping().wants_metrics());
  }
}

TEST_F(NodeSessionTest, MetricsAreAddedUpByRunsOfAgentsAndAreASignOfLife) {
  FakeAgent agent = Connect("n1", R"(instance_id: "one")");
  clock_.Advance(absl::Seconds(5));
  ASSERT_TRUE(agent.Say("metrics {}").ok());
  ASSERT_TRUE(agent.Say("metrics {uevents_received: 5}").ok());
  EXPECT_EQ(totals_.Counts().uevents_received, 5);
  EXPECT_EQ(GetNode("n1").last_contact_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  // The same run on another stream, then the next run.
  FakeAgent again = Connect("n1", R"(instance_id: "one")");
  ASSERT_TRUE(again.Say("metrics {uevents_received: 6}").ok());
  EXPECT_EQ(totals_.Counts().uevents_received, 6);
  FakeAgent next = Connect("n1", R"(instance_id: "two")");
  ASSERT_TRUE(next.Say("metrics {uevents_received: 4}").ok());
  EXPECT_EQ(totals_.Counts().uevents_received, 10);
  // What comes late on a stream that isn't the node's any more.
  ASSERT_TRUE(again.Say("metrics {uevents_received: 60}").ok());
  EXPECT_EQ(totals_.Counts().uevents_received, 10);
}

TEST_F(NodeSessionTest, MetricsThatAreTooLargeAreIgnored) {
  FakeAgent agent = Connect("n1");
  v1::AgentMessage message;
  message.mutable_metrics()->add_drift()->set_actor(std::string(64 * 1024, 'a'));
  clock_.Advance(absl::Seconds(5));
  EXPECT_TRUE(agent.Say(message).ok());
  EXPECT_EQ(totals_.known_nodes(), 0u);
  EXPECT_EQ(GetNode("n1").last_contact_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
}

TEST_F(NodeSessionTest, ADeletedNodesMetricsAreForgotten) {
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(agent.Say("metrics {}").ok());
  EXPECT_EQ(totals_.known_nodes(), 1u);
  registry_->Detach({"n1", 1});
  v1::DeleteNodeRequest request;
  request.set_name("n1");
  const auto deleted = Ask(&FleetEngine::DeleteNode, request);
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(totals_.known_nodes(), 0u);
  // The stream's end is not known to gRPC yet.
  ASSERT_TRUE(agent.Say("metrics {}").ok());
  EXPECT_EQ(totals_.known_nodes(), 0u);
}

TEST_F(NodeSessionTest, AnEndlessReceiptIsCut) {
  FakeAgent agent = Connect("n1");
  const v1::Spec spec = agent.link->specs().back();
  v1::AgentMessage message;
  v1::SpecAck& ack = *message.mutable_spec_ack();
  ack.set_nonce(std::string(100'000, 'n'));
  ack.set_digest(spec.digest());
  ack.set_reason(std::string(100'000, 'R'));
  ack.add_errors("no");
  ASSERT_TRUE(agent.Say(message).ok());
  EXPECT_THAT(GetNode("n1").report().message(), HasSubstr("more errors than are kept"));
  EXPECT_EQ(counters_.spec_nacks.Counts().at("OTHER"), 1);
}

// Not on many streams either.
TEST_F(NodeSessionTest, ANodeBringsInFewReasonsOfReceipts) {
  for (int i = 0; i < 30; ++i) {
    Start();
    FakeAgent agent = Connect("n1");
    const v1::Spec spec = agent.link->specs().back();
    v1::AgentMessage message;
    message.mutable_spec_ack()->set_nonce(spec.nonce());
    message.mutable_spec_ack()->set_digest(spec.digest());
    message.mutable_spec_ack()->set_reason(absl::StrCat("R", i));
    message.mutable_spec_ack()->add_errors("no");
    ASSERT_TRUE(agent.Say(message).ok());
  }
  const std::map<std::string, int64_t> counts = counters_.spec_nacks.Counts();
  EXPECT_EQ(counts.count("R7"), 1u);
  EXPECT_EQ(counts.count("R8"), 0u);
  EXPECT_EQ(counts.at("OTHER"), 22);
}

TEST_F(NodeSessionTest, WhereMetricsAreServedIsShown) {
  FakeAgent agent = Connect("n1", R"(metrics_address: "host.example:9416")");
  EXPECT_EQ(GetNode("n1").metrics_address(), "host.example:9416");
  EXPECT_EQ(ListNodes().nodes(0).metrics_address(), "host.example:9416");
  FakeAgent moved = Connect("n1", R"(metrics_address: "[fd00::1]:1")");
  EXPECT_EQ(GetNode("n1").metrics_address(), "[fd00::1]:1");
  FakeAgent closed = Connect("n1");
  EXPECT_EQ(GetNode("n1").metrics_address(), "");
}

TEST_F(NodeSessionTest, AnAddressOfMetricsThatIsNoneIsRefused) {
  for (const std::string& address :
       {std::string("host"), std::string(":9416"), std::string("host:"), std::string("host:0"),
        std::string("host:65536"), std::string("host:+1"), std::string("host:9416/metrics"),
        std::string("a b:1"), std::string(R"(a\n:1)"), std::string("0.0.0.0:1"),
        std::string("[host]:1"), std::string(254, 'a') + ":1"}) {
    const absl::Status status = NewAgent().Say(
        absl::StrCat(R"(hello {node: "n1" boot_id: "b" metrics_address: ")", address, R"("})"));
    ASSERT_THAT(ErrorFieldViolations(status), SizeIs(1)) << address;
    EXPECT_EQ(ErrorFieldViolations(status)[0].field, "hello.metrics_address");
  }
  EXPECT_TRUE(NewAgent()
                  .Say(absl::StrCat(R"(hello {node: "n1" boot_id: "b" metrics_address: ")",
                                    std::string(253, 'a'), R"(:1"})"))
                  .ok());
}

TEST_F(NodeSessionTest, WhereMetricsAreServedOutlivesARestartAndIsStoredOnce) {
  const std::string hello = R"(labels {key: "pool" value: "lab"} metrics_address: "n1:9416")";
  { FakeAgent agent = Connect("n1", hello); }
  Start();
  EXPECT_FALSE(GetNode("n1").connected());
  EXPECT_EQ(GetNode("n1").metrics_address(), "n1:9416");
  const int64_t commits = store_.commits();
  FakeAgent same = Connect("n1", hello);
  EXPECT_EQ(store_.commits(), commits) << "the store has it";
  FakeAgent moved = Connect("n1", R"(labels {key: "pool" value: "lab"} metrics_address: "n1:1")");
  EXPECT_EQ(store_.commits(), commits + 1);
  FakeAgent again = Connect("n1", R"(labels {key: "pool" value: "lab"} metrics_address: "n1:1")");
  EXPECT_EQ(store_.commits(), commits + 1);
  FakeAgent closed = Connect("n1", R"(labels {key: "pool" value: "lab"})");
  EXPECT_EQ(store_.commits(), commits + 2);
  Start();
  EXPECT_EQ(GetNode("n1").metrics_address(), "");
  EXPECT_EQ(GetNode("n1").labels().at("pool"), "lab");
}

TEST_F(NodeSessionTest, AStreamWithoutHelloIsEnded) {
  FakeAgent agent = NewAgent();
  ASSERT_TRUE(agent.session->OnOpened(agent.link).ok());
  RunPingRound(registry_.get(), kEpoch, 0, 1);
  EXPECT_EQ(agent.link->closes(), 0);
  RunPingRound(registry_.get(), kEpoch, 0, 1);
  EXPECT_EQ(agent.link->closes(), 1);
}

TEST_F(NodeSessionTest, StreamsWithoutHelloAreBounded) {
  std::vector<FakeAgent> agents;
  for (size_t i = 0; i < NodeRegistry::kMaxWaiting; ++i) {
    agents.push_back(NewAgent());
    ASSERT_TRUE(agents.back().session->OnOpened(agents.back().link).ok());
  }
  FakeAgent last = NewAgent();
  EXPECT_EQ(ErrorReason(last.session->OnOpened(last.link)), "TOO_MANY_STREAMS");
  // One that has ended makes room.
  agents[0].session->OnClosed(agents[0].link.get());
  EXPECT_TRUE(last.session->OnOpened(last.link).ok());
}

// A node that has carried out a change must hear from its controller, or goes back.
class SpecTrialTest : public FleetFixture {
 protected:
  static constexpr char kPark[] =
      R"(name: "park" selector {nodes: "n1"} cpu {offline: "3"} confirm {seconds: 30})";

  static std::string Report(const std::string& digest, const std::string& rest) {
    return absl::StrCat("report {digest: \"", digest, "\" state: APPLY_STATE_", rest, "}");
  }

  static std::vector<std::string> Confirmations(const FakeAgent& agent) {
    std::vector<std::string> digests;
    for (const v1::ControllerMessage& message : agent.link->sent()) {
      if (!message.has_spec_confirmation()) continue;
      EXPECT_EQ(message.epoch(), kEpoch);
      digests.push_back(message.spec_confirmation().digest());
    }
    return digests;
  }

  // A node that was sent kPark and has taken it.
  FakeAgent ConnectAndPark() {
    FakeAgent agent = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
    EXPECT_TRUE(Apply(kPark).ok());
    Settle();
    parked_ = GetNode("n1").desired_digest();
    Ack(agent);
    return agent;
  }

  static void Ack(FakeAgent& agent, const std::string& error = "") {
    const v1::Spec spec = agent.link->specs().back();
    v1::AgentMessage message;
    message.mutable_spec_ack()->set_nonce(spec.nonce());
    message.mutable_spec_ack()->set_digest(spec.digest());
    if (!error.empty()) message.mutable_spec_ack()->add_errors(error);
    EXPECT_TRUE(agent.Say(message).ok());
  }

  void GiveUp(FakeAgent& agent, const std::string& state = "REVERTED") {
    EXPECT_TRUE(agent.Say(Report(parked_, state + " message: \"cut off\"")).ok());
    EXPECT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLIED")).ok());
    Settle();
  }

  // The same, with an item of it; `rest` is more of the report of the spec that is in force again.
  void GiveUpBy(FakeAgent& agent, const std::string& state, const std::string& rest) {
    EXPECT_TRUE(agent.Say(Report(parked_, state + R"( items {subject: "cpu3"})")).ok());
    EXPECT_TRUE(
        agent.Say(Report(Sha256Hex(""), R"(APPLIED items {subject: "cpu1"} items {})" + rest))
            .ok());
    Settle();
  }

  std::string parked_;
};

TEST_F(SpecTrialTest, TheConfirmWindowTravelsWithTheSpec) {
  FakeAgent agent = Connect("n1");
  EXPECT_FALSE(agent.link->specs().back().has_confirm_window());
  ASSERT_TRUE(Apply(kPark).ok());
  Settle();
  EXPECT_EQ(agent.link->specs().back().confirm_window().seconds(), 30);
}

TEST_F(SpecTrialTest, AReportOfTheDesiredSpecIsConfirmedWhetherAppliedOrFailed) {
  FakeAgent agent = ConnectAndPark();
  ASSERT_TRUE(agent.Say(Report(parked_, "APPLIED")).ok());
  EXPECT_THAT(Confirmations(agent), IsEmpty()) << "it waits for none";
  ASSERT_TRUE(agent.Say(Report(parked_, "FAILED awaits_confirmation: true")).ok());
  EXPECT_THAT(Confirmations(agent), ElementsAre(parked_));
  ASSERT_TRUE(agent.Say(Report(parked_, "APPLIED awaits_confirmation: true")).ok());
  EXPECT_THAT(Confirmations(agent), ElementsAre(parked_, parked_));
}

// That the node can be reached is what a confirmation tells, whatever it is to be by now.
TEST_F(SpecTrialTest, AReportIsConfirmedThoughAnotherSpecIsDesiredAndRefused) {
  FakeAgent agent = ConnectAndPark();
  ASSERT_TRUE(Apply(R"(name: "park" selector {nodes: "n1"} cpu {offline: "2"})").ok());
  Settle();
  Ack(agent, "no");
  ASSERT_NE(GetNode("n1").desired_digest(), parked_);
  ASSERT_TRUE(agent.Say(Report(parked_, "APPLIED awaits_confirmation: true")).ok());
  EXPECT_THAT(Confirmations(agent), ElementsAre(parked_));
  Settle();
  EXPECT_THAT(Confirmations(agent), SizeIs(1));
}

// The link is back while a retry runs, which may last longer than the window.
TEST_F(SpecTrialTest, AReconnectDuringARetryIsConfirmed) {
  ConnectAndPark();
  FakeAgent agent = Connect("n1");
  ASSERT_TRUE(agent.Say(Report(parked_, "APPLYING")).ok());
  EXPECT_THAT(Confirmations(agent), IsEmpty()) << "it waits for none";
  ASSERT_TRUE(agent.Say(Report(parked_, "APPLYING awaits_confirmation: true")).ok());
  EXPECT_THAT(Confirmations(agent), ElementsAre(parked_));
}

TEST_F(SpecTrialTest, AReportOfAnEarlierStreamIsNotConfirmedOnALaterOne) {
  FakeAgent older = ConnectAndPark();
  ASSERT_TRUE(older.Say(Report(Sha256Hex(""), "APPLIED awaits_confirmation: true")).ok());
  FakeAgent newer = Connect("n1");
  EXPECT_THAT(Confirmations(newer), IsEmpty());
}

// Drift is counted of the spec that is in force again.
TEST_F(SpecTrialTest, DriftIsShownWhileASpecIsGivenUpOrRefused) {
  for (const std::string state : {"REVERTED", "QUARANTINED", "REFUSED"}) {
    Start();
    FakeAgent agent = ConnectAndPark();
    const std::string drift =
        R"( drift_count: 5 drift_counts {actor: "person" count: 5}
            drift {subject: "cpu1" wanted: "online" found: "offline"})";
    ASSERT_TRUE(agent.Say(Report(Sha256Hex(""), "APPLIED" + drift)).ok());
    if (state == "REFUSED") {
      Ack(agent, "no");
    } else {
      GiveUpBy(agent, state, drift);
    }
    const v1::NodeReport report = GetNode("n1").report();
    EXPECT_EQ(v1::ApplyState_Name(report.state()), "APPLY_STATE_" + state);
    EXPECT_EQ(report.digest(), parked_);
    EXPECT_EQ(report.drift_count(), 5);
    ASSERT_EQ(report.drift_counts_size(), 1);
    EXPECT_EQ(report.drift_counts(0).count(), 5);
    EXPECT_EQ(report.drift_size(), 1);
    EXPECT_EQ(report.items_size(), state == "REFUSED" ? 0 : 1) << "those of the spec itself";
  }
}

TEST_F(SpecTrialTest, ASpecThatWasGivenUpIsShownSoAndNotPushedAgain) {
  for (const std::string state : {"REVERTED", "QUARANTINED"}) {
    Start();
    FakeAgent agent = ConnectAndPark();
    GiveUp(agent, state);
    const v1::Node node = GetNode("n1");
    EXPECT_EQ(v1::ApplyState_Name(node.report().state()), "APPLY_STATE_" + state);
    EXPECT_EQ(node.report().message(), "cut off");
    EXPECT_FALSE(node.in_sync());
    EXPECT_EQ(node.applied_digest(), Sha256Hex("")) << "the last good one, which it reports too";
    const size_t pushes = agent.link->specs().size();
    FakeAgent again = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
    EXPECT_THAT(again.link->specs(), IsEmpty());
    EXPECT_EQ(agent.link->specs().size(), pushes);
  }
  EXPECT_EQ(counters_.spec_reverts, 1);
  EXPECT_EQ(counters_.spec_quarantines, 1);
}

TEST_F(SpecTrialTest, ToldTwiceItCountsOnce) {
  FakeAgent agent = ConnectAndPark();
  GiveUp(agent);
  GiveUp(agent);
  EXPECT_EQ(counters_.spec_reverts, 1);
}

// The controller started anew and has pushed it before it hears.
TEST_F(SpecTrialTest, ARestartedControllerHearsOfItAfterThePush) {
  {
    FakeAgent agent = ConnectAndPark();
    GiveUp(agent);
  }
  Start();
  FakeAgent agent = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
  ASSERT_THAT(agent.link->specs(), SizeIs(1));
  Ack(agent, "cut off");
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REFUSED);
  GiveUp(agent);
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REVERTED);
  EXPECT_FALSE(GetNode("n1").in_sync());
  Settle();
  EXPECT_THAT(agent.link->specs(), SizeIs(1));
}

TEST_F(SpecTrialTest, WhatWasGivenUpDoesNotHideThatAnotherSpecIsRefused) {
  FakeAgent first = ConnectAndPark();
  GiveUp(first);
  ASSERT_TRUE(Apply(R"(name: "park" selector {nodes: "n1"} cpu {offline: "2"})").ok());
  Settle();
  Ack(first, "no");
  const std::string refused = GetNode("n1").desired_digest();
  // Each stream begins with it.
  FakeAgent agent = Connect("n1", absl::StrCat("applied_digest: \"", Sha256Hex(""), "\""));
  GiveUp(agent);
  EXPECT_THAT(agent.link->specs(), IsEmpty());
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REFUSED);
  EXPECT_EQ(GetNode("n1").report().digest(), refused);
  ASSERT_TRUE(Apply(kPark).ok());
  Settle();
  EXPECT_THAT(agent.link->specs(), IsEmpty());
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REVERTED);
}

// A refusal of it alone must not park it for longer than that it was given up.
TEST_F(SpecTrialTest, RefusedAndGivenUpItMayBeTriedAgainAllTheSame) {
  FakeAgent agent = ConnectAndPark();
  Ack(agent, "cut off");
  GiveUp(agent);
  ASSERT_TRUE(Apply(R"(name: "park" selector {nodes: "n1"} cpu {offline: "2"})").ok());
  Settle();
  Ack(agent);
  const size_t pushes = agent.link->specs().size();
  ASSERT_TRUE(Apply(kPark).ok());
  Settle();
  EXPECT_EQ(agent.link->specs().size(), pushes + 1);
}

TEST_F(SpecTrialTest, ARefusalOfWhatWasGivenUpStillShowsWhy) {
  FakeAgent agent = ConnectAndPark();
  GiveUp(agent);
  Ack(agent, "cut off");
  EXPECT_EQ(GetNode("n1").report().state(), v1::APPLY_STATE_REVERTED);
}

TEST_F(SpecTrialTest, ItIsPushedAgainOnceTheNodeWouldTryItAgain) {
  FakeAgent agent = ConnectAndPark();
  GiveUp(agent);
  const size_t pushes = agent.link->specs().size();
  v1::AgentMessage answer;
  answer.mutable_operation_result()->set_id("none");
  v1::RetrySpecResponse& retry =
      *answer.mutable_operation_result()->mutable_result()->mutable_retry_spec();
  retry.set_digest(Sha256Hex("another"));
  ASSERT_TRUE(agent.Say(answer).ok());
  Settle();
  EXPECT_EQ(agent.link->specs().size(), pushes);
  retry.set_digest(parked_);
  ASSERT_TRUE(agent.Say(answer).ok());
  Settle();
  ASSERT_EQ(agent.link->specs().size(), pushes + 1);
  EXPECT_EQ(agent.link->specs().back().digest(), parked_);
  EXPECT_NE(GetNode("n1").report().state(), v1::APPLY_STATE_REVERTED);
}

TEST_F(SpecTrialTest, OnceAnotherSpecWasTakenItMayBeTriedAgain) {
  FakeAgent agent = ConnectAndPark();
  GiveUp(agent);
  ASSERT_TRUE(Apply(R"(name: "park" selector {nodes: "n1"} cpu {offline: "2"})").ok());
  Settle();
  Ack(agent);
  const size_t pushes = agent.link->specs().size();
  ASSERT_TRUE(Apply(kPark).ok());
  Settle();
  ASSERT_EQ(agent.link->specs().size(), pushes + 1);
  EXPECT_EQ(agent.link->specs().back().digest(), parked_);
}

TEST_F(NodeSessionTest, TheEndClosesAllAndLetsNobodyIn) {
  FakeAgent agent = Connect("n1");
  FakeAgent waiting = NewAgent();
  ASSERT_TRUE(waiting.session->OnOpened(waiting.link).ok());
  registry_->CloseAll(absl::UnavailableError("end"));
  EXPECT_EQ(agent.link->closes(), 1);
  EXPECT_EQ(waiting.link->closes(), 1);
  FakeAgent late = NewAgent();
  EXPECT_EQ(ErrorReason(late.session->OnOpened(late.link)), "SHUTTING_DOWN");
  EXPECT_EQ(ErrorReason(late.Say(R"(hello {node: "n2" boot_id: "b"})")), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace hotplugger::server
