// The drivers that Hotplugger ships: deploy/drivers.d.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <set>

#include "agent/drivers/actors/daemons.h"
#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/knob/knob_driver.h"
#include "agent/drivers/knob/knob_provider.h"
#include "tests/fakes/fake_cpu_control.h"
#include "tests/fakes/fake_knob_writer.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

constexpr char kShipped[] = HOTPLUGGER_SOURCE_DIR "/deploy/drivers.d";
constexpr char kOptional[] = HOTPLUGGER_SOURCE_DIR "/deploy/drivers.d/optional";

TEST(ShippedDriversTest, AllFilesAreRightAndSayWhatTheyAre) {
  for (const char* folder : {kShipped, kOptional}) {
    const CatalogueContent content = ReadCatalogue({folder});
    EXPECT_THAT(content.problems, IsEmpty());
    EXPECT_THAT(content.drivers, Not(IsEmpty()));
    for (const DriverDefinition& driver : content.drivers) {
      EXPECT_THAT(driver.description, Not(IsEmpty())) << driver.name;
      EXPECT_EQ(driver.file, std::string(folder) + "/" + driver.name + ".yaml");
    }
  }
}

// kernel 5.8, row by row: where the files are, what is written there, and which value is higher.
struct KnownKnob {
  const char* name;
  std::vector<std::string> paths;
  const char* on;
  const char* off;
  bool inverted = false;
};

void PrintTo(const KnownKnob& knob, std::ostream* out) { *out << knob.name; }

class ShippedKnobTest : public ::testing::TestWithParam<KnownKnob> {};

