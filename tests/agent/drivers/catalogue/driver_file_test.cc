#include "agent/drivers/catalogue/driver_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kHead[] = "apiVersion: hotplugger/v1\nkind: KnobDriver\nname: bricked\n";

std::string Knob(const std::string& rest) { return absl::StrCat(kHead, rest); }

// "FILE:LINE:COLUMN: field | what is wrong", each.
std::vector<std::string> Errors(const std::string& text) {
  std::vector<std::string> errors;
  const auto drivers = ParseDriverFile("d.yaml", text);
  for (const FieldViolation& violation : ErrorFieldViolations(drivers.status())) {
    errors.push_back(absl::StrCat(violation.field, " | ", violation.description));
  }
  EXPECT_EQ(drivers.ok(), errors.empty()) << drivers.status();
  return errors;
}

TEST(DriverFileTest, ReadsKnobs) {
  const auto drivers = ParseDriverFile("d.yaml", Knob(R"(
description: parks what it likes
whitelist: [thermal, "*"]
paths: [/sys/kernel/bricked/enabled, sys/module/bricked*/parameters/enabled]
on: [Y, 1]
off: N
start: [{path: proc/sys/vm/bricked, value: 3}, {path: ., value: 1}]
stop: [{path: ., value: 0}]
givesBackCpus: true
)"));
  ASSERT_EQ(drivers.status(), absl::OkStatus());
  ASSERT_THAT(*drivers, SizeIs(1));
  const DriverDefinition& driver = drivers->front();
  EXPECT_EQ(driver.name, "bricked");
  EXPECT_EQ(driver.description, "parks what it likes");
  EXPECT_THAT(driver.whitelist, ElementsAre("thermal", "*"));
  EXPECT_EQ(driver.file, "d.yaml");
  const auto& knob = std::get<KnobDefinition>(driver.how);
  EXPECT_THAT(knob.paths,
              ElementsAre("sys/kernel/bricked/enabled", "sys/module/bricked*/parameters/enabled"));
  EXPECT_THAT(knob.on, ElementsAre("Y", "1"));
  EXPECT_THAT(knob.off, ElementsAre("N"));
  EXPECT_THAT(knob.start, ElementsAre(KnobWrite{"proc/sys/vm/bricked", "3"}, KnobWrite{".", "1"}));
  EXPECT_THAT(knob.stop, ElementsAre(KnobWrite{".", "0"}));
  EXPECT_TRUE(knob.gives_back_cpus);
}

TEST(DriverFileTest, OneAndZeroUnlessSaidOtherwise) {
  const auto drivers = ParseDriverFile("d.yaml", Knob("paths: [sys/kernel/bricked/enabled]"));
  ASSERT_EQ(drivers.status(), absl::OkStatus());
  const auto& knob = std::get<KnobDefinition>(drivers->front().how);
  EXPECT_THAT(knob.on, ElementsAre("1"));
  EXPECT_THAT(knob.off, ElementsAre("0"));
  EXPECT_FALSE(knob.gives_back_cpus);
}

TEST(DriverFileTest, ReadsUnitsAndSeveralDocuments) {
  const auto drivers = ParseDriverFile("d.yaml", R"(
apiVersion: hotplugger/v1
kind: UnitDriver
name: cpuplugd
unit: cpuplugd.service
---
apiVersion: hotplugger/v1
kind: UnitDriver
name: parker
unit: parker@0.timer
)");
  ASSERT_EQ(drivers.status(), absl::OkStatus());
  ASSERT_THAT(*drivers, SizeIs(2));
  EXPECT_EQ(std::get<UnitDefinition>(drivers->at(0).how).unit, "cpuplugd.service");
  EXPECT_EQ(std::get<UnitDefinition>(drivers->at(1).how).unit, "parker@0.timer");
}

TEST(DriverFileTest, AnEmptyFileHasNoDrivers) {
  EXPECT_THAT(*ParseDriverFile("d.yaml", "# nothing yet\n"), IsEmpty());
}

struct WrongFile {
  const char* what;
  std::string text;
  const char* error;
};

void PrintTo(const WrongFile& file, std::ostream* out) { *out << file.what; }

class WrongDriverFileTest : public ::testing::TestWithParam<WrongFile> {};

TEST_P(WrongDriverFileTest, NamesPlaceKeyValueAndWhatIsRight) {
  EXPECT_THAT(Errors(GetParam().text), ElementsAre(HasSubstr(GetParam().error)));
}

constexpr char kPath[] = "paths: [sys/kernel/x/enabled]\n";

INSTANTIATE_TEST_SUITE_P(
    DriverFile, WrongDriverFileTest,
    ::testing::Values(
        WrongFile{"Syntax", Knob("paths: [sys/kernel/x\nname: b"), "d.yaml:5:"},
        WrongFile{"Tab", Knob("\tpaths: x"), "d.yaml:4:1"},
        WrongFile{"NoMap", "- a\n", "d.yaml:1:1"},
        WrongFile{"UnknownKind", "apiVersion: hotplugger/v1\nkind: Driver\nname: a\n",
                  "d.yaml:2:7: kind | \"Driver\" is no kind of driver; right is KnobDriver"},
        WrongFile{"NoKind", "apiVersion: hotplugger/v1\nname: a\n", "kind | is missing"},
        WrongFile{"WrongVersion",
                  absl::StrCat("apiVersion: v1\nkind: KnobDriver\nname: a\n", kPath),
                  "d.yaml:1:13: apiVersion | \"v1\" is not hotplugger/v1"},
        WrongFile{"NoVersion", absl::StrCat("kind: KnobDriver\nname: a\n", kPath),
                  "apiVersion | is missing"},
        WrongFile{"LongName",
                  absl::StrCat("apiVersion: hotplugger/v1\nkind: KnobDriver\nname: ",
                               std::string(32, 'x'), "\n", kPath),
                  "d.yaml:3:7: name | "},
        WrongFile{"SlashInName",
                  absl::StrCat("apiVersion: hotplugger/v1\nkind: KnobDriver\nname: a/b\n", kPath),
                  "d.yaml:3:7: name | "},
        WrongFile{"NoName", absl::StrCat("apiVersion: hotplugger/v1\nkind: KnobDriver\n", kPath),
                  "name | is missing"},
        WrongFile{"UnknownKey", Knob(absl::StrCat(kPath, "whitlist: []")),
                  "d.yaml:5:1: whitlist | unknown field; did you mean whitelist?"},
        WrongFile{"UnitOfAKnob", Knob(absl::StrCat(kPath, "unit: a.service")), "unit | unknown"},
        WrongFile{"Twice", Knob(absl::StrCat(kPath, kPath)), "d.yaml:5:1: paths | is given twice"},
        WrongFile{"WhitelistNamesItself", Knob(absl::StrCat(kPath, "whitelist: [Bricked]")),
                  "d.yaml:5:12: whitelist | "},
        WrongFile{"WhitelistTwice", Knob(absl::StrCat(kPath, "whitelist: [a, A]")),
                  "d.yaml:5:12: whitelist | "},
        WrongFile{"WhitelistNoList", Knob(absl::StrCat(kPath, "whitelist: thermal")),
                  "d.yaml:5:12: whitelist | \"thermal\" is not a list of at most 64"},
        WrongFile{"NoPaths", Knob(""), "paths | is missing"},
        WrongFile{"EmptyPaths", Knob("paths: []"), "paths | is empty"},
        WrongFile{"PathElsewhere", Knob("paths: [/etc/passwd]"),
                  "d.yaml:4:9: paths[0] | \"etc/passwd\" is not below sys/ or proc/"},
        WrongFile{"PathUpwards", Knob("paths: [sys/../etc/passwd]"), "paths[0] | "},
        WrongFile{"PathOfADevice", Knob("paths: [sys/devices/system/cpu/cpu3/online]"),
                  "which no driver is switched by"},
        WrongFile{"PatternOfDevices", Knob("paths: [sys/devices/system/cpu/*/online]"),
                  "which no driver is switched by"},
        WrongFile{"PathOfADeviceByItsNode",
                  Knob("paths: [sys/devices/system/node/node0/cpu3/online]"),
                  "which no driver is switched by"},
        WrongFile{"PathThatEndsTheHost", Knob("paths: [proc/sysrq-trigger]"),
                  "which no driver is switched by"},
        WrongFile{"LongPath", Knob("paths: [sys/" + std::string(200, 'x') + "]"),
                  "has 204 bytes; at most 191"},
        WrongFile{"OnIsOff", Knob(absl::StrCat(kPath, "on: [1, Y]\noff: [0, Y]")),
                  "off | \"Y\" stands for on too"},
        WrongFile{"LongValue", Knob(absl::StrCat(kPath, "on: ", std::string(64, '1'))),
                  "d.yaml:5:5: on | "},
        WrongFile{"EmptyValue", Knob(absl::StrCat(kPath, "on: ''")), "d.yaml:5:5: on | "},
        WrongFile{"StartAlone", Knob(absl::StrCat(kPath, "start: [{path: ., value: 1}]")),
                  "stop | is missing"},
        WrongFile{"WriteWithoutValue",
                  Knob(absl::StrCat(kPath, "start: [{path: .}]\nstop: [{path: ., value: 0}]")),
                  "start[0] | has no value"},
        WrongFile{"QuotedSwitch", Knob(absl::StrCat(kPath, "givesBackCpus: \"true\"")),
                  "givesBackCpus | \"true\" is not true or false, without quotes"},
        WrongFile{"NoUnit", "apiVersion: hotplugger/v1\nkind: UnitDriver\nname: a\n",
                  "unit | is missing"},
        WrongFile{"UnitWithoutType",
                  "apiVersion: hotplugger/v1\nkind: UnitDriver\nname: a\nunit: cpuplugd\n",
                  "d.yaml:4:7: unit | \"cpuplugd\" is not a unit's name"}),
    [](const auto& each) { return std::string(each.param.what); });

TEST(DriverFileTest, TenThousandNamesInAWhitelistAreRefusedWithTheLimit) {
  std::string list = "a0";
  for (int i = 1; i < 10'000; ++i) absl::StrAppend(&list, ", a", i);
  EXPECT_THAT(Errors(Knob(absl::StrCat(kPath, "whitelist: [", list, "]"))),
              ElementsAre(HasSubstr("is not a list of at most 64")));
}

TEST(DriverFileTest, TellsOfEverythingThatIsWrong) {
  EXPECT_THAT(Errors(Knob("paths: [etc/a, sys/../b]\non: ''\ncolour: red\n")), SizeIs(4));
}

}  // namespace
}  // namespace hotplugger::agent
