// Revisions of policies: history, one of them, rollback, diff.
#include "absl/strings/str_cat.h"
#include "client/policy_file/policy_file.h"
#include "common/error_info.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/client/command_line_fixture.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kHeader[] = "apiVersion: hotplugger/v1\nkind: Policy\n";
constexpr char kStored[] =
    "policy { name: 'park' priority: 5 revision: 3 cpu { offline: '2-3' } etag: 'e-3' "
    "update_time { seconds: 1699999400 } }";

using RevisionsTest = CommandLineTest;

TEST_F(RevisionsTest, HistorySaysWhatEachChanged) {
  fleet.list_policy_revisions.Answer(Proto<v1::ListPolicyRevisionsResponse>(
      "revisions { name: 'p' revision: 12 cpu { offline: '2-5' } update_time { seconds: 1699999400 "
      "} } revisions { name: 'p' revision: 11 cpu { offline: '2-3' } } next_page_token: 't'"));
  fleet.list_policy_revisions.Answer(
      Proto<v1::ListPolicyRevisionsResponse>("revisions { name: 'p' revision: 10 }"));
  EXPECT_EQ(Run({"history", "policy", "p"}), 0);
  EXPECT_EQ(out,
            "REVISION  AGE  CHANGED\n"
            "      12  10m  cpu.offline: 2-3 to 2-5\n"
            "      11  -    cpu.offline: none to 2-3\n"
            "      10  -    not known: the revision before isn't kept any more\n");
  EXPECT_EQ(fleet.list_policy_revisions.requests.at(0).name(), "p");
  EXPECT_EQ(fleet.list_policy_revisions.requests.at(1).page_token(), "t");
}

TEST_F(RevisionsTest, HistoryBeginsWithTheCreation) {
  fleet.list_policy_revisions.Answer(
      Proto<v1::ListPolicyRevisionsResponse>("revisions { name: 'p' revision: 1 }"));
  EXPECT_EQ(Run({"history", "policy", "p"}), 0);
  EXPECT_THAT(out, HasSubstr("created\n"));
  EXPECT_EQ(Run({"history", "policy", "p", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"revisions\": [\n"));
}

TEST_F(RevisionsTest, GetShowsOnePolicy) {
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>(kStored));
  EXPECT_EQ(Run({"get", "policy", "park"}), 0);
  EXPECT_EQ(out,
            "NAME  PRIORITY  REVISION  SELECTOR  CPU          MEMORY  DRIVERS  UPDATED\n"
            "park  5         3         -         offline:2-3  -       -        10m\n");
  EXPECT_EQ(fleet.get_policy.requests.at(0).revision(), 0);
  EXPECT_EQ(Run({"get", "policy", "park", "-o", "name"}), 0);
  EXPECT_EQ(out, "policy/park\n");
  EXPECT_EQ(Run({"get", "policy", "park", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"etag\": \"e-3\""));
}

TEST_F(RevisionsTest, AsYamlItIsWhatApplyReads) {
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>(kStored));
  EXPECT_EQ(Run({"get", "policy", "park", "-o", "yaml"}), 0);
  EXPECT_EQ(out, absl::StrCat("# revision 3\n", kHeader,
                              "name: park\npriority: 5\ncpu:\n  offline: \"2-3\"\netag: e-3\n"));
  const auto policies = ParsePolicies("p.yaml", out);
  ASSERT_TRUE(policies.ok()) << policies.status();
  EXPECT_EQ(policies->front().etag(), "e-3") << "so that nothing that came between is overwritten";
  EXPECT_EQ(Run({"get", "policy", "park", "--revision", "3", "-o", "yaml"}), 0);
  EXPECT_EQ(out.find("etag"), std::string::npos) << "it is no more the stored one's";
  EXPECT_EQ(fleet.get_policy.requests.at(1).revision(), 3);
}

