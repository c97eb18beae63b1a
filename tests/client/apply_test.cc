// apply with several files, dry runs, notes and request ids.
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ApplyTest : public CommandLineTest {
 protected:
  void Write(const std::string& file, const std::string& body) {
    folder_.Write(file, "apiVersion: hotplugger/v1\nkind: Policy\n" + body);
  }
  void AnswerWith(const std::string& policy) {
    fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>("policy { name: '" + policy +
                                                             "' revision: 1 } "
                                                             "changed: true"));
  }

  hotplugger::testing::TempDir folder_;
};

TEST_F(ApplyTest, OneFailureOfAFolderDoesNotHideTheOthers) {
  Write("1.yaml", "name: a\n");
  Write("2.yaml", "name: b\n");
  Write("3.yaml", "name: c\n");
  AnswerWith("a");
  fleet.apply_policy.Answer(
      MakeError(absl::StatusCode::kFailedPrecondition, "POLICY_CONFLICT", "no"));
  AnswerWith("c");
  EXPECT_EQ(Run({"apply", "-f", folder_.path()}), 64);
  EXPECT_EQ(out,
            "policy/a applied (revision 1, matches 0 nodes)\n"
            "policy/c applied (revision 1, matches 0 nodes)\n");
  EXPECT_EQ(err, "policy/b not applied:\nhotplugctl: no\n  reason: POLICY_CONFLICT\n");
}

TEST_F(ApplyTest, AMistakeInAnyFileSendsNothing) {
  Write("1.yaml", "name: a\n");
  Write("2.yaml", "name: b\nwrong: 1\n");
  EXPECT_EQ(Run({"apply", "-f", folder_.path()}), 2);
  EXPECT_THAT(err, HasSubstr("2.yaml:4:1: wrong: unknown field"));
  EXPECT_THAT(fleet.apply_policy.requests, IsEmpty());
}

TEST_F(ApplyTest, WhereNobodyAnswersTheRestIsNamedAndNotSent) {
  Write("1.yaml", "name: a\n");
  Write("2.yaml", "name: b\n");
  Write("3.yaml", "name: c\n");
  AnswerWith("a");
  fleet.apply_policy.Answer(MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST", "gone"));
  EXPECT_EQ(Run({"apply", "-f", folder_.path()}), 64);
  EXPECT_EQ(fleet.apply_policy.requests.back().policy().name(), "b") << "however often";
  EXPECT_THAT(err, HasSubstr("policy/b not applied:\nhotplugctl: gone (tried "));
  EXPECT_THAT(err, HasSubstr("repeat the command with --request-id request-1\n"))
      << "from which each policy's is made";
  EXPECT_THAT(err, HasSubstr("\npolicy/c not sent\n"));
}

TEST_F(ApplyTest, EachRequestHasAnIdOfItsOwnAndTheNote) {
  Write("1.yaml", "name: a\n");
  Write("2.yaml", "name: b\n");
  AnswerWith("a");
  EXPECT_EQ(Run({"apply", "-f", folder_.path(), "--reason", "bad cache", "--ticket", "OPS-1"}), 0);
  ASSERT_THAT(fleet.apply_policy.requests, SizeIs(2));
  const v1::ApplyPolicyRequest& request = fleet.apply_policy.requests[0];
  EXPECT_THAT(request.request_id(), ::testing::StartsWith("request-1-"));
  EXPECT_THAT(fleet.apply_policy.requests[1].request_id(), ::testing::StartsWith("request-1-"));
  EXPECT_NE(request.request_id(), fleet.apply_policy.requests[1].request_id());
  EXPECT_EQ(request.note().reason(), "bad cache");
  EXPECT_EQ(request.note().ticket(), "OPS-1");
  EXPECT_EQ(request.note().author(), "ada@desk");
  EXPECT_EQ(Run({"apply", "-f", folder_.path(), "--author", "eve"}), 0);
  EXPECT_EQ(fleet.apply_policy.requests.back().note().author(), "eve");
}

TEST_F(ApplyTest, ADryRunOfTheClientSendsNothing) {
  Write("1.yaml", "name: a\n");
  EXPECT_EQ(Run({"apply", "-f", folder_.path(), "--dry-run=client"}), 0);
  EXPECT_EQ(out, "policy/a is readable (dry run, nothing was sent)\n");
  EXPECT_EQ(Run({"apply", "-f", folder_.path(), "--dry-run=client", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"name\": \"a\""));
  Write("2.yaml", "name: b\nwrong: 1\n");
  EXPECT_EQ(Run({"apply", "-f", folder_.path(), "--dry-run=client"}), 2);
  EXPECT_THAT(fleet.apply_policy.requests, IsEmpty());
}

TEST_F(ApplyTest, ADryRunOfTheServerStoresNothingAndHasNoId) {
  Write("1.yaml", "name: a\n");
  AnswerWith("a");
  EXPECT_EQ(Run({"apply", "-f", folder_.path(), "--dry-run=server"}), 0);
  EXPECT_EQ(out, "policy/a applied (revision 1, matches 0 nodes) (dry run)\n");
  EXPECT_TRUE(fleet.apply_policy.requests.at(0).validate_only());
  EXPECT_EQ(fleet.apply_policy.requests.at(0).request_id(), "");
  EXPECT_EQ(Run({"apply", "-f", folder_.path(), "--dry-run=none"}), 0);
  EXPECT_FALSE(fleet.apply_policy.requests.at(1).validate_only());
}

TEST_F(ApplyTest, AnEtagOfTheFileGoesAlongAndAMismatchIsExplained) {
  Write("1.yaml", "name: a\netag: e-1\n");
  fleet.apply_policy.Answer(
      MakeError(absl::StatusCode::kAborted, "ETAG_MISMATCH", "policy a has changed"));
  EXPECT_EQ(Run({"apply", "-f", folder_.path()}), 1);
  EXPECT_EQ(fleet.apply_policy.requests.at(0).policy().etag(), "e-1");
  EXPECT_THAT(err, HasSubstr("reason: ETAG_MISMATCH\n  take the etag out of "));
}

TEST_F(ApplyTest, FieldsOfTheNoteAreNamedByTheirFlags) {
  Write("1.yaml", "name: a\n");
  fleet.apply_policy.Answer(MakeFieldErrors({{"note.ticket", "is too long"}}));
  EXPECT_EQ(Run({"apply", "-f", folder_.path()}), 2);
  EXPECT_THAT(err, HasSubstr("  --ticket: is too long\n"));
}

}  // namespace
}  // namespace hotplugger::client
