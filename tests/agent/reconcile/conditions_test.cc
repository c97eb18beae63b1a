#include "agent/reconcile/conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace hotplugger::agent {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(ConditionsTest, OneStandsSinceItWasFirstSetAndIsListedByType) {
  Conditions conditions;
  EXPECT_THAT(conditions.List(), IsEmpty());
  conditions.Set("B", "first", kNow);
  conditions.Set("A", "other", kNow + absl::Seconds(1));
  conditions.Set("B", "second", kNow + absl::Seconds(5));
  const auto list = conditions.List();
  ASSERT_THAT(list, SizeIs(2));
  EXPECT_EQ(list[0].type(), "A");
  EXPECT_EQ(list[1].type(), "B");
  EXPECT_EQ(list[1].message(), "second");
  EXPECT_EQ(list[1].since_time().seconds(), 1'700'000'000);
}

TEST(ConditionsTest, OneThatIsGoneAndComesAgainIsANewOne) {
  Conditions conditions;
  conditions.Set("A", "", kNow);
  conditions.Clear("A");
  conditions.Clear("B");
  EXPECT_THAT(conditions.List(), IsEmpty());
  conditions.Set("A", "", kNow + absl::Seconds(9));
  EXPECT_EQ(conditions.List()[0].since_time().seconds(), 1'700'000'009);
}

TEST(ConditionsTest, ThereAreOnlySoMany) {
  Conditions conditions;
  for (size_t i = 0; i < Conditions::kMax + 3; ++i) {
    conditions.Set(absl::StrCat("TYPE_", i), "", kNow);
  }
  EXPECT_THAT(conditions.List(), SizeIs(Conditions::kMax));
  conditions.Set("TYPE_0", "news of an old one", kNow);
  EXPECT_EQ(conditions.List()[0].message(), "news of an old one");
}

TEST(ConditionsTest, AnyThreadMaySetAndClearThem) {
  Conditions conditions;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&conditions, i] {
      const std::string type = absl::StrCat("TYPE_", i);
      for (int round = 0; round < 1000; ++round) {
        conditions.Set(type, "", kNow);
        (void)conditions.List();
        if (i % 2 == 0) conditions.Clear(type);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto list = conditions.List();
  ASSERT_THAT(list, SizeIs(2));
  EXPECT_EQ(list[0].type(), "TYPE_1");
  EXPECT_EQ(list[1].type(), "TYPE_3");
}

}  // namespace
}  // namespace hotplugger::agent
