// Retries by request_id, and the audit log of what operators ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "common/error_info.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ChangeLogTest : public FleetFixture {
 protected:
  absl::StatusOr<v1::ApplyPolicyResponse> ApplyWith(const std::string& cpus,
                                                    const std::string& rest) {
    return Ask(
        &FleetEngine::ApplyPolicy,
        testing::FromText<v1::ApplyPolicyRequest>(absl::Substitute(
            R"(policy {name: "park" selector {nodes: "n1"} cpu {offline: "$0"}} $1)", cpus, rest)));
  }

  absl::StatusOr<v1::DeletePolicyResponse> Delete(const std::string& rest) {
    return Ask(&FleetEngine::DeletePolicy,
               testing::FromText<v1::DeletePolicyRequest>(absl::StrCat(R"(name: "park" )", rest)));
  }

  std::vector<v1::AuditEntry> Audit(const std::string& request = "") {
    const auto listed = Ask(&FleetEngine::ListAuditEntries,
                            testing::FromText<v1::ListAuditEntriesRequest>(request));
    EXPECT_TRUE(listed.ok()) << listed.status();
    if (!listed.ok()) return {};
    next_page_token_ = listed->next_page_token();
    return {listed->entries().begin(), listed->entries().end()};
  }

  std::string next_page_token_;
};

TEST_F(ChangeLogTest, ARetryIsAnsweredAsTheFirstTimeAndDoneOnce) {
  ASSERT_TRUE(ApplyWith("1", R"(request_id: "a-1")").ok());
  ASSERT_TRUE(ApplyWith("2", R"(request_id: "a-2")").ok());
  const auto retried = ApplyWith("1", R"(request_id: "a-1")");
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_EQ(retried->policy().revision(), 1);
  EXPECT_TRUE(retried->changed());
  v1::GetPolicyRequest get;
  get.set_name("park");
  EXPECT_EQ(Ask(&FleetEngine::GetPolicy, get)->policy().cpu().offline(), "2");
  EXPECT_THAT(Audit(), SizeIs(2)) << "a retry is no other change";
}

TEST_F(ChangeLogTest, ARetryOfADeletionIsNoError) {
  ASSERT_TRUE(ApplyWith("1", "").ok());
  ASSERT_TRUE(Delete(R"(request_id: "d")").ok());
  Start();
  const auto retried = Delete(R"(request_id: "d")");
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_EQ(retried->policy().cpu().offline(), "1");
  EXPECT_EQ(ErrorReason(Delete(R"(request_id: "e")").status()), "POLICY_NOT_FOUND");
}

// What changed nothing the first time must not change something the second.
TEST_F(ChangeLogTest, ARetryOfWhatWasSoAlreadyStillChangesNothing) {
  ASSERT_TRUE(ApplyWith("1", "").ok());
  EXPECT_FALSE(ApplyWith("1", R"(request_id: "same")")->changed());
  ASSERT_TRUE(ApplyWith("2", "").ok());
  EXPECT_FALSE(ApplyWith("1", R"(request_id: "same")")->changed());
  v1::GetPolicyRequest get;
  get.set_name("park");
  EXPECT_EQ(Ask(&FleetEngine::GetPolicy, get)->policy().cpu().offline(), "2");
}

TEST_F(ChangeLogTest, ARetryOfANodesDeletionIsNoErrorAndItsNoteIsKept) {
  FakeAgent agent = Connect("n1");
  agent.session->OnClosed(agent.link.get());
  auto request = testing::FromText<v1::DeleteNodeRequest>(
      R"(name: "n1" request_id: "d" note {reason: "scrapped" ticket: "OPS-9" author: "ann"})");
  for (int i = 0; i < 2; ++i) {
    const auto deleted = Ask(&FleetEngine::DeleteNode, request);
    ASSERT_TRUE(deleted.ok()) << deleted.status();
    EXPECT_EQ(deleted->node().name(), "n1");
  }
  const std::vector<v1::AuditEntry> audit = Audit();
  ASSERT_THAT(audit, SizeIs(1));
  EXPECT_EQ(audit[0].method(), "DeleteNode");
  EXPECT_EQ(audit[0].resource(), "nodes/n1");
  EXPECT_EQ(audit[0].note().reason(), "scrapped");
  EXPECT_EQ(audit[0].note().ticket(), "OPS-9");
  EXPECT_EQ(audit[0].summary(), "forgotten");
  request.clear_request_id();
  EXPECT_EQ(ErrorReason(Ask(&FleetEngine::DeleteNode, request).status()), "NODE_NOT_FOUND");
}

