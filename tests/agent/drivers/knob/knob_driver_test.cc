#include "agent/drivers/knob/knob_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "agent/devices/inventory/file_tree.h"
#include "agent/drivers/catalogue/driver_file.h"
#include "agent/drivers/knob/knob_files.h"
#include "agent/drivers/knob/knob_provider.h"
#include "agent/drivers/registry.h"
#include "common/clock.h"
#include "common/error_info.h"
#include "tests/fakes/fake_cpu_control.h"
#include "tests/fakes/fake_knob_writer.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class KnobDriverTest : public ::testing::Test {
 protected:
  // Of a file with these keys besides name and kind.
  KnobDriver Make(const std::string& keys) {
    const auto drivers = ParseDriverFile(
        "d.yaml", "apiVersion: hotplugger/v1\nkind: KnobDriver\nname: alpha\n" + keys);
    EXPECT_EQ(drivers.status(), absl::OkStatus());
    return KnobDriver(drivers->at(0), *tree_, writer_, cpus_);
  }
  static absl::Time Soon() { return SteadyNow() + absl::Seconds(5); }
  // In the model and in its file.
  void SetOnline(const CpuSet& online) {
    cpus_.view().cpus.masks.online = online;
    root_.Write("sys/devices/system/cpu/online", FormatCpuList(online) + "\n");
  }
  void Stop(KnobDriver* driver) {
    EXPECT_EQ(*driver->IsRunning(), true);
    EXPECT_EQ(driver->ChangeState(false, Soon()), absl::OkStatus());
    EXPECT_EQ(*driver->IsRunning(), false);
  }

  testing::TempDir root_;
  std::unique_ptr<FileTree> tree_ = *FileTree::Open(root_.path());
  testing::FakeKnobWriter writer_{root_};
  testing::FakeCpuControl cpus_{4};
};

TEST_F(KnobDriverTest, TheFirstPathThatIsThereWins) {
  root_.Write("sys/module/new/enabled", "0\n");
  root_.Write("sys/module/old/enabled", "1\n");
  KnobDriver driver =
      Make("paths: [sys/module/none/enabled, sys/module/new/enabled, sys/module/old/enabled]");
  EXPECT_EQ(*driver.IsRunning(), false);
  EXPECT_EQ(driver.ChangeState(true, Soon()), absl::OkStatus());
  EXPECT_THAT(writer_.TakeWrites(), ElementsAre("sys/module/new/enabled=1"));
}

TEST_F(KnobDriverTest, AGlobIsAllItsFilesAndOneThatIsOnIsEnough) {
  for (const char* cluster : {"0", "4"}) {
    root_.Write(absl::StrCat("sys/cpu/cpu", cluster, "/core_ctl/enable"), "0\n");
  }
  KnobDriver driver = Make("paths: ['sys/cpu/cpu*/core_ctl/enable']");
  EXPECT_EQ(*driver.IsRunning(), false);
  root_.Write("sys/cpu/cpu4/core_ctl/enable", "1\n");
  EXPECT_EQ(*driver.IsRunning(), true);
  EXPECT_EQ(driver.ChangeState(false, Soon()), absl::OkStatus());
  EXPECT_THAT(writer_.TakeWrites(),
              ElementsAre("sys/cpu/cpu0/core_ctl/enable=0", "sys/cpu/cpu4/core_ctl/enable=0"));
}

TEST_F(KnobDriverTest, InvertedValuesAndOtherWords) {
  root_.Write("sys/kernel/disabled", "1\n");
  KnobDriver inverted = Make("paths: [sys/kernel/disabled]\non: 0\noff: 1");
  EXPECT_EQ(*inverted.IsRunning(), false);
  EXPECT_EQ(inverted.ChangeState(true, Soon()), absl::OkStatus());
  EXPECT_THAT(writer_.TakeWrites(), ElementsAre("sys/kernel/disabled=0"));
  root_.Write("sys/kernel/mode", " Enabled \n");
  KnobDriver worded = Make("paths: [sys/kernel/mode]\non: [on, enabled]\noff: [\"off\"]");
  EXPECT_EQ(*worded.IsRunning(), true);
}

