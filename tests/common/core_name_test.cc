#include "common/core_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;

TEST(CoreNameTest, ReadsWhatItWrites) {
  const CoreName names[] = {{0, 0, 3}, {1, 2, 63}, {0, 0, 0}, {36, 0, 2147483647}};
  for (const CoreName& name : names) {
    const absl::StatusOr<CoreName> parsed = ParseCoreName(FormatCoreName(name));
    ASSERT_EQ(parsed.status(), absl::OkStatus()) << FormatCoreName(name);
    EXPECT_EQ(*parsed, name);
  }
  EXPECT_EQ(FormatCoreName({1, 0, 12}), "1-0-12");
}

TEST(CoreNameTest, RefusesAllElseAndNamesIt) {
  const std::pair<std::string, const char*> rows[] = {
      {"", "is not three numbers"},      {"3", "is not three numbers"},
      {"0-3", "is not three numbers"},   {"0-0-0-3", "is not three numbers"},
      {"0--3", "for its die"},           {"-0-3", "for its package"},
      {"0-0-", "for its core"},          {"0-0-03", "for its core"},
      {"00-0-3", "for its package"},     {"0-+0-3", "for its die"},
      {"0-0-3 ", "for its core"},        {"0-0-3\n", "\"0-0-3\\n\""},
      {"a-0-3", "for its package"},      {"0-0-2147483648", "for its core"},
      {"core/0-0-3", "for its package"}, {std::string(1000, '1'), "is too long"},
  };
  for (const auto& [text, problem] : rows) {
    const absl::Status status = ParseCoreName(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ErrorReason(status), "BAD_CORE_NAME") << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(problem)) << text;
    EXPECT_LT(status.message().size(), 300u) << "the message doesn't repeat it all";
  }
}

TEST(CoreNameTest, IsOrderedByPackageThenDieThenCore) {
  EXPECT_LT((CoreName{0, 1, 9}), (CoreName{1, 0, 0}));
  EXPECT_LT((CoreName{0, 0, 9}), (CoreName{0, 1, 0}));
  EXPECT_LT((CoreName{0, 0, 2}), (CoreName{0, 0, 10}));
  EXPECT_FALSE((CoreName{0, 0, 2}) < (CoreName{0, 0, 2}));
}

}  // namespace
}  // namespace hotplugger
