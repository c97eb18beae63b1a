#include "common/driver_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Names = std::vector<std::string>;

TEST(ValidateDriverNameTest, OneTo31PrintableBytes) {
  for (const std::string& good : {std::string("a"), std::string(31, 'a'), std::string("a*"),
                                  std::string("intel_pstate.2-x!"), std::string("none")}) {
    EXPECT_EQ(ValidateDriverName(good), absl::OkStatus()) << good;
  }
  const std::pair<std::string, const char*> rows[] = {
      {"", "is empty"},
      {std::string(32, 'a'), "has 32 bytes"},
      {"a b", "has the byte"},
      {"a/b", "has the byte"},
      {"[a]", "has the byte"},
      {"a\n", "\\n"},
      {"\xc3\xa9", "has the byte"},
      {"*", "stands for every driver"},
      {std::string("a\0b", 3), "\\000"},
  };
  for (const auto& [name, problem] : rows) {
    const absl::Status status = ValidateDriverName(name);
    EXPECT_EQ(ErrorReason(status), "BAD_DRIVER_NAME") << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(problem)) << name;
  }
}

TEST(NormalizeDriverNameTest, IsLowerCase) {
  EXPECT_EQ(NormalizeDriverName("Intel_PState"), "intel_pstate");
}

TEST(ValidateWhitelistTest, NamesOthersEachOnce) {
  EXPECT_EQ(ValidateWhitelist("a", {}), absl::OkStatus());
  EXPECT_EQ(ValidateWhitelist("a", {"b", "*"}), absl::OkStatus());
  for (const Names& bad : {Names{"b", "B"}, Names{"A"}, Names{"b c"}, Names{""}, Names{"*", "*"}}) {
    EXPECT_EQ(ValidateWhitelist("a", bad).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(ValidateWhitelistTest, IsBounded) {
  Names names;
  for (size_t i = 0; i < kMaxWhitelistLength; ++i) names.push_back(absl::StrCat("b", i));
  EXPECT_EQ(ValidateWhitelist("a", names), absl::OkStatus());
  names.push_back("one-more");
  EXPECT_EQ(ErrorReason(ValidateWhitelist("a", names)), "BAD_WHITELIST");
}

TEST(ParseSwitchingTest, ZeroAndOneAlone) {
  EXPECT_FALSE(*ParseSwitching("0\n"));
  EXPECT_TRUE(*ParseSwitching("1"));
  for (const char* bad : {"", "\n", "2", "00", "10", "true", " 1", "1 ", "\"1\""}) {
    EXPECT_EQ(ErrorReason(ParseSwitching(bad).status()), "BAD_SWITCHING") << bad;
  }
}

struct Row {
  DriverWhitelist of_a;
  DriverWhitelist of_b;
  Coexistence expected;
};

TEST(CheckCoexistenceTest, TableInBothDirections) {
  const DriverWhitelist unreadable;
  const Row rows[] = {
      {Names{"b"}, Names{"a"}, Coexistence::kSpared},
      {Names{"B"}, Names{"A"}, Coexistence::kSpared},
      {Names{"*"}, Names{"*"}, Coexistence::kSpared},
      {Names{"*"}, Names{"x", "a"}, Coexistence::kSpared},
      {Names{}, Names{}, Coexistence::kConflict},
      {Names{"b"}, Names{}, Coexistence::kConflict},
      {Names{"*"}, Names{"x"}, Coexistence::kConflict},
      {unreadable, Names{}, Coexistence::kConflict},
      {unreadable, Names{"a"}, Coexistence::kUnknown},
      {unreadable, unreadable, Coexistence::kUnknown},
  };
  int index = 0;
  for (const Row& row : rows) {
    const CoexistenceResult forward = CheckCoexistence("a", row.of_a, "b", row.of_b);
    const CoexistenceResult backward = CheckCoexistence("b", row.of_b, "a", row.of_a);
    EXPECT_EQ(forward.coexistence, row.expected) << index;
    EXPECT_EQ(backward.coexistence, row.expected) << index;
    EXPECT_EQ(forward.explanation.empty(), row.expected == Coexistence::kSpared) << index;
    ++index;
  }
}

TEST(CheckCoexistenceTest, ADriverNeverConflictsWithItself) {
  EXPECT_EQ(CheckCoexistence("a", Names{}, "A", Names{}).coexistence, Coexistence::kSpared);
}

TEST(CheckCoexistenceTest, NamesTheMissingSideWhicheverStarts) {
  for (const CoexistenceResult& result : {CheckCoexistence("a", Names{"b"}, "b", Names{}),
                                          CheckCoexistence("b", Names{}, "a", Names{"b"})}) {
    EXPECT_THAT(result.explanation,
                AllOf(HasSubstr("b does not whitelist a, though a whitelists b"),
                      HasSubstr("add a to the whitelist of b")));
  }
  EXPECT_THAT(CheckCoexistence("a", std::nullopt, "b", Names{}).explanation,
              HasSubstr("add a to the whitelist of b"));
  EXPECT_THAT(CheckCoexistence("a", Names{}, "b", Names{}).explanation,
              HasSubstr("neither a nor b"));
}

}  // namespace
}  // namespace hotplugger
