#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class WaitTest : public CommandLineTest {
 protected:
  // What the controller lists at the next poll; the last one stays.
  void Poll(const std::string& nodes) {
    fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>(nodes));
  }
};

constexpr char kInSync[] = "nodes { name: 'a' connected: true in_sync: true }";
constexpr char kApplying[] =
    "nodes { name: 'a' connected: true desired_digest: 'd' "
    "report { digest: 'd' state: APPLY_STATE_APPLYING } }";

TEST_F(WaitTest, EndsAtOnceWhenAllAreInSync) {
  Poll(kInSync);
  EXPECT_EQ(Run({"wait", "nodes", "a"}), 0);
  EXPECT_EQ(out, "1 node in sync\n");
  EXPECT_THAT(pauses, IsEmpty());
  EXPECT_TRUE(fleet.list_nodes.requests.at(0).summary_only());
}

TEST_F(WaitTest, PollsUntilInSync) {
  Poll(kApplying);
  Poll(kApplying);
  Poll(kInSync);
  EXPECT_EQ(Run({"wait", "nodes", "a"}), 0);
  EXPECT_EQ(out, "1 node in sync\n");
  EXPECT_EQ(err, "waiting: 0 of 1 nodes in sync\n") << "a line a change, not a line a poll";
  EXPECT_THAT(pauses, SizeIs(2));
  EXPECT_THAT(pauses, Each(absl::Milliseconds(250)));
}

TEST_F(WaitTest, NamesEachNodeAndWhyAtTheTimeout) {
  Poll(std::string(kInSync) +
       "nodes { name: 'b' connected: false }"
       "nodes { name: 'c' connected: true desired_digest: 'd' report { digest: 'old' state: "
       "APPLY_STATE_REFUSED } }"
       "nodes { name: 'd' connected: true desired_digest: 'd' report { digest: 'd' state: "
       "APPLY_STATE_FAILED message: 'writer died' items { subject: 'cpu3' outcome: "
       "OUTCOME_FAILED reason: 'BUSY' message: 'in use' retry: RETRY_CLASS_TRANSIENT } } }");
  EXPECT_EQ(Run({"wait", "nodes", "a", "b", "c", "d", "e", "--timeout", "2s"}), 1);
  EXPECT_EQ(out, "");
  EXPECT_THAT(err, HasSubstr("after 2s 4 of 5 nodes are not in sync:\n  b: it is not connected"));
  EXPECT_THAT(err, HasSubstr("\n  c: it has not answered the newest spec yet\n"));
  EXPECT_THAT(err, HasSubstr("\n  d: it failed: writer died; cpu3: BUSY: in use\n"));
  EXPECT_THAT(err, HasSubstr("\n  e: the controller doesn't know it"));
  EXPECT_THAT(err, HasSubstr("reason: WAIT_TIMEOUT"));
  EXPECT_THAT(pauses, SizeIs(8));
}

