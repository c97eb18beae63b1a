// Plans of changes, and explanations: what the fleet knows before and besides what hosts say.
#include "server/fleet/fleet_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "server/fleet/operation_run.h"
#include "server/fleet/plan_summary.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FleetPlanTest : public FleetFixture {
 protected:
  FleetPlanTest() {
    for (const char* node : {"n1", "n2", "m1"}) {
      agents_.push_back(
          Connect(node, absl::StrCat(R"(labels {key: "zone" value: ")", node, "\"}")));
    }
    EXPECT_TRUE(Apply(R"(name: "base" selector {nodes: "n*"} cpu {offline: "1"})").ok());
  }

  absl::StatusOr<FleetPlan> Plan(const std::string& request) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<FleetPlan>>>();
    auto answer = promise->get_future();
    engine_->PlanChange(
        testing::FromText<v1::PlanChangeRequest>(request),
        [promise](absl::StatusOr<FleetPlan> plan) { promise->set_value(std::move(plan)); });
    return answer.get();
  }

  static std::vector<std::string> Names(const FleetPlan& plan) {
    std::vector<std::string> names;
    for (const PlannedNode& node : plan.nodes) names.push_back(node.name);
    return names;
  }

  std::vector<FakeAgent> agents_;
};

TEST_F(FleetPlanTest, OnlyNodesThatWouldHaveAnotherSpecAreAffected) {
  const int64_t commits = store_.commits();
  const auto plan =
      Plan(R"(apply_policy {name: "more" priority: 1 selector {nodes: "*"} cpu {offline: "1"}})");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Names(*plan), ElementsAre("m1")) << "n1 and n2 have that spec already";
  EXPECT_EQ(plan->overview.resource(), "policies/more");
  EXPECT_EQ(plan->overview.matched_nodes(), 3);
  EXPECT_EQ(plan->overview.affected_nodes(), 1);
  EXPECT_EQ(plan->nodes[0].resolution->spec.cpu_offline(), "1");
  EXPECT_EQ(plan->nodes[0].labels.at("zone"), "m1");
  EXPECT_EQ(store_.commits(), commits);
  EXPECT_EQ(GetNode("m1").spec().cpu_offline(), "");
}

TEST_F(FleetPlanTest, OfADeletionAndOfHolds) {
  auto plan = Plan(R"(delete_policy: "base")");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Names(*plan), ElementsAre("n1", "n2"));
  EXPECT_EQ(plan->nodes[0].resolution->spec.cpu_offline(), "");
  EXPECT_EQ(plan->overview.resource(), "policies/base");
  plan = Plan(R"(set_hold {node: "n1" subject: "cpu1" state: DEVICE_STATE_ONLINE})");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(Names(*plan), ElementsAre("n1"));
  EXPECT_EQ(plan->nodes[0].resolution->spec.cpu_online(), "1");
  EXPECT_EQ(plan->overview.resource(), "nodes/n1/holds/cpu1");
  EXPECT_THAT(plan->overview.warnings(), SizeIs(1)) << "the node has not said what it has";
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "cpu1" state: DEVICE_STATE_ONLINE)").ok());
  plan = Plan(R"(release_hold {node: "n1" subject: "cpu2"})");
  EXPECT_EQ(ErrorReason(plan.status()), "HOLD_NOT_FOUND");
  plan = Plan(R"(release_hold {node: "n1" subject: "cpu1"})");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->overview.resource(), "nodes/n1/holds/cpu1");
  EXPECT_EQ(plan->nodes[0].resolution->spec.cpu_offline(), "1");
}

TEST_F(FleetPlanTest, ADriverHeldRunningReplacesTheOther) {
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "driver/a" state: DEVICE_STATE_ONLINE)").ok());
  const auto plan = Plan(R"(set_hold {node: "n1" subject: "driver/b" state: DEVICE_STATE_ONLINE})");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT(plan->nodes[0].resolution->spec.drivers_active(), ElementsAre("b"));
}

TEST_F(FleetPlanTest, IsRefusedAsTheChangeWouldBe) {
  EXPECT_EQ(ErrorFieldViolations(Plan("").status())[0].field, "change");
  EXPECT_EQ(
      ErrorFieldViolations(
          Plan(R"(apply_policy {name: "x" selector {nodes: "n1"} cpu {offline: "z"}})").status())[0]
          .field,
      "policy.cpu.offline");
  EXPECT_EQ(ErrorReason(Plan(R"(apply_policy {name: "x" selector {nodes: "n1"}
                                              cpu {offline: "2"}})")
                            .status()),
            "POLICY_CONFLICT");
  EXPECT_EQ(ErrorReason(Plan(R"(delete_policy: "x")").status()), "POLICY_NOT_FOUND");
  EXPECT_EQ(
      ErrorReason(
          Plan(R"(set_hold {node: "x" subject: "cpu1" state: DEVICE_STATE_ONLINE})").status()),
      "NODE_NOT_FOUND");
  EXPECT_THAT(Ask(&FleetEngine::ListAuditEntries, v1::ListAuditEntriesRequest())->entries(),
              SizeIs(1))
      << "what is planned is not audited";
}

