#include "common/number_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What differs from list to list; the grammar itself is tested in cpu_list_test.cc.
constexpr NumberListRules kShelves = {"shelf", 1'000'000, "BAD_SHELF_LIST", "4-5"};

TEST(ParseNumberListTest, ErrorsAreInTheWordsOfTheList) {
  const std::pair<const char*, const char*> rows[] = {
      {"x",
       "\"x\" is not a shelf number or range; a shelf list is numbers and ascending ranges "
       "joined by commas, e.g. \"4-5\""},
      {"1000001", "above the largest shelf number, 1000000"},
  };
  for (const auto& [text, problem] : rows) {
    const absl::Status status = ParseNumberList(text, kShelves).status();
    EXPECT_EQ(ErrorReason(status), "BAD_SHELF_LIST") << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(problem)) << text;
  }
  EXPECT_THAT(*ParseNumberList("1000000", kShelves), ElementsAre(1'000'000));
}

TEST(ParseNumberListTest, TheLargestMemoryBlockIsOne) {
  EXPECT_THAT(*ParseNumberList("33554431", kMemoryBlockListRules), ElementsAre(kMaxMemoryBlock));
  EXPECT_EQ(ErrorReason(ParseNumberList("33554432", kMemoryBlockListRules).status()),
            "BAD_MEMORY_BLOCK_LIST");
}

TEST(ParseNumberListTest, TheNumbersNamedAreBounded) {
  EXPECT_EQ(ParseNumberList("1-65536", kShelves)->size(), kMaxNumberListItems);
  for (const char* text : {"0-65536", "0-1000000", "0-65535,70000-70000", "0-40000,50000-90000"}) {
    EXPECT_THAT(std::string(ParseNumberList(text, kShelves).status().message()),
                HasSubstr("more than 65536 numbers"))
        << text;
  }
}

TEST(ParseKernelNumberListTest, LengthIsBoundedByTheNumbersAlone) {
  std::string text = "0";
  while (text.size() <= kMaxNumberListLength) absl::StrAppend(&text, ",", text.size());
  EXPECT_FALSE(ParseNumberList(text, kShelves).ok());
  EXPECT_EQ(ParseKernelNumberList(text + "\n", kShelves).status(), absl::OkStatus());
  EXPECT_FALSE(ParseKernelNumberList("0-65536\n", kShelves).ok());
  EXPECT_THAT(*ParseKernelNumberList("  (null)\n", kShelves), IsEmpty());
}

TEST(FormatNumberListTest, JoinsRanges) {
  EXPECT_EQ(FormatNumberList({}), "");
  EXPECT_EQ(FormatNumberList({32, 33, 34, 64, 65, 33'554'431}), "32-34,64-65,33554431");
}

}  // namespace
}  // namespace hotplugger
