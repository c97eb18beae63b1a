// The drivers that Hotplugger ships: deploy/drivers.d.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "agent/drivers/catalogue/catalogue.h"
#include "agent/drivers/knob/knob_provider.h"
#include "tests/fakes/fake_cpu_control.h"
#include "tests/fakes/fake_knob_writer.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

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

// kernel 5.8, row by row.
TEST(ShippedDriversTest, EveryKnownKnobIsThere) {
  std::set<std::string> names;
  for (const DriverDefinition& driver : ReadCatalogue({kShipped}).drivers) {
    names.insert(driver.name);
  }
  for (const char* name : {"mpdecision-gate",
                           "mpdecision-enable",
                           "bricked",
                           "msm_hotplug",
                           "intelli_plug",
                           "alucard",
                           "autosmp",
                           "blu_plug",
                           "lazyplug",
                           "mako_hotplug",
                           "thunderplug",
                           "zen_decision",
                           "aio_hotplug",
                           "dyn_hotplug",
                           "core_ctl",
                           "core_ctl-disable",
                           "hcube",
                           "msm_thermal",
                           "qcom-bcl",
                           "mediatek-hps",
                           "mediatek-ppm",
                           "exynos-cpuhotplug",
                           "tegra-auto_hotplug",
                           "cpuplugd",
                           "intel_lpmd"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
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
