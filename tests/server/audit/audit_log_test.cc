#include "server/audit/audit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/memory_store.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;

constexpr size_t kPlenty = 1'000'000;

class AuditLogTest : public ::testing::Test {
 protected:
  void Start(AuditLimits limits = {}) {
    log_.emplace(&records_, &clock_, limits);
    ASSERT_TRUE(log_->Load().ok());
  }

  void Append(const std::string& resource, const std::string& method = "ApplyPolicy",
              int code = 0) {
    v1::AuditEntry entry;
    entry.set_method(method);
    entry.set_resource(resource);
    if (code != 0) entry.mutable_status()->set_code(code);
    const absl::Status appended = log_->Append(std::move(entry));
    ASSERT_TRUE(appended.ok()) << appended;
  }

  // The resources of a page, and where it goes on.
  std::vector<std::string> List(const v1::AuditFilter& filter = {}, size_t limit = 100,
                                std::optional<int64_t> before = std::nullopt) {
    const auto entries = log_->List(filter, before, limit, &next_);
    EXPECT_TRUE(entries.ok()) << entries.status();
    std::vector<std::string> resources;
    if (!entries.ok()) return resources;
    for (const v1::AuditEntry& entry : *entries) resources.push_back(entry.resource());
    return resources;
  }

  FakeClock clock_;
  testing::MemoryStore store_;
  Records records_{&store_};
  std::optional<AuditLog> log_;
  std::optional<int64_t> next_;
};

TEST_F(AuditLogTest, TheLatestComesFirst) {
  Start();
  Append("policies/a");
  Append("policies/b");
  EXPECT_THAT(List(), ElementsAre("policies/b", "policies/a"));
  EXPECT_EQ(next_, std::nullopt);
}

TEST_F(AuditLogTest, GoesOnAfterARestart) {
  Start();
  Append("policies/a");
  Start();
  Append("policies/b");
  const auto entries = log_->List({}, std::nullopt, 10, &next_);
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ((*entries)[0].sequence(), 2);
  EXPECT_EQ(ToTime((*entries)[0].time()), clock_.Now());
}

TEST_F(AuditLogTest, Pages) {
  Start();
  for (int i = 0; i < 700; ++i) Append(absl::StrCat("policies/", i));
  std::vector<std::string> all;
  std::optional<int64_t> before;
  do {
    for (std::string& resource : List({}, 300, before)) all.push_back(std::move(resource));
    before = next_;
  } while (before);
  ASSERT_EQ(all.size(), 700u);
  EXPECT_EQ(all.front(), "policies/699");
  EXPECT_EQ(all.back(), "policies/0");
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 700u);
}

TEST_F(AuditLogTest, Filters) {
  Start();
  Append("nodes/n1/holds/cpu3", "SetHold");
  Append("nodes/n10", "DeleteNode", 9);
  clock_.Advance(absl::Hours(1));
  const absl::Time later = clock_.Now();
  Append("nodes/n1", "DeleteNode");
  v1::AuditFilter filter;
  filter.set_resource("nodes/n1");
  EXPECT_THAT(List(filter), ElementsAre("nodes/n1", "nodes/n1/holds/cpu3"));
  filter.set_method("SetHold");
  EXPECT_THAT(List(filter), ElementsAre("nodes/n1/holds/cpu3"));
  filter.Clear();
  filter.set_failed_only(true);
  EXPECT_THAT(List(filter), ElementsAre("nodes/n10"));
  filter.Clear();
  SetTimestamp(later, filter.mutable_since_time());
  EXPECT_THAT(List(filter), ElementsAre("nodes/n1"));
  filter.set_method("Nothing");
  EXPECT_THAT(List(filter), IsEmpty());
}

TEST_F(AuditLogTest, WhatIsTooOldGoes) {
  Start({.max_age = absl::Hours(1)});
  Append("policies/a");
  clock_.Advance(absl::Minutes(40));
  Append("policies/b");
  clock_.Advance(absl::Minutes(40));
  Append("policies/c");
  EXPECT_THAT(List(), ElementsAre("policies/c", "policies/b"));
  clock_.Advance(absl::Hours(9));
  Append("policies/d");
  EXPECT_THAT(List(), ElementsAre("policies/d"));
}

TEST_F(AuditLogTest, WhatIsTooManyGoes) {
  Start({.changes = {3, kPlenty}});
  for (const char* name : {"a", "b", "c", "d", "e"}) Append(absl::StrCat("policies/", name));
  EXPECT_THAT(List(), ElementsAre("policies/e", "policies/d", "policies/c"));
  Start({.changes = {2, kPlenty}});
  Append("policies/f");
  EXPECT_THAT(List(), ElementsAre("policies/f", "policies/e"))
      << "a smaller limit, after a restart";
}