TEST_F(KnobDriverTest, ContentThatStandsForNeitherIsToldAndNotGuessed) {
  root_.Write("sys/kernel/mode", "2\n");
  const auto running = Make("paths: [sys/kernel/mode]").IsRunning();
  EXPECT_EQ(ErrorReason(running.status()), "KNOB_UNREADABLE");
  EXPECT_THAT(std::string(running.status().message()),
              AllOf(HasSubstr("sys/kernel/mode"), HasSubstr("\"2\""), HasSubstr("d.yaml")));
}

TEST_F(KnobDriverTest, ProcKnobsToo) {
  root_.Write("proc/hps/enabled", "1\n");
  KnobDriver driver = Make("paths: [proc/hps/enabled]");
  EXPECT_EQ(*driver.IsRunning(), true);
  EXPECT_EQ(driver.ChangeState(false, Soon()), absl::OkStatus());
  EXPECT_EQ(root_.Read("proc/hps/enabled"), "0\n");
}

constexpr char kBcl[] = R"(
paths: [sys/devices/bcl/mode]
on: enabled
off: disabled
start: [{path: sys/devices/bcl/hotplug_mask, value: 3}, {path: ., value: enabled}]
stop: [{path: ., value: disabled}, {path: sys/devices/bcl/hotplug_mask, value: 0},
       {path: sys/devices/bcl/hotplug_soc_mask, value: 0}]
)";

TEST_F(KnobDriverTest, SeveralWritesGoInOrder) {
  root_.Write("sys/devices/bcl/mode", "disabled\n");
  root_.Write("sys/devices/bcl/hotplug_mask", "0\n");
  root_.Write("sys/devices/bcl/hotplug_soc_mask", "0\n");
  KnobDriver driver = Make(kBcl);
  EXPECT_EQ(driver.ChangeState(true, Soon()), absl::OkStatus());
  EXPECT_THAT(writer_.TakeWrites(),
              ElementsAre("sys/devices/bcl/hotplug_mask=3", "sys/devices/bcl/mode=enabled"));
  EXPECT_EQ(*driver.IsRunning(), true);
}

TEST_F(KnobDriverTest, AWriteThatFailsInTheMiddleIsUndoneInReverse) {
  root_.Write("sys/devices/bcl/mode", "enabled\n");
  root_.Write("sys/devices/bcl/hotplug_mask", "7\n");
  root_.Write("sys/devices/bcl/hotplug_soc_mask", "9\n");
  writer_.SetModel("sys/devices/bcl/hotplug_soc_mask", [](auto*, absl::Time) { return EIO; });
  KnobDriver driver = Make(kBcl);
  const absl::Status status = driver.ChangeState(false, Soon());
  EXPECT_EQ(ErrorReason(status), "KNOB_REFUSED");
  EXPECT_EQ(ErrorMetadataValue(status, "errno"), "EIO");
  EXPECT_THAT(std::string(status.message()), HasSubstr("hotplug_soc_mask"));
  EXPECT_THAT(writer_.TakeWrites(),
              ElementsAre("sys/devices/bcl/mode=disabled", "sys/devices/bcl/hotplug_mask=0",
                          "sys/devices/bcl/hotplug_soc_mask=0", "sys/devices/bcl/hotplug_mask=7",
                          "sys/devices/bcl/mode=enabled"));
  EXPECT_EQ(*driver.IsRunning(), true);
}

TEST_F(KnobDriverTest, WhatUndoLeavesIsNamed) {
  root_.Write("sys/devices/bcl/mode", "enabled\n");
  root_.Write("sys/devices/bcl/hotplug_mask", "7\n");
  root_.Write("sys/devices/bcl/hotplug_soc_mask", "9\n");
  bool broken = false;
  writer_.SetModel("sys/devices/bcl/hotplug_soc_mask", [&](auto*, absl::Time) {
    broken = true;
    return EIO;
  });
  writer_.SetModel("sys/devices/bcl/mode", [&](auto*, absl::Time) { return broken ? EPERM : 0; });
  const absl::Status status = Make(kBcl).ChangeState(false, Soon());
  EXPECT_THAT(std::string(status.message()), HasSubstr("not put back: sys/devices/bcl/mode"));
}

