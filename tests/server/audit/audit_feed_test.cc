#include "server/audit/audit_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "absl/strings/str_cat.h"
#include "server/audit/audit_log.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/memory_store.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AuditFeedTest : public ::testing::Test {
 protected:
  void Append(const std::string& resource, int code = 0) {
    v1::AuditEntry entry;
    entry.set_resource(resource);
    if (code != 0) entry.mutable_status()->set_code(code);
    ASSERT_TRUE(log_.Append(std::move(entry)).ok());
  }

  absl::StatusOr<AuditFeed::Page> Read(int64_t after, const v1::AuditFilter& filter = {}) {
    std::promise<absl::StatusOr<AuditFeed::Page>> promise;
    const absl::Status asked = feed_.Read(
        filter, after,
        [&promise](absl::StatusOr<AuditFeed::Page> page) { promise.set_value(std::move(page)); });
    if (!asked.ok()) return asked;
    return promise.get_future().get();
  }

  static std::vector<std::string> Resources(const AuditFeed::Page& page) {
    std::vector<std::string> resources;
    for (const AuditFeed::Found& each : page.found) resources.push_back(each.entry.resource());
    return resources;
  }

  FakeClock clock_;
  testing::MemoryStore store_;
  Records records_{&store_};
  AuditFeed feed_{&records_};
  AuditLog log_{&records_, &clock_, {.refusals = {1, 1'000'000}}, &feed_};
};

TEST_F(AuditFeedTest, GivesWhatComesAfter) {
  Append("a");
  Append("b");
  Append("c");
  EXPECT_EQ(feed_.last_sequence(), 3);
  const auto page = Read(1);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(Resources(*page), ElementsAre("b", "c"));
  EXPECT_EQ(page->looked, 3);
  EXPECT_TRUE(page->caught_up);
  const auto nothing = Read(3);
  EXPECT_THAT(nothing->found, IsEmpty());
  EXPECT_EQ(nothing->looked, 3);
}

TEST_F(AuditFeedTest, ComesInPagesThatHaveEverythingOnce) {
  for (int i = 0; i < 600; ++i) Append(absl::StrCat(i % 10 == 0 ? "wanted/" : "other/", i));
  v1::AuditFilter filter;
  filter.set_resource("wanted");
  std::vector<std::string> all;
  int64_t after = 0;
  for (bool caught_up = false; !caught_up;) {
    const auto page = Read(after, filter);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->found.size(), AuditFeed::kMaxEntries);
    for (std::string& resource : Resources(*page)) all.push_back(std::move(resource));
    after = page->looked;
    caught_up = page->caught_up;
  }
  ASSERT_EQ(all.size(), 60u);
  EXPECT_EQ(all.front(), "wanted/0");
  EXPECT_EQ(all.back(), "wanted/590");
}

TEST_F(AuditFeedTest, WhatIsNoLongerKeptIsCounted) {
  Append("r1", 3);
  Append("c1");
  for (int i = 2; i <= 4; ++i) Append(absl::StrCat("r", i), 3);
  Append("c2");
  const auto page = Read(0);
  EXPECT_THAT(Resources(*page), ElementsAre("c1", "r4", "c2"));
  EXPECT_EQ(page->found[0].missed, 1);
  EXPECT_EQ(page->found[1].missed, 2);
  EXPECT_EQ(page->found[2].missed, 0);
  v1::AuditFilter none;
  none.set_resource("nothing");
  EXPECT_EQ(Read(0, none)->missed, 3) << "to be told with the next one";
}

// Who catches up with a long log reads each entry about once.
TEST_F(AuditFeedTest, ReadsWhatItSends) {
  for (int i = 0; i < 600; ++i) Append(absl::StrCat(i % 100 == 0 ? "wanted/" : "other/", i));
  const auto read_for = [this](const v1::AuditFilter& filter) {
    const size_t before = store_.ranged_keys();
    EXPECT_TRUE(Read(0, filter).ok());
    return store_.ranged_keys() - before;
  };
  EXPECT_EQ(read_for({}), AuditFeed::kMaxEntries);
  v1::AuditFilter few;
  few.set_resource("wanted");
  EXPECT_EQ(read_for(few), 256u) << "more where the filter lets few through";
}

TEST_F(AuditFeedTest, KnowsTheLastEntryAfterARestart) {
  Append("a");
  AuditFeed feed(&records_);
  AuditLog log(&records_, &clock_, {}, &feed);
  ASSERT_TRUE(log.Load().ok());
  EXPECT_EQ(feed.last_sequence(), 1);
}

TEST_F(AuditFeedTest, ReadsNothingAfterItsEnd) {
  feed_.Stop();
  EXPECT_EQ(Read(0).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace hotplugger::server
