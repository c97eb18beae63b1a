#include "common/yaml/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "common/error_info.h"
#include "common/yaml/text_file.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(ReadYamlTest, KeepsTextPlacesAndQuotes) {
  const YamlFile file = ReadYaml("limits:\n  percent: 050\n  list: ['a', b]\n  none:\n");
  ASSERT_THAT(file.problems, SizeIs(0));
  ASSERT_THAT(file.documents, SizeIs(1));
  const YamlNode& limits = file.documents[0].children[1];
  ASSERT_EQ(limits.kind, YamlNode::Kind::kMap);
  ASSERT_THAT(limits.children, SizeIs(6));
  EXPECT_EQ(limits.children[1].text, "050");
  EXPECT_EQ(limits.children[1].place.line, 2);
  EXPECT_EQ(limits.children[1].place.column, 12);
  EXPECT_TRUE(limits.children[3].children[0].quoted);
  EXPECT_FALSE(limits.children[3].children[1].quoted);
  EXPECT_EQ(limits.children[5].kind, YamlNode::Kind::kNull);
}

TEST(ReadYamlTest, WhatIsNotTakenIsAProblemWithItsPlace) {
  const std::pair<std::string, const char*> rows[] = {
      {"a: [1\n", "not readable as YAML"},
      {"a: &x 1\nb: *x\n", "an alias"},
      {"a: !!int 1\n", "the tag"},
      {"a: \xff\n", "is not UTF-8"},
      {std::string("a: \0", 4), "a control character"},
      {std::string(40, '['), "nested deeper than 32 levels"},
      {std::string(kMaxYamlBytes + 1, '#'), "larger than"},
  };
  for (const auto& [text, problem] : rows) {
    const YamlFile file = ReadYaml(text);
    ASSERT_THAT(file.problems, SizeIs(1)) << problem;
    EXPECT_THAT(file.problems[0].description, HasSubstr(problem));
  }
}

TEST(ReadTextFileTest, ReadsWholeFilesAndStopsPastTheLimit) {
  testing::TempDir dir;
  dir.Write("small.yaml", "a: 1\n");
  EXPECT_EQ(*ReadTextFile(dir.Path("small.yaml")), "a: 1\n");
  dir.Write("large.yaml", std::string(2 * kMaxYamlBytes, '#'));
  const auto large = ReadTextFile(dir.Path("large.yaml"));
  ASSERT_TRUE(large.ok()) << large.status();
  EXPECT_GT(large->size(), kMaxYamlBytes);
  EXPECT_LT(large->size(), 2 * kMaxYamlBytes);
  EXPECT_EQ(ErrorReason(ReadTextFile(dir.Path("none.yaml")).status()), "ENOENT");
  EXPECT_EQ(ErrorReason(ReadTextFile(dir.path()).status()), "EISDIR");
}

}  // namespace
}  // namespace hotplugger
