#include "client/policy_file/policy_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kHeader[] = "apiVersion: hotplugger/v1\nkind: Policy\n";

class PolicySourceTest : public ::testing::Test {
 protected:
  void Write(const std::string& file, const std::string& body) {
    folder_.Write(file, absl::StrCat(kHeader, body));
  }

  // The policies' names, or what is wrong with each file.
  std::vector<std::string> Read(const std::string& path) {
    std::istringstream in(standard_input_);
    const auto policies = ReadPolicySource(path, in);
    std::vector<std::string> lines;
    if (policies.ok()) {
      for (const SourcedPolicy& sourced : *policies) lines.push_back(sourced.policy.name());
      return lines;
    }
    for (const FieldViolation& violation : ErrorFieldViolations(policies.status())) {
      lines.push_back(absl::StrCat(violation.field, " | ", violation.description));
    }
    if (lines.empty()) lines.push_back(ErrorReason(policies.status()));
    return lines;
  }

  hotplugger::testing::TempDir folder_;
  std::string standard_input_;
};

TEST_F(PolicySourceTest, AFolderMeansItsFilesInTheOrderOfTheirNames) {
  Write("2.yml", "name: c\n");
  Write("1.yaml", absl::StrCat("name: b\n---\n", kHeader, "name: a\n"));
  folder_.Write(
      "3.json",
      R"({"apiVersion": "hotplugger/v1", "kind": "Policy", "name": "d", "confirm": "30s"})");
  folder_.Write("notes.txt", "no policy");
  Write("below/4.yaml", "name: e\n");
  EXPECT_THAT(Read(folder_.path()), ElementsAre("b", "a", "c", "d"));
}

TEST_F(PolicySourceTest, TellsWhatIsWrongInAllFilesAtOnce) {
  Write("1.yaml", "name: a\nwrong: 1\n");
  Write("2.yaml", "name: b\n");
  Write("3.yaml", "name: c\nconfirm: soon\n");
  EXPECT_THAT(Read(folder_.path()),
              ElementsAre(HasSubstr("1.yaml:4:1: wrong | unknown field"),
                          HasSubstr("3.yaml:4:10: confirm | \"soon\" is no time")));
}

TEST_F(PolicySourceTest, OnePolicyInTwoFilesIsAnError) {
  Write("1.yaml", "name: a\n");
  Write("2.yaml", "name: a\n");
  EXPECT_THAT(Read(folder_.path()), ElementsAre(folder_.Path("2.yaml") + " | the policy a is in " +
                                                folder_.Path("1.yaml") + " too"));
}

TEST_F(PolicySourceTest, OfAFolderOnlyFilesAreRead) {
  Write("1.yaml", "name: a\n");
  Write("real", "name: b\n");
  ASSERT_EQ(symlink("real", folder_.Path("2.yaml").c_str()), 0);
  // Nobody will ever write into it.
  ASSERT_EQ(mkfifo(folder_.Path("3.yaml").c_str(), 0600), 0);
  ASSERT_EQ(symlink("3.yaml", folder_.Path("4.yaml").c_str()), 0);
  ASSERT_EQ(symlink("/dev/zero", folder_.Path("5.yaml").c_str()), 0);
  // What editors leave.
  Write(".#1.yaml", "name: no\n");
  Write(".hidden.yaml", "name: no\n");
  Write("1.yaml~", "name: no\n");
  Write(".1.yaml.swp", "name: no\n");
  EXPECT_THAT(Read(folder_.path()), ElementsAre("a", "b"));
}

TEST_F(PolicySourceTest, ALinkThatLeadsNowhereIsAMistake) {
  ASSERT_EQ(symlink("none", folder_.Path("1.yaml").c_str()), 0);
  EXPECT_THAT(Read(folder_.path()), ElementsAre(HasSubstr("1.yaml | ")));
}

TEST_F(PolicySourceTest, ANamedPipeIsReadToItsEnd) {
  const std::string pipe = folder_.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { Write("pipe", "name: a\n"); });
  EXPECT_THAT(Read(pipe), ElementsAre("a"));
  writer.join();
}

TEST_F(PolicySourceTest, WhatHasNoEndIsCutByTheLimit) {
  EXPECT_THAT(Read("/dev/zero"), ElementsAre(HasSubstr("/dev/zero")));
}

TEST_F(PolicySourceTest, NamesAndValuesOfMegabytesAreCutInErrors) {
  const std::string long_text(900'000, 'x');
  for (const std::string& body :
       {"name: a\n" + long_text + ": 1\n", "name: " + long_text + "\n",
        "name: a\npriority: " + long_text + "\n", "name: a\ndrift: " + long_text + "\n",
        "name: a\npriority: !" + long_text + " 1\n",
        "name: a\nselector: {matchLabels: {" + long_text + ": b}}\n",
        "name: a\nselector: {matchLabels: {b: " + long_text + "}}\n",
        "name: a\nselector: {" + long_text + ": {b: c}}\n",
        "name: a\ncpu: {offline: " + long_text + "}\n", "name: a\nconfirm: " + long_text + "\n"}) {
    Write("1.yaml", body);
    for (const std::string& line : Read(folder_.Path("1.yaml"))) {
      EXPECT_LT(line.size(), 2048u) << body.substr(0, 40);
    }
  }
  folder_.Write("1.yaml", "apiVersion: " + long_text + "\nkind: Policy\nname: a\n");
  EXPECT_LT(Read(folder_.Path("1.yaml")).front().size(), 2048u);
}

TEST_F(PolicySourceTest, AFolderWithoutFilesIsAnError) {
  folder_.Write("notes.txt", "no policy");
  EXPECT_THAT(Read(folder_.path()), ElementsAre("NO_FILES"));
}

TEST_F(PolicySourceTest, ADashIsStandardInput) {
  standard_input_ = absl::StrCat(kHeader, "name: a\n");
  EXPECT_THAT(Read("-"), ElementsAre("a"));
  standard_input_ = absl::StrCat(kHeader, "name: a\nwrong: 1\n");
  EXPECT_THAT(Read("-"), ElementsAre(HasSubstr("(stdin):4:1: wrong")));
}

TEST_F(PolicySourceTest, AMissingFileSaysSo) {
  EXPECT_THAT(Read(folder_.Path("none.yaml")), ElementsAre("ENOENT"));
}

}  // namespace
}  // namespace hotplugger::client