TEST_F(WaitTest, EndsAtOnceWhereANodeHasGivenUp) {
  Poll(
      "nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_FAILED items { subject: 'cpu0' outcome: OUTCOME_REFUSED reason: "
      "'NOT_HOTPLUGGABLE' message: 'no online file' } } }");
  EXPECT_EQ(Run({"wait", "nodes", "a"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it failed: cpu0: NOT_HOTPLUGGABLE: no online file"));
  EXPECT_THAT(err, HasSubstr("reason: NODE_FAILED"));
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(WaitTest, ACauseIsToldOnce) {
  Poll(
      "nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_FAILED message: 'no file' items { subject: 'driver/x' outcome: OUTCOME_FAILED "
      "reason: 'ENOENT' message: 'no file' } } }");
  EXPECT_EQ(Run({"wait", "nodes", "a"}), 1);
  EXPECT_THAT(err, HasSubstr("\n  a: it failed: driver/x: ENOENT: no file\n"));
}

struct Failure {
  const char* name;
  // Of a report of state FAILED.
  const char* report;
  bool given_up;
};

class FailureTest : public WaitTest, public testing::WithParamInterface<Failure> {};

TEST_P(FailureTest, EndsTheWaitOnlyWhereNothingCanHelp) {
  Poll(
      absl::StrCat("nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' "
                   "state: APPLY_STATE_FAILED ",
                   GetParam().report, " } }"));
  Poll(kInSync);
  EXPECT_EQ(Run({"wait", "nodes", "a"}), GetParam().given_up ? 1 : 0);
}

INSTANTIATE_TEST_SUITE_P(
    Retries, FailureTest,
    testing::Values(Failure{"WholeSoon", "retry: RETRY_CLASS_TRANSIENT", false},
                    Failure{"WholeLater", "retry: RETRY_CLASS_CONDITIONAL", false},
                    Failure{"WholeNever", "retry: RETRY_CLASS_PERMANENT", true},
                    Failure{"NothingSaid", "", true},
                    Failure{"ItemLater",
                            "items { outcome: OUTCOME_FAILED retry: RETRY_CLASS_CONDITIONAL }",
                            false},
                    Failure{"ItemNever",
                            "items { outcome: OUTCOME_REFUSED retry: RETRY_CLASS_PERMANENT }",
                            true},
                    Failure{"OneNeverOneSoon",
                            "retry: RETRY_CLASS_TRANSIENT "
                            "items { outcome: OUTCOME_FAILED retry: RETRY_CLASS_TRANSIENT } "
                            "items { outcome: OUTCOME_REFUSED retry: RETRY_CLASS_PERMANENT }",
                            true},
                    // What was undone or not tried says nothing by itself.
                    Failure{"OnlyFailuresCount",
                            "items { outcome: OUTCOME_FAILED retry: RETRY_CLASS_TRANSIENT } "
                            "items { outcome: OUTCOME_UNDONE retry: RETRY_CLASS_PERMANENT }",
                            false}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(WaitTest, EndsAtOnceWhereANodeRefused) {
  Poll(
      "nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_REFUSED message: 'bad list' } }");
  EXPECT_EQ(Run({"wait", "nodes"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it refused the spec: bad list"));
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(WaitTest, ANodeThatMayComeBackHasNotGivenUp) {
  Poll(
      "nodes { name: 'a' connected: false desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_REFUSED } }");
  Poll(kInSync);
  EXPECT_EQ(Run({"wait", "nodes", "a"}), 0);
}

TEST_F(WaitTest, AllConnectedAreThoseOfTheFirstPoll) {
  Poll("nodes { name: 'a' connected: true } nodes { name: 'b' connected: false }");
  Poll("nodes { name: 'a' connected: false } nodes { name: 'b' connected: false }");
  EXPECT_EQ(Run({"wait", "nodes", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it is not connected"));
  EXPECT_THAT(err, Not(HasSubstr("b: ")));
}

TEST_F(WaitTest, NoConnectedNodeIsAnError) {
  Poll("nodes { name: 'b' connected: false }");
  EXPECT_EQ(Run({"wait", "nodes"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: NO_NODE"));
}

TEST_F(WaitTest, OfAPolicyWaitsForWhatItMatches) {
  Poll(std::string(kInSync) + "nodes { name: 'b' connected: false }");
  Poll(
      "nodes { name: 'a' connected: true in_sync: true } nodes { name: 'b' connected: true "
      "in_sync: true }");
  EXPECT_EQ(Run({"wait", "policy", "p"}), 0);
  EXPECT_EQ(out, "2 nodes in sync\n");
  EXPECT_EQ(fleet.list_nodes.requests.at(0).policy(), "p");
}

TEST_F(WaitTest, APolicyThatMatchesNothingIsAnErrorAtOnce) {
  Poll("");
  EXPECT_EQ(Run({"wait", "policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("policy p matches no node"));
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(WaitTest, AControllerThatRestartsIsWaitedFor) {
  Poll(kApplying);
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  Poll(kInSync);
  EXPECT_EQ(Run({"wait", "nodes", "a"}), 0);
}

TEST_F(WaitTest, AControllerThatStaysAwayIsUnreachable) {
  Poll(kApplying);
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  EXPECT_EQ(Run({"wait", "nodes", "a", "--timeout", "1s"}), 69);
  EXPECT_THAT(pauses, SizeIs(4));
}

TEST_F(WaitTest, AControllerThatWasNeverThereIsNotWaitedFor) {
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  EXPECT_EQ(Run({"wait", "nodes", "a"}), 69);
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(WaitTest, OtherErrorsEndIt) {
  Poll(kApplying);
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kNotFound, "NO_POLICY", "deleted"));
  EXPECT_EQ(Run({"wait", "policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: NO_POLICY"));
}

TEST_F(WaitTest, ASpecThatWasGivenUpIsNotWaitedFor) {
  for (const char* state : {"REVERTED", "QUARANTINED"}) {
    Poll(
        absl::StrCat("nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' "
                     "state: APPLY_STATE_",
                     state, " message: 'why' } }"));
    EXPECT_EQ(Run({"wait", "nodes", "a"}), 1);
    EXPECT_THAT(err, HasSubstr("a: it went back to the last good spec"));
    EXPECT_THAT(err, HasSubstr(": why\n"));
    EXPECT_THAT(err, HasSubstr("reason: NODE_FAILED"));
  }
}

TEST_F(WaitTest, UntilConfirmed) {
  Poll("nodes { name: 'a' connected: true in_sync: true report { awaits_confirmation: true } }");
  Poll(kInSync);
  EXPECT_EQ(Run({"wait", "nodes", "a", "--for=confirmed"}), 0);
  EXPECT_EQ(out, "1 node confirmed\n");
  EXPECT_EQ(err, "waiting: 0 of 1 nodes confirmed\n");
}

TEST_F(WaitTest, UntilConnected) {
  Poll("nodes { name: 'a' connected: false }");
  Poll("nodes { name: 'a' connected: true }");
  EXPECT_EQ(Run({"wait", "nodes", "a", "--for", "connected"}), 0);
  EXPECT_EQ(out, "1 node connected\n");
}

TEST_F(WaitTest, UntilNodesAreForgotten) {
  Poll("nodes { name: 'a' } nodes { name: 'b' connected: true }");
  Poll("");
  EXPECT_EQ(Run({"wait", "nodes", "a", "b", "--for=deleted"}), 0);
  EXPECT_EQ(out, "2 nodes deleted\n");
}

TEST_F(WaitTest, ANodeThatIsConnectedStillIsNamed) {
  Poll("nodes { name: 'b' connected: true }");
  EXPECT_EQ(Run({"wait", "nodes", "b", "--for=deleted", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("after 1s 1 of 1 nodes are not deleted:\n  b: it is connected, and "
                             "can't be deleted\n"));
}

TEST_F(WaitTest, UntilAPolicyIsDeleted) {
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>("policy { name: 'p' revision: 3 }"));
  fleet.get_policy.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  fleet.get_policy.Answer(MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND", "none"));
  EXPECT_EQ(Run({"wait", "policy", "p", "--for=deleted"}), 0);
  EXPECT_EQ(out, "policy/p is gone\n");
  EXPECT_THAT(pauses, SizeIs(2));
}

TEST_F(WaitTest, UntilAHoldHasExpired) {
  fleet.list_holds.Answer(Proto<v1::ListHoldsResponse>(
      "holds { node: 'a' subject: 'cpu3' expire_time { seconds: 1700000001 } } holds { node: 'a' "
      "subject: 'cpu4' }"));
  fleet.list_holds.Answer(Proto<v1::ListHoldsResponse>("holds { node: 'a' subject: 'cpu4' }"));
  EXPECT_EQ(Run({"wait", "hold", "a", "cpu3", "--for=expired"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 is gone\n");
  EXPECT_EQ(fleet.list_holds.requests.at(0).node(), "a");
  EXPECT_EQ(Run({"wait", "hold", "a", "cpu4", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("after 1s hold/a/cpu4 is there still: it has no end"));
}

}  // namespace
}  // namespace hotplugger::client
