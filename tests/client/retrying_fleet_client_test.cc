// Which calls are tried again, how often, and that a change is the same each time.
#include "client/retrying_fleet_client.h"

#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

absl::Status Away() {
  return MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "can't reach it");
}

// It was there, and the call got to it.
absl::Status Lost() {
  return MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST", "the connection broke");
}

class RetryTest : public CommandLineTest {
 protected:
  absl::Duration Waited() const {
    absl::Duration waited;
    for (const absl::Duration pause : pauses) waited += pause;
    return waited;
  }
};

TEST_F(RetryTest, AReadIsSimplyAskedAgain) {
  fleet.list_nodes.Answer(Away());
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye"));
  fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>("nodes { name: 'a' }"));
  EXPECT_EQ(Run({"get", "nodes", "-o", "name"}), 0);
  EXPECT_EQ(out, "node/a\n");
  EXPECT_EQ(err, "") << "a script hears of what failed alone";
  EXPECT_THAT(fleet.list_nodes.requests, SizeIs(3));
  EXPECT_THAT(pauses, SizeIs(2));
}

TEST_F(RetryTest, AChangeKeepsItsId) {
  fleet.set_hold.Answer(Away());
  fleet.set_hold.Answer(Away());
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--for", "1h"}), 0);
  ASSERT_THAT(fleet.set_hold.requests, SizeIs(3));
  EXPECT_EQ(fleet.set_hold.requests[0].request_id(), "request-1");
  for (const v1::SetHoldRequest& request : fleet.set_hold.requests) {
    EXPECT_EQ(request.SerializeAsString(), fleet.set_hold.requests[0].SerializeAsString());
  }
}

TEST_F(RetryTest, ItEndsWithinTheTimeout) {
  fleet.release_hold.Answer(Away());
  EXPECT_EQ(Run({"release", "a", "cpu3", "--timeout", "5s"}), 69);
  EXPECT_LE(Waited(), absl::Seconds(5));
  EXPECT_GE(Waited(), absl::Seconds(2)) << "the last pause may be as long as 2s";
  EXPECT_GE(fleet.release_hold.requests.size(), 3u);
  EXPECT_LE(fleet.release_hold.requests.size(), 100u);
  EXPECT_THAT(err, AllOf(HasSubstr("can't reach it (tried "), HasSubstr(" times in ")));
  // No attempt may take longer than what is left.
  EXPECT_EQ(fleet.limits.front(), absl::Seconds(5));
  for (size_t i = 1; i < fleet.limits.size(); ++i) {
    EXPECT_LE(fleet.limits[i], fleet.limits[i - 1]);
  }
  EXPECT_LT(fleet.limits.back(), absl::Seconds(4));
}

TEST_F(RetryTest, OneThatWasNeverThereIsToldSoon) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"get", "nodes"}, {"release", "a", "cpu3"}, {"events", "-w"}, {"audit", "-w"}}) {
    pauses.clear();
    fleet.list_nodes.Answer(Away());
    fleet.release_hold.Answer(Away());
    fleet.list_events.Answer(Away());
    fleet.list_audit_entries.Answer(Away());
    EXPECT_EQ(Run(arguments), 69);
    EXPECT_LE(Waited(), absl::Seconds(2)) << arguments[0];
    EXPECT_GE(Waited(), absl::Seconds(1)) << arguments[0] << ": it may just be starting";
    EXPECT_THAT(err, Not(HasSubstr("--request-id"))) << "nothing can have been done";
  }
}

TEST_F(RetryTest, AllCallsOfARunWaitForItTogether) {
  const std::string one = "apiVersion: hotplugger/v1\nkind: Policy\nname: a\n";
  fleet.get_policy.Answer(Away());
  Run({"diff", "-f", "-"}, one + "---\n" + one.substr(0, one.size() - 2) + "b\n");
  EXPECT_LE(Waited(), absl::Seconds(2));
}

