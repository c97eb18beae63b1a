#include "common/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hotplugger {
namespace {

using ::testing::MatchesRegex;

constexpr char kTime[] = "[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+[.][0-9]+Z ";

std::string Logged(LogLevel level, absl::string_view message,
                   std::initializer_list<std::pair<absl::string_view, absl::string_view>> fields) {
  ::testing::internal::CaptureStderr();
  Log(level, message, fields);
  return ::testing::internal::GetCapturedStderr();
}

TEST(LogTest, OneLineWithTimeLevelMessageAndFields) {
  EXPECT_THAT(Logged(LogLevel::kInfo, "connected", {{"node", "n1"}}),
              MatchesRegex(std::string(kTime) + "INFO connected node=n1\n"));
  EXPECT_THAT(Logged(LogLevel::kWarning, "slow", {}),
              MatchesRegex(std::string(kTime) + "WARNING slow\n"));
  EXPECT_THAT(Logged(LogLevel::kError, "failed", {}),
              MatchesRegex(std::string(kTime) + "ERROR failed\n"));
}

TEST(LogTest, ValuesThatNeedItAreQuotedAndNothingBreaksTheLine) {
  EXPECT_THAT(Logged(LogLevel::kInfo, "a\nb", {{"k", "v w"}, {"empty", ""}, {"e", "x=y"}}),
              MatchesRegex(std::string(kTime) + "INFO a\\\\nb k=\"v w\" empty=\"\" e=\"x=y\"\n"));
  EXPECT_THAT(Logged(LogLevel::kInfo, "m", {{"k", "v\nINFO forged"}}),
              MatchesRegex(std::string(kTime) + "INFO m k=\"v\\\\nINFO forged\"\n"));
}

}  // namespace
}  // namespace hotplugger