TEST_F(FleetPlanTest, BadPaceIsNamed) {
  const auto field = [](const std::string& request) {
    const auto violations = ErrorFieldViolations(
        PlanQuestions(testing::FromText<v1::PlanChangeRequest>(request)).status());
    return violations.empty() ? std::string() : violations[0].field;
  };
  EXPECT_EQ(field(""), "");
  EXPECT_EQ(field("parallel: 0"), "parallel");
  EXPECT_EQ(field("parallel: 101"), "parallel");
  EXPECT_EQ(field("deadline {}"), "deadline");
  EXPECT_EQ(field("deadline {seconds: 601}"), "deadline");
}

TEST_F(FleetPlanTest, TheSummaryAddsUpByLabelAndNamesWhoDidNotAnswer) {
  const auto plan = Plan(R"(apply_policy {name: "more" priority: 1 selector {nodes: "*"}
                                          cpu {offline: "2-3"}})");
  ASSERT_TRUE(plan.ok()) << plan.status();
  PlanSummarizer summarizer(*plan);
  const v1::NodePlan first = summarizer.Add(testing::FromText<v1::OperateNodesResponse>(R"(
      node: "n1" result {plan_spec {plan {
        steps {subject: "cpu2" outcome: OUTCOME_CHANGED}
        steps {subject: "cpu3" outcome: OUTCOME_REFUSED reason: "LIMIT_MIN_ONLINE_CPUS"}
        before {cpus: 4 memory_bytes: 100} after {cpus: 3 memory_bytes: 90}}}})"));
  EXPECT_EQ(first.labels().at("zone"), "n1");
  EXPECT_EQ(first.digest(), plan->nodes[1].resolution->digest);
  EXPECT_EQ(first.plan().steps_size(), 2);
  summarizer.Add(testing::FromText<v1::OperateNodesResponse>(R"(
      node: "n2" result {plan_spec {plan {
        before {cpus: 8 memory_bytes: 100} after {cpus: 8 memory_bytes: 100}}}})"));
  v1::OperateNodesResponse failed;
  failed.set_node("m1");
  *failed.mutable_result()->mutable_error() =
      ToRpcStatus(MakeError(absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED", "gone"));
  EXPECT_EQ(ErrorReason(FromRpcStatus(summarizer.Add(failed).error())), "NODE_NOT_CONNECTED");

  const v1::PlanSummary summary = summarizer.Summarize();
  EXPECT_EQ(summary.planned_nodes(), 2);
  EXPECT_THAT(summary.unanswered_nodes(), ElementsAre("m1"));
  EXPECT_EQ(summary.changes(), 1);
  EXPECT_EQ(summary.refusals(), 1);
  EXPECT_EQ(summary.before().cpus(), 12);
  EXPECT_EQ(summary.after().cpus(), 11);
  EXPECT_EQ(summary.after().memory_bytes(), 190u);
  ASSERT_THAT(summary.domains(), SizeIs(2));
  EXPECT_EQ(summary.domains(0).label(), "zone=n1");
  EXPECT_EQ(summary.domains(0).after().cpus(), 3);
}

class ExplainTest : public FleetPlanTest {
 protected:
  absl::StatusOr<v1::ExplainSubjectResponse> Explain(const std::string& node,
                                                     const std::string& subject) {
    v1::ExplainSubjectRequest request;
    request.set_node(node);
    request.set_subject(subject);
    return Ask(&FleetEngine::ExplainSubject, request);
  }
};

TEST_F(ExplainTest, ClaimsAndWhatTheNodeHasReported) {
  ASSERT_TRUE(SetHold(R"(node: "n1" subject: "core/0-0-7" state: DEVICE_STATE_OFFLINE)").ok());
  ASSERT_TRUE(agents_[0]
                  .Say(R"(inventory {devices {name: "cpu1" kind: DEVICE_KIND_CPU
                            cpu {package: 0 core: 7}} drivers {name: "Alucard"}})")
                  .ok());
  const std::string digest = GetNode("n1").desired_digest();
  ASSERT_TRUE(agents_[0]
                  .Say(absl::StrCat(R"(report {state: APPLY_STATE_FAILED digest: ")", digest, R"("
                            items {subject: "cpu1" outcome: OUTCOME_FAILED reason: "BUSY"}
                            items {subject: "cpu2" outcome: OUTCOME_CHANGED}
                            drift {subject: "cpu1" wanted: "offline"}})"))
                  .ok());
  const auto explained = Explain("n1", "cpu1");
  ASSERT_TRUE(explained.ok()) << explained.status();
  EXPECT_EQ(explained->summary(), "cpu1 is to be offline, by hold/core/0-0-7");
  ASSERT_THAT(explained->claims(), SizeIs(2));
  EXPECT_EQ(explained->claims(1).source(), "policy/base");
  EXPECT_EQ(explained->state(), v1::APPLY_STATE_FAILED);
  ASSERT_THAT(explained->last_results(), SizeIs(1));
  EXPECT_EQ(explained->last_results(0).reason(), "BUSY");
  EXPECT_THAT(explained->drift(), SizeIs(1));
  EXPECT_EQ(Explain("n1", "driver/ALUCARD")->driver().name(), "Alucard");
}

TEST_F(ExplainTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(ErrorReason(Explain("n9", "cpu1").status()), "NODE_NOT_FOUND");
  EXPECT_EQ(ErrorFieldViolations(Explain("n1", "cpu01").status())[0].field, "subject");
  EXPECT_THAT(Explain("n1", "smt")->summary(), HasSubstr("no policy and no hold"));
  EXPECT_THAT(Explain("n1", "memory7")->claims(), IsEmpty());
}

}  // namespace
}  // namespace hotplugger::server
