#include "common/yaml/file_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;

TEST(FileErrorsTest, NameFileLineColumnAndKey) {
  FileErrors errors("a.yaml");
  EXPECT_EQ(errors.ToStatus(), absl::OkStatus());
  errors.Add({3, 5}, "limits.cpus", "is wrong");
  errors.Add({}, "", "is too large");
  const absl::Status status = errors.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()),
            "a.yaml:3:5: limits.cpus: is wrong\na.yaml: is too large");
}

TEST(FileErrorsTest, AnUnknownKeyComesWithTheNearest) {
  FileErrors errors("a.yaml");
  YamlNode key;
  key.text = "memry";
  key.place = {2, 1};
  errors.AddUnknownKey(key, "limits.memry", {"cpus", "memory"});
  key.text = "rollout";
  errors.AddUnknownKey(key, "limits.rollout", {"cpus", "memory"});
  EXPECT_EQ(errors.violations()[0].description,
            "unknown field; did you mean memory? (known here: cpus, memory)");
  EXPECT_EQ(errors.violations()[1].description, "unknown field (known here: cpus, memory)");
}

TEST(FileErrorsTest, SaysHowManyItDoesNotShow) {
  FileErrors errors("a.yaml");
  for (int line = 1; line <= 103; ++line) errors.Add({line, 1}, "", "is wrong");
  const std::vector<FieldViolation> shown = ErrorFieldViolations(errors.ToStatus());
  ASSERT_EQ(shown.size(), FileErrors::kMaxShown);
  EXPECT_THAT(shown.back().description, HasSubstr("(and 3 more errors)"));
}

TEST(FileErrorsTest, ValuesAreCutAndMadeSafeToShow) {
  EXPECT_EQ(QuotedText("a\x1b"), "\"a\\x1b\"");
  EXPECT_EQ(QuotedText(std::string(60, 'a')), absl::StrCat("\"", std::string(60, 'a'), "\""));
  EXPECT_EQ(QuotedText(std::string(61, 'a')), absl::StrCat("\"", std::string(60, 'a'), "…\""));
  EXPECT_EQ(JoinYamlPath("", "a"), "a");
  EXPECT_EQ(JoinYamlPath("a", "b\n"), "a.b\\n");
}

}  // namespace
}  // namespace hotplugger