// Nothing of it was done.
TEST_F(ChangeLogTest, ARefusalSaysNothingOfWhatWouldHaveBeenDone) {
  ASSERT_TRUE(ApplyWith("1", "").ok());
  EXPECT_FALSE(ApplyWith("x", "").ok());
  for (const v1::AuditEntry& entry : Audit()) {
    EXPECT_EQ(entry.summary().empty(), entry.status().code() != 0);
    EXPECT_EQ(IsRefusal(entry), entry.status().code() != 0);
  }
}

TEST_F(ChangeLogTest, AnotherRequestOfOneIdIsRefused) {
  ASSERT_TRUE(ApplyWith("1", R"(request_id: "x")").ok());
  const absl::Status other = ApplyWith("2", R"(request_id: "x")").status();
  EXPECT_EQ(ErrorReason(other), "REQUEST_ID_REUSED");
  EXPECT_EQ(other.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(Delete(R"(request_id: "x")").status()), "REQUEST_ID_REUSED");
}

TEST_F(ChangeLogTest, AnIdIsFreeAgainAfterAnHour) {
  ASSERT_TRUE(ApplyWith("1", R"(request_id: "x")").ok());
  clock_.Advance(absl::Hours(1) + absl::Seconds(1));
  ASSERT_TRUE(ApplyWith("2", R"(request_id: "x")").ok());
  EXPECT_EQ(store_.CountKeys("answers/"), 1u);
  EXPECT_FALSE(ApplyWith("1", R"(request_id: "y")")->policy().cpu().offline().empty());
}

TEST_F(ChangeLogTest, OldAnswersGo) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(
        ApplyWith(absl::StrCat(1 + i % 2), absl::Substitute(R"(request_id: "r$0")", i)).ok());
  }
  EXPECT_EQ(store_.CountKeys("answers/"), 40u);
  Start();
  clock_.Advance(absl::Hours(2));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(
        ApplyWith(absl::StrCat(1 + i % 2), absl::Substitute(R"(request_id: "s$0")", i)).ok());
  }
  EXPECT_EQ(store_.CountKeys("answers/"), 4u);
}

TEST_F(ChangeLogTest, ValidatingKeepsNoAnswer) {
  ASSERT_TRUE(ApplyWith("1", R"(request_id: "x" validate_only: true)").ok());
  EXPECT_THAT(Audit(), IsEmpty());
  ASSERT_TRUE(ApplyWith("1", R"(request_id: "x")").ok());
  EXPECT_THAT(Audit(), SizeIs(1));
}

TEST_F(ChangeLogTest, BadIdsAndNotesAreNamed) {
  const auto field = [this](const std::string& rest) {
    const auto violations = ErrorFieldViolations(ApplyWith("1", rest).status());
    return violations.empty() ? std::string() : violations[0].field;
  };
  EXPECT_EQ(field(R"(request_id: "a b")"), "request_id");
  EXPECT_EQ(field(absl::Substitute(R"(request_id: "$0")", std::string(65, 'x'))), "request_id");
  EXPECT_EQ(field(absl::Substitute(R"(request_id: "$0")", std::string(64, 'x'))), "");
  EXPECT_EQ(field(absl::Substitute(R"(note {reason: "$0"})", std::string(1025, 'x'))),
            "note.reason");
  EXPECT_EQ(field(absl::Substitute(R"(note {ticket: "$0"})", std::string(129, 'x'))),
            "note.ticket");
  EXPECT_EQ(field(absl::Substitute(R"(note {author: "$0"})", std::string(129, 'x'))),
            "note.author");
}

TEST_F(ChangeLogTest, TheAuditLogSaysWhoWhatWhyAndFromWhere) {
  ASSERT_TRUE(ApplyWith("1", R"(note {reason: "burn-in" ticket: "OPS-7" author: "ann"})").ok());
  ASSERT_TRUE(ApplyWith("1-2", R"(request_id: "second")").ok());
  const std::vector<v1::AuditEntry> audit = Audit();
  ASSERT_THAT(audit, SizeIs(2));
  EXPECT_EQ(audit[1].method(), "ApplyPolicy");
  EXPECT_EQ(audit[1].resource(), "policies/park");
  EXPECT_EQ(audit[1].peer(), caller_.peer);
  EXPECT_EQ(audit[1].note().reason(), "burn-in");
  EXPECT_EQ(audit[1].note().author(), "ann");
  EXPECT_EQ(audit[1].summary(), "revision 1: created");
  EXPECT_EQ(audit[1].status().code(), 0);
  EXPECT_EQ(audit[0].request_id(), "second");
  EXPECT_THAT(audit[0].summary(), HasSubstr(R"(modified: cpu.offline: "1" -> "1-2")"));
}