TEST_F(RevisionsTest, AllPoliciesAsYamlAreOneFile) {
  fleet.list_policies.Answer(Proto<v1::ListPoliciesResponse>(
      "policies { name: 'a' etag: 'x' } policies { name: 'b' drift: DRIFT_MODE_REPORT }"));
  EXPECT_EQ(Run({"get", "policies", "-o", "yaml"}), 0);
  EXPECT_EQ(out, absl::StrCat(kHeader, "name: a\n---\n", kHeader, "name: b\ndrift: report\n"));
  const auto policies = ParsePolicies("p.yaml", out);
  ASSERT_TRUE(policies.ok()) << policies.status();
  EXPECT_THAT(*policies, SizeIs(2));
}

// A policy at this revision, whose priority is `priorities`' last, with those before.
class RollbackTest : public CommandLineTest {
 protected:
  void Store(const std::vector<int>& priorities) {
    v1::ListPolicyRevisionsResponse history;
    for (size_t i = priorities.size(); i > 0; --i) {
      v1::Policy& policy = *history.add_revisions();
      policy.set_name("p");
      policy.set_revision(static_cast<int64_t>(i));
      policy.set_priority(priorities[i - 1]);
      policy.set_etag(absl::StrCat("e-", i));
    }
    v1::GetPolicyResponse current;
    *current.mutable_policy() = history.revisions(0);
    fleet.get_policy = {};
    fleet.get_policy.Answer(current);
    fleet.list_policy_revisions = {};
    fleet.list_policy_revisions.Answer(history);
  }
  const v1::RollbackPolicyRequest& Last() { return fleet.rollback_policy.requests.back(); }
};

TEST_F(RollbackTest, TellsWhatWasDone) {
  Store({1, 2, 3, 4, 5});
  fleet.rollback_policy.Answer(Proto<v1::RollbackPolicyResponse>(
      "policy { name: 'p' revision: 6 } changed: true matched_nodes: 2 warnings: 'careful'"));
  EXPECT_EQ(Run({"rollback", "policy", "p", "--revision", "3", "--reason", "too much"}), 0);
  EXPECT_EQ(out, "policy/p rolled back to revision 3 (revision 6, matches 2 nodes)\n");
  EXPECT_EQ(err, "warning: careful\n");
  EXPECT_EQ(Last().revision(), 3);
  EXPECT_EQ(Last().etag(), "e-5");
  EXPECT_EQ(Last().request_id(), "request-1");
  EXPECT_EQ(Last().note().reason(), "too much");
  EXPECT_EQ(Run({"rollback", "policy", "p", "--dry-run"}), 0);
  EXPECT_EQ(out, "policy/p rolled back to revision 4 (revision 6, matches 2 nodes) (dry run)\n");
  EXPECT_TRUE(Last().validate_only());
  EXPECT_EQ(Run({"rollback", "policy", "p", "--dry-run=client"}), 0);
  EXPECT_EQ(out, "policy/p rolled back to revision 4 (dry run, nothing was sent)\n");
  EXPECT_THAT(fleet.rollback_policy.requests, SizeIs(2));
}

TEST_F(RollbackTest, WithoutARevisionTheOneBeforeIsNamedInTheRequest) {
  Store({1, 2, 3});
  fleet.rollback_policy.Answer(v1::RollbackPolicyResponse());
  EXPECT_EQ(Run({"rollback", "policy", "p"}), 0) << err;
  EXPECT_EQ(Last().revision(), 2);
  EXPECT_EQ(Last().etag(), "e-3");
}

TEST_F(RollbackTest, ARepetitionOfARunIsTheSameRequest) {
  Store({1, 2, 3});
  fleet.rollback_policy.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  fleet.rollback_policy.Answer(v1::RollbackPolicyResponse());
  EXPECT_EQ(Run({"rollback", "policy", "p"}), 0);
  const auto& requests = fleet.rollback_policy.requests;
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].SerializeAsString(), requests[1].SerializeAsString());
  EXPECT_THAT(fleet.get_policy.requests, SizeIs(1)) << "decided once";
}

