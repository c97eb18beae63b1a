#include "agent/drivers/builtin/load_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "agent/drivers/builtin/energy_meter.h"
#include "common/errno_status.h"
#include "common/error_info.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using Act = ParkingWish::Act;

// A host of cores with one thread each and a load, in seconds.
class LoadJudgeTest : public ::testing::Test {
 protected:
  LoadJudgeTest() {
    settings_.park_samples = 3;
    settings_.cooldown_seconds = 10;
    Begin();
  }
  void Begin() {
    judge_.emplace(settings_);
    judge_->Begin(now_);
  }

  // A second with so many CPUs' worth of work; parks and wakes as it says.
  Act Second(double busy, double pressure = 0) { return Measure(absl::Seconds(1), busy, pressure); }
  Act Measure(absl::Duration span, double busy, double pressure = 0) {
    now_ += span;
    ParkingState state{.online_cpus = online_,
                       .parked_cores = 8 - online_,
                       .next_core_threads = online_ > 2 ? 1 : 0};
    wish_ = judge_->Judge({.time = now_,
                           .span = span,
                           .busy_cpus = std::min(busy, static_cast<double>(online_)),
                           .pressure = pressure},
                          state);
    if (wish_.act == Act::kPark) --online_;
    if (wish_.act == Act::kWake) online_ += std::min(wish_.cores, 8 - online_);
    changes_ += wish_.act != Act::kNothing;
    return wish_.act;
  }
  void Seconds(int seconds, double busy) {
    for (int i = 0; i < seconds; ++i) Second(busy);
  }

  LoadSettings settings_;
  absl::Time now_ = absl::UnixEpoch();
  std::optional<LoadJudge> judge_;
  ParkingWish wish_;
  int online_ = 8;
  int changes_ = 0;
};

TEST_F(LoadJudgeTest, NothingBeforeTheCoolDown) {
  Seconds(9, 0.1);
  EXPECT_EQ(online_, 8);
  EXPECT_EQ(Second(0.1), Act::kPark);
  EXPECT_EQ(wish_.cores, 1);
  EXPECT_THAT(wish_.why, HasSubstr("0.1 CPUs busy would be 1% of the 7 left, less than 30%"));
}

TEST_F(LoadJudgeTest, ThenOneCoreAtATimeDownToTheFloor) {
  Seconds(200, 0.1);
  EXPECT_EQ(online_, 2);
  EXPECT_EQ(changes_, 6);
}

TEST_F(LoadJudgeTest, ParkingBeginsNoCoolDown) {
  Seconds(10, 0.1);
  ASSERT_EQ(online_, 7);
  Seconds(settings_.park_samples, 0.1);
  EXPECT_EQ(online_, 6);
}

TEST_F(LoadJudgeTest, ParksOnlyWhatTheRestCanCarry) {
  Seconds(300, 1.6);
  // 1.6 of 6 is 27%, of 5 it would be 32%.
  EXPECT_EQ(online_, 6);
}

TEST_F(LoadJudgeTest, ALoadInsideTheHysteresisChangesNothing) {
  Seconds(100, 0.1);
  const int online = online_;
  Seconds(100, 0.5 * online);
  EXPECT_EQ(online_, online);
}

TEST_F(LoadJudgeTest, WakesHalfOfTheParkedAtOnce) {
  Seconds(200, 0.1);
  ASSERT_EQ(online_, 2);
  EXPECT_EQ(Second(8), Act::kWake);
  EXPECT_THAT(wish_.why, HasSubstr("100% of 2 CPUs busy, more than 70%"));
  EXPECT_EQ(online_, 5);
  Second(8);
  EXPECT_EQ(online_, 7);
  Second(8);
  EXPECT_EQ(online_, 8);
  EXPECT_EQ(Second(8), Act::kNothing) << "there is none left";
}

TEST_F(LoadJudgeTest, TasksThatWaitWakeTooThoughTheCpusAreNotBusy) {
  Seconds(200, 0.1);
  EXPECT_EQ(Second(0.5, 0.6), Act::kWake);
  EXPECT_THAT(wish_.why, HasSubstr("tasks waited for a CPU 60% of the time, more than 50%"));
}

TEST_F(LoadJudgeTest, ASquareWaveShorterThanTheCoolDownParksNothing) {
  for (int period = 0; period < 50; ++period) {
    Seconds(2, 7.5);
    Seconds(9, 0.1);
  }
  EXPECT_EQ(changes_, 0);
}

TEST_F(LoadJudgeTest, NorDoesItFlapWhenItComesOnceCpusAreParked) {
  Seconds(200, 0.1);
  changes_ = 0;
  for (int period = 0; period < 50; ++period) {
    Seconds(4, 7.5);
    Seconds(9, 0.1);
  }
  EXPECT_EQ(online_, 8);
  EXPECT_EQ(changes_, 3) << "woken once, in three steps, and never parked again";
}

