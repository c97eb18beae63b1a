#include "server/fleet/change_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ChangeFeed::Kind kNodes = v1::WatchFleetRequest::KIND_NODES;
constexpr ChangeFeed::Kind kHolds = v1::WatchFleetRequest::KIND_HOLDS;

class ChangeFeedTest : public ::testing::Test {
 protected:
  // What has changed after `version`, as "NAME" or "-NAME".
  std::vector<std::string> Since(int64_t version, const std::set<ChangeFeed::Kind>& kinds) {
    std::vector<std::string> names;
    while (const auto change = feed_.Next(version, kinds, &version)) {
      names.push_back(absl::StrCat(change->gone ? "-" : "", change->key.name));
    }
    EXPECT_EQ(version, feed_.last_version());
    return names;
  }

  ChangeFeed feed_;
};

TEST_F(ChangeFeedTest, EachThingIsThereOnceAtItsLastChange) {
  feed_.Put({kNodes, "a"});
  feed_.Put({kNodes, "b"});
  const int64_t seen = feed_.last_version();
  feed_.Put({kHolds, "h"});
  feed_.Put({kNodes, "a"});
  EXPECT_THAT(Since(0, {kNodes, kHolds}), ElementsAre("b", "h", "a"));
  EXPECT_THAT(Since(seen, {kNodes, kHolds}), ElementsAre("h", "a"));
  EXPECT_THAT(Since(seen, {kNodes}), ElementsAre("a"));
  EXPECT_THAT(Since(feed_.last_version(), {kNodes}), IsEmpty());
}

TEST_F(ChangeFeedTest, WhatIsGoneIsToldAndMayComeAgain) {
  feed_.Put({kNodes, "a"});
  const int64_t seen = feed_.last_version();
  feed_.Erase({kNodes, "a"});
  feed_.Erase({kNodes, "a"});
  feed_.Erase({kNodes, "never"});
  EXPECT_THAT(Since(seen, {kNodes}), ElementsAre("-a"));
  feed_.Put({kNodes, "a"});
  EXPECT_THAT(Since(seen, {kNodes}), ElementsAre("a"));
}

TEST_F(ChangeFeedTest, OfThoseThatAreGoneTheLastAreRemembered) {
  feed_.Put({kNodes, "first"});
  const int64_t before = feed_.last_version();
  for (size_t i = 0; i < ChangeFeed::kMaxGone + 5; ++i) {
    feed_.Put({kHolds, absl::StrCat(i)});
    feed_.Erase({kHolds, absl::StrCat(i)});
  }
  EXPECT_FALSE(feed_.CanResume(before)) << "what is gone since then can't be told any more";
  EXPECT_TRUE(feed_.CanResume(feed_.last_version()));
  EXPECT_FALSE(feed_.CanResume(feed_.last_version() + 1)) << "nobody has seen that";
  EXPECT_EQ(Since(0, {kNodes, kHolds}).size(), ChangeFeed::kMaxGone + 1);
}

}  // namespace
}  // namespace hotplugger::server