TEST_F(RollbackTest, AskedTwiceItDoesNotGoForwardAgain) {
  // The first one went from 3 to what 2 was, which is 4 now, and its answer was lost.
  Store({1, 2, 3, 2});
  EXPECT_EQ(Run({"rollback", "policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("policy p, revision 4, is what revision 2 was"));
  EXPECT_THAT(err, HasSubstr("`hotplugctl rollback policy p --revision 3`"));
  EXPECT_THAT(err, HasSubstr("reason: ROLLED_BACK_ALREADY"));
  EXPECT_THAT(fleet.rollback_policy.requests, SizeIs(0));
  fleet.rollback_policy.Answer(v1::RollbackPolicyResponse());
  EXPECT_EQ(Run({"rollback", "policy", "p", "--revision", "1"}), 0) << "said, it is done";
  EXPECT_EQ(Last().revision(), 1);
}

TEST_F(RollbackTest, OneThatWasAppliedAgainOnPurposeHasAWayToTheOneBetween) {
  Store({1, 2, 1});
  EXPECT_EQ(Run({"rollback", "policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("policy p, revision 3, is what revision 1 was"));
  EXPECT_THAT(err, HasSubstr("`hotplugctl rollback policy p --revision 2`"));
}

TEST_F(RollbackTest, ARepetitionOfTheCommandWithItsIdIsTheSameRequest) {
  for (const std::vector<std::string>& more :
       std::vector<std::vector<std::string>>{{}, {"--revision", "2"}}) {
    fleet.rollback_policy = {};
    fleet.rollback_policy.Answer(Proto<v1::RollbackPolicyResponse>(
        "policy { name: 'p' revision: 4 } changed: true matched_nodes: 2"));
    std::vector<std::string> command = {"rollback", "policy", "p", "--request-id", "job"};
    command.insert(command.end(), more.begin(), more.end());
    Store({1, 2, 3});
    EXPECT_EQ(Run(command), 0) << err;
    const std::string first_out = out;
    // It was done.
    Store({1, 2, 3, 2});
    EXPECT_EQ(Run(command), 0) << err;
    EXPECT_EQ(out, first_out);
    ASSERT_THAT(fleet.rollback_policy.requests, SizeIs(2));
    EXPECT_EQ(fleet.rollback_policy.requests[0].SerializeAsString(),
              fleet.rollback_policy.requests[1].SerializeAsString());
  }
}

TEST_F(RollbackTest, AnIdThatTheControllerDoesNotKnowChangesNothingByItself) {
  Store({1, 2, 1});
  fleet.rollback_policy.Answer(MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH", "changed"));
  EXPECT_EQ(Run({"rollback", "policy", "p", "--request-id", "job"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: ROLLED_BACK_ALREADY"));
  EXPECT_THAT(fleet.rollback_policy.requests, SizeIs(1));
  EXPECT_EQ(Last().etag(), "e-2");
  EXPECT_EQ(Run({"rollback", "policy", "p", "--request-id", "job", "--dry-run=server"}), 1);
  EXPECT_THAT(fleet.rollback_policy.requests, SizeIs(1)) << "nothing to repeat";
}

TEST_F(RollbackTest, WhereThereIsNothingToGoBackTo) {
  Store({1});
  EXPECT_EQ(Run({"rollback", "policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: NO_EARLIER_REVISION"));
  Store({1, 2});
  fleet.get_policy = {};
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>("policy { name: 'p' revision: 3 }"));
  EXPECT_EQ(Run({"rollback", "policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: POLICY_CHANGED"));
}

TEST_F(RevisionsTest, DiffComparesAFileWithWhatIsStored) {
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>(kStored));
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>(kStored));
  const std::string file = absl::StrCat(kHeader, "name: park\ncpu: {offline: '2,3'}\netag: old\n");
  EXPECT_EQ(Run({"diff", "-f", "-"}, file), 0) << "what would be stored counts, not how it is said";
  EXPECT_EQ(out, "");
  EXPECT_TRUE(fleet.apply_policy.requests.at(0).validate_only());
  EXPECT_EQ(fleet.apply_policy.requests.at(0).policy().cpu().offline(), "2,3");
  EXPECT_EQ(fleet.apply_policy.requests.at(0).policy().etag(), "");
}

TEST_F(RevisionsTest, DiffShowsWhatApplyWouldChange) {
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>(kStored));
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>(
      "policy { name: 'park' priority: 5 revision: 4 cpu { offline: '2-5' } etag: 'e-4' }"));
  EXPECT_EQ(Run({"diff", "-f", "-"}, absl::StrCat(kHeader, "name: park\n")), 1);
  EXPECT_EQ(out,
            "--- policy/park revision 3\n"
            "+++ (stdin) policy/park\n"
            "@@ -3,4 +3,4 @@\n"
            " name: park\n"
            " priority: 5\n"
            " cpu:\n"
            "-  offline: \"2-3\"\n"
            "+  offline: \"2-5\"\n");
}

TEST_F(RevisionsTest, DiffOfAPolicyThatIsNotStoredShowsItWhole) {
  fleet.get_policy.Answer(MakeError(absl::StatusCode::kNotFound, "POLICY_NOT_FOUND", "none"));
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>("policy { name: 'a' revision: 1 }"));
  EXPECT_EQ(Run({"diff", "-f", "-"}, absl::StrCat(kHeader, "name: a\n")), 1);
  EXPECT_EQ(out,
            "--- /dev/null\n+++ (stdin) policy/a\n@@ -0,0 +1,3 @@\n+apiVersion: hotplugger/v1\n"
            "+kind: Policy\n+name: a\n");
}

TEST_F(RevisionsTest, OneFailureOfDiffDoesNotHideTheOthers) {
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>(kStored));
  fleet.apply_policy.Answer(
      MakeError(absl::StatusCode::kFailedPrecondition, "POLICY_CONFLICT", "no"));
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>("policy { name: 'park' }"));
  EXPECT_EQ(
      Run({"diff", "-f", "-"}, absl::StrCat(kHeader, "name: a\n---\n", kHeader, "name: park\n")),
      2);
  EXPECT_EQ(err, "policy/a not compared:\nhotplugctl: no\n  reason: POLICY_CONFLICT\n");
  EXPECT_THAT(out, HasSubstr("+++ (stdin) policy/park\n"));
}

TEST_F(RevisionsTest, FailuresOfDiffAreAboveOne) {
  EXPECT_EQ(Run({"diff", "-f", "/nonexistent.yaml"}), 2);
  fleet.get_policy.Answer(MakeError(absl::StatusCode::kInternal, "BROKEN", "no"));
  EXPECT_EQ(Run({"diff", "-f", "-"}, absl::StrCat(kHeader, "name: a\n")), 2);
  EXPECT_EQ(err, "policy/a not compared:\nhotplugctl: no\n  reason: BROKEN\n");
  EXPECT_EQ(Run({"diff", "policy", "a", "--from", "1"}), 2);
  EXPECT_THAT(err, HasSubstr("reason: BROKEN"));
}

TEST_F(RevisionsTest, DiffWithoutAControllerIsUnreachable) {
  fleet.get_policy.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  EXPECT_EQ(Run({"diff", "policy", "a", "--from", "1"}), 69);
  EXPECT_EQ(Run({"diff", "-f", "-"}, absl::StrCat(kHeader, "name: a\n")), 69);
}

TEST_F(RevisionsTest, DiffComparesTwoRevisions) {
  fleet.get_policy.Answer(
      Proto<v1::GetPolicyResponse>("policy { name: 'a' revision: 1 priority: 1 etag: 'x' }"));
  fleet.get_policy.Answer(
      Proto<v1::GetPolicyResponse>("policy { name: 'a' revision: 4 priority: 2 etag: 'y' }"));
  EXPECT_EQ(Run({"diff", "policy", "a", "--from", "1", "--to", "4"}), 1);
  EXPECT_EQ(out,
            "--- policy/a revision 1\n+++ policy/a revision 4\n@@ -1,4 +1,4 @@\n"
            " apiVersion: hotplugger/v1\n kind: Policy\n name: a\n-priority: 1\n+priority: 2\n");
  EXPECT_EQ(fleet.get_policy.requests.at(0).revision(), 1);
  EXPECT_EQ(fleet.get_policy.requests.at(1).revision(), 4);
  EXPECT_EQ(Run({"diff", "policy", "a", "--from", "4"}), 0) << "the fake's last answer stays";
  EXPECT_EQ(fleet.get_policy.requests.back().revision(), 0);
}

}  // namespace
}  // namespace hotplugger::client