TEST_F(AuditLogTest, WhatIsTooMuchGoes) {
  Start({.changes = {kPlenty, 3000}});
  for (int i = 0; i < 20; ++i) Append(absl::StrCat("policies/", i, std::string(400, 'x')));
  EXPECT_EQ(List().size(), 6u);
  EXPECT_EQ(records_.ReadAudit(0, 100)->size(), 6u) << "it is gone from the store, too";
}

// Whoever asks for what is refused, however often, pushes no change out of the log.
TEST_F(AuditLogTest, RefusalsHaveABudgetOfTheirOwn) {
  Start({.changes = {5, kPlenty}, .refusals = {3, kPlenty}});
  Append("policies/a");
  Append("policies/b");
  for (int i = 0; i < 1000; ++i) Append(absl::StrCat("refused/", i), "ApplyPolicy", 3);
  Append("policies/c");
  EXPECT_THAT(List(), ElementsAre("policies/c", "refused/999", "refused/998", "refused/997",
                                  "policies/b", "policies/a"));
  Start({.changes = {5, kPlenty}, .refusals = {2, kPlenty}});
  Append("refused/last", "ApplyPolicy", 3);
  EXPECT_THAT(List(),
              ElementsAre("refused/last", "policies/c", "refused/999", "policies/b", "policies/a"))
      << "told apart after a restart, too";
  for (const char* name : {"d", "e", "f", "g", "h"}) Append(absl::StrCat("policies/", name));
  EXPECT_THAT(List(), ElementsAre("policies/h", "policies/g", "policies/f", "policies/e",
                                  "policies/d", "refused/last", "refused/999"))
      << "and changes push out no refusal";
}

TEST_F(AuditLogTest, RefusalsHaveABudgetOfBytesToo) {
  Start({.refusals = {kPlenty, 3000}});
  Append("policies/a");
  for (int i = 0; i < 20; ++i) Append(absl::StrCat(i, std::string(400, 'x')), "SetHold", 3);
  EXPECT_LT(List().size(), 10u);
  EXPECT_EQ(List().back(), "policies/a");
}

// A change that did not succeed on every node was made all the same.
TEST_F(AuditLogTest, AChangeThatFailedInPartIsNoRefusal) {
  v1::AuditEntry entry;
  EXPECT_FALSE(IsRefusal(entry));
  entry.mutable_status()->set_code(10);
  EXPECT_TRUE(IsRefusal(entry));
  entry.set_summary("ended: 2 of 3 nodes did it");
  EXPECT_FALSE(IsRefusal(entry));
}

// Refusals that are gone leave wide gaps in the sequence.
TEST_F(AuditLogTest, PagesHaveNoGaps) {
  Start({.refusals = {1, kPlenty}});
  for (int i = 0; i < 600; ++i) {
    Append(absl::StrCat("policies/", i));
    for (int j = 0; j < 3; ++j) Append("refused", "ApplyPolicy", 3);
  }
  std::vector<std::string> all;
  std::optional<int64_t> before;
  do {
    for (std::string& resource : List({}, 250, before)) all.push_back(std::move(resource));
    before = next_;
  } while (before);
  ASSERT_EQ(all.size(), 601u);
  EXPECT_EQ(all[0], "refused");
  EXPECT_EQ(all[1], "policies/599");
  EXPECT_EQ(all.back(), "policies/0");
}

TEST_F(AuditLogTest, LongTextsAreCut) {
  Start();
  v1::AuditEntry entry;
  entry.set_resource(std::string(100'000, 'r'));
  entry.set_summary(std::string(100'000, 's'));
  entry.mutable_note()->set_reason(std::string(100'000, 't'));
  entry.mutable_status()->set_message(std::string(100'000, 'u'));
  entry.mutable_status()->add_details()->set_value(std::string(100'000, 'v'));
  ASSERT_TRUE(log_->Append(entry).ok());
  const auto entries = log_->List({}, std::nullopt, 1, &next_);
  ASSERT_TRUE(entries.ok());
  EXPECT_LT(entries->at(0).ByteSizeLong(), 4 * AuditLog::kMaxText);
  EXPECT_THAT(entries->at(0).summary(), EndsWith("…"));
}

TEST_F(AuditLogTest, WhatIsNotCommittedHasNotHappened) {
  Start({.changes = {1, kPlenty}});
  Append("policies/a");
  store_.FailCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(log_->Append(v1::AuditEntry()).ok());
  store_.FailCommits(absl::OkStatus());
  EXPECT_THAT(List(), ElementsAre("policies/a"));
  Append("policies/b");
  EXPECT_THAT(List(), ElementsAre("policies/b"));
  EXPECT_EQ((*log_->List({}, std::nullopt, 1, &next_))[0].sequence(), 2);
}

}  // namespace
}  // namespace hotplugger::server
