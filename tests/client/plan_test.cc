// hotplugctl plan: what a change would do.
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kLab[] =
    "apiVersion: hotplugger/v1\nkind: Policy\nname: lab\nselector: {matchLabels: {pool: lab}}\n"
    "cpu: {offline: '2-3'}\n";
constexpr char kLabAndWeb[] =
    "apiVersion: hotplugger/v1\nkind: Policy\nname: lab\nselector: {matchLabels: {pool: lab}}\n"
    "cpu: {offline: '2-3'}\n---\n"
    "apiVersion: hotplugger/v1\nkind: Policy\nname: web\nselector: {nodes: ['web-*']}\n"
    "cpu: {offline: '1'}\n";

class PlanTest : public CommandLineTest {
 protected:
  // Further answers go to the plan that is asked for next.
  void AnswerNextPlan() { fleet.plan_answers.emplace_back(); }
  void Answer(const std::string& text) {
    if (fleet.plan_answers.empty()) AnswerNextPlan();
    fleet.plan_answers.back().push_back(Proto<v1::PlanChangeResponse>(text));
  }
  void AnswerError(const std::string& node, const std::string& reason, const std::string& message) {
    if (fleet.plan_answers.empty()) AnswerNextPlan();
    v1::NodePlan& plan = *fleet.plan_answers.back().emplace_back().mutable_node();
    plan.set_node(node);
    *plan.mutable_error() = ToRpcStatus(MakeError(absl::StatusCode::kUnavailable, reason, message));
  }
};

TEST_F(PlanTest, ShowsEachNodesStepsInOrderAndCapacity) {
  Answer("overview { affected_nodes: 3 matched_nodes: 12 warnings: 'a key nobody has' }");
  Answer("node { node: 'beta' plan { notes: 'one thread stays' } }");
  AnswerError("gamma", "NODE_NOT_CONNECTED", "node gamma is not connected");
  Answer(
      "node { node: 'alpha' plan { steps { subject: 'cpu3' outcome: OUTCOME_CHANGED message: "
      "'offline, by cpu_offline' } steps { subject: 'cpu2' outcome: OUTCOME_REFUSED reason: "
      "'LIMIT' message: 'two CPUs stay' } notes: 'one thread stays' } }");
  Answer(
      "summary { planned_nodes: 2 unanswered_nodes: 'gamma' changes: 1 refusals: 1 before { cpus: "
      "64 memory_bytes: 274877906944 } after { cpus: 63 memory_bytes: 137438953472 } domains { "
      "label: 'zone=a' nodes: 1 before { cpus: 32 } after { cpus: 31 } } }");
  EXPECT_EQ(Run({"plan", "-f", "-"}, kLab), 64) << err;
  EXPECT_EQ(out,
            "policy/lab applied: 12 nodes match, 3 would change\n"
            "NODE   SUBJECT  WHAT\n"
            "alpha  cpu3     offline, by cpu_offline\n"
            "alpha  cpu2     REFUSED, LIMIT: two CPUs stay\n"
            "beta   -        nothing: its devices and drivers are so already\n"
            "Note on alpha, beta: one thread stays\n"
            "\n"
            "CAPACITY OF  NODES  CPUS      MEMORY\n"
            "all              2  64 -> 63  256Gi -> 128Gi\n"
            "zone=a           1  32 -> 31  0 -> 0\n"
            "\n"
            "1 change, 1 refusal on 2 nodes; no plan of gamma\n");
  EXPECT_EQ(err,
            "warning: a key nobody has\n"
            "hotplugctl: gamma: node gamma is not connected (NODE_NOT_CONNECTED)\n");
  const v1::PlanChangeRequest& request = fleet.plans.at(0);
  EXPECT_EQ(request.apply_policy().name(), "lab");
  EXPECT_EQ(request.deadline().seconds(), 30);
  EXPECT_FALSE(request.has_parallel());
}

TEST_F(PlanTest, EveryChangeIsAskedAsItsVerbWouldMakeIt) {
  EXPECT_EQ(Run({"plan", "delete", "policy", "lab"}), 0) << err;
  EXPECT_EQ(fleet.plans.back().delete_policy(), "lab");
  EXPECT_EQ(Run({"plan", "release", "alpha", "driver/x"}), 0) << err;
  EXPECT_EQ(fleet.plans.back().release_hold().node(), "alpha");
  EXPECT_EQ(fleet.plans.back().release_hold().subject(), "driver/x");
  EXPECT_EQ(Run({"plan", "online", "alpha", "memory3"}), 0) << err;
  EXPECT_EQ(fleet.plans.back().set_hold().state(), v1::DEVICE_STATE_ONLINE);
  EXPECT_EQ(Run({"plan", "offline", "alpha", "cpu3", "--deadline", "10m", "--parallel", "100"}), 0);
  const v1::PlanChangeRequest& request = fleet.plans.back();
  EXPECT_EQ(request.set_hold().node(), "alpha");
  EXPECT_EQ(request.set_hold().subject(), "cpu3");
  EXPECT_EQ(request.set_hold().state(), v1::DEVICE_STATE_OFFLINE);
  EXPECT_EQ(request.deadline().seconds(), 600);
  EXPECT_EQ(request.parallel(), 100);
  EXPECT_THAT(fleet.set_hold.requests, IsEmpty()) << "nothing was made";
}

