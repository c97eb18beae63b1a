#include "server/fleet/operation_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

v1::Operation Enable(const std::string& driver) {
  v1::Operation operation;
  operation.mutable_enable_driver()->set_driver(driver);
  return operation;
}

// The reasons of answers, as they come; "" for what is no error.
class Answers {
 public:
  NodeOperator::Answer Take() {
    return [this](const v1::OperationResult& result) {
      MutexLock lock(&mutex_);
      reasons_.push_back(result.has_error() ? ErrorReason(FromRpcStatus(result.error())) : "");
      changed_.NotifyAll();
    };
  }
  std::vector<std::string> reasons() {
    MutexLock lock(&mutex_);
    return reasons_;
  }
  std::vector<std::string> Await(size_t count) {
    const absl::Time give_up = SteadyNow() + absl::Seconds(20);
    MutexLock lock(&mutex_);
    while (reasons_.size() < count && SteadyNow() < give_up) changed_.WaitUntil(&mutex_, give_up);
    return reasons_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> reasons_;
};

class OperationDeskTest : public FleetFixture {
 protected:
  // Whoever still waits is answered while the answers are still there.
  ~OperationDeskTest() override { desk_->Stop(); }

  uint64_t Ask(const std::string& node, const std::string& driver = "x",
               absl::Duration deadline = absl::Minutes(5)) {
    return desk_->Ask(node, Enable(driver), deadline, answers_.Take());
  }
  // What the node was asked to do.
  static std::vector<v1::NodeOperation> Asked(const FakeAgent& agent) {
    std::vector<v1::NodeOperation> asked;
    for (const v1::ControllerMessage& message : agent.link->sent()) {
      if (message.has_operation()) asked.push_back(message.operation());
    }
    return asked;
  }
  static void Answer(FakeAgent& agent, const std::string& id) {
    v1::AgentMessage message;
    message.mutable_operation_result()->set_id(id);
    message.mutable_operation_result()->mutable_result()->mutable_enable_driver();
    EXPECT_TRUE(agent.Say(message).ok());
  }