TEST_F(RetryTest, OneThatWasThereIsWaitedForLonger) {
  for (const absl::Status& first :
       {Lost(), MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye")}) {
    pauses.clear();
    fleet.release_hold = {};
    fleet.release_hold.Answer(first);
    fleet.release_hold.Answer(Away());
    EXPECT_EQ(Run({"release", "a", "cpu3"}), 69);
    EXPECT_GE(Waited(), absl::Seconds(7)) << first;
    EXPECT_LE(Waited(), absl::Seconds(10)) << first;
    EXPECT_THAT(err, AllOf(HasSubstr(std::string(first.message()) + "; then: can't reach it"),
                           HasSubstr("repeat the command with --request-id request-")))
        << "the first one may have been done";
  }
  // The call before this one was answered.
  pauses.clear();
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>("policy { name: 'p' revision: 3 }"));
  fleet.rollback_policy.Answer(Away());
  EXPECT_EQ(Run({"rollback", "policy", "p", "--revision", "2"}), 69);
  EXPECT_GE(Waited(), absl::Seconds(7));
  EXPECT_THAT(err, Not(HasSubstr("--request-id"))) << "nobody got it";
}

TEST_F(RetryTest, PausesGrowAndDiffer) {
  fleet.get_node.Answer(Away());
  EXPECT_EQ(Run({"describe", "node", "a", "--timeout", "1h"}), 69);
  for (const absl::Duration pause : pauses) {
    EXPECT_GE(pause, absl::Milliseconds(50));
    EXPECT_LE(pause, absl::Seconds(2));
  }
  const auto longest = std::max_element(pauses.begin(), pauses.end());
  EXPECT_GT(*longest, absl::Seconds(1));
  EXPECT_LE(pauses.front(), absl::Milliseconds(200));
  EXPECT_THAT(err, Not(HasSubstr("--request-id"))) << "of a question nothing was done";
}

