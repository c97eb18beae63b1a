// What stands on a command line, before any verb sees it: empty values, and bytes that are no text.
#include "tests/client/command_line_fixture.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using ArgumentsTest = CommandLineTest;

TEST_F(ArgumentsTest, WhatIsNoUtf8IsAUsageErrorThatNamesTheFlag) {
  const std::string bad = "caf\xe9";
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"offline", "a", "cpu3", "--reason", bad}, "--reason"},
      {{"offline", "a", "cpu3", "--reason=" + bad}, "--reason"},
      {{"offline", "a", "cpu3", "--ticket", bad}, "--ticket"},
      {{"offline", "a", "cpu3", "--author", bad}, "--author"},
      {{"offline", "a", bad}, "DEVICE"},
      {{"offline", bad, "cpu3"}, "NODE"},
      {{"get", "policy", bad}, "NAME"},
      {{"get", "holds", "--node", bad}, "--node"},
      {{"get", "nodes", "-l", bad}, "--selector"},
      {{"enable", bad, "--node", "a"}, "DRIVER"},
      {{"enable", "x", "--node", bad}, "--node"},
      {{"wait", "nodes", "a", bad}, "NAME"},
      {{"audit", "--resource", bad}, "--resource"},
      {{"events", bad}, "ABOUT"},
      {{"--context", bad, "get", "nodes"}, "--context"},
      {{"--controller", bad, "get", "nodes"}, "--controller"},
      {{"--host", "offline", bad}, ""}};
  for (const auto& [arguments, flag] : wrong) {
    EXPECT_EQ(Run(arguments), 2) << ::testing::PrintToString(arguments);
    EXPECT_THAT(err, HasSubstr(flag)) << ::testing::PrintToString(arguments);
    EXPECT_THAT(err, HasSubstr("\"caf\\xe9\" is not UTF-8 (byte 4)"));
  }
  EXPECT_THAT(fleet.set_hold.requests, IsEmpty());
}

TEST_F(ArgumentsTest, APathMayHaveAnyBytes) {
  const hotplugger::testing::TempDir folder;
  folder.Write("caf\xe9.yaml", "apiVersion: hotplugger/v1\nkind: Policy\nname: a\n");
  EXPECT_EQ(Run({"apply", "--dry-run=client", "-f", folder.Path("caf\xe9.yaml")}), 0) << err;
}

TEST_F(ArgumentsTest, AHostWithAnOddNameIsNoReasonToRefuse) {
  surroundings.author = std::string("r\xf6\xf6t@") + std::string(200, 'h');
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"offline", "a", "cpu3"}), 0) << err;
  const std::string author = fleet.set_hold.requests.at(0).hold().author();
  EXPECT_THAT(author, ::testing::StartsWith("r\\xf6\\xf6t@hhh"));
  EXPECT_LE(author.size(), 128u);
}

TEST_F(ArgumentsTest, AnEmptyValueIsOne) {
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"offline", "--reason=", "a", "cpu3"}), 0) << err;
  EXPECT_EQ(fleet.set_hold.requests.at(0).hold().node(), "a") << "the next word is not its value";
  EXPECT_EQ(fleet.set_hold.requests.at(0).hold().reason(), "");
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--reason", ""}), 0) << err;
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--author="}), 0) << err;
  EXPECT_EQ(fleet.set_hold.requests.at(2).hold().author(), "") << "as it was asked for";
  EXPECT_EQ(Run({"get", "nodes", "--selector="}), 2);
  EXPECT_THAT(err, HasSubstr("--selector: is empty"));
  EXPECT_EQ(Run({"--controller=", "get", "nodes"}), 2);
  EXPECT_THAT(err, HasSubstr("--controller: \"\" is not HOST:PORT"));
  EXPECT_EQ(Run({"apply", "-f", "-", "--dry-run="}), 2) << "it takes no value apart";
}

}  // namespace
}  // namespace hotplugger::client
