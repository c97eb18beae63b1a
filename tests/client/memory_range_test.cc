#include "client/commands/host/memory_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error_info.h"

namespace hotplugger::client::host {
namespace {

using testing::HasSubstr;

constexpr uint64_t kGib = uint64_t{1} << 30;

TEST(MemoryRangeTest, EndIsTheLastByteAsLsmemPrintsIt) {
  const auto range = ParseMemoryRange("0x0000000100000000-0x0000000107ffffff");
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->start(), 4 * kGib);
  EXPECT_EQ(range->size(), 128u << 20);
  EXPECT_EQ(FormatMemoryRange(range->start(), range->size()),
            "0x0000000100000000-0x0000000107ffffff");
}

TEST(MemoryRangeTest, SizeFollowsAColon) {
  const auto range = ParseMemoryRange("0X100000000:0x8000000");
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->start(), 4 * kGib);
  EXPECT_EQ(range->size(), 128u << 20);
}

TEST(MemoryRangeTest, TheLastAddressIsWithinReach) {
  const auto by_end = ParseMemoryRange("0xfffffffff0000000-0xffffffffffffffff");
  ASSERT_TRUE(by_end.ok()) << by_end.status();
  EXPECT_EQ(by_end->size(), 256u << 20);
  const auto by_size = ParseMemoryRange("0xfffffffff0000000:0x10000000");
  ASSERT_TRUE(by_size.ok()) << by_size.status();
  EXPECT_EQ(by_size->size(), 256u << 20);
  EXPECT_EQ(FormatMemoryRange(by_size->start(), by_size->size()),
            "0xfffffffff0000000-0xffffffffffffffff");
}

TEST(MemoryRangeTest, RefusesWhatIsNoRange) {
  struct Case {
    const char* text;
    const char* problem;
  };
  const Case cases[] = {
      {"", "has neither"},
      {"0x100000000", "has neither"},
      {"0x107ffffff-0x100000000", "runs downwards"},
      {"0x0-0x8000000", "ends with the first byte after a block (is 0x7ffffff meant?)"},
      {"0x0-0x0", "is a single byte"},
      {"0x0-0xffffffffffffffff", "is larger than any memory"},
      {"0xfffffffff0000000:0x10000001", "reaches beyond the last address"},
      {"0x100000000:0x0", "has no size"},
      {"100000000-107ffffff", "is not made of two hexadecimal numbers with 0x"},
      {"0x100000000-107ffffff", "is not made of"},
      {"0x-0x7ffffff", "is not made of"},
      {"0x0 - 0x7ffffff", "is not made of"},
      {"0x0-0x7ffffff ", "is not made of"},
      {"0x0-0x7ffffff,0x8000000-0xfffffff", "is not made of"},
      {"0x0-0x+7ffffff", "is not made of"},
      {"0x00000000000000000-0x7ffffff", "up to 16 digits"},
      {"0x100000000:128M", "is not made of"},
  };
  for (const Case& wrong : cases) {
    const absl::Status status = ParseMemoryRange(wrong.text).status();
    EXPECT_EQ(ErrorReason(status), "BAD_MEMORY_RANGE") << wrong.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.problem)) << wrong.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("e.g. 0x100000000-0x107ffffff"));
  }
}

}  // namespace
}  // namespace hotplugger::client::host