TEST_F(RetryTest, WhatTheControllerRefusedIsNotAskedAgain) {
  for (const absl::Status& refusal :
       {MakeError(absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED", "no"),
        MakeError(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "no"),
        MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH", "no"),
        MakeError(absl::StatusCode::kDeadlineExceeded, "NO_ANSWER", "no", {{"address", "x:1"}})}) {
    fleet.explain_subject = {};
    fleet.explain_subject.Answer(refusal);
    Run({"explain", "a", "cpu3"});
    EXPECT_THAT(fleet.explain_subject.requests, SizeIs(1)) << refusal;
  }
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(RetryTest, AnAnswerThatNeverCameTellsHowToRepeat) {
  fleet.delete_policy.Answer(MakeError(absl::StatusCode::kDeadlineExceeded, "NO_ANSWER",
                                       "no answer within 10s", {{"address", "x:1"}}));
  EXPECT_EQ(Run({"delete", "policy", "p", "--request-id", "mine"}), 69);
  EXPECT_THAT(err, HasSubstr("no answer within 10s; to ask once more and have it done no more than "
                             "once, repeat the command with --request-id mine"));
  EXPECT_THAT(fleet.delete_policy.requests, SizeIs(1));
}

TEST_F(RetryTest, WhatNodesAreAskedIsNotAskedAgain) {
  fleet.operation_end = Away();
  EXPECT_EQ(Run({"enable", "x", "--node", "a"}), 69);
  EXPECT_THAT(fleet.operations, SizeIs(1));
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(RetryTest, APlanIsAskedAgainUntilItHasBegun) {
  fleet.plan_end = Away();
  EXPECT_EQ(Run({"plan", "delete", "policy", "p"}), 69);
  EXPECT_GT(fleet.plans.size(), 2u);
  fleet.plans.clear();
  fleet.plan_answers.push_back({Proto<v1::PlanChangeResponse>("overview { affected_nodes: 3 }")});
  Run({"plan", "delete", "policy", "p"});
  EXPECT_THAT(fleet.plans, SizeIs(1));
}

TEST_F(RetryTest, ATryIsAskedAgainWithoutAnId) {
  fleet.apply_policy.Answer(Away());
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>("policy { name: 'a' }"));
  EXPECT_EQ(
      Run({"apply", "-f", "-", "--dry-run"}, "apiVersion: hotplugger/v1\nkind: Policy\nname: a\n"),
      0);
  ASSERT_THAT(fleet.apply_policy.requests, SizeIs(2));
  EXPECT_EQ(fleet.apply_policy.requests[1].request_id(), "");
}

TEST_F(RetryTest, AtATerminalItIsToldOnce) {
  surroundings.errors_are_on_terminal = true;
  fleet.list_nodes.Answer(Away());
  fleet.list_nodes.Answer(Away());
  fleet.list_nodes.Answer(v1::ListNodesResponse());
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_EQ(err, "hotplugctl: can't reach it; trying again (2s left)\n");
}

TEST_F(RetryTest, WithVerboseEachTimeIsTold) {
  fleet.list_nodes.Answer(Away());
  fleet.list_nodes.Answer(Away());
  fleet.list_nodes.Answer(v1::ListNodesResponse());
  EXPECT_EQ(Run({"get", "nodes", "-v"}), 0);
  EXPECT_THAT(err, testing::ContainsRegex("(trying again.*){1}\n.*trying again"));
}

TEST_F(RetryTest, ThePeersDelayIsKept) {
  fleet.list_nodes.Answer(WithRetryDelay(
      MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye"), absl::Seconds(3)));
  fleet.list_nodes.Answer(v1::ListNodesResponse());
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_THAT(pauses, testing::ElementsAre(absl::Seconds(3)));
}

TEST_F(RetryTest, ARequestIdIsOnesOwn) {
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--request-id", "job-7"}), 0);
  EXPECT_EQ(fleet.set_hold.requests.at(0).request_id(), "job-7");
  fleet.delete_node.Answer(v1::DeleteNodeResponse());
  EXPECT_EQ(Run({"delete", "node", "a", "--request-id", "job-8"}), 0);
  EXPECT_EQ(fleet.delete_node.requests.at(0).request_id(), "job-8");
  for (const std::string& wrong : {std::string(), std::string("a b"), std::string(65, 'x')}) {
    EXPECT_EQ(Run({"release", "a", "cpu3", "--request-id", wrong}), 2) << wrong;
    EXPECT_THAT(err, HasSubstr("--request-id: \""));
  }
}

TEST_F(RetryTest, OfSeveralChangesEachHasAnIdThatARepetitionHasToo) {
  const std::string one = "apiVersion: hotplugger/v1\nkind: Policy\nname: a\n";
  const std::string two = one + "---\napiVersion: hotplugger/v1\nkind: Policy\nname: b\n";
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>("policy { name: 'x' }"));
  EXPECT_EQ(Run({"apply", "-f", "-", "--request-id", "job"}, one), 0);
  EXPECT_EQ(fleet.apply_policy.requests.at(0).request_id(), "job");
  EXPECT_EQ(Run({"apply", "-f", "-", "--request-id", "job"}, two), 0);
  EXPECT_EQ(Run({"apply", "-f", "-", "--request-id", "job"}, two), 0);
  const auto& requests = fleet.apply_policy.requests;
  ASSERT_THAT(requests, SizeIs(5));
  EXPECT_THAT(requests[1].request_id(), testing::MatchesRegex("job-[0-9a-f]+"));
  EXPECT_NE(requests[1].request_id(), requests[2].request_id());
  EXPECT_EQ(requests[1].request_id(), requests[3].request_id());
  EXPECT_EQ(requests[2].request_id(), requests[4].request_id());
  EXPECT_EQ(Run({"apply", "-f", "-", "--request-id", std::string(60, 'x')}, one), 0);
  EXPECT_EQ(Run({"apply", "-f", "-", "--request-id", std::string(60, 'x')}, two), 2);
}

}  // namespace
}  // namespace hotplugger::client
