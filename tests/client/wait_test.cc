#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class WaitTest : public CommandLineTest {
 protected:
  using Told = std::vector<v1::WatchFleetResponse>;

  // From then on these nodes are all there are: the watch begins with the first ones, and goes on
  // with what is another way in the next.
  void Tell(const std::string& nodes) {
    const auto listed = Proto<v1::ListNodesResponse>(nodes);
    if (!synced_) told_.push_back(Proto<v1::WatchFleetResponse>("reset {}"));
    std::set<std::string> gone = std::move(known_);
    known_.clear();
    for (const v1::Node& node : listed.nodes()) {
      v1::WatchFleetResponse answer;
      *answer.mutable_node() = node;
      told_.push_back(std::move(answer));
      known_.insert(node.name());
      gone.erase(node.name());
    }
    if (!synced_ && !policy_.empty()) {
      *told_.emplace_back().mutable_policy() = Proto<v1::GetPolicyResponse>(policy_).policy();
    }
    for (const std::string& name : gone) {
      v1::WatchFleetResponse answer;
      answer.set_deleted_node(name);
      told_.push_back(std::move(answer));
    }
    if (!synced_) told_.push_back(Proto<v1::WatchFleetResponse>("synced {}"));
    synced_ = true;
    for (v1::WatchFleetResponse& answer : told_) {
      answer.set_resume_token(absl::StrCat("t", ++tokens_));
    }
  }
  void StorePolicy() {
    policy_ = "policy { name: 'p' selector { match_labels { key: 'pool' value: 'lab' } } }";
    fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>(policy_));
  }
  // Until then: how the call ends. The next one goes on where it was.
  void End(absl::Status status = MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                                           "gone")) {
    fleet.watch_fleet.Call(std::exchange(told_, {}), std::move(status));
  }

  // Whatever was told last stays so until time is over.
  int Wait(std::vector<std::string> arguments) {
    if (!told_.empty()) End(absl::OkStatus());
    known_.clear();
    synced_ = false;
    arguments.insert(arguments.begin(), "wait");
    return Run(arguments);
  }
  // Nobody is there for so many calls.
  void BeAway(int calls) {
    for (int i = 0; i < calls; ++i) {
      fleet.watch_fleet.Call({}, MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
    }
  }

  Told told_;
  std::set<std::string> known_;
  bool synced_ = false;
  // What a watch tells, besides the nodes, as it begins; empty: none.
  std::string policy_;
  int tokens_ = 0;
};

constexpr char kInSync[] = "nodes { name: 'a' connected: true in_sync: true }";
constexpr char kApplying[] =
    "nodes { name: 'a' connected: true desired_digest: 'd' "
    "report { digest: 'd' state: APPLY_STATE_APPLYING } }";

TEST_F(WaitTest, EndsAtOnceWhenAllAreInSync) {
  Tell(kInSync);
  EXPECT_EQ(Wait({"nodes", "a"}), 0);
  EXPECT_EQ(out, "1 node in sync\n");
  EXPECT_THAT(pauses, IsEmpty());
  const v1::WatchFleetRequest& request = fleet.watch_fleet.requests.at(0);
  EXPECT_TRUE(request.summary_only());
  EXPECT_THAT(request.kinds(), ElementsAre(v1::WatchFleetRequest::KIND_NODES));
  EXPECT_EQ(request.resume_token(), "");
  EXPECT_EQ(fleet.watch_fleet.ends.at(0), absl::Seconds(60));
}

TEST_F(WaitTest, WaitsUntilInSync) {
  Tell(kApplying);
  Tell(kApplying);
  Tell(kInSync);
  EXPECT_EQ(Wait({"nodes", "a"}), 0);
  EXPECT_EQ(out, "1 node in sync\n");
  EXPECT_EQ(err, "waiting: 0 of 1 nodes in sync\n") << "a line a change of the count";
  EXPECT_THAT(pauses, IsEmpty()) << "nothing is asked again and again";
}

