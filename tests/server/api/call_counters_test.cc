#include "server/api/call_counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace hotplugger::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class CallCountersTest : public ::testing::Test {
 protected:
  CallCounters counters_{{{"unary", "a.Service", "Get"}, {"bidi_stream", "a.Service", "Connect"}}};
};

TEST_F(CallCountersTest, CountsCallsByMethodAndCode) {
  const size_t get = counters_.Started("/a.Service/Get");
  EXPECT_EQ(counters_.Started("/a.Service/Get"), get);
  const size_t connect = counters_.Started("/a.Service/Connect");
  counters_.Handled(get, 0, absl::Milliseconds(2));
  counters_.Handled(get, 5, absl::Seconds(100));
  const auto counts = counters_.Counts();
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_EQ(counts[get].method.method, "Get");
  EXPECT_EQ(counts[get].started, 2);
  EXPECT_THAT(counts[get].handled, ElementsAre(Pair("NotFound", 1), Pair("OK", 1)));
  EXPECT_THAT(counts[get].durations->buckets, ElementsAre(0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1));
  EXPECT_EQ(counts[connect].started, 1);
  EXPECT_THAT(counts[connect].handled, IsEmpty());
  EXPECT_FALSE(counts[connect].durations.has_value()) << "a stream lasts as long as it lasts";
}

TEST_F(CallCountersTest, WhatTheServerDoesNotKnowIsOneMethod) {
  for (const char* path : {"/a.Service/Nope", "/b.Service/Get", "", "/", "a.Service/Get",
                           "/a.Service/Get/", "/a.Service/get", "\n"}) {
    counters_.Handled(counters_.Started(path), 12, absl::ZeroDuration());
  }
  const auto counts = counters_.Counts();
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_EQ(counts[2].method.type, "unknown");
  EXPECT_EQ(counts[2].method.service, "unknown");
  EXPECT_EQ(counts[2].method.method, "unknown");
  EXPECT_EQ(counts[2].started, 8);
  EXPECT_THAT(counts[2].handled, ElementsAre(Pair("Unimplemented", 8)));
  EXPECT_EQ(counts[0].started + counts[1].started, 0);
}

TEST_F(CallCountersTest, CodesAreWords) {
  EXPECT_EQ(CallCodeWord(0), "OK");
  EXPECT_EQ(CallCodeWord(1), "Canceled");
  EXPECT_EQ(CallCodeWord(16), "Unauthenticated");
  for (const int code : {-1, 17, 1000}) {
    EXPECT_EQ(CallCodeWord(code), "Unknown");
    counters_.Handled(0, code, absl::ZeroDuration());
  }
  EXPECT_THAT(counters_.Counts()[0].handled, ElementsAre(Pair("Unknown", 3)));
}

}  // namespace
}  // namespace hotplugger::server