TEST_P(ShippedKnobTest, IsAsKnown) {
  const KnownKnob& known = GetParam();
  const DriverDefinition* found = nullptr;
  const CatalogueContent content = ReadCatalogue({kShipped});
  for (const DriverDefinition& driver : content.drivers) {
    if (driver.name == known.name) found = &driver;
  }
  ASSERT_NE(found, nullptr);
  const auto& knob = std::get<KnobDefinition>(found->how);
  EXPECT_THAT(knob.paths, ::testing::UnorderedElementsAreArray(known.paths));
  EXPECT_EQ(knob.on.front(), known.on);
  EXPECT_EQ(knob.off.front(), known.off);
  EXPECT_THAT(knob.start, IsEmpty());
  EXPECT_THAT(knob.stop, IsEmpty());
  EXPECT_EQ(ReadKnob(knob, "1\n").value_or(!known.inverted), !known.inverted);
  EXPECT_EQ(ReadKnob(knob, "0\n").value_or(known.inverted), known.inverted);
  // A boolean parameter of a module reads so, whatever is written.
  for (const std::string& path : known.paths) {
    if (path.find("/parameters/") == std::string::npos) continue;
    EXPECT_EQ(ReadKnob(knob, "Y\n"), true);
    EXPECT_EQ(ReadKnob(knob, "N\n"), false);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kernel58, ShippedKnobTest,
    ::testing::Values(
        KnownKnob{"mpdecision-gate",
                  {"sys/devices/system/cpu/cpu0/rq-stats/hotplug_disable",
                   "sys/devices/system/cpu/rq-stats/hotplug_disable"},
                  "0",
                  "1",
                  true},
        KnownKnob{"mpdecision-enable",
                  {"sys/devices/system/cpu/cpu0/rq-stats/hotplug_enable",
                   "sys/devices/system/cpu/rq-stats/hotplug_enable"},
                  "1",
                  "0"},
        KnownKnob{
            "bricked",
            {"sys/kernel/msm_mpdecision/conf/enabled", "sys/kernel/bricked_hotplug/conf/enabled"},
            "1",
            "0"},
        KnownKnob{"msm_hotplug",
                  {"sys/module/msm_hotplug/enabled", "sys/module/msm_hotplug/msm_enabled",
                   "sys/module/msm_hotplug/parameters/enabled"},
                  "1",
                  "0"},
        KnownKnob{"intelli_plug",
                  {"sys/module/intelli_plug/parameters/intelli_plug_active",
                   "sys/kernel/intelli_plug/intelli_plug_active"},
                  "1",
                  "0"},
        KnownKnob{"alucard", {"sys/kernel/alucard_hotplug/hotplug_enable"}, "1", "0"},
        KnownKnob{"autosmp", {"sys/module/autosmp/parameters/enabled"}, "1", "0"},
        KnownKnob{"blu_plug", {"sys/module/blu_plug/parameters/enabled"}, "1", "0"},
        KnownKnob{"lazyplug", {"sys/module/lazyplug/parameters/lazyplug_active"}, "1", "0"},
        KnownKnob{"mako_hotplug",
                  {"sys/class/misc/mako_hotplug_control/enabled",
                   "sys/devices/virtual/misc/mako_hotplug_control/enabled"},
                  "1",
                  "0"},
        KnownKnob{"thunderplug", {"sys/kernel/thunderplug/hotplug_enabled"}, "1", "0"},
        KnownKnob{"zen_decision", {"sys/kernel/zen_decision/enabled"}, "1", "0"},
        KnownKnob{"aio_hotplug", {"sys/kernel/AiO_HotPlug/toggle"}, "1", "0"},
        KnownKnob{"dyn_hotplug", {"sys/module/dyn_hotplug/parameters/enabled"}, "1", "0"},
        KnownKnob{"core_ctl", {"sys/devices/system/cpu/cpu*/core_ctl/enable"}, "1", "0"},
        KnownKnob{
            "core_ctl-disable", {"sys/devices/system/cpu/cpu*/core_ctl/disable"}, "0", "1", true},
        KnownKnob{"hcube", {"sys/devices/system/cpu/cpu*/hcube/hc_on"}, "1", "0"},
        KnownKnob{"msm_thermal", {"sys/module/msm_thermal/core_control/enabled"}, "1", "0"},
        KnownKnob{"qcom-bcl", {"sys/devices/soc.0/qcom,bcl.*/mode"}, "enable", "disable"},
        KnownKnob{"mediatek-hps", {"proc/hps/enabled"}, "1", "0"},
        KnownKnob{"mediatek-ppm", {"proc/ppm/enabled"}, "1", "0"},
        KnownKnob{"exynos-cpuhotplug",
                  {"sys/power/cpuhotplug/enabled", "sys/power/cpuhotplug/enable",
                   "sys/devices/system/cpu/cpuhotplug/enabled"},
                  "1",
                  "0"},
        KnownKnob{
            "tegra-auto_hotplug", {"sys/module/cpu_tegra3/parameters/auto_hotplug"}, "1", "0"}));

TEST(ShippedDriversTest, EveryKnobIsKnown) {
  int knobs = 0;
  for (const DriverDefinition& driver : ReadCatalogue({kShipped}).drivers) {
    knobs += std::holds_alternative<KnobDefinition>(driver.how) ? 1 : 0;
  }
  EXPECT_EQ(knobs, 23) << "as many as the table above has";
}

TEST(ShippedDriversTest, UnitsAndDaemons) {
  std::map<std::string, std::string> units;
  for (const DriverDefinition& driver : ReadCatalogue({kShipped, kOptional}).drivers) {
    const auto* unit = std::get_if<UnitDefinition>(&driver.how);
    if (unit != nullptr) units[driver.name] = unit->unit;
  }
  EXPECT_THAT(
      units,
      ElementsAre(Pair("cpuplugd", "cpuplugd.service"), Pair("intel_lpmd", "intel_lpmd.service"),
                  Pair("mpdecision", "mpdecision.service"), Pair("rasdaemon", "rasdaemon.service"),
                  Pair("thermald", "thermald.service"), Pair("tuned", "tuned.service")));
  std::set<std::string> daemons;
  for (const KnownDaemon& daemon : KnownDaemons()) daemons.insert(daemon.program);
  for (const char* name : {"cpuplugd", "rasdaemon", "tuned", "intel_lpmd", "mpdecision"}) {
    EXPECT_EQ(daemons.count(name), 1u) << name;
  }
}

// A phone of two clusters with drivers of several kinds, as its files read.
TEST(ShippedDriversTest, APhonesKnobsAreRecognisedAndSwitched) {
  testing::TempDir root;
  root.Write("sys/devices/system/cpu/cpu0/rq-stats/hotplug_disable", "1\n");
  root.Write("sys/devices/system/cpu/cpu0/core_ctl/enable", "0\n");
  root.Write("sys/devices/system/cpu/cpu4/core_ctl/enable", "1\n");
  root.Write("sys/module/autosmp/parameters/enabled", "Y\n");
  root.Write("sys/devices/soc.0/qcom,bcl.56/mode", "enabled\n");
  root.Write("proc/hps/enabled", "0\n");
  const std::unique_ptr<FileTree> tree = *FileTree::Open(root.path());
  testing::FakeKnobWriter writer(root);
  testing::FakeCpuControl cpus;
  Catalogue catalogue({kShipped});
  KnobDriverProvider provider(*tree, writer, catalogue, cpus);
  const auto list = provider.Refresh();
  ASSERT_TRUE(list.ok()) << list.status();
  std::vector<std::string> states;
  for (const auto& driver : list->drivers) {
    states.push_back(std::string(driver->name()) + (*driver->IsRunning() ? " runs" : ""));
  }
  EXPECT_THAT(states, ElementsAre("autosmp runs", "core_ctl runs", "mediatek-hps",
                                  "mpdecision-gate", "qcom-bcl runs"));
  for (const auto& driver : list->drivers) {
    EXPECT_TRUE(driver->ChangeState(true, SteadyNow() + absl::Seconds(9)).ok());
    EXPECT_TRUE(*driver->IsRunning()) << driver->name();
    EXPECT_TRUE(driver->ChangeState(false, SteadyNow() + absl::Seconds(9)).ok());
    EXPECT_FALSE(*driver->IsRunning()) << driver->name();
  }
}

}  // namespace
}  // namespace hotplugger::agent