TEST_F(LoadJudgeTest, ASquareWaveLongerThanTheCoolDownMayBeFollowed) {
  for (int period = 0; period < 5; ++period) {
    Seconds(20, 7.5);
    Seconds(60, 0.1);
  }
  EXPECT_GT(changes_, 5);
}

TEST_F(LoadJudgeTest, SeveralHighSamplesWhereTheSettingsWantThem) {
  settings_.wake_samples = 3;
  Begin();
  Seconds(200, 0.1);
  EXPECT_EQ(Second(8), Act::kNothing);
  EXPECT_EQ(Second(8), Act::kNothing);
  EXPECT_EQ(Second(8), Act::kWake);
}

TEST_F(LoadJudgeTest, AQuietSecondBetweenLowOnesBeginsTheirCountAnew) {
  Seconds(9, 0.1);
  Second(4);
  Seconds(9, 0.1);
  EXPECT_EQ(changes_, 0);
  EXPECT_EQ(Second(0.1), Act::kPark);
}

// What was busy for two seconds of ten is busy for a fifth of them on the average.
TEST_F(LoadJudgeTest, AMeasurementThatCameLateParksNothingAndBeginsTheCoolDownAnew) {
  Seconds(9, 0.1);
  EXPECT_EQ(Measure(absl::Seconds(9), 1.5), Act::kNothing);
  Seconds(9, 0.1);
  EXPECT_EQ(changes_, 0);
  EXPECT_EQ(Second(0.1), Act::kPark);
}

TEST_F(LoadJudgeTest, AMeasurementThatCameLateWakes) {
  Seconds(200, 0.1);
  EXPECT_EQ(Measure(absl::Seconds(9), 8), Act::kWake);
}

class LoadRuleTest : public ::testing::Test {
 protected:
  // Ticks of 10 ms: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice.
  void WriteStat(const std::string& cpu0, const std::string& cpu1) {
    root_.Write("proc/stat", absl::StrCat("cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 ", cpu0,
                                          cpu1.empty() ? "" : absl::StrCat("\ncpu1 ", cpu1),
                                          "\nintr 5 0\nctxt 9\n"));
  }

  testing::TempDir root_;
  std::unique_ptr<FileTree> tree_ = *FileTree::Open(root_.path());
};

TEST_F(LoadRuleTest, BusyIsWhatIsNeitherIdleNorWaitingForADisk) {
  WriteStat("10 0 10 100 20 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0");
  const CpuTimes before = *ReadCpuTimes(*tree_);
  // 50 of 100 ticks: user 30, steal 20. Guest is in user already.
  WriteStat("40 0 10 130 40 0 0 20 30 0", "25 0 0 75 0 0 0 0 0 0");
  const CpuTimes after = *ReadCpuTimes(*tree_);
  EXPECT_DOUBLE_EQ(*BusyCpus(before, after), 0.5 + 0.25);
}

TEST_F(LoadRuleTest, CpusThatCameOrWentDoNotCount) {
  WriteStat("0 0 0 0 0 0 0 0 0 0", "");
  const CpuTimes one = *ReadCpuTimes(*tree_);
  WriteStat("50 0 0 50 0 0 0 0 0 0", "900 0 0 0 0 0 0 0 0 0");
  const CpuTimes two = *ReadCpuTimes(*tree_);
  EXPECT_DOUBLE_EQ(*BusyCpus(one, two), 0.5);
  EXPECT_DOUBLE_EQ(BusyCpus(two, one).value_or(-1), -1) << "counters that went back";
  EXPECT_FALSE(BusyCpus(two, two).has_value()) << "no tick has passed";
}

TEST_F(LoadRuleTest, GarbageIsNamed) {
  WriteStat("x 0 0 0 0 0 0 0 0 0", "");
  EXPECT_EQ(ErrorReason(ReadCpuTimes(*tree_).status()), "BAD_KERNEL_ANSWER");
  WriteStat("1 2 3", "");
  EXPECT_EQ(ErrorReason(ReadCpuTimes(*tree_).status()), "BAD_KERNEL_ANSWER");
}