  Answers answers_;
};

TEST_F(OperationDeskTest, AsksANodeAndHandsItsAnswerBack) {
  FakeAgent agent = Connect("n1");
  Ask("n1", "alucard");
  const auto asked = Asked(agent);
  ASSERT_THAT(asked, SizeIs(1));
  EXPECT_EQ(asked[0].operation().enable_driver().driver(), "alucard");
  EXPECT_GT(asked[0].deadline().seconds(), 200);
  EXPECT_THAT(answers_.reasons(), IsEmpty());
  Answer(agent, asked[0].id());
  EXPECT_THAT(answers_.reasons(), ElementsAre(""));
  Answer(agent, asked[0].id());
  EXPECT_THAT(answers_.reasons(), SizeIs(1)) << "a second answer is nobody's";
}

TEST_F(OperationDeskTest, OneAtATimeEachInItsTurn) {
  FakeAgent agent = Connect("n1");
  FakeAgent other = Connect("n2");
  Ask("n1", "first");
  Ask("n1", "second");
  Ask("n2", "third");
  ASSERT_THAT(Asked(agent), SizeIs(1));
  EXPECT_THAT(Asked(other), SizeIs(1));
  Answer(agent, Asked(agent)[0].id());
  ASSERT_THAT(Asked(agent), SizeIs(2));
  EXPECT_EQ(Asked(agent)[1].operation().enable_driver().driver(), "second");
  EXPECT_NE(Asked(agent)[1].id(), Asked(agent)[0].id());
}

TEST_F(OperationDeskTest, ANodeThatIsNotThereIsNotAsked) {
  Ask("nobody");
  FakeAgent agent = Connect("n1");
  agent.session->OnClosed(agent.link.get());
  Ask("n1");
  EXPECT_THAT(answers_.reasons(), ElementsAre("NODE_NOT_FOUND", "NODE_NOT_CONNECTED"));
}

TEST_F(OperationDeskTest, AStreamThatEndsLosesTheAnswerAndSaysSo) {
  FakeAgent agent = Connect("n1");
  Ask("n1", "first");
  Ask("n1", "second");
  agent.session->OnClosed(agent.link.get());
  EXPECT_THAT(answers_.reasons(), ElementsAre("ANSWER_LOST", "NODE_NOT_CONNECTED"));
}

TEST_F(OperationDeskTest, WhatWasNotSentYetGoesToTheNodesNextStream) {
  FakeAgent agent = Connect("n1");
  Ask("n1", "first");
  Ask("n1", "second");
  FakeAgent next = Connect("n1");
  agent.session->OnClosed(agent.link.get());
  EXPECT_THAT(answers_.reasons(), ElementsAre("ANSWER_LOST"));
  ASSERT_THAT(Asked(next), SizeIs(1));
  EXPECT_EQ(Asked(next)[0].operation().enable_driver().driver(), "second");
  Answer(next, Asked(next)[0].id());
  EXPECT_THAT(answers_.reasons(), ElementsAre("ANSWER_LOST", ""));
}

TEST_F(OperationDeskTest, WhatIsAskedWhileANodeIsBeingWelcomedIsSentThen) {
  FakeAgent agent = NewAgent();
  const auto attached =
      registry_->Attach(testing::FromText<v1::Hello>("node: 'n1' boot_id: 'boot'"), agent.link);
  ASSERT_TRUE(attached.ok()) << attached.status();
  Ask("n1");
  EXPECT_THAT(Asked(agent), IsEmpty());
  EXPECT_THAT(answers_.reasons(), IsEmpty());
  registry_->MarkWelcomed(attached->key);
  desk_->StreamReady(attached->key);
  EXPECT_THAT(Asked(agent), SizeIs(1));
}

TEST_F(OperationDeskTest, WhatIsWithdrawnInTimeNeverGoesToTheNode) {
  FakeAgent agent = Connect("n1");
  const uint64_t sent = Ask("n1", "first");
  const uint64_t waits = Ask("n1", "second");
  const absl::Status why = MakeError(absl::StatusCode::kAborted, "NOT_BEGUN", "no more");
  desk_->Withdraw("n1", waits, why);
  EXPECT_THAT(answers_.reasons(), ElementsAre("NOT_BEGUN"));
  desk_->Withdraw("n1", sent, why);
  desk_->Withdraw("n1", waits, why);
  desk_->Withdraw("n2", 99, why);
  EXPECT_THAT(answers_.reasons(), SizeIs(1)) << "the node is at it, so it answers";
  Answer(agent, Asked(agent)[0].id());
  EXPECT_THAT(answers_.reasons(), ElementsAre("NOT_BEGUN", ""));
  EXPECT_THAT(Asked(agent), SizeIs(1));
}

TEST_F(OperationDeskTest, ANodeHasLessTimeThanTheQuestionSoThatItsOwnWordArrives) {
  FakeAgent agent = Connect("n1");
  FakeAgent other = Connect("n2");
  Ask("n1", "x", absl::Seconds(1000));
  Ask("n2", "x", absl::Seconds(5));
  EXPECT_LE(Asked(agent)[0].deadline().seconds(), 998);
  EXPECT_GE(Asked(agent)[0].deadline().seconds(), 900);
  EXPECT_LE(Asked(other)[0].deadline().seconds(), 4);
}

TEST_F(OperationDeskTest, AnAnswerOnAnotherStreamIsNotTaken) {
  FakeAgent agent = Connect("n1");
  FakeAgent other = Connect("n2");
  Ask("n1");
  Answer(other, Asked(agent)[0].id());
  EXPECT_THAT(answers_.reasons(), IsEmpty());
}

TEST_F(OperationDeskTest, AtTheDeadlineItIsSaidWhetherTheNodeWasAsked) {
  FakeAgent agent = Connect("n1");
  FakeAgent other = Connect("n2");
  Ask("n1", "first");
  Ask("n1", "second", absl::Milliseconds(1));
  EXPECT_THAT(answers_.Await(1), ElementsAre("NOT_BEGUN"));
  Ask("n2", "third", absl::Milliseconds(1));
  EXPECT_THAT(answers_.Await(2), ElementsAre("NOT_BEGUN", "NO_ANSWER"));
  EXPECT_THAT(Asked(agent), SizeIs(1));
  Ask("n2", "fourth");
  EXPECT_THAT(Asked(other), SizeIs(2)) << "the node may be asked again";
}

TEST_F(OperationDeskTest, TheQueueOfANodeIsBounded) {
  FakeAgent agent = Connect("n1");
  for (size_t i = 0; i <= OperationDesk::kMaxWaiting; ++i) Ask("n1");
  EXPECT_THAT(answers_.reasons(), ElementsAre("NODE_BUSY"));
}

TEST_F(OperationDeskTest, AtTheEndAllAreAnsweredByWhetherTheyWereAsked) {
  FakeAgent agent = Connect("n1");
  Ask("n1");
  Ask("n1");
  desk_->Stop();
  Ask("n1");
  EXPECT_THAT(answers_.reasons(), ElementsAre("ANSWER_LOST", "SHUTTING_DOWN", "SHUTTING_DOWN"));
}

TEST_F(OperationDeskTest, AnAnswerThatIsTooLargeIsAnError) {
  FakeAgent agent = Connect("n1");
  Ask("n1");
  v1::AgentMessage message;
  message.mutable_operation_result()->set_id(Asked(agent)[0].id());
  message.mutable_operation_result()->mutable_result()->mutable_list_drivers()->add_warnings(
      std::string(300'000, 'x'));
  EXPECT_TRUE(agent.Say(message).ok());
  EXPECT_THAT(answers_.reasons(), ElementsAre("ANSWER_TOO_LARGE"));
}

}  // namespace
}  // namespace hotplugger::server
