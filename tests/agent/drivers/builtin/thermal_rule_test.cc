#include "agent/drivers/builtin/thermal_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Act = ParkingWish::Act;

class ThermalRuleTest : public ::testing::Test {
 protected:
  void Zone(int number, const std::string& type, int thousandths) {
    const std::string folder = absl::StrCat("sys/class/thermal/thermal_zone", number);
    root_.Write(folder + "/type", type + "\n");
    root_.Write(folder + "/temp", absl::StrCat(thousandths, "\n"));
  }
  Act At(int celsius, ParkingState state = {.parked_cores = 1, .next_core_threads = 1}) {
    now_ += absl::Seconds(1);
    wish_ =
        judge_.Judge({"thermal_zone0", "x86_pkg_temp", static_cast<double>(celsius)}, state, now_);
    return wish_.act;
  }

  testing::TempDir root_;
  std::unique_ptr<FileTree> tree_ = *FileTree::Open(root_.path());
  ThermalSettings settings_;
  ThermalJudge judge_{settings_};
  absl::Time now_ = absl::UnixEpoch();
  ParkingWish wish_;
};

TEST_F(ThermalRuleTest, ParksAtTheTripTemperatureAndSaysSo) {
  EXPECT_EQ(At(94), Act::kNothing);
  EXPECT_EQ(At(95), Act::kPark);
  EXPECT_EQ(wish_.cores, 1);
  EXPECT_EQ(wish_.why, "thermal_zone0 (x86_pkg_temp) is at 95.0 °C, the trip temperature is 95");
}

TEST_F(ThermalRuleTest, OneCoreAStepAndTheNextOnlyOnceItHadTimeToHelp) {
  EXPECT_EQ(At(99), Act::kPark);
  for (int second = 1; second < 10; ++second) EXPECT_EQ(At(99), Act::kNothing) << second;
  EXPECT_EQ(At(99), Act::kPark);
}

TEST_F(ThermalRuleTest, BetweenReleaseAndTripNothingIsDone) {
  At(95);
  for (int second = 0; second < 30; ++second) EXPECT_EQ(At(81 + second % 14), Act::kNothing);
}

TEST_F(ThermalRuleTest, WakesAtTheReleaseTemperature) {
  EXPECT_EQ(At(80), Act::kWake);
  EXPECT_THAT(wish_.why, HasSubstr("the release temperature is 80"));
}

TEST_F(ThermalRuleTest, NothingWhereThereIsNothingToParkOrWake) {
  EXPECT_EQ(At(99, {.next_core_threads = 0}), Act::kNothing);
  EXPECT_EQ(At(20, {.parked_cores = 0}), Act::kNothing);
}

TEST_F(ThermalRuleTest, TheHottestZoneOfTheTypesCounts) {
  Zone(0, "acpitz", 40'000);
  Zone(1, "x86_pkg_temp", 96'500);
  Zone(2, "battery", 120'000);
  Zone(10, "big-CPU-cluster", 50'000);
  root_.Write("sys/class/thermal/thermal_zone3/type", "x86_pkg_temp\n");  // asleep: no temp
  root_.Write("sys/class/thermal/cooling_device0/type", "Processor\n");
  std::vector<std::string> zones;
  const std::vector<ThermalZone> read = *ReadThermalZones(*tree_, settings_.zones);
  for (const ThermalZone& zone : read) zones.push_back(zone.name);
  EXPECT_THAT(zones, ElementsAre("thermal_zone0", "thermal_zone1", "thermal_zone10"));
  ThermalRule rule(*tree_, settings_);
  ASSERT_EQ(rule.Begin(now_), absl::OkStatus());
  const ParkingWish wish = *rule.Judge({.next_core_threads = 1}, now_);
  EXPECT_EQ(wish.act, Act::kPark);
  EXPECT_THAT(wish.why, HasSubstr("thermal_zone1 (x86_pkg_temp) is at 96.5"));
}

TEST_F(ThermalRuleTest, WithoutAZoneItDoesNotStartAndNamesTheSetting) {
  Zone(0, "battery", 30'000);
  const absl::Status status = ThermalRule(*tree_, settings_).Begin(now_);
  EXPECT_EQ(ErrorReason(status), "NO_THERMAL_ZONE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("drivers.thermal.zones"));
}

}  // namespace
}  // namespace hotplugger::agent