TEST_F(LoadRuleTest, PressureIsReadWhereTheKernelHasIt) {
  EXPECT_EQ(*ReadCpuPressure(*tree_), std::nullopt);
  root_.Write("proc/pressure/cpu",
              "some avg10=0.00 avg60=0.00 avg300=0.00 total=123456\n"
              "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  EXPECT_EQ(*ReadCpuPressure(*tree_), 123456u);
  root_.Write("proc/pressure/cpu", "nothing\n");
  EXPECT_EQ(ErrorReason(ReadCpuPressure(*tree_).status()), "BAD_KERNEL_ANSWER");
}

// Compiled in, and not switched on: the file is there, and reading it is "not supported".
TEST_F(LoadRuleTest, PressureThatIsSwitchedOffIsNotKnown) {
  const std::string path = root_.Path("proc/pressure/cpu");
  const auto disabled = CpuPressureFrom(*tree_, ErrnoStatus(EOPNOTSUPP, "reading", path));
  ASSERT_EQ(disabled.status(), absl::OkStatus());
  EXPECT_EQ(*disabled, std::nullopt);
  EXPECT_FALSE(CpuPressureFrom(*tree_, ErrnoStatus(EIO, "reading", path)).ok());
}

TEST_F(LoadRuleTest, MeasuresBetweenBeats) {
  LoadSettings settings;
  settings.park_samples = 1;
  settings.cooldown_seconds = 1;
  LoadRule rule(*tree_, settings);
  absl::Time now = absl::UnixEpoch();
  EXPECT_FALSE(rule.Begin(now).ok()) << "there is no proc/stat";
  WriteStat("0 0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 0 0");
  ASSERT_EQ(rule.Begin(now), absl::OkStatus());
  WriteStat("1 0 0 99 0 0 0 0 0 0", "1 0 0 99 0 0 0 0 0 0");
  const ParkingState state{.online_cpus = 2, .parked_cores = 0, .next_core_threads = 1};
  now += absl::Seconds(1);
  EXPECT_EQ(rule.Judge(state, now)->act, Act::kPark);
  EXPECT_EQ(rule.Judge(state, now)->act, Act::kNothing) << "no tick has passed";
}

TEST(EnergyMeterTest, TellsWhatWasDrawnWithAndWithoutParkedCpus) {
  testing::TempDir root;
  const std::unique_ptr<FileTree> tree = *FileTree::Open(root.path());
  const auto count = [&root](uint64_t package0, uint64_t package1) {
    for (const int package : {0, 1}) {
      const std::string zone = absl::StrCat("sys/class/powercap/intel-rapl:", package);
      root.Write(zone + "/name", absl::StrCat("package-", package, "\n"));
      root.Write(zone + "/energy_uj", absl::StrCat(package == 0 ? package0 : package1, "\n"));
      root.Write(zone + "/max_energy_range_uj", "1000000000\n");
    }
    // A part of package 0, counted there already.
    root.Write("sys/class/powercap/intel-rapl:0:0/name", "core\n");
    root.Write("sys/class/powercap/intel-rapl:0:0/energy_uj", "5\n");
  };
  EnergyMeter meter(*tree);
  absl::Time now = absl::UnixEpoch();
  count(0, 990'000'000);
  meter.Note(false, now);
  count(100'000'000, 10'000'000);  // package 1's counter has begun anew
  meter.Note(false, now += absl::Seconds(10));
  EXPECT_EQ(meter.Describe(), "") << "nothing to compare with yet";
  count(130'000'000, 20'000'000);
  meter.Note(true, now += absl::Seconds(10));
  EXPECT_EQ(meter.Describe(), "package power 4.0 W with CPUs parked (10 s), 12.0 W without (10 s)");
}

TEST(EnergyMeterTest, APackageThatIsThereTwiceCountsOnce) {
  testing::TempDir root;
  const std::unique_ptr<FileTree> tree = *FileTree::Open(root.path());
  const auto count = [&root](uint64_t used) {
    for (const std::string zone : {"intel-rapl:0", "intel-rapl-mmio:0"}) {
      root.Write(absl::StrCat("sys/class/powercap/", zone, "/name"), "package-0\n");
      root.Write(absl::StrCat("sys/class/powercap/", zone, "/energy_uj"), absl::StrCat(used, "\n"));
    }
  };
  EnergyMeter meter(*tree);
  absl::Time now = absl::UnixEpoch();
  for (int step = 0; step < 3; ++step) {
    count(step * 50'000'000);
    meter.Note(step == 2, now += absl::Seconds(10));
  }
  EXPECT_EQ(meter.Describe(), "package power 5.0 W with CPUs parked (10 s), 5.0 W without (10 s)");
}

TEST(EnergyMeterTest, SaysNothingWhereNothingCanBeRead) {
  testing::TempDir root;
  const std::unique_ptr<FileTree> tree = *FileTree::Open(root.path());
  EnergyMeter meter(*tree);
  for (int second = 0; second < 10; ++second) {
    meter.Note(second % 2 == 0, absl::FromUnixSeconds(second));
  }
  EXPECT_EQ(meter.Describe(), "");
}

}  // namespace
}  // namespace hotplugger::agent
