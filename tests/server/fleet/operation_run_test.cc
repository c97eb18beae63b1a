#include "server/fleet/operation_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/fakes/fake_node_operator.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

v1::Operation Enable(const std::string& driver) {
  v1::Operation operation;
  operation.mutable_enable_driver()->set_driver(driver);
  return operation;
}

// Takes what is there at once, or, where it reads slowly, when a test says so.
class FakeSink final : public OperationRun::Sink {
 public:
  void AnswersReady() override {
    if (slow) return;
    for (;;) {
      if (!TakeOne()) return;
    }
  }
  // Whether there was an answer.
  bool TakeOne() {
    v1::OperateNodesResponse answer;
    const OperationRun::Taken taken = run->TakeAnswer(&answer);
    if (taken == OperationRun::Taken::kEnd) ended = true;
    if (taken != OperationRun::Taken::kAnswer) return false;
    answers.push_back(
        answer.node() + " " +
        (answer.result().has_error() ? ErrorReason(FromRpcStatus(answer.result().error())) : "ok"));
    return true;
  }

  OperationRun* run = nullptr;
  std::vector<std::string> answers;
  bool slow = false;
  bool ended = false;
};

class OperationRunTest : public ::testing::Test {
 protected:
  std::shared_ptr<OperationRun> Start(OperationPlan plan) {
    auto run = OperationRun::Create(std::move(plan), &nodes_, sink_);
    sink_->run = run.get();
    sink_->ended = false;
    run->Advance();
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

  testing::FakeNodeOperator nodes_;
  std::shared_ptr<FakeSink> sink_ = std::make_shared<FakeSink>();
};

TEST_F(OperationRunTest, SoManyNodesAtOnce) {
  const auto run = Start(Plan(4, 2));
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1"));
  nodes_.AnswerNext();
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1", "n2"));
  nodes_.AnswerNext();
  nodes_.AnswerNext();
  EXPECT_FALSE(sink_->ended);
  nodes_.AnswerNext();
  EXPECT_THAT(sink_->answers, ElementsAre("n0 ok", "n1 ok", "n2 ok", "n3 ok"));
  EXPECT_TRUE(sink_->ended);
}

TEST_F(OperationRunTest, AChangeThatFailsIsNotBegunOnFurtherNodes) {
  const auto run = Start(Plan(5, 2));
  nodes_.AnswerNext(Error());
  EXPECT_THAT(nodes_.asked, ElementsAre("n0", "n1"));
  EXPECT_THAT(sink_->answers,
              ElementsAre("n0 BROKEN", "n2 NOT_BEGUN", "n3 NOT_BEGUN", "n4 NOT_BEGUN"));
  EXPECT_FALSE(sink_->ended) << "n1 is still at it";
  nodes_.AnswerNext();
  EXPECT_TRUE(sink_->ended);
}

TEST_F(OperationRunTest, AnItemThatFailsIsAFailureToo) {
  const auto run = Start(Plan(2, 1));
  v1::OperationResult result;
  result.mutable_switch_drivers()->add_results()->set_outcome(v1::OUTCOME_REFUSED);
  nodes_.answers[0](result);
  EXPECT_THAT(sink_->answers, ElementsAre("n0 ok", "n1 NOT_BEGUN"));
}

TEST_F(OperationRunTest, UnlessItIsToKeepGoingOrOnlyReads) {
  OperationPlan plan = Plan(3, 1);
  plan.keep_going = true;
  const auto run = Start(plan);
  for (int i = 0; i < 3; ++i) nodes_.AnswerNext(Error());
  EXPECT_THAT(sink_->answers, ElementsAre("n0 BROKEN", "n1 BROKEN", "n2 BROKEN"));
  sink_->answers.clear();
  plan = Plan(2, 1);
  plan.operation.mutable_list_drivers();
  const auto reads = Start(plan);
  for (int i = 0; i < 2; ++i) nodes_.AnswerNext(Error());
  EXPECT_THAT(sink_->answers, SizeIs(2));
}

TEST_F(OperationRunTest, WhoeverEndsTheCallKeepsFurtherNodesFromBeingAsked) {
  const auto run = Start(Plan(3, 1));
  run->Cancel();
  EXPECT_THAT(sink_->answers, ElementsAre("n1 NOT_BEGUN", "n2 NOT_BEGUN"));
  nodes_.AnswerNext();
  EXPECT_THAT(nodes_.asked, ElementsAre("n0"));
  EXPECT_TRUE(sink_->ended);
}

TEST_F(OperationRunTest, WhatWaitsForANodesEarlierOperationsIsTakenBackAfterAFailure) {
  const auto run = Start(Plan(3, 2));
  nodes_.unsent = true;
  nodes_.AnswerNext(Error());
  EXPECT_THAT(nodes_.withdrawn, ElementsAre("n1"));
  EXPECT_THAT(sink_->answers, UnorderedElementsAre("n0 BROKEN", "n1 NOT_BEGUN", "n2 NOT_BEGUN"));
  EXPECT_TRUE(sink_->ended);
}

TEST_F(OperationRunTest, WhoReadsSlowlySlowsTheRun) {
  sink_->slow = true;
  nodes_.at_once = Error();
  OperationPlan plan = Plan(100, 4);
  plan.keep_going = true;
  const auto run = Start(plan);
  EXPECT_THAT(nodes_.asked, SizeIs(4));
  EXPECT_TRUE(sink_->TakeOne());
  run->Advance();
  EXPECT_THAT(nodes_.asked, SizeIs(5));
  while (sink_->TakeOne()) run->Advance();
  EXPECT_THAT(sink_->answers, SizeIs(100));
  EXPECT_TRUE(sink_->ended);
}

TEST_F(OperationRunTest, SeveralThreadsAnswerAtOnce) {
  OperationPlan plan = Plan(400, 100);
  const auto run = Start(plan);
  while (!sink_->ended) {
    std::vector<NodeOperator::Answer> answers = std::move(nodes_.answers);
    nodes_.answers.clear();
    ASSERT_FALSE(answers.empty());
    // What is asked meanwhile, and what the sink takes, is done by one thread at a time.
    std::vector<std::thread> threads;
    for (size_t part = 0; part < 4; ++part) {
      threads.emplace_back([&answers, part] {
        for (size_t i = part; i < answers.size(); i += 4) {
          v1::OperationResult result;
          result.mutable_enable_driver();
          answers[i](result);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_THAT(sink_->answers, SizeIs(400));
}

TEST_F(OperationRunTest, TenThousandNodesThatAnswerAtOnceAreNoDeepStack) {
  nodes_.at_once = Error();
  OperationPlan plan = Plan(10'000, 100);
  plan.keep_going = true;
  const auto run = Start(plan);
  EXPECT_EQ(sink_->answers.size(), 10'000u);
  EXPECT_TRUE(sink_->ended);
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

TEST_F(PlanOperationTest, ANamedNodeIsNeverLeftOutForItsLabels) {
  FakeAgent a = Connect("a", "labels { key: 'pool' value: 'lab' }");
  FakeAgent b = Connect("b");
  const std::string labels = "match_labels { key: 'pool' value: 'lab' }";
  const absl::Status both =
      Plan(absl::StrCat("selector { nodes: ['a', 'b'] ", labels, "}", kEnable)).status();
  EXPECT_EQ(ErrorReason(both), "NODE_NOT_SELECTED");
  EXPECT_THAT(std::string(both.message()), HasSubstr("too: b;"));
  const auto fits = Plan(absl::StrCat("selector { nodes: ['a', 'a'] ", labels, "}", kEnable));
  ASSERT_TRUE(fits.ok()) << fits.status();
  EXPECT_THAT(fits->nodes, ElementsAre("a"));
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
  EXPECT_THAT(Violations(absl::StrCat("selector { nodes: 'A/b' }", kEnable)),
              ElementsAre("selector.nodes[0]"));
  EXPECT_THAT(Violations("selector { nodes: 'a' } operation { retry_spec { digest: 'x' } }"),
              ElementsAre("operation.retry_spec.digest"));
  EXPECT_THAT(Violations(absl::StrCat("selector { nodes: 'a' } note { ticket: '",
                                      std::string(129, 'x'), "' }", kEnable)),
              ElementsAre("note.ticket"));
  const std::string long_name(70'000, 'x');
  EXPECT_THAT(Violations(absl::StrCat("selector { nodes: 'a' } operation { enable_driver { "
                                      "driver: '",
                                      long_name, "' } }")),
              ElementsAre("operation"));
}

}  // namespace
}  // namespace hotplugger::server
