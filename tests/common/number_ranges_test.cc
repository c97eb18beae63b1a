#include "common/number_ranges.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

TEST(NumberRangesTest, CountsAndFinds) {
  const auto ranges = NumberRanges::Parse("0-3,8,10-11\n", kMemoryBlockListRules);
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  EXPECT_EQ(ranges->size(), 7u);
  for (const int number : {0, 3, 8, 10, 11}) EXPECT_TRUE(ranges->Contains(number)) << number;
  for (const int number : {-1, 4, 7, 9, 12}) EXPECT_FALSE(ranges->Contains(number)) << number;
}

TEST(NumberRangesTest, EmptyLists) {
  for (const char* text : {"", "\n", "(null)\n"}) {
    const auto ranges = NumberRanges::Parse(text, kMemoryBlockListRules);
    ASSERT_TRUE(ranges.ok()) << ranges.status();
    EXPECT_EQ(ranges->size(), 0u);
    EXPECT_FALSE(ranges->Contains(0));
  }
}

TEST(NumberRangesTest, NamesWhatIsNoList) {
  for (const char* text : {",", "1,", "3-1", "-1", "1-", "a", "1 ", "33554432", "0x1"}) {
    const auto ranges = NumberRanges::Parse(text, kMemoryBlockListRules);
    EXPECT_EQ(ErrorReason(ranges.status()), "BAD_MEMORY_BLOCK_LIST") << text;
  }
  EXPECT_TRUE(NumberRanges::Parse("33554431", kMemoryBlockListRules).ok());
}

// Overlaps, repeats and any order mean the same numbers as for the other reader of such lists.
TEST(NumberRangesTest, AgreesWithNumberSets) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (size_t i = 0; i < 1 + random() % 8; ++i) {
      const auto first = random() % 40;
      absl::StrAppend(&text, text.empty() ? "" : ",", first, "-", first + random() % 5);
    }
    const auto ranges = NumberRanges::Parse(text, kMemoryBlockListRules);
    const auto numbers = ParseNumberList(text, kMemoryBlockListRules);
    ASSERT_TRUE(ranges.ok() && numbers.ok()) << text;
    EXPECT_EQ(ranges->size(), numbers->size()) << text;
    for (int number = 0; number < 50; ++number) {
      EXPECT_EQ(ranges->Contains(number), numbers->count(number) > 0) << text << " " << number;
    }
  }
}

}  // namespace
}  // namespace hotplugger
