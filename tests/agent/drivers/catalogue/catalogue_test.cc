#include "agent/drivers/catalogue/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Knob(const std::string& name, const std::string& path) {
  return absl::StrCat("apiVersion: hotplugger/v1\nkind: KnobDriver\nname: ", name, "\npaths: [",
                      path, "]\n");
}

class CatalogueTest : public ::testing::Test {
 protected:
  CatalogueContent Read() { return ReadCatalogue({shipped_.path(), own_.path()}); }
  static std::vector<std::string> Names(const CatalogueContent& content) {
    std::vector<std::string> names;
    for (const DriverDefinition& driver : content.drivers) names.push_back(driver.name);
    return names;
  }

  testing::TempDir shipped_;
  testing::TempDir own_;
};

TEST_F(CatalogueTest, FoldersThatAreNotThereHaveNoDrivers) {
  const CatalogueContent content = ReadCatalogue({own_.Path("none")});
  EXPECT_THAT(content.drivers, IsEmpty());
  EXPECT_THAT(content.problems, IsEmpty());
}

TEST_F(CatalogueTest, AFileWithASyntaxErrorIsNamedWithLineAndColumnAndTheOthersLoad) {
  shipped_.Write("a.yaml", Knob("alpha", "sys/kernel/alpha"));
  shipped_.Write("b.yaml", "apiVersion: hotplugger/v1\nkind: KnobDriver\nname: [beta\n");
  shipped_.Write("c.yaml", Knob("gamma", "sys/kernel/gamma"));
  const CatalogueContent content = Read();
  EXPECT_THAT(Names(content), ElementsAre("alpha", "gamma"));
  EXPECT_THAT(content.problems,
              ElementsAre(HasSubstr(absl::StrCat(shipped_.Path("b.yaml"), ":4:1"))));
}

TEST_F(CatalogueTest, TheHostsOwnFilesReplaceTheShippedOnes) {
  shipped_.Write("a.yaml", Knob("alpha", "sys/kernel/shipped"));
  own_.Write("mine.yaml", Knob("Alpha", "sys/kernel/own"));
  const CatalogueContent content = Read();
  ASSERT_THAT(Names(content), ElementsAre("Alpha"));
  EXPECT_EQ(content.drivers[0].file, own_.Path("mine.yaml"));
  EXPECT_THAT(content.problems, IsEmpty());
}

TEST_F(CatalogueTest, ASecondOfOneFolderIsLeftOutAndSaid) {
  own_.Write("a.yaml", Knob("alpha", "sys/kernel/first"));
  own_.Write("b.yaml", Knob("ALPHA", "sys/kernel/second"));
  const CatalogueContent content = Read();
  ASSERT_THAT(Names(content), ElementsAre("alpha"));
  EXPECT_THAT(content.problems, ElementsAre(AllOf(HasSubstr("b.yaml"), HasSubstr("a.yaml"))));
}

TEST_F(CatalogueTest, WhatIsNoRegularFileIsSaidAndHoldsUpNobody) {
  own_.Write("a.yaml", Knob("alpha", "sys/kernel/alpha"));
  own_.Write("notes.txt", "not read\n");
  ASSERT_EQ(mkfifo(own_.Path("pipe.yaml").c_str(), 0600), 0);
  const CatalogueContent content = Read();
  EXPECT_THAT(Names(content), ElementsAre("alpha"));
  EXPECT_THAT(content.problems, ElementsAre(HasSubstr("pipe.yaml is not a regular file")));
}

TEST_F(CatalogueTest, TooManyFilesAreCutAndSaid) {
  for (int i = 0; i < 600; ++i) own_.Write(absl::StrCat("f", i, ".yaml"), "");
  EXPECT_THAT(Read().problems, ElementsAre(HasSubstr("600 files")));
}

// They are arguments of the writer: too many, and no writer starts.
TEST_F(CatalogueTest, DriversWithMorePathsThanTheWriterTakesAreLeftOutByFile) {
  std::string paths = "sys/kernel/x";
  for (int i = 0; i < 31; ++i) absl::StrAppend(&paths, ", sys/", i, std::string(150, 'x'));
  for (int i = 100; i < 120; ++i) {
    own_.Write(absl::StrCat("f", i, ".yaml"), Knob(absl::StrCat("d", i), paths));
  }
  own_.Write("z.yaml", Knob("zen", "sys/kernel/zen"));
  const CatalogueContent content = Read();
  EXPECT_EQ(content.drivers.front().name, "d100");
  EXPECT_EQ(content.drivers.back().name, "zen") << "small ones still fit";
  ASSERT_EQ(content.drivers.size() + content.problems.size(), 21u);
  EXPECT_THAT(content.problems.back(),
              AllOf(HasSubstr(own_.Path("f119.yaml")), HasSubstr("d119"), HasSubstr("65536")));
  Catalogue catalogue({own_.path()});
  size_t bytes = 0;
  for (const std::string& pattern : catalogue.KnobPatterns()) bytes += pattern.size() + 1;
  EXPECT_LE(bytes, kMaxPatternBytes);
}

TEST_F(CatalogueTest, ReadsAgainWhenAskedTo) {
  Catalogue catalogue({own_.path()});
  EXPECT_THAT(catalogue.content()->drivers, IsEmpty());
  own_.Write("a.yaml", Knob("alpha", "sys/kernel/alpha"));
  EXPECT_THAT(catalogue.content()->drivers, IsEmpty());
  catalogue.Reload();
  EXPECT_THAT(Names(*catalogue.content()), ElementsAre("alpha"));
}

TEST_F(CatalogueTest, KnobPatternsAreAllThatMayBeWritten) {
  own_.Write("a.yaml", Knob("alpha", "sys/kernel/b, sys/kernel/a*") +
                           "start: [{path: sys/kernel/c, value: 1}, {path: ., value: 1}]\n"
                           "stop: [{path: sys/kernel/b, value: 1}]\n");
  own_.Write("u.yaml", "apiVersion: hotplugger/v1\nkind: UnitDriver\nname: u\nunit: u.service\n");
  Catalogue catalogue({own_.path()});
  EXPECT_THAT(catalogue.KnobPatterns(),
              ElementsAre("sys/kernel/a*", "sys/kernel/b", "sys/kernel/c"));
}

}  // namespace
}  // namespace hotplugger::agent
