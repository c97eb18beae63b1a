// Revisions of a policy, and changes that are for one alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/substitute.h"
#include "common/digest.h"
#include "common/error_info.h"
#include "tests/server/fleet/fleet_fixture.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class PolicyRevisionsTest : public FleetFixture {
 protected:
  v1::Policy Put(const std::string& cpus) {
    const auto applied =
        Apply(absl::Substitute(R"(name: "park" selector {nodes: "n*"} cpu {offline: "$0"})", cpus));
    EXPECT_TRUE(applied.ok()) << applied.status();
    return applied.ok() ? applied->policy() : v1::Policy();
  }

  absl::StatusOr<v1::RollbackPolicyResponse> Rollback(const std::string& request) {
    return Ask(&FleetEngine::RollbackPolicy, testing::FromText<v1::RollbackPolicyRequest>(
                                                 absl::StrCat(R"(name: "park" )", request)));
  }

  absl::StatusOr<v1::DeletePolicyResponse> Delete(const std::string& request) {
    return Ask(&FleetEngine::DeletePolicy, testing::FromText<v1::DeletePolicyRequest>(
                                               absl::StrCat(R"(name: "park" )", request)));
  }

  std::vector<int64_t> Revisions(const std::string& request = "") {
    const auto listed =
        Ask(&FleetEngine::ListPolicyRevisions, testing::FromText<v1::ListPolicyRevisionsRequest>(
                                                   absl::StrCat(R"(name: "park" )", request)));
    EXPECT_TRUE(listed.ok()) << listed.status();
    std::vector<int64_t> revisions;
    if (!listed.ok()) return revisions;
    next_page_token_ = listed->next_page_token();
    for (const v1::Policy& policy : listed->revisions()) revisions.push_back(policy.revision());
    return revisions;
  }

  absl::StatusOr<v1::GetPolicyResponse> Get(int64_t revision) {
    v1::GetPolicyRequest request;
    request.set_name("park");
    request.set_revision(revision);
    return Ask(&FleetEngine::GetPolicy, request);
  }

  std::string next_page_token_;
};

TEST_F(PolicyRevisionsTest, AreKeptOverARestart) {
  Put("1");
  Put("2");
  Put("3");
  Start();
  EXPECT_THAT(Revisions(), ElementsAre(3, 2, 1));
  EXPECT_EQ(Get(2)->policy().cpu().offline(), "2");
  EXPECT_EQ(Get(0)->policy().cpu().offline(), "3");
  EXPECT_EQ(ErrorReason(Get(4).status()), "REVISION_NOT_FOUND");
  EXPECT_THAT(std::string(Get(4).status().message()), HasSubstr("are kept 1 to 3"));
  EXPECT_EQ(ErrorFieldViolations(Get(-1).status())[0].field, "revision");
}

TEST_F(PolicyRevisionsTest, TheOldestGo) {
  for (int i = 0; i < 25; ++i) Put(absl::StrCat(1 + i % 2));
  EXPECT_THAT(Revisions(), SizeIs(kMaxRevisions));
  EXPECT_EQ(Revisions().back(), 6);
  EXPECT_EQ(ErrorReason(Get(5).status()), "REVISION_NOT_FOUND");
  Start();
  EXPECT_THAT(Revisions(), SizeIs(kMaxRevisions));
  EXPECT_EQ(store_.CountKeys("revisions/"), kMaxRevisions);
}

TEST_F(PolicyRevisionsTest, ComeInPages) {
  for (const char* cpus : {"1", "2", "3", "4", "5"}) Put(cpus);
  EXPECT_THAT(Revisions("page_size: 2"), ElementsAre(5, 4));
  EXPECT_THAT(Revisions(absl::Substitute(R"(page_size: 2 page_token: "$0")", next_page_token_)),
              ElementsAre(3, 2));
  EXPECT_THAT(Revisions(absl::Substitute(R"(page_size: 2 page_token: "$0")", next_page_token_)),
              ElementsAre(1));
  EXPECT_EQ(next_page_token_, "");
}

