// Streams and the registry, without an engine's answer in between.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "server/fleet/liveness_timer.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NodeSessionTest : public FleetFixture {};

TEST_F(NodeSessionTest, HelloIsAnsweredWithWelcome) {
  FakeAgent agent = Connect("n1");
  ASSERT_FALSE(agent.link->sent().empty());
  const v1::ControllerMessage welcome = agent.link->sent()[0];
  EXPECT_EQ(welcome.epoch(), kEpoch);
  EXPECT_EQ(welcome.welcome().ping_interval().seconds(), 20);
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
      agent.Say(R"(hello {node: "N1" labels {key: "a b" value: "\n"} applied_digest: "x"})");
  std::vector<std::string> fields;
  for (const auto& violation : ErrorFieldViolations(status)) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("hello.node", "hello.boot_id", "hello.labels",
                                             "hello.labels[a b]", "hello.applied_digest"));
  EXPECT_THAT(ListNodes().nodes(), IsEmpty());
}

TEST_F(NodeSessionTest, AnAgentThatHasObeyedALaterControllerIsNamed) {
  FakeAgent agent = NewAgent();
  const absl::Status status = agent.Say(R"(hello {node: "n1" boot_id: "b" largest_epoch: 8})");
  EXPECT_EQ(ErrorReason(status), "EPOCH_BEHIND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("epoch 8"));
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
