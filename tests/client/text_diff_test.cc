#include "client/text_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace hotplugger::client {
namespace {

// Lines of one letter each.
std::string Lines(absl::string_view letters) {
  std::string text;
  for (const char letter : letters) text += std::string(1, letter) + "\n";
  return text;
}

TEST(TextDiffTest, TheSameIsNothing) {
  EXPECT_EQ(UnifiedDiff("old", "new", "a\nb\n", "a\nb\n"), "");
  EXPECT_EQ(UnifiedDiff("old", "new", "", ""), "");
}

TEST(TextDiffTest, ShowsThreeLinesAroundAChange) {
  EXPECT_EQ(UnifiedDiff("old", "new", Lines("abcdefghi"), Lines("abcdXfghi")),
            "--- old\n+++ new\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n");
}

TEST(TextDiffTest, ChangesNearEachOtherShareAHunk) {
  EXPECT_EQ(UnifiedDiff("old", "new", Lines("Abcdefgh"), Lines("abcdefgH")),
            "--- old\n+++ new\n@@ -1,8 +1,8 @@\n-A\n+a\n b\n c\n d\n e\n f\n g\n-h\n+H\n");
}

TEST(TextDiffTest, ChangesFarFromEachOtherDoNot) {
  EXPECT_EQ(UnifiedDiff("old", "new", Lines("Abcdefghi"), Lines("abcdefghI")),
            "--- old\n+++ new\n@@ -1,4 +1,4 @@\n-A\n+a\n b\n c\n d\n"
            "@@ -6,4 +6,4 @@\n f\n g\n h\n-i\n+I\n");
}

TEST(TextDiffTest, FromAndToNothing) {
  EXPECT_EQ(UnifiedDiff("/dev/null", "new", "", "a\nb\n"),
            "--- /dev/null\n+++ new\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(UnifiedDiff("old", "new", "a\n", ""), "--- old\n+++ new\n@@ -1 +0,0 @@\n-a\n");
}

TEST(TextDiffTest, ALineThatMovedIsTakenOutAndPutIn) {
  EXPECT_EQ(UnifiedDiff("old", "new", Lines("abc"), Lines("bca")),
            "--- old\n+++ new\n@@ -1,3 +1,3 @@\n-a\n b\n c\n+a\n");
}

// What the old text becomes by the diff; it must be the new one, whatever they are.
std::string Patched(const std::string& old_text, const std::string& diff) {
  std::vector<std::string> old_lines = absl::StrSplit(old_text, '\n');
  old_lines.pop_back();
  std::vector<std::string> lines = absl::StrSplit(diff, '\n');
  lines.pop_back();
  std::string patched;
  size_t at = 0;  // lines of the old text that are done
  for (size_t i = 2; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line[0] == '@') {
      // "@@ -START,COUNT +...": of no lines the line before them.
      const std::vector<std::string> range =
          absl::StrSplit(line.substr(4, line.find(" +") - 4), ',');
      size_t start = 0;
      EXPECT_TRUE(absl::SimpleAtoi(range[0], &start)) << line;
      const size_t first = range.size() == 2 && range[1] == "0" ? start : start - 1;
      for (; at < first; ++at) absl::StrAppend(&patched, old_lines.at(at), "\n");
    } else if (line[0] == '+') {
      absl::StrAppend(&patched, line.substr(1), "\n");
    } else {
      EXPECT_EQ(old_lines.at(at), line.substr(1));
      if (line[0] == ' ') absl::StrAppend(&patched, line.substr(1), "\n");
      ++at;
    }
  }
  for (; at < old_lines.size(); ++at) absl::StrAppend(&patched, old_lines[at], "\n");
  return patched;
}

TEST(TextDiffTest, LeadsFromAnyTextToAnyOther) {
  std::mt19937 random(42);  // the same in every run
  const auto any_text = [&random] {
    std::string letters(random() % 40, 'a');
    for (char& letter : letters) letter = static_cast<char>('a' + random() % 4);
    return Lines(letters);
  };
  for (int round = 0; round < 2000; ++round) {
    const std::string old_text = any_text();
    const std::string new_text = any_text();
    const std::string diff = UnifiedDiff("old", "new", old_text, new_text);
    if (diff.empty()) {
      EXPECT_EQ(old_text, new_text);
    } else {
      EXPECT_EQ(Patched(old_text, diff), new_text) << diff;
    }
  }
}

TEST(TextDiffTest, VeryLongTextsAreStillRight) {
  std::string old_text;
  std::string new_text;
  for (int i = 0; i < 3000; ++i) {
    absl::StrAppend(&old_text, "old ", i, "\n");
    absl::StrAppend(&new_text, "new ", i, "\n");
  }
  EXPECT_EQ(Patched(old_text, UnifiedDiff("old", "new", old_text, new_text)), new_text);
}

}  // namespace
}  // namespace hotplugger::client