TEST_F(PlanTest, QuarantineAsksForTheCore) {
  fleet.get_node.Answer(Proto<v1::GetNodeResponse>(
      "node { name: 'alpha' inventory { devices { name: 'cpu5' kind: DEVICE_KIND_CPU cpu { "
      "package: 1 die: 0 core: 3 core_cpus: '1,5' } } } }"));
  Answer("overview { affected_nodes: 0 matched_nodes: 1 }");
  Answer("summary {}");
  EXPECT_EQ(Run({"plan", "quarantine", "alpha", "cpu5"}), 0) << err;
  EXPECT_EQ(fleet.plans.at(0).set_hold().subject(), "core/1-0-3");
  EXPECT_EQ(out, "hold/alpha/core/1-0-3 offline: 1 node matches, none would change\n");
  EXPECT_EQ(err, "the core's CPUs now: 1,5\n");
}

TEST_F(PlanTest, WrongArgumentsAskNobody) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"plan"},
                                             {"plan", "offline"},
                                             {"plan", "offline", "alpha"},
                                             {"plan", "apply", "a", "b"},
                                             {"plan", "offline", "alpha", "cpu3", "cpu4"},
                                             {"plan", "delete", "policy", "lab", "-f", "-"},
                                             {"plan", "delete", "node", "alpha"},
                                             {"plan", "offline", "alpha", "core/0-3"},
                                             {"plan", "-f", "/nowhere/at/all.yaml"},
                                             {"plan", "-f", "-"},
                                             {"plan", "-f", "-", "-o", "wide"}}) {
    EXPECT_EQ(Run(line), 2) << testing::PrintToString(line) << err;
    EXPECT_THAT(err, Not(IsEmpty()));
  }
  EXPECT_EQ(Run({"plan", "offline", "a", "cpu3", "--deadline", "11m", "--parallel", "101"}), 2);
  EXPECT_THAT(err, AllOf(HasSubstr("2 values are wrong"), HasSubstr("--deadline: \"11m\""),
                         HasSubstr("--parallel: \"101\"")));
  EXPECT_THAT(fleet.plans, IsEmpty());
}

TEST_F(PlanTest, SeveralPoliciesArePlannedOneByOne) {
  Answer("overview { affected_nodes: 0 matched_nodes: 2 }");
  Answer("summary {}");
  AnswerNextPlan();
  Answer("overview { affected_nodes: 1 matched_nodes: 1 }");
  Answer("node { node: 'web-1' plan { steps { subject: 'cpu1' outcome: OUTCOME_CHANGED } } }");
  Answer("summary { planned_nodes: 1 changes: 1 }");
  EXPECT_EQ(Run({"plan", "-f", "-"}, kLabAndWeb), 0) << err;
  EXPECT_THAT(out, StartsWith("policy/lab applied: 2 nodes match, none would change\n"
                              "\n"
                              "policy/web applied: 1 node matches, 1 would change\n"
                              "NODE   SUBJECT  WHAT\n"
                              "web-1  cpu1     changed\n"));
  ASSERT_THAT(fleet.plans, SizeIs(2));
  EXPECT_EQ(fleet.plans[1].apply_policy().name(), "web");
}

TEST_F(PlanTest, WhereNothingWouldBeDoneItFails) {
  Answer("overview { affected_nodes: 1 matched_nodes: 1 }");
  Answer("node { node: 'a' plan { steps { subject: 'cpu0' outcome: OUTCOME_REFUSED } } }");
  EXPECT_EQ(Run({"plan", "offline", "a", "cpu0"}), 1);
  EXPECT_THAT(out, HasSubstr("a     cpu0     REFUSED\n"));
  Answer("overview { affected_nodes: 1 matched_nodes: 1 }");
  AnswerError("a", "NO_ANSWER", "it is late");
  EXPECT_EQ(Run({"plan", "offline", "a", "cpu0"}), 1);
  Answer("overview { affected_nodes: 1 matched_nodes: 1 }");
  Answer("node { node: 'a' plan {} }");
  EXPECT_EQ(Run({"plan", "offline", "a", "cpu0"}), 0) << "it is so already";
}

