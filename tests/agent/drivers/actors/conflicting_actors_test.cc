#include "agent/drivers/actors/conflicting_actors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "agent/drivers/actors/udev_rules.h"
#include "common/text.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Writes(const std::string& text) {
  std::vector<std::string> writes;
  for (const UdevWrite& write : FindUdevWrites(text)) {
    writes.push_back(absl::StrCat(write.line, " ", write.write));
  }
  return writes;
}

TEST(UdevRulesTest, AssignmentsOfAStateAreFoundAndMatchesAreNot) {
  EXPECT_THAT(
      Writes("# CPU hotadd\n"
             "SUBSYSTEM==\"cpu\", ACTION==\"add\", TEST==\"online\", ATTR{online}==\"0\", "
             "ATTR{online}=\"1\"\n"
             "SUBSYSTEM==\"memory\", ATTR{state}==\"offline\", ENV{x}=\"1\"\n"
             "SUBSYSTEM==\"memory\", ATTR{state}==\"offline\", ATTR{state} = \"online_movable\"\n"),
      ElementsAre("2 ATTR{online}=1", "4 ATTR{state}=online_movable"));
}

TEST(UdevRulesTest, RulesOverSeveralLinesCountOnce) {
  EXPECT_THAT(Writes("SUBSYSTEM!=\"memory\", GOTO=\"end\"\n"
                     "ACTION==\"add\", \\\n"
                     "# a remark within\n"
                     "  ENV{state}=\"online\", \\\n"
                     "  ATTR{state}=\"$env{state}\"\n"
                     "LABEL=\"end\"\n"),
              ElementsAre("2 ATTR{state}=$env{state}"));
}

TEST(UdevRulesTest, ProgramsThatWriteTheFileCountToo) {
  EXPECT_THAT(Writes("SUBSYSTEM==\"cpu\", RUN+=\"/bin/sh -c 'echo 1 > /sys$devpath/online'\"\n"
                     "SUBSYSTEM==\"cpu\", RUN+=\"/bin/true\"\n"),
              ElementsAre(HasSubstr("1 RUN /bin/sh -c")));
}

TEST(UdevRulesTest, OtherSubsystemsAndOfflineAreNotMeant) {
  EXPECT_THAT(Writes("SUBSYSTEM==\"power_supply\", ATTR{online}=\"1\"\n"
                     "SUBSYSTEM==\"cpu\", ATTR{online}=\"0\"\n"
                     "ATTR{online\n"
                     "\"\"\"\n"),
              IsEmpty());
}

class ConflictingActorsTest : public ::testing::Test {
 protected:
  ConflictingActors Find(const std::vector<std::string>& units = {}) {
    return FindConflictingActors(*tree_, units);
  }
  static std::vector<std::string> Names(const ConflictingActors& found) {
    std::vector<std::string> names;
    for (const auto& actor : found.actors) names.push_back(actor.name());
    return names;
  }

  testing::TempDir root_;
  std::unique_ptr<FileTree> tree_ = *FileTree::Open(root_.path());
};

constexpr char kRule[] = "SUBSYSTEM==\"cpu\", ACTION==\"add\", ATTR{online}=\"1\"\n";

TEST_F(ConflictingActorsTest, NothingOnAnEmptyHost) {
  root_.Write("proc/1/comm", "init\n");
  const ConflictingActors found = Find();
  EXPECT_THAT(found.actors, IsEmpty());
  EXPECT_THAT(found.warnings, IsEmpty());
}

TEST_F(ConflictingActorsTest, ARuleWithItsPlaceAndHowToMaskIt) {
  root_.Write("usr/lib/udev/rules.d/40-redhat.rules", std::string("# a remark\n") + kRule);
  root_.Write("usr/lib/udev/rules.d/README", kRule);
  const ConflictingActors found = Find();
  ASSERT_THAT(Names(found), ElementsAre("40-redhat.rules"));
  EXPECT_EQ(found.actors[0].place(), root_.Path("usr/lib/udev/rules.d/40-redhat.rules:2"));
  EXPECT_THAT(found.actors[0].remedy(),
              HasSubstr("ln -s /dev/null /etc/udev/rules.d/40-redhat.rules"));
}

TEST_F(ConflictingActorsTest, AFileOfTheHostsOwnCanNotBeMaskedSoItIsEdited) {
  root_.Write("etc/udev/rules.d/40-own.rules", kRule);
  EXPECT_THAT(Find().actors[0].remedy(),
              HasSubstr("take the rule out of /etc/udev/rules.d/40-own.rules"));
}

TEST_F(ConflictingActorsTest, AMaskedOrReplacedRuleDoesNotCount) {
  root_.Write("usr/lib/udev/rules.d/40-masked.rules", kRule);
  root_.Write("usr/lib/udev/rules.d/41-replaced.rules", kRule);
  root_.Write("etc/udev/rules.d/41-replaced.rules", "# nothing\n");
  std::filesystem::create_symlink("/dev/null", root_.Path("etc/udev/rules.d/40-masked.rules"));
  EXPECT_THAT(Find().actors, IsEmpty());
}

