#include "common/byte_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMax = uint64_t{1} << 60;

TEST(ParseByteSizeTest, ReadsBytesAndUnits) {
  const std::pair<const char*, uint64_t> rows[] = {
      {"0", 0},
      {"134217728", 134217728},
      {"0010", 10},
      {"1K", 1024},
      {"512Mi", uint64_t{512} << 20},
      {"4G", uint64_t{4} << 30},
      {"4Gi", uint64_t{4} << 30},
      {"4GiB", uint64_t{4} << 30},
      {"3T", uint64_t{3} << 40},
      {"0Pi", 0},
      {"1024P", kMax},
      {"1152921504606846976", kMax},
  };
  for (const auto& [text, bytes] : rows) {
    const auto parsed = ParseByteSize(text);
    ASSERT_EQ(parsed.status(), absl::OkStatus()) << text;
    EXPECT_EQ(*parsed, bytes) << text;
  }
}

TEST(ParseByteSizeTest, RefusesAllElseAndSaysWhatWouldBeRight) {
  const std::pair<std::string, const char*> rows[] = {
      {"", "\"\" is no size"},
      {"G", "does not begin with a digit"},
      {"-1", "does not begin with a digit"},
      {"+1", "does not begin with a digit"},
      {" 1", "does not begin with a digit"},
      {"1.5G", "\"1.5G\" has a unit"},
      {"1 G", "has a unit that is none"},
      {"1g", "has a unit that is none"},
      {"1E", "has a unit that is none"},
      {"1B", "has a unit that is none"},
      {"0x10", "has a unit that is none"},
      {"4GB", "powers of 1000"},
      {"4Gb", "something after its unit"},
      {"4GiBs", "something after its unit"},
      {"4Gi ", "something after its unit"},
      {std::string("4G\0", 3), "4G\\000"},
      {"1152921504606846977", "more than 1024Pi"},
      {"1025Pi", "more than 1024Pi"},
      {"18446744073709551616", "more than 1024Pi"},
      {"99999999999999999999999P", "more than 1024Pi"},
      {std::string(4096, '9'), "99…\" is more"},
  };
  for (const auto& [text, problem] : rows) {
    const absl::Status status = ParseByteSize(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ErrorReason(status), "BAD_SIZE") << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(problem));
    EXPECT_THAT(std::string(status.message()), HasSubstr("e.g. 4Gi"));
    EXPECT_LT(status.message().size(), 250u);
  }
}

TEST(FormatByteSizeTest, TakesTheLargestUnitThatIsExact) {
  EXPECT_EQ(FormatByteSize(0), "0");
  EXPECT_EQ(FormatByteSize(100), "100");
  EXPECT_EQ(FormatByteSize(1025), "1025");
  EXPECT_EQ(FormatByteSize(1024), "1Ki");
  EXPECT_EQ(FormatByteSize(uint64_t{1536} << 20), "1536Mi");
  EXPECT_EQ(FormatByteSize(uint64_t{4} << 30), "4Gi");
  EXPECT_EQ(FormatByteSize(kMax), "1024Pi");
}

TEST(FormatByteSizeTest, WhatIsFormattedReadsBackTheSame) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    const uint64_t bytes = ((random() >> (random() % 64)) << (random() % 40)) & (kMax - 1);
    const std::string text = FormatByteSize(bytes);
    ASSERT_EQ(ParseByteSize(text).value_or(kMax + 1), bytes) << text;
  }
}

}  // namespace
}  // namespace hotplugger
