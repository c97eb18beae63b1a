#include "client/selector_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/policy_view.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;

struct Read {
  v1::Selector selector;
  Violations violations;
};

Read ReadText(const std::string& text) {
  Read read;
  ReadSelector("--selector", text, &read.selector, &read.violations);
  return read;
}

TEST(SelectorTextTest, TakesWhatKubectlTakes) {
  const Read read = ReadText("a=b,c!=d, e in (x,y) ,f notin (z),g,! h , i == j,k=");
  ASSERT_TRUE(read.violations.empty()) << read.violations.front().description;
  const auto& labels = read.selector.match_labels();
  EXPECT_EQ(labels.at("a"), "b");
  EXPECT_EQ(labels.at("i"), "j");
  EXPECT_EQ(labels.at("k"), "");
  EXPECT_EQ(labels.size(), 3u);
  v1::Selector others = read.selector;
  others.clear_match_labels();
  EXPECT_EQ(FormatSelector(others), "c notin (d),e in (x, y),f notin (z),g,!h");
}

TEST(SelectorTextTest, AValueMayHoldAnythingButACommaOutsideBrackets) {
  const Read read = ReadText("a=b=c,d=x(1,2),e in ( p q ,r)");
  ASSERT_TRUE(read.violations.empty()) << read.violations.front().description;
  EXPECT_EQ(read.selector.match_labels().at("a"), "b=c");
  EXPECT_EQ(read.selector.match_labels().at("d"), "x(1,2)");
  EXPECT_EQ(read.selector.match_expressions(0).values(0), "p q");
}

TEST(SelectorTextTest, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "is empty"},
      {"  ", "is empty"},
      {"a=b,", "nothing between two commas"},
      {",", "nothing between two commas"},
      {"=b", "label key \"\" is not"},
      {"!", "label key \"\" is not"},
      {"a b", "conditions look like a=b"},
      {"a within (b)", "is not KEY in (A,B) or KEY notin (A,B)"},
      {"in (b)", "is not KEY in (A,B)"},
      {"a in (b", "is not KEY in (A,B)"},
      {"a=b,a=c", "either is: a in (b,c)"},
      {"k=\xc3\xb6", "label value"},
      {"a in (\x01)", "label value"}};
  for (const auto& [text, problem] : wrong) {
    const Read read = ReadText(text);
    ASSERT_FALSE(read.violations.empty()) << text;
    EXPECT_EQ(read.violations.front().field, "--selector");
    EXPECT_THAT(read.violations.front().description, HasSubstr(problem)) << text;
  }
  EXPECT_TRUE(ReadText("a=b,a=b").violations.empty()) << "twice the same";
  EXPECT_EQ(ReadText("x y,(,z w").violations.size(), 2u) << "all at once, where it can be";
}

}  // namespace
}  // namespace hotplugger::client
