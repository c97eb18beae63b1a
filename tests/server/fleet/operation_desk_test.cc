#include "server/fleet/operation_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "server/fleet/operation_run.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
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

  void Ask(const std::string& node, const std::string& driver = "x",
           absl::Duration deadline = absl::Minutes(5)) {
    desk_->Ask(node, Enable(driver), deadline, answers_.Take());
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

TEST_F(OperationDeskTest, AnAnswerOnAnotherStreamIsNotTaken) {
  FakeAgent agent = Connect("n1");
  FakeAgent other = Connect("n2");
  Ask("n1");
  Answer(other, Asked(agent)[0].id());
  EXPECT_THAT(answers_.reasons(), IsEmpty());
}

TEST_F(OperationDeskTest, AtTheDeadlineItIsSaidWhetherTheNodeWasAsked) {
  FakeAgent agent = Connect("n1");
  Ask("n1", "first", absl::Milliseconds(30));
  Ask("n1", "second", absl::Milliseconds(30));
  EXPECT_THAT(answers_.Await(2), ElementsAre("NO_ANSWER", "NOT_BEGUN"));
  Ask("n1", "third");
  ASSERT_THAT(Asked(agent), SizeIs(2)) << "the node may be asked again";
}

TEST_F(OperationDeskTest, TheQueueOfANodeIsBounded) {
  FakeAgent agent = Connect("n1");
  for (size_t i = 0; i <= OperationDesk::kMaxWaiting; ++i) Ask("n1");
  EXPECT_THAT(answers_.reasons(), ElementsAre("NODE_BUSY"));
}

TEST_F(OperationDeskTest, AtTheEndAllAreAnswered) {
  FakeAgent agent = Connect("n1");
  Ask("n1");
  Ask("n1");
  desk_->Stop();
  Ask("n1");
  EXPECT_THAT(answers_.reasons(), AllOf(SizeIs(3), Each("SHUTTING_DOWN")));
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

// Answers when a test says so.
class FakeOperator final : public NodeOperator {
 public:
  void Ask(const std::string& node, const v1::Operation&, absl::Duration, Answer answer) override {
    asked.push_back(node);
    if (at_once.ok()) return answers.push_back(std::move(answer));
    v1::OperationResult result;
    *result.mutable_error() = ToRpcStatus(at_once);
    answer(result);
  }
  void AnswerNext(const absl::Status& status = absl::OkStatus()) {
    Answer answer = std::move(answers.front());
    answers.erase(answers.begin());
    v1::OperationResult result;
    if (status.ok()) {
      result.mutable_enable_driver();
    } else {
      *result.mutable_error() = ToRpcStatus(status);
    }
    answer(result);
  }

  std::vector<std::string> asked;
  std::vector<Answer> answers;
  absl::Status at_once;
};

class FakeSink final : public OperationRun::Sink {
 public:
  void NodeAnswered(v1::OperateNodesResponse answer) override {
    answers.push_back(
        answer.node() + " " +
        (answer.result().has_error() ? ErrorReason(FromRpcStatus(answer.result().error())) : "ok"));
  }
  void AllAnswered() override { ++ends; }

  std::vector<std::string> answers;
  int ends = 0;
};

class OperationRunTest : public ::testing::Test {
 protected:
  std::shared_ptr<OperationRun> Start(OperationPlan plan) {
    auto run = OperationRun::Create(std::move(plan), &nodes_, sink_);
    run->Start();
    return run;
  }
  static OperationPlan Plan(int count, int parallel) {
    OperationPlan plan;
    for (int i = 0; i < count; ++i) plan.nodes.push_back(absl::StrCat("n", i));
    plan.operation = Enable("x");
    plan.deadline = absl::Seconds(9);
    plan.parallel = parallel;
    return plan;
  }
  static absl::Status Error() { return MakeError(absl::StatusCode::kInternal, "BROKEN", "no"); }

  FakeOperator nodes_;
  std::shared_ptr<FakeSink> sink_ = std::make_shared<FakeSink>();
};

TEST_F(OperationRunTest, SoManyNodesAtOnce) {
  Start(Plan(4, 2));
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1"));
  nodes_.AnswerNext();
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1", "n2"));
  nodes_.AnswerNext();
  nodes_.AnswerNext();
  EXPECT_EQ(sink_->ends, 0);
  nodes_.AnswerNext();
  EXPECT_THAT(sink_->answers, ElementsAre("n0 ok", "n1 ok", "n2 ok", "n3 ok"));
  EXPECT_EQ(sink_->ends, 1);
}

TEST_F(OperationRunTest, AChangeThatFailsIsNotBegunOnFurtherNodes) {
  Start(Plan(5, 2));
  nodes_.AnswerNext(Error());
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1"));
  EXPECT_THAT(sink_->answers,
              ElementsAre("n0 BROKEN", "n2 NOT_BEGUN", "n3 NOT_BEGUN", "n4 NOT_BEGUN"));
  EXPECT_EQ(sink_->ends, 0) << "n1 is still at it";
  nodes_.AnswerNext();
  EXPECT_EQ(sink_->ends, 1);
}

TEST_F(OperationRunTest, UnlessItIsToKeepGoingOrOnlyReads) {
  OperationPlan plan = Plan(3, 1);
  plan.keep_going = true;
  Start(plan);
  for (int i = 0; i < 3; ++i) nodes_.AnswerNext(Error());
  EXPECT_THAT(sink_->answers, ElementsAre("n0 BROKEN", "n1 BROKEN", "n2 BROKEN"));
  sink_->answers.clear();
  plan = Plan(2, 1);
  plan.operation.mutable_list_drivers();
  Start(plan);
  for (int i = 0; i < 2; ++i) nodes_.AnswerNext(Error());
  EXPECT_THAT(sink_->answers, SizeIs(2));
}

TEST_F(OperationRunTest, WhoeverEndsTheCallKeepsFurtherNodesFromBeingAsked) {
  const auto run = Start(Plan(3, 1));
  run->Cancel();
  EXPECT_THAT(sink_->answers, ElementsAre("n1 NOT_BEGUN", "n2 NOT_BEGUN"));
  nodes_.AnswerNext();
  EXPECT_THAT(nodes_.asked, ElementsAre("n0"));
  EXPECT_EQ(sink_->ends, 1);
}

TEST_F(OperationRunTest, TenThousandNodesThatAnswerAtOnceAreNoDeepStack) {
  nodes_.at_once = Error();
  OperationPlan plan = Plan(10'000, 100);
  plan.keep_going = true;
  Start(plan);
  EXPECT_EQ(sink_->answers.size(), 10'000u);
  EXPECT_EQ(sink_->ends, 1);
}

class PlanOperationTest : public FleetFixture {
 protected:
  absl::StatusOr<OperationPlan> Plan(const std::string& text) {
    return PlanOperation(testing::FromText<v1::OperateNodesRequest>(text), registry_->Snapshot());
  }
  // "FIELD: ..." of each violation.
  std::vector<std::string> Violations(const std::string& text) {
    std::vector<std::string> fields;
    for (const FieldViolation& violation : ErrorFieldViolations(Plan(text).status())) {
      fields.push_back(violation.field);
    }
    return fields;
  }

  static constexpr char kEnable[] = " operation { enable_driver { driver: 'x' } }";
};

TEST_F(PlanOperationTest, NodesByNameAndLabels) {
  FakeAgent b = Connect("b", "labels { key: 'pool' value: 'lab' }");
  FakeAgent a = Connect("a", "labels { key: 'pool' value: 'lab' }");
  FakeAgent c = Connect("c", "labels { key: 'pool' value: 'other' }");
  const auto by_label =
      Plan(absl::StrCat("selector { match_labels { key: 'pool' value: 'lab' } }", kEnable));
  ASSERT_TRUE(by_label.ok()) << by_label.status();
  EXPECT_THAT(by_label->nodes, ElementsAre("a", "b"));
  EXPECT_EQ(by_label->parallel, 8);
  EXPECT_EQ(by_label->deadline, absl::Seconds(90));
  const auto by_name = Plan(absl::StrCat(
      "selector { nodes: 'c' } parallel: 1 deadline { seconds: 5 } keep_going: true", kEnable));
  ASSERT_TRUE(by_name.ok()) << by_name.status();
  EXPECT_THAT(by_name->nodes, ElementsAre("c"));
  EXPECT_EQ(by_name->parallel, 1);
  EXPECT_EQ(by_name->deadline, absl::Seconds(5));
  EXPECT_TRUE(by_name->keep_going);
}

TEST_F(PlanOperationTest, UnknownNamesAndLabelsThatMatchNoneAreErrors) {
  FakeAgent a = Connect("a");
  const absl::Status unknown =
      Plan(absl::StrCat("selector { nodes: ['a', 'zeta'] }", kEnable)).status();
  EXPECT_EQ(ErrorReason(unknown), "NODE_NOT_FOUND");
  EXPECT_THAT(std::string(unknown.message()), AllOf(HasSubstr("zeta")));
  EXPECT_EQ(
      ErrorReason(Plan(absl::StrCat("selector { match_labels { key: 'k' value: 'v' } }", kEnable))
                      .status()),
      "NO_NODE_MATCHES");
}

TEST_F(PlanOperationTest, EveryViolationWithItsField) {
  EXPECT_THAT(Violations(""), ElementsAre("selector", "operation"));
  EXPECT_THAT(Violations(absl::StrCat("selector { nodes: 'a' } parallel: 0 deadline { nanos: 5 }",
                                      kEnable)),
              ElementsAre("deadline", "parallel"));
  EXPECT_THAT(Violations(absl::StrCat(
                  "selector { nodes: 'a' } parallel: 101 deadline { seconds: 3601 }", kEnable)),
              ElementsAre("deadline", "parallel"));
  EXPECT_THAT(Violations(absl::StrCat("selector { match_labels { key: '' value: 'v' } }", kEnable)),
              ElementsAre("selector.match_labels"));
}

}  // namespace
}  // namespace hotplugger::server