TEST_F(KnobDriverTest, AFileOfTheWritesThatIsMissingStopsItBeforeTheFirst) {
  root_.Write("sys/devices/bcl/mode", "disabled\n");
  const absl::Status status = Make(kBcl).ChangeState(true, Soon());
  EXPECT_EQ(ErrorReason(status), "KNOB_MISSING");
  EXPECT_THAT(writer_.TakeWrites(), IsEmpty());
}

TEST_F(KnobDriverTest, EinvalPointsAtTheFileThatSaysTheValue) {
  root_.Write("sys/kernel/mode", "0\n");
  writer_.SetModel("sys/kernel/mode", [](auto*, absl::Time) { return EINVAL; });
  EXPECT_THAT(std::string(Make("paths: [sys/kernel/mode]").ChangeState(true, Soon()).message()),
              AllOf(HasSubstr("EINVAL"), HasSubstr("d.yaml")));
}

constexpr char kGivesBack[] = "paths: [sys/kernel/mode]\ngivesBackCpus: true";

TEST_F(KnobDriverTest, OnceStoppedTheCpusThatWentOffSinceItWasStartedComeBack) {
  root_.Write("sys/kernel/mode", "0\n");
  SetOnline({0, 1, 2});
  KnobDriver driver = Make(kGivesBack);
  EXPECT_EQ(driver.ChangeState(true, Soon()), absl::OkStatus());
  SetOnline({0, 1});
  Stop(&driver);
  EXPECT_EQ(cpus_.online(), (CpuSet{0, 1, 2})) << "CPU 3 was off before";
  EXPECT_THAT(driver.TakeRemark(), HasSubstr("CPUs 3 stay offline"));
  EXPECT_EQ(driver.TakeRemark(), "") << "once";
}

TEST_F(KnobDriverTest, OfOneThatRanAlreadyThoseThatWentOffSinceItWasFirstSeen) {
  root_.Write("sys/kernel/mode", "1\n");
  SetOnline({0, 1, 2});
  KnobDriver driver = Make(kGivesBack);
  EXPECT_EQ(*driver.IsRunning(), true);
  SetOnline({0, 3});
  EXPECT_EQ(*driver.IsRunning(), true) << "what is seen later doesn't count";
  SetOnline({0});
  Stop(&driver);
  EXPECT_EQ(cpus_.online(), (CpuSet{0, 1, 2}));
}

TEST_F(KnobDriverTest, OfOneThatStoppedAndStartedByItselfThoseSinceItWasSeenAgain) {
  root_.Write("sys/kernel/mode", "1\n");
  SetOnline({0, 1, 2, 3});
  KnobDriver driver = Make(kGivesBack);
  EXPECT_EQ(*driver.IsRunning(), true);
  root_.Write("sys/kernel/mode", "0\n");
  SetOnline({0, 1, 2});
  EXPECT_EQ(*driver.IsRunning(), false);
  root_.Write("sys/kernel/mode", "1\n");
  EXPECT_EQ(*driver.IsRunning(), true);
  SetOnline({0});
  Stop(&driver);
  EXPECT_EQ(cpus_.online(), (CpuSet{0, 1, 2}));
}