TEST_F(PolicyRevisionsTest, GoWithThePolicy) {
  Put("1");
  Put("2");
  ASSERT_TRUE(Delete("").ok());
  EXPECT_EQ(store_.CountKeys("revisions/"), 0u);
  EXPECT_EQ(Put("3").revision(), 1);
  EXPECT_THAT(Revisions(), ElementsAre(1));
}

TEST_F(PolicyRevisionsTest, RollbackIsANewRevisionWithAnOldContent) {
  FakeAgent agent = Connect("n1");
  Put("1");
  Put("2");
  const auto back = Rollback("");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(back->changed());
  EXPECT_EQ(back->policy().revision(), 3);
  EXPECT_EQ(back->policy().cpu().offline(), "1");
  EXPECT_EQ(back->matched_nodes(), 1);
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "1");
  EXPECT_EQ(Rollback("revision: 2")->policy().cpu().offline(), "2");
  EXPECT_FALSE(Rollback("revision: 2")->changed()) << "it is so already";
  EXPECT_THAT(Revisions(), ElementsAre(4, 3, 2, 1));
}

TEST_F(PolicyRevisionsTest, RollbackSaysWhatIsWrong) {
  EXPECT_EQ(ErrorReason(Rollback("").status()), "POLICY_NOT_FOUND");
  Put("1");
  EXPECT_EQ(ErrorReason(Rollback("").status()), "NO_EARLIER_REVISION");
  EXPECT_EQ(ErrorReason(Rollback("revision: 7").status()), "REVISION_NOT_FOUND");
  EXPECT_EQ(ErrorFieldViolations(Rollback("revision: -1").status())[0].field, "revision");
  EXPECT_EQ(ErrorReason(Rollback(R"(etag: "0123456789abcdef")").status()), "ETAG_MISMATCH");
}

TEST_F(PolicyRevisionsTest, ValidateOnlyChangesNothing) {
  FakeAgent agent = Connect("n1");
  Put("1");
  Put("2");
  const int64_t commits = store_.commits();
  EXPECT_EQ(Rollback("validate_only: true")->policy().cpu().offline(), "1");
  EXPECT_EQ(Delete("validate_only: true")->policy().cpu().offline(), "2");
  EXPECT_EQ(GetNode("n1").spec().cpu_offline(), "2");
  EXPECT_EQ(store_.commits(), commits);
}

// An etag stands for one revision of one policy.
TEST_F(PolicyRevisionsTest, AChangeForAnotherEtagIsRefused) {
  const v1::Policy first = Put("1");
  const v1::Policy second = Put("2");
  EXPECT_NE(first.etag(), "");
  EXPECT_NE(first.etag(), second.etag());
  const auto with_etag = [this](const std::string& etag) {
    return Apply(absl::Substitute(
        R"(name: "park" selector {nodes: "n*"} cpu {offline: "5"} etag: "$0")", etag));
  };
  const absl::Status stale = with_etag(first.etag()).status();
  EXPECT_EQ(stale.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(stale), "ETAG_MISMATCH");
  EXPECT_EQ(ErrorMetadataValue(stale, "etag"), second.etag());
  EXPECT_EQ(ErrorReason(Delete(absl::Substitute(R"(etag: "$0")", first.etag())).status()),
            "ETAG_MISMATCH");
  ASSERT_TRUE(with_etag(second.etag()).ok());
  ASSERT_TRUE(Delete("").ok());
  EXPECT_THAT(std::string(with_etag(second.etag()).status().message()),
              HasSubstr("does not exist"));
  // The same content again is another policy.
  Put("1");
  EXPECT_EQ(ErrorReason(with_etag(second.etag()).status()), "ETAG_MISMATCH");
}

TEST_F(PolicyRevisionsTest, TheStoredPolicyIsOfTheRevisionThatIsListedFirst) {
  Put("1");
  const v1::Policy current = Put("2");
  Start();
  EXPECT_EQ(Get(0)->policy().etag(), current.etag());
  EXPECT_EQ(Get(2)->policy().etag(), current.etag());
}

}  // namespace
}  // namespace hotplugger::server