TEST_F(WaitTest, NamesEachNodeAndWhyAtTheTimeout) {
  Tell(std::string(kInSync) +
       "nodes { name: 'b' connected: false }"
       "nodes { name: 'c' connected: true desired_digest: 'd' report { digest: 'old' state: "
       "APPLY_STATE_REFUSED } }"
       "nodes { name: 'd' connected: true desired_digest: 'd' report { digest: 'd' state: "
       "APPLY_STATE_FAILED message: 'writer died' items { subject: 'cpu3' outcome: "
       "OUTCOME_FAILED reason: 'BUSY' message: 'in use' retry: RETRY_CLASS_TRANSIENT } } }");
  EXPECT_EQ(Wait({"nodes", "a", "b", "c", "d", "e", "--timeout", "2s"}), 1);
  EXPECT_EQ(out, "");
  EXPECT_THAT(err, HasSubstr("after 2s 4 of 5 nodes are not in sync:\n  b: it is not connected"));
  EXPECT_THAT(err, HasSubstr("\n  c: it has not answered the newest spec yet\n"));
  EXPECT_THAT(err, HasSubstr("\n  d: it failed: writer died; cpu3: BUSY: in use\n"));
  EXPECT_THAT(err, HasSubstr("\n  e: the controller doesn't know it"));
  EXPECT_THAT(err, HasSubstr("reason: WAIT_TIMEOUT"));
}

