#include "common/cpu_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ParseCpuListTest, ReadsNumbersAndRanges) {
  EXPECT_THAT(*ParseCpuList("2-4,8"), ElementsAre(2, 3, 4, 8));
  EXPECT_THAT(*ParseCpuList("8,2-3,3"), ElementsAre(2, 3, 8)) << "any order, twice is no error";
  EXPECT_THAT(*ParseCpuList("7-7"), ElementsAre(7));
  EXPECT_THAT(*ParseCpuList("007"), ElementsAre(7));
  EXPECT_THAT(*ParseCpuList(""), IsEmpty());
  EXPECT_THAT(*ParseCpuList(absl::StrCat(kMaxCpuNumber)), ElementsAre(kMaxCpuNumber));
}

TEST(ParseCpuListTest, RefusesAllElseAndNamesIt) {
  const std::pair<const char*, const char*> rows[] = {
      {",", "empty item"},
      {"1,", "empty item"},
      {",1", "empty item"},
      {"1,,2", "empty item"},
      {"a", "\"a\" is not a CPU"},
      {"-1", "\"-1\" is not"},
      {"1-", "\"1-\" is not"},
      {"1-2-3", "is not"},
      {"+1", "is not"},
      {" 1", "is not"},
      {"1 ", "is not"},
      {"1, 2", "is not"},
      {"0x1", "is not"},
      {"3-2", "runs downwards"},
      {"8192", "above the largest"},
      {"0-8192", "above"},
      {"99999999999", "above"},
      {"1\n", "1\\n"},
      {"(null)", "(null)"},
      {"1-4:2/4", "1-4:2/4"},
      {"all", "all"},
  };
  for (const auto& [text, problem] : rows) {
    const absl::Status status = ParseCpuList(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ErrorReason(status), "BAD_CPU_LIST") << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(problem)) << text;
  }
}

TEST(ParseCpuListTest, LengthIsBounded) {
  std::string longest = "1";
  while (longest.size() + 2 <= kMaxNumberListLength) longest += ",1";
  EXPECT_EQ(ParseCpuList(longest).status(), absl::OkStatus());
  const absl::Status status = ParseCpuList(longest + ",1").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("longer than 16384 bytes"));
  EXPECT_LT(status.message().size(), 300u) << "the message doesn't repeat it all";
}

TEST(ParseKernelCpuListTest, TakesTheKernelsNewlineAndNull) {
  EXPECT_THAT(*ParseKernelCpuList("0-1\n"), ElementsAre(0, 1));
  EXPECT_THAT(*ParseKernelCpuList("\n"), IsEmpty());
  EXPECT_THAT(*ParseKernelCpuList(""), IsEmpty());
  EXPECT_THAT(*ParseKernelCpuList("(null)\n"), IsEmpty());
  EXPECT_THAT(*ParseKernelCpuList("  (null)\n"), IsEmpty());
  EXPECT_FALSE(ParseKernelCpuList("0\n\n").ok());
}

TEST(FormatCpuListTest, JoinsRanges) {
  EXPECT_EQ(FormatCpuList({}), "");
  EXPECT_EQ(FormatCpuList({5}), "5");
  EXPECT_EQ(FormatCpuList({0, 1, 2, 8, 10, 11}), "0-2,8,10-11");
}

TEST(CpuListPropertyTest, WhatIsFormattedReadsBackTheSame) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    CpuSet cpus;
    const int largest = round % 2 == 0 ? 40 : kMaxCpuNumber;
    for (auto i = random() % 60; i > 0; --i) {
      cpus.insert(std::uniform_int_distribution<>(0, largest)(random));
    }
    const std::string text = FormatCpuList(cpus);
    const absl::StatusOr<CpuSet> parsed = ParseCpuList(text);
    ASSERT_EQ(parsed.status(), absl::OkStatus()) << text;
    ASSERT_EQ(*parsed, cpus) << text;
  }
}

TEST(CpuListPropertyTest, AnyBytesAreReadOrRefusedAndWhatIsReadIsCanonicalOnce) {
  std::mt19937 random(2);
  const std::string alphabet = "0123456789,-,-,- \n(nul)\xff";
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto i = random() % 8; i > 0; --i) text += alphabet[random() % alphabet.size()];
    const absl::StatusOr<CpuSet> parsed = ParseCpuList(text);
    if (!parsed.ok()) {
      ASSERT_EQ(ErrorReason(parsed.status()), "BAD_CPU_LIST");
      continue;
    }
    ++accepted;
    const std::string canonical = FormatCpuList(*parsed);
    ASSERT_EQ(FormatCpuList(*ParseCpuList(canonical)), canonical) << text;
  }
  EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace hotplugger