TEST_F(KnobDriverTest, AStopThatFailsForgetsNothing) {
  root_.Write("sys/kernel/mode", "1\n");
  SetOnline({0, 1, 2, 3});
  KnobDriver driver = Make(kGivesBack);
  EXPECT_EQ(*driver.IsRunning(), true);
  SetOnline({0});
  writer_.SetModel("sys/kernel/mode", [](auto*, absl::Time) { return EIO; });
  EXPECT_FALSE(driver.ChangeState(false, Soon()).ok());
  EXPECT_EQ(cpus_.online(), (CpuSet{0}));
  writer_.SetModel("sys/kernel/mode", [](auto*, absl::Time) { return 0; });
  Stop(&driver);
  EXPECT_EQ(cpus_.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(KnobDriverTest, WhereItCannotBeToldWhichWereOnlineNoneComesBack) {
  root_.Write("sys/kernel/mode", "1\n");
  cpus_.view().cpus.masks.online = {0};
  KnobDriver driver = Make(kGivesBack);
  Stop(&driver);
  EXPECT_EQ(cpus_.online(), (CpuSet{0}));
  EXPECT_THAT(driver.TakeRemark(), HasSubstr("CPUs 1-3 stay offline"));
}

TEST_F(KnobDriverTest, ThoseThatSomebodyDecidedOrThatOursHaveParkedStayOff) {
  root_.Write("sys/kernel/mode", "1\n");
  SetOnline({0, 1, 2, 3});
  KnobDriver driver = Make(kGivesBack);
  EXPECT_EQ(*driver.IsRunning(), true);
  SetOnline({0});
  cpus_.view().decided = {2};
  cpus_.view().parked = {3};
  Stop(&driver);
  EXPECT_EQ(cpus_.online(), (CpuSet{0, 1}));
}

TEST_F(KnobDriverTest, CpusThatDoNotComeBackAreToldAndTheDriverIsStopped) {
  root_.Write("sys/kernel/mode", "1\n");
  SetOnline({0, 1, 2, 3});
  KnobDriver driver = Make(kGivesBack);
  EXPECT_EQ(*driver.IsRunning(), true);
  SetOnline({0, 1});
  cpus_.SetHook([](int cpu, bool, absl::Time) {
    return cpu == 2 ? absl::InternalError("it is broken") : absl::OkStatus();
  });
  Stop(&driver);
  EXPECT_THAT(driver.TakeRemark(), AllOf(HasSubstr("CPUS_NOT_GIVEN_BACK"), HasSubstr("CPUs 2 "),
                                         HasSubstr("it is broken")));
  EXPECT_EQ(cpus_.online(), (CpuSet{0, 1, 3})) << "the others do";
}

TEST_F(KnobDriverTest, NoCpuIsBroughtBackAfterTheDeadline) {
  root_.Write("sys/kernel/mode", "1\n");
  SetOnline({0, 1, 2, 3});
  KnobDriver driver = Make(kGivesBack);
  EXPECT_EQ(*driver.IsRunning(), true);
  SetOnline({0});
  writer_.SetModel("sys/kernel/mode", [](auto*, absl::Time) { return 0; });
  EXPECT_EQ(driver.ChangeState(false, SteadyNow()), absl::OkStatus());
  EXPECT_THAT(cpus_.TakeChanges(), IsEmpty());
  EXPECT_THAT(driver.TakeRemark(), AllOf(HasSubstr("CPUs 1-3 "), HasSubstr("no time left")));
}

TEST_F(KnobDriverTest, WarningsAreTextWhateverAFileIsCalled) {
  testing::TempDir folder;
  folder.Write("b\xff.yaml", "kind: [\n");
  Catalogue catalogue({folder.path()});
  KnobDriverProvider provider(*tree_, writer_, catalogue, cpus_);
  SteadyClock clock;
  AgentCounters counters;
  Registry registry(clock, counters, {});
  EXPECT_EQ(registry.SyncProvider(provider).status(), absl::OkStatus());
  EXPECT_THAT(registry.Warnings(), ElementsAre(HasSubstr("b\\xff.yaml")));
}

TEST_F(KnobDriverTest, TooManyFilesAreAnErrorAndNotCut) {
  for (int i = 0; i < 300; ++i) root_.Write(absl::StrCat("sys/many/f", i), "0\n");
  const auto files = FindKnobFiles(*tree_, "sys/many/f*");
  EXPECT_EQ(ErrorReason(files.status()), "TOO_MANY_KNOBS");
}

}  // namespace
}  // namespace hotplugger::agent