TEST_F(ConflictingActorsTest, MemoryThatComesUpByItself) {
  root_.Write("sys/devices/system/memory/auto_online_blocks", "offline\n");
  EXPECT_THAT(Find().actors, IsEmpty());
  root_.Write("sys/devices/system/memory/auto_online_blocks", "online_movable\n");
  const ConflictingActors found = Find();
  ASSERT_THAT(Names(found), ElementsAre("auto_online_blocks"));
  EXPECT_THAT(found.actors[0].effect(), HasSubstr("online_movable"));
  EXPECT_THAT(found.actors[0].remedy(), HasSubstr("memhp_default_state=offline"));
}

TEST_F(ConflictingActorsTest, LinesOfTmpfiles) {
  root_.Write("etc/tmpfiles.d/cpus.conf",
              "# off at boot\n"
              "w /sys/devices/system/cpu/cpu3/online - - - - 0\n"
              "d /run/x 0755 - - -\n"
              "w- /sys/devices/system/cpu/smt/control - - - - off\n"
              "w /sys/class/backlight/x - - - - 1\n");
  const ConflictingActors found = Find();
  ASSERT_EQ(found.actors.size(), 2u);
  EXPECT_EQ(found.actors[0].place(), root_.Path("etc/tmpfiles.d/cpus.conf:2"));
  EXPECT_EQ(found.actors[1].place(), root_.Path("etc/tmpfiles.d/cpus.conf:4"));
}

TEST_F(ConflictingActorsTest, DaemonsThatRunUnlessTheyAreDrivers) {
  root_.Write("proc/77/comm", "cpuplugd\n");
  root_.Write("proc/78/comm", "rasdaemon\n");
  root_.Write("proc/79/comm", "bash\n");
  root_.Write("proc/80/comm", "tuned\n");
  root_.Write("proc/self/comm", "mpdecision\n");
  const ConflictingActors found = Find();
  ASSERT_THAT(Names(found), ElementsAre("cpuplugd", "rasdaemon", "tuned"));
  EXPECT_EQ(found.actors[0].place(), "process 77");
  EXPECT_EQ(found.actors[0].remedy(), "systemctl disable --now cpuplugd.service");
  EXPECT_THAT(found.actors[1].remedy(), HasSubstr("CPU_ISOLATION_ENABLE=no"));
  EXPECT_THAT(Names(Find({"cpuplugd.service"})), ElementsAre("rasdaemon", "tuned"));
}

// A message takes no other text, and a terminal obeys some.
TEST_F(ConflictingActorsTest, WhateverBytesThereAreTheTextsAreShortAndPrintable) {
  const std::string bad = "x\xff\x1b[2J\xe2\x80\xae";
  root_.Write("etc/udev/rules.d/40-" + bad + ".rules",
              "SUBSYSTEM==\"cpu\", RUN+=\"/bin/" + bad + " /sys$devpath/online\"\n");
  root_.Write("etc/tmpfiles.d/a.conf", "w /sys/devices/system/cpu/cpu3/online - - - - 0 " + bad +
                                           std::string(100'000, 'y') + "\n");
  std::filesystem::create_directories(root_.Path("etc/udev/rules.d/30-" + bad + ".rules"));
  const ConflictingActors found = Find();
  ASSERT_EQ(found.actors.size(), 2u);
  for (const v1::ConflictingActor& actor : found.actors) {
    std::string bytes;
    EXPECT_TRUE(actor.SerializeToString(&bytes));
    v1::ConflictingActor read;
    EXPECT_TRUE(read.ParseFromString(bytes));
    for (const std::string& text : {actor.name(), actor.place(), actor.effect(), actor.remedy()}) {
      EXPECT_LE(text.size(), kMaxActorText + 3);
      EXPECT_EQ(text, Printable(text));
    }
  }
  EXPECT_EQ(found.actors[0].name(), "40-x\\xff\\x1b[2J\\u202e.rules");
  EXPECT_THAT(found.actors[1].effect(), ::testing::EndsWith("yyy..."));
  for (const std::string& warning : found.warnings) EXPECT_EQ(warning, Printable(warning));
  EXPECT_THAT(found.warnings, ::testing::Contains(HasSubstr("30-x")));
}

TEST_F(ConflictingActorsTest, TooManyAreCutAndSaid) {
  std::string rules;
  for (int i = 0; i < 5'000; ++i) rules += kRule;
  root_.Write("proc/1/comm", "init\n");
  root_.Write("etc/udev/rules.d/40.rules", rules);
  const ConflictingActors found = Find();
  EXPECT_EQ(found.actors.size(), kMaxActors);
  EXPECT_THAT(found.warnings, ElementsAre(AllOf(HasSubstr("TOO_MANY_ACTORS"), HasSubstr("4800"))));
}

TEST_F(ConflictingActorsTest, WhatCannotBeReadIsSaidAndTheRestIsFound) {
  std::filesystem::create_directories(root_.Path("etc/udev/rules.d/30-folder.rules"));
  root_.Write("etc/udev/rules.d/40.rules", kRule);
  const ConflictingActors found = Find();
  EXPECT_THAT(Names(found), ElementsAre("40.rules"));
  EXPECT_THAT(found.warnings, ::testing::Contains(HasSubstr("30-folder.rules")));
}

}  // namespace
}  // namespace hotplugger::agent
