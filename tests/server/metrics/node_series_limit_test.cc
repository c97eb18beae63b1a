#include "server/metrics/node_series_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "common/error_info.h"

namespace hotplugger::server {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMost = std::numeric_limits<size_t>::max();

TEST(NodeSeriesLimitTest, IsReadAndWritten) {
  for (const auto& [text, expected] :
       {std::pair("off", NodeSeriesLimit::Off()), std::pair("all", NodeSeriesLimit::All()),
        std::pair("1", NodeSeriesLimit::First(1)),
        std::pair("1000000", NodeSeriesLimit::First(NodeSeriesLimit::kLargest))}) {
    const auto limit = NodeSeriesLimit::Parse(text);
    ASSERT_TRUE(limit.ok()) << limit.status();
    EXPECT_TRUE(*limit == expected) << text;
    EXPECT_EQ(limit->ToString(), text);
  }
}

TEST(NodeSeriesLimitTest, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "0", "1000001", "-1", "OFF", "none", "many", "18446744073709551616", "2,000", "1 2"}) {
    const absl::Status status = NodeSeriesLimit::Parse(text).status();
    EXPECT_EQ(ErrorReason(status), "BAD_NODE_LIMIT") << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }
}

TEST(NodeSeriesLimitTest, TakesSoManyNodes) {
  EXPECT_FALSE(NodeSeriesLimit::Off().TakesAnother(0));
  EXPECT_TRUE(NodeSeriesLimit::All().TakesAnother(0));
  EXPECT_TRUE(NodeSeriesLimit::All().TakesAnother(kMost));
  EXPECT_TRUE(NodeSeriesLimit::First(2).TakesAnother(1));
  EXPECT_FALSE(NodeSeriesLimit::First(2).TakesAnother(2));
  EXPECT_FALSE(NodeSeriesLimit::First(2).TakesAnother(kMost));
}

TEST(NodeSeriesLimitTest, AllIsNotTheLargestNumberAndOffIsNoNumber) {
  EXPECT_FALSE(NodeSeriesLimit::All() == NodeSeriesLimit::First(NodeSeriesLimit::kLargest));
  EXPECT_FALSE(NodeSeriesLimit::Off() == NodeSeriesLimit::All());
  EXPECT_FALSE(NodeSeriesLimit::First(1) == NodeSeriesLimit::First(2));
}

}  // namespace
}  // namespace hotplugger::server