TEST_F(PlanTest, ARefusalIsTheControllersOwn) {
  fleet.plan_end = MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND", "no policy lab");
  EXPECT_EQ(Run({"plan", "delete", "policy", "lab"}), 1);
  EXPECT_EQ(out, "");
  EXPECT_EQ(err,
            "policy/lab deleted not planned:\nhotplugctl: no policy lab\n  reason: "
            "POLICY_NOT_FOUND\n");
  fleet.plan_end = MakeFieldErrors({{"deadline", "is too long"}});
  EXPECT_EQ(Run({"plan", "delete", "policy", "lab"}), 2);
  EXPECT_THAT(err, HasSubstr("--deadline: is too long"));
}

TEST_F(PlanTest, WhereNobodyAnswersTheOthersAreNotAsked) {
  fleet.plan_end = MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "nobody");
  EXPECT_EQ(Run({"plan", "-f", "-"}, kLabAndWeb), 69);
  for (const v1::PlanChangeRequest& plan : fleet.plans) {
    EXPECT_EQ(plan.apply_policy().name(), "lab");
  }
  EXPECT_THAT(err, HasSubstr("policy/web applied not planned\n"));
}

TEST_F(PlanTest, AnInterruptShowsWhatHasCome) {
  Answer("overview { affected_nodes: 2 matched_nodes: 2 }");
  Answer("node { node: 'a' plan { steps { subject: 'cpu1' outcome: OUTCOME_CHANGED } } }");
  fleet.after_last_answer = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"plan", "-f", "-"}, kLabAndWeb), 1);
  EXPECT_THAT(out, AllOf(HasSubstr("a     cpu1     changed\n"), Not(HasSubstr("CAPACITY"))));
  EXPECT_THAT(err, AllOf(HasSubstr("policy/lab applied not planned to the end:\n"),
                         HasSubstr("1 of 2 nodes have answered; nothing was changed\n"),
                         HasSubstr("policy/web applied not planned\n")));
}

TEST_F(PlanTest, DocumentsAreTheAnswersAsTheyCome) {
  Answer("overview { affected_nodes: 1 matched_nodes: 1 }");
  AnswerError("a", "NO_ANSWER", "it is late");
  Answer("summary { unanswered_nodes: 'a' }");
  EXPECT_EQ(Run({"plan", "offline", "a", "cpu0", "-o", "json"}), 1);
  EXPECT_THAT(out, StartsWith("{\"overview\":{\"affectedNodes\":1,"));
  EXPECT_THAT(out, HasSubstr("}\n{\"node\":{\"node\":\"a\""));
  EXPECT_THAT(out, HasSubstr("}\n{\"summary\":{"));
  EXPECT_EQ(err, "") << "documents have the errors in them";
  Answer("overview { matched_nodes: 1 }");
  EXPECT_EQ(Run({"plan", "offline", "a", "cpu0", "-o", "yaml"}), 0);
  EXPECT_THAT(out, StartsWith("---\noverview:\n"));
}

TEST_F(PlanTest, HostileTextIsMadePrintable) {
  const std::string hostile = "\\033[31m\\r\\n";
  Answer("overview { affected_nodes: 1 warnings: '" + hostile + "' }");
  Answer("node { node: '" + hostile + "' plan { steps { subject: '" + hostile + "' outcome: 99 " +
         "reason: '" + hostile + "' message: '" + hostile + "' } notes: '" + hostile + "' } }");
  AnswerError("b\033\n", "X\033", "y\033\n");
  Answer("summary { planned_nodes: 1 unanswered_nodes: '" + hostile + "' domains { label: '" +
         hostile + "' } }");
  Run({"plan", "offline", "a\033", "cpu0"});
  EXPECT_THAT(out + err, AllOf(Not(HasSubstr("\033")), Not(HasSubstr("\r"))));
}

TEST_F(PlanTest, EachPlanNamesItsPolicy) {
  Answer("overview { affected_nodes: 0 resource: 'policies/from-the-controller' }");
  AnswerNextPlan();
  Answer("overview { affected_nodes: 0 }");
  EXPECT_EQ(Run({"plan", "-f", "-", "-o", "json"}, kLabAndWeb), 0) << err;
  EXPECT_THAT(out, HasSubstr("\"resource\":\"policies/from-the-controller\""));
  EXPECT_THAT(out, HasSubstr("\"resource\":\"policies/web\"")) << "of one that doesn't say";
  AnswerNextPlan();
  Answer("overview { affected_nodes: 0 }");
  EXPECT_EQ(Run({"plan", "offline", "gamma", "cpu3", "-o", "json"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("\"resource\":\"nodes/gamma/holds/cpu3\""));
}

}  // namespace
}  // namespace hotplugger::client
