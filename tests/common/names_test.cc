#include "common/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/error_info.h"

namespace hotplugger {
namespace {

using ::testing::HasSubstr;

TEST(ValidatePolicyNameTest, LettersDigitsAndInnerHyphens) {
  for (const std::string& good : {std::string("a"), std::string("lab-2"), std::string(63, 'a')}) {
    EXPECT_EQ(ValidatePolicyName(good), absl::OkStatus()) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string(64, 'a'), std::string("-a"), std::string("a-"), std::string("A"),
        std::string("a.b"), std::string("a_b"), std::string("a b"), std::string("a/b"),
        std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
    EXPECT_EQ(ErrorReason(ValidatePolicyName(bad)), "BAD_NAME") << bad;
  }
}

TEST(ValidateNodeNameTest, TakesDotsInside) {
  EXPECT_EQ(ValidateNodeName("node-1.lab.example"), absl::OkStatus());
  for (const char* bad : {"", ".a", "a.", "..", "A.b", "a/b"}) {
    EXPECT_FALSE(ValidateNodeName(bad).ok()) << bad;
  }
}

TEST(ValidateLabelTest, KeysAndValues) {
  EXPECT_EQ(ValidateLabelKey("example.com/Pool_1"), absl::OkStatus());
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a="), std::string(64, 'k')}) {
    EXPECT_FALSE(ValidateLabelKey(bad).ok()) << bad;
  }
  EXPECT_EQ(ValidateLabelValue(""), absl::OkStatus());
  EXPECT_EQ(ValidateLabelValue("any thing = 1"), absl::OkStatus());
  for (const std::string& bad :
       {std::string(64, 'v'), std::string("a\n"), std::string("\xc3\xa4")}) {
    EXPECT_FALSE(ValidateLabelValue(bad).ok()) << bad;
  }
}

TEST(ValidateNameTest, TheMessageNamesWhatIsWrongAndStaysPrintableAndShort) {
  const std::string message(ValidateNodeName("\x01" + std::string(500, 'x')).message());
  EXPECT_THAT(message, HasSubstr("node name \"\\001"));
  EXPECT_LT(message.size(), 250u);
}

}  // namespace
}  // namespace hotplugger