TEST_F(WaitTest, EndsAtOnceWhereANodeHasGivenUp) {
  Tell(
      "nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_FAILED items { subject: 'cpu0' outcome: OUTCOME_REFUSED reason: "
      "'NOT_HOTPLUGGABLE' message: 'no online file' } } }");
  EXPECT_EQ(Wait({"nodes", "a"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it failed: cpu0: NOT_HOTPLUGGABLE: no online file"));
  EXPECT_THAT(err, HasSubstr("reason: NODE_FAILED"));
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(WaitTest, ACauseIsToldOnce) {
  Tell(
      "nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_FAILED message: 'no file' items { subject: 'driver/x' outcome: OUTCOME_FAILED "
      "reason: 'ENOENT' message: 'no file' } } }");
  EXPECT_EQ(Wait({"nodes", "a"}), 1);
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
  Tell(
      absl::StrCat("nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' "
                   "state: APPLY_STATE_FAILED ",
                   GetParam().report, " } }"));
  Tell(kInSync);
  EXPECT_EQ(Wait({"nodes", "a"}), GetParam().given_up ? 1 : 0);
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
  Tell(
      "nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_REFUSED message: 'bad list' } }");
  EXPECT_EQ(Wait({"nodes"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it refused the spec: bad list"));
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(WaitTest, ANodeThatMayComeBackHasNotGivenUp) {
  Tell(
      "nodes { name: 'a' connected: false desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_REFUSED } }");
  Tell(kInSync);
  EXPECT_EQ(Wait({"nodes", "a"}), 0);
}

TEST_F(WaitTest, AllConnectedAreThoseThatAreSoAtFirst) {
  Tell("nodes { name: 'a' connected: true } nodes { name: 'b' connected: false }");
  Tell("nodes { name: 'a' connected: false } nodes { name: 'b' connected: false }");
  EXPECT_EQ(Wait({"nodes", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it is not connected"));
  EXPECT_THAT(err, Not(HasSubstr("b: ")));
}

TEST_F(WaitTest, NoConnectedNodeIsAnError) {
  Tell("nodes { name: 'b' connected: false }");
  EXPECT_EQ(Wait({"nodes"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: NO_NODE"));
}

TEST_F(WaitTest, OfAPolicyWaitsForWhatItMatches) {
  StorePolicy();
  Tell(
      "nodes { name: 'a' in_sync: true labels { key: 'pool' value: 'lab' } } nodes { name: 'b' "
      "labels { key: 'pool' value: 'lab' } } nodes { name: 'c' }");
  Tell(
      "nodes { name: 'a' in_sync: true labels { key: 'pool' value: 'lab' } } nodes { name: 'b' "
      "in_sync: true labels { key: 'pool' value: 'lab' } } nodes { name: 'c' }");
  EXPECT_EQ(Wait({"policy", "p"}), 0) << err;
  EXPECT_EQ(out, "2 nodes in sync\n");
  EXPECT_EQ(fleet.get_policy.requests.at(0).name(), "p");
  EXPECT_THAT(fleet.watch_fleet.requests.at(0).kinds(),
              ElementsAre(v1::WatchFleetRequest::KIND_NODES, v1::WatchFleetRequest::KIND_POLICIES));
}

TEST_F(WaitTest, APolicyMayGetAnotherSelectorMeanwhile) {
  StorePolicy();
  Tell(
      "nodes { name: 'a' labels { key: 'pool' value: 'lab' } } nodes { name: 'c' in_sync: true "
      "labels { key: 'pool' value: 'web' } }");
  told_.push_back(Proto<v1::WatchFleetResponse>(
      "policy { name: 'p' revision: 2 selector { match_labels { key: 'pool' value: 'web' } } }"));
  EXPECT_EQ(Wait({"policy", "p"}), 0) << err;
  EXPECT_EQ(out, "1 node in sync\n");
}

TEST_F(WaitTest, APolicyThatIsDeletedMeanwhileEndsIt) {
  StorePolicy();
  Tell("nodes { name: 'a' labels { key: 'pool' value: 'lab' } }");
  told_.push_back(Proto<v1::WatchFleetResponse>("deleted_policy: 'q'"));
  told_.push_back(Proto<v1::WatchFleetResponse>("deleted_policy: 'p'"));
  EXPECT_EQ(Wait({"policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("policy p, whose nodes were waited for, has been deleted"));
}

TEST_F(WaitTest, APolicyThatIsDeletedWhileTheControllerIsAwayEndsIt) {
  StorePolicy();
  Tell("nodes { name: 'a' labels { key: 'pool' value: 'lab' } }");
  End();
  policy_.clear();
  synced_ = false;
  Tell("nodes { name: 'a' in_sync: true labels { key: 'pool' value: 'lab' } }");
  EXPECT_EQ(Wait({"policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("policy p, whose nodes were waited for, has been deleted"));
  EXPECT_THAT(err, HasSubstr("reason: POLICY_NOT_FOUND"));
}

TEST_F(WaitTest, APolicyThatMatchesNothingIsAnErrorAtOnce) {
  StorePolicy();
  Tell("nodes { name: 'c' }");
  EXPECT_EQ(Wait({"policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("policy p matches no node"));
  EXPECT_THAT(pauses, IsEmpty());
}

TEST_F(WaitTest, AControllerThatRestartsIsWaitedFor) {
  Tell(kApplying);
  End();
  BeAway(3);
  Tell(kInSync);
  EXPECT_EQ(Wait({"nodes", "a"}), 0);
  EXPECT_EQ(err,
            "waiting: 0 of 1 nodes in sync\nhotplugctl: gone\n  reason: CONNECTION_LOST\n"
            "trying again until it answers\nthe controller answers again\n");
  ASSERT_THAT(fleet.watch_fleet.requests, SizeIs(5));
  EXPECT_EQ(fleet.watch_fleet.requests.back().resume_token(), "t3") << "of the last answer";
}

TEST_F(WaitTest, AfterAResetOnlyWhatIsToldAnewCounts) {
  Tell("nodes { name: 'a' connected: true } nodes { name: 'b' connected: true in_sync: true }");
  End();
  synced_ = false;
  Tell(kInSync);
  EXPECT_EQ(Wait({"nodes", "a", "b", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("1 of 2 nodes are not in sync:\n  b: the controller doesn't know it"));
}

TEST_F(WaitTest, AControllerThatStaysAwayIsUnreachable) {
  Tell(kApplying);
  End();
  BeAway(100);
  EXPECT_EQ(Wait({"nodes", "a", "--timeout", "1s"}), 69);
  absl::Duration waited;
  for (const absl::Duration pause : pauses) waited += pause;
  EXPECT_EQ(waited, absl::Seconds(1));
}

TEST_F(WaitTest, AControllerThatIsNeverThereIsGivenUpSooner) {
  BeAway(1000);
  EXPECT_EQ(Wait({"nodes", "a", "--timeout", "1h"}), 69);
  absl::Duration waited;
  for (const absl::Duration pause : pauses) waited += pause;
  EXPECT_EQ(waited, absl::Seconds(2));
  EXPECT_EQ(err, "hotplugctl: gone\n  reason: UNREACHABLE\n") << "no terminal: nothing in between";
  pauses.clear();
  EXPECT_EQ(Run({"--timeout", "20s", "wait", "nodes", "a", "--timeout", "1h"}), 69);
  waited = absl::ZeroDuration();
  for (const absl::Duration pause : pauses) waited += pause;
  EXPECT_EQ(waited, absl::Seconds(20)) << "said, it is done";
}

TEST_F(WaitTest, OneThatIsThereAndEndsIsWaitedForLonger) {
  fleet.watch_fleet.Call({}, MakeError(absl::StatusCode::kUnavailable, "SHUTTING_DOWN", "bye"));
  BeAway(1000);
  EXPECT_EQ(Wait({"nodes", "a", "--timeout", "1h"}), 69);
  absl::Duration waited;
  for (const absl::Duration pause : pauses) waited += pause;
  EXPECT_GE(waited, absl::Seconds(10));
  EXPECT_LE(waited, absl::Seconds(20));
}

TEST_F(WaitTest, AControllerThatTellsNothingIsUnreachable) {
  EXPECT_EQ(Wait({"nodes", "a", "--timeout", "2s"}), 69);
  EXPECT_THAT(err, HasSubstr("which did not tell within 2s"));
  EXPECT_EQ(Wait({"hold", "a", "cpu3", "--timeout", "2s"}), 69);
  EXPECT_THAT(err, HasSubstr("reason: NO_ANSWER"));
}

TEST_F(WaitTest, AnInterruptEndsIt) {
  Tell(kApplying);
  End();
  on_pause = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Wait({"nodes", "a"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: INTERRUPTED"));
  EXPECT_THAT(pauses, SizeIs(1));
}

TEST_F(WaitTest, OtherErrorsEndIt) {
  Tell(kApplying);
  End(MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHES", "64 go on"));
  EXPECT_EQ(Wait({"nodes", "a"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: TOO_MANY_WATCHES"));
  fleet.get_policy.Answer(MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND", "none"));
  EXPECT_EQ(Wait({"policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: POLICY_NOT_FOUND"));
}

TEST_F(WaitTest, OneThatIsTurnedAwayIsToldWhy) {
  Tell("nodes { name: 'a' conditions { type: 'TURNED_AWAY' message: 'it belongs to fleet f2' } }");
  EXPECT_EQ(Wait({"nodes", "a", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it is not connected: TURNED_AWAY: it belongs to fleet f2"));
  Tell("nodes { name: 'a' conditions { type: 'NAME_IN_USE' message: 'two' } }");
  EXPECT_EQ(Wait({"nodes", "a", "--for=connected", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("a: it is not connected: NAME_IN_USE: two"));
}

TEST_F(WaitTest, ProgressOfALargeFleetIsNotALineANode) {
  Tell(
      "nodes { name: 'a' connected: true } nodes { name: 'b' connected: true } nodes { name: 'c' "
      "connected: true }");
  for (const char* name : {"a", "b", "c"}) {
    told_.push_back(Proto<v1::WatchFleetResponse>(
        absl::StrCat("node { name: '", name, "' connected: true in_sync: true }")));
  }
  EXPECT_EQ(Wait({"nodes"}), 0);
  EXPECT_EQ(out, "3 nodes in sync\n");
  EXPECT_EQ(err, "waiting: 0 of 3 nodes in sync\n") << "no time has passed";
}

TEST_F(WaitTest, ASpecThatWasGivenUpIsNotWaitedFor) {
  for (const char* state : {"REVERTED", "QUARANTINED"}) {
    Tell(
        absl::StrCat("nodes { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' "
                     "state: APPLY_STATE_",
                     state, " message: 'why' } }"));
    EXPECT_EQ(Wait({"nodes", "a"}), 1);
    EXPECT_THAT(err, HasSubstr("a: it went back to the last good spec"));
    EXPECT_THAT(err, HasSubstr(": why\n"));
    EXPECT_THAT(err, HasSubstr("reason: NODE_FAILED"));
  }
}

TEST_F(WaitTest, UntilConfirmed) {
  Tell("nodes { name: 'a' connected: true in_sync: true report { awaits_confirmation: true } }");
  Tell(kInSync);
  EXPECT_EQ(Wait({"nodes", "a", "--for=confirmed"}), 0);
  EXPECT_EQ(out, "1 node confirmed\n");
  EXPECT_EQ(err, "waiting: 0 of 1 nodes confirmed\n");
}

TEST_F(WaitTest, UntilConnected) {
  Tell("nodes { name: 'a' connected: false }");
  Tell("nodes { name: 'a' connected: true }");
  EXPECT_EQ(Wait({"nodes", "a", "--for", "connected"}), 0);
  EXPECT_EQ(out, "1 node connected\n");
}

TEST_F(WaitTest, UntilNodesAreForgotten) {
  Tell("nodes { name: 'a' } nodes { name: 'b' connected: true }");
  Tell("");
  EXPECT_EQ(Wait({"nodes", "a", "b", "--for=deleted"}), 0);
  EXPECT_EQ(out, "2 nodes deleted\n");
}

TEST_F(WaitTest, ANodeThatIsConnectedStillIsNamed) {
  Tell("nodes { name: 'b' connected: true }");
  EXPECT_EQ(Wait({"nodes", "b", "--for=deleted", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("after 1s 1 of 1 nodes are not deleted:\n  b: it is connected, and "
                             "can't be deleted\n"));
}

TEST_F(WaitTest, UntilAPolicyIsDeleted) {
  told_ = {Proto<v1::WatchFleetResponse>("reset {}"),
           Proto<v1::WatchFleetResponse>("policy { name: 'p' revision: 3 }"),
           Proto<v1::WatchFleetResponse>("synced {} resume_token: 'x'")};
  End();
  told_ = {Proto<v1::WatchFleetResponse>("deleted_policy: 'q'"),
           Proto<v1::WatchFleetResponse>("deleted_policy: 'p'")};
  EXPECT_EQ(Wait({"policy", "p", "--for=deleted"}), 0);
  EXPECT_EQ(out, "policy/p is gone\n");
  EXPECT_THAT(fleet.watch_fleet.requests.at(1).kinds(),
              ElementsAre(v1::WatchFleetRequest::KIND_POLICIES));
  EXPECT_EQ(fleet.watch_fleet.requests.at(1).resume_token(), "x");
}

TEST_F(WaitTest, UntilAHoldHasExpired) {
  const std::vector<v1::WatchFleetResponse> holds = {
      Proto<v1::WatchFleetResponse>("reset {}"),
      Proto<v1::WatchFleetResponse>(
          "hold { node: 'a' subject: 'cpu3' expire_time { seconds: 1700000001 } }"),
      Proto<v1::WatchFleetResponse>("hold { node: 'a' subject: 'cpu4' }"),
      Proto<v1::WatchFleetResponse>("hold { node: 'b' subject: 'cpu3' }"),
      Proto<v1::WatchFleetResponse>("synced {}")};
  told_ = holds;
  told_.push_back(Proto<v1::WatchFleetResponse>("deleted_hold { node: 'b' subject: 'cpu3' }"));
  told_.push_back(Proto<v1::WatchFleetResponse>("deleted_hold { node: 'a' subject: 'cpu3' }"));
  EXPECT_EQ(Wait({"hold", "a", "cpu3", "--for=expired"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 is gone\n");
  told_ = holds;
  EXPECT_EQ(Wait({"hold", "a", "cpu4", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("after 1s hold/a/cpu4 is there still: it has no end"));
  told_ = holds;
  EXPECT_EQ(Wait({"hold", "a", "cpu3", "--timeout", "1s"}), 1);
  EXPECT_THAT(err, HasSubstr("hold/a/cpu3 is there still: it ends in 1s"));
  told_ = holds;
  EXPECT_EQ(Wait({"hold", "c", "cpu3"}), 0) << "there is none";
}

}  // namespace
}  // namespace hotplugger::client
