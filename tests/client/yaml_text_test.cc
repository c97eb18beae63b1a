#include "client/yaml_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/yaml/yaml_tree.h"

namespace hotplugger::client {
namespace {

// A tree as JSON without white space, so that it can be compared.
std::string AsJson(const YamlNode& node) {
  std::vector<std::string> parts;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kScalar:
      return absl::StrCat("\"", node.text, "\"");
    case YamlNode::Kind::kSequence:
      for (const YamlNode& child : node.children) parts.push_back(AsJson(child));
      return absl::StrCat("[", absl::StrJoin(parts, ","), "]");
    case YamlNode::Kind::kMap:
      for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
        parts.push_back(absl::StrCat(AsJson(node.children[i]), ":", AsJson(node.children[i + 1])));
      }
      return absl::StrCat("{", absl::StrJoin(parts, ","), "}");
  }
  return "";
}

TEST(YamlFromJsonTest, IsWrittenAsPeopleWriteIt) {
  EXPECT_EQ(YamlFromJson(R"({"name": "a", "nodes": [ {"x": 1, "z": [true, null]}, [2, {}] ],
                            "empty": [], "none": { }, "deep": {"a": {"b": -1.5e3}}} )"),
            "name: a\n"
            "nodes:\n"
            "- x: 1\n"
            "  z:\n"
            "  - true\n"
            "  - null\n"
            "- - 2\n"
            "  - {}\n"
            "empty: []\n"
            "none: {}\n"
            "deep:\n"
            "  a:\n"
            "    b: -1.5e3\n");
}

TEST(YamlFromJsonTest, WhatIsNoMapIsADocumentToo) {
  EXPECT_EQ(YamlFromJson("[\n]\n"), "[]\n");
  EXPECT_EQ(YamlFromJson("{}"), "{}\n");
  EXPECT_EQ(YamlFromJson("\"a\""), "a\n");
}

TEST(YamlFromJsonTest, TextsThatYamlCouldMistakeStayInQuotes) {
  for (const char* text :
       {"",    "on", "Off", "NO",         "y",    "null",  "true",   "12",    "0x1",
        "1e3", "~",  "-",   "a: b",       "a #b", "a\\nb", "a\\\"b", "a\\\\", "[",
        "{",   "*a", "&a",  "2026-11-25", ".5",   "a,b",   "0-3",    "größe"}) {
    const std::string json = absl::StrCat("\"", text, "\"");
    EXPECT_EQ(YamlFromJson(json), json + "\n");
  }
  EXPECT_EQ(YamlFromJson("\"driver/msm_hotplug-1.2\""), "driver/msm_hotplug-1.2\n");
}

// Any JSON, of at most so many levels.
std::string RandomJson(std::mt19937* random, int levels) {
  static const std::vector<std::string> scalars = {"\"a\"",   "\"on\"", "\"1\"", "\"a: b\"",
                                                   "\"- x\"", "\"\"",   "\"#\"", "\"---\""};
  std::vector<std::string> parts;
  const size_t count = (*random)() % 4;
  switch (levels == 0 ? 0 : (*random)() % 3) {
    case 0:
      return scalars[(*random)() % scalars.size()];
    case 1:
      for (size_t i = 0; i < count; ++i) parts.push_back(RandomJson(random, levels - 1));
      return absl::StrCat("[", absl::StrJoin(parts, ","), "]");
    default:
      for (size_t i = 0; i < count; ++i) {
        parts.push_back(absl::StrCat(scalars[(*random)() % scalars.size()], ":",
                                     RandomJson(random, levels - 1)));
      }
      return absl::StrCat("{", absl::StrJoin(parts, ","), "}");
  }
}

TEST(YamlFromJsonTest, AnyJsonReadAsYamlIsTheSame) {
  std::mt19937 random(42);  // the same in every run
  for (int round = 0; round < 2000; ++round) {
    const std::string json = RandomJson(&random, 5);
    const YamlFile file = ReadYaml(YamlFromJson(json));
    ASSERT_TRUE(file.problems.empty()) << json << '\n' << YamlFromJson(json);
    ASSERT_EQ(file.documents.size(), 1u) << json;
    ASSERT_EQ(AsJson(file.documents[0]), json) << YamlFromJson(json);
  }
}

// What is no JSON never comes; an answer ends all the same.
TEST(YamlFromJsonTest, AnyTruncationEnds) {
  const std::string json = R"({"a":[{"b":"c\\"},"d"],"e":{}})";
  for (size_t length = 0; length <= json.size(); ++length) YamlFromJson(json.substr(0, length));
}

}  // namespace
}  // namespace hotplugger::client
