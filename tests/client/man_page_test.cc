#include "client/man_page.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "client/exit_code_text.h"
#include "client/verb_table.h"
#include "tests/client/command_line_fixture.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;

// As a reader sees it, roughly: without roff's escapes.
std::string Plain(const std::string& roff) {
  return absl::StrReplaceAll(
      roff, {{"\\fB", ""}, {"\\fI", ""}, {"\\fR", ""}, {"\\-", "-"}, {"\\&", ""}, {"\\e", "\\"}});
}

using ManPageTest = CommandLineTest;

TEST_F(ManPageTest, TheProgramsPageHasEveryVerbAndExitStatus) {
  EXPECT_EQ(Run({"man"}), 0);
  const std::string page = Plain(out);
  for (const Verb& verb : FleetVerbs()) {
    EXPECT_THAT(page, HasSubstr(absl::StrCat("\nhotplugctl ", verb.name, "\n", verb.help,
                                             "; hotplugctl-", verb.name, "(1)\n")));
  }
  for (const Verb& verb : HostVerbs()) {
    EXPECT_THAT(page, HasSubstr(absl::StrCat("\nhotplugctl --host ", verb.name, "\n", verb.help,
                                             "; hotplugctl-host-", verb.name, "(1)\n")));
  }
  for (const ExitCodeText& code : ExitCodeTexts()) {
    EXPECT_THAT(page, HasSubstr(absl::StrCat(".TP\n", code.code, "\n", code.meaning, "\n")));
  }
  EXPECT_THAT(page, HasSubstr("--controller HOST:PORT\n"));
  EXPECT_THAT(page, HasSubstr("--socket PATH\n"));
}

TEST_F(ManPageTest, AVerbsPageHasItsArgumentsAndExamples) {
  EXPECT_EQ(Run({"man", "offline"}), 0);
  const std::string page = Plain(out);
  EXPECT_THAT(page, ::testing::StartsWith(".TH HOTPLUGCTL-OFFLINE 1 "));
  EXPECT_THAT(page, HasSubstr(".SH SYNOPSIS\nhotplugctl offline\nNODE\nDEVICE\n[--dry-run]\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n--dry-run[=none|client|server]\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n--for DURATION\n"));
  EXPECT_THAT(page, HasSubstr("\nhotplugctl offline gamma driver/mpdecision\n.fi\n"));
  EXPECT_EQ(Run({"--host", "man", "offline"}), 0);
  EXPECT_THAT(Plain(out), HasSubstr("hotplugctl --host offline"));
}

TEST_F(ManPageTest, AllPagesCanBeWritten) {
  const hotplugger::testing::TempDir folder;
  EXPECT_EQ(Run({"man", "--directory", folder.Path("man")}), 0) << err;
  const size_t count = 1 + FleetVerbs().size() + HostVerbs().size();
  EXPECT_EQ(out, absl::StrCat(count, " pages in ", folder.Path("man"), "\n"));
  EXPECT_THAT(folder.Read("man/hotplugctl.1"), HasSubstr(".TH HOTPLUGCTL 1"));
  EXPECT_THAT(folder.Read("man/hotplugctl-host-smt.1"), HasSubstr("HOTPLUGCTL\\-HOST\\-SMT"));
  folder.Write("file", "x");
  EXPECT_EQ(Run({"man", "--directory", folder.Path("file")}), 1);
}

// A line that begins with a dot is a request; one that isn't meant as such vanishes from the page.
TEST(ManPagesTest, HaveOnlyRequestsThatAreMeant) {
  const std::set<std::string> requests = {".TH", ".SH", ".TP", ".nf", ".fi", ".br"};
  for (const ManPage& page : AllPages()) {
    EXPECT_TRUE(absl::EndsWith(page.text, "\n")) << page.file_name;
    for (const std::string& line : std::vector<std::string>(absl::StrSplit(page.text, '\n'))) {
      EXPECT_FALSE(absl::StartsWith(line, "'")) << page.file_name << ": " << line;
      if (!absl::StartsWith(line, ".")) continue;
      EXPECT_EQ(requests.count(line.substr(0, line.find(' '))), 1u)
          << page.file_name << ": " << line;
    }
  }
}

}  // namespace
}  // namespace hotplugger::client
