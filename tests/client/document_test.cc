// docs/hotplugctl.md against the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/exit_code_text.h"
#include "client/policy_file/policy_file.h"
#include "client/verb_table.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;

std::string Document() {
  std::stringstream text;
  text << std::ifstream(HOTPLUGGER_SOURCE_DIR "/docs/hotplugctl.md").rdbuf();
  return text.str();
}

TEST(DocumentTest, TellsEveryVerbForTheFleet) {
  const std::string document = Document();
  for (const Verb& verb : FleetVerbs()) {
    EXPECT_THAT(document, ::testing::ContainsRegex(absl::StrCat("`", verb.name, "[ `]")));
  }
}

TEST(DocumentTest, TellsEveryExitStatus) {
  const std::string document = Document();
  for (const ExitCodeText& code : ExitCodeTexts()) {
    EXPECT_THAT(document, HasSubstr(absl::StrCat("| ", code.code, " | ", code.meaning, " |\n")));
  }
}

// The file that it shows is one that can be applied.
TEST(DocumentTest, ItsPolicyIsReadable) {
  const std::string document = Document();
  const size_t begin = document.find("apiVersion:");
  ASSERT_NE(begin, std::string::npos);
  const auto policies =
      ParsePolicies("hotplugctl.md", document.substr(begin, document.find("```", begin) - begin));
  ASSERT_TRUE(policies.ok()) << policies.status();
  EXPECT_EQ(policies->front().selector().match_expressions_size(), 1);
}

}  // namespace
}  // namespace hotplugger::client