TEST_F(ChangeLogTest, WhatIsRefusedIsLoggedWithItsError) {
  EXPECT_FALSE(Apply(R"(name: "park" cpu {offline: "x"})").ok());
  EXPECT_FALSE(Delete("").ok());
  EXPECT_FALSE(SetHold(R"(node: "n9" subject: "cpu1" state: DEVICE_STATE_OFFLINE)").ok());
  const std::vector<v1::AuditEntry> audit = Audit();
  ASSERT_THAT(audit, SizeIs(3));
  EXPECT_EQ(audit[2].status().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(audit[2].status().message(), HasSubstr("policy.cpu.offline"));
  EXPECT_EQ(audit[1].status().code(), static_cast<int>(absl::StatusCode::kNotFound));
  EXPECT_EQ(audit[0].resource(), "nodes/n9/holds/cpu1");
  EXPECT_THAT(Audit("filter {failed_only: true resource: \"policies\"}"), SizeIs(2));
}

TEST_F(ChangeLogTest, ABadIdOrNoteIsARefusalToo) {
  EXPECT_FALSE(ApplyWith("1", R"(request_id: "a b")").ok());
  EXPECT_FALSE(
      ApplyWith("1", absl::Substitute(R"(note {reason: "$0"})", std::string(5000, 'x'))).ok());
  ASSERT_TRUE(ApplyWith("1", R"(request_id: "x")").ok());
  EXPECT_FALSE(ApplyWith("2", R"(request_id: "x")").ok());
  EXPECT_FALSE(Ask(&FleetEngine::ReleaseHold,
                   testing::FromText<v1::ReleaseHoldRequest>(R"(node: "n1" subject: "x")"))
                   .ok());
  const std::vector<v1::AuditEntry> failed = Audit("filter {failed_only: true}");
  ASSERT_THAT(failed, SizeIs(4));
  EXPECT_EQ(failed[0].resource(), "nodes/n1/holds/x");
  EXPECT_THAT(failed[1].status().message(), HasSubstr("was that of another request"));
  EXPECT_EQ(failed[3].request_id(), "a b");
}

// Requests that were refused are not kept: what was in their way may be gone.
TEST_F(ChangeLogTest, ARefusedRequestMayBeCarriedOutWhenItComesAgain) {
  ASSERT_TRUE(Apply(R"(name: "other" selector {nodes: "n1"} cpu {offline: "5"})").ok());
  FakeAgent agent = Connect("n1");
  EXPECT_EQ(ErrorReason(ApplyWith("1", R"(request_id: "r")").status()), "POLICY_CONFLICT");
  v1::DeletePolicyRequest gone;
  gone.set_name("other");
  ASSERT_TRUE(Ask(&FleetEngine::DeletePolicy, gone).ok());
  EXPECT_TRUE(ApplyWith("1", R"(request_id: "r")").ok());
}

TEST_F(ChangeLogTest, WhatCanNotBeStoredIsNeitherDoneNorLogged) {
  ASSERT_TRUE(ApplyWith("1", R"(request_id: "a")").ok());
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(ApplyWith("2", R"(request_id: "b")").ok());
  store_.FailCommits(absl::OkStatus());
  EXPECT_THAT(Audit(), SizeIs(1));
  const auto retried = ApplyWith("2", R"(request_id: "b")");
  ASSERT_TRUE(retried.ok()) << retried.status();
  EXPECT_TRUE(retried->changed());
  EXPECT_EQ(retried->policy().revision(), 2);
}

TEST_F(ChangeLogTest, WhetherAnEntryIsKeptIsTold) {
  const auto record = [this] {
    std::promise<absl::Status> promise;
    v1::AuditEntry entry;
    entry.set_method("OperateNodes");
    engine_->RecordAudit(entry, [&promise](absl::Status kept) { promise.set_value(kept); });
    return promise.get_future().get();
  };
  EXPECT_TRUE(record().ok());
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(record().code(), absl::StatusCode::kResourceExhausted);
  store_.FailCommits(absl::OkStatus());
  EXPECT_THAT(Audit(), SizeIs(1));
  engine_->Stop();
  EXPECT_EQ(record().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChangeLogTest, TheAuditLogComesInPages) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ApplyWith(absl::StrCat(1 + i), "").ok());
  std::vector<int64_t> sequences;
  std::string token;
  do {
    for (const v1::AuditEntry& entry :
         Audit(absl::Substitute(R"(page_size: 2 page_token: "$0")", token))) {
      sequences.push_back(entry.sequence());
    }
    token = next_page_token_;
  } while (!token.empty());
  EXPECT_THAT(sequences, ::testing::ElementsAre(5, 4, 3, 2, 1));
  v1::ListAuditEntriesRequest bad;
  bad.set_page_token("x");
  EXPECT_EQ(ErrorFieldViolations(Ask(&FleetEngine::ListAuditEntries, bad).status())[0].field,
            "page_token");
}

}  // namespace
}  // namespace hotplugger::server
