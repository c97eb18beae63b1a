#include "common/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hotplugger {
namespace {

TEST(Utf8SequenceLengthTest, TakesWhatIsUtf8AndNothingElse) {
  EXPECT_EQ(Utf8SequenceLength("a"), 1u);
  EXPECT_EQ(Utf8SequenceLength("ü"), 2u);
  EXPECT_EQ(Utf8SequenceLength("…"), 3u);
  EXPECT_EQ(Utf8SequenceLength("\xf0\x9f\x90\xa7"), 4u);
  for (const char* wrong : {"", "\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80",
                            "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff"}) {
    EXPECT_EQ(Utf8SequenceLength(wrong), 0u) << Printable(wrong);
  }
}

TEST(PrintableTest, NothingCanMoveTheCursor) {
  EXPECT_EQ(Printable("plain ü …"), "plain ü …");
  EXPECT_EQ(Printable("\x1b[31mred\r\n"), "\\x1b[31mred\\x0d\\n");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\u009b");
  EXPECT_EQ(Printable("\xff"), "\\xff");
  EXPECT_EQ(Printable("a\xe2\x80\xae"
                      "b\xe2\x81\xa6\xe2\x80\xa8"),
            "a\\u202eb\\u2066\\u2028");
  EXPECT_EQ(PrintableLines("a\nb\x07"), "a\nb\\x07");
}

TEST(DisplayWidthTest, CountsCodePoints) { EXPECT_EQ(DisplayWidth("aü…"), 3u); }

TEST(ClosestNameTest, SuggestsWhatIsNear) {
  const std::vector<std::string> known = {"offline", "priority", "selector"};
  EXPECT_EQ(ClosestName("oflfine", known), "offline");
  EXPECT_EQ(ClosestName("Selectors", known), "selector");
  EXPECT_EQ(ClosestName("rollout", known), "");
  EXPECT_EQ(ClosestName(std::string(10'000, 'a'), known), "");
  EXPECT_EQ(ClosestName("x", {}), "");
}

TEST(CutTextTest, CutsWhatIsTooLongBetweenCharacters) {
  EXPECT_EQ(CutText("short", 5), "short");
  EXPECT_EQ(CutText("longer", 5), "lo…");
  EXPECT_EQ(CutText("aäää", 7), "aäää");
  EXPECT_EQ(CutText("aäää", 6), "aä…");
  EXPECT_EQ(CutText("aäää", 5), "a…");
  EXPECT_EQ(CutText("longer", 1), "…");
}

}  // namespace
}  // namespace hotplugger
