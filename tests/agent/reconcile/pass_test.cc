#include "agent/reconcile/pass.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/reconcile/host_cpu_control.h"
#include "common/error_info.h"
#include "tests/agent/reconcile/host_fixture.h"
#include "tests/fakes/counted.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class PassTest : public ::testing::Test, protected HostFixture {
 protected:
  PassResult Run() {
    announced_ = 0;
    return RunPass(*host, memory_, {.before_change = [this] {
      ++announced_;
      return absl::OkStatus();
    }});
  }

  // Runs a pass that must succeed.
  void Apply(const v1::NodeSpec& spec) {
    SetSpec(spec);
    const PassResult result = Run();
    EXPECT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED) << result.report.DebugString();
  }

  static v1::NodeSpec Spec(const std::string& offline,
                           const std::vector<std::string>& active = {}) {
    v1::NodeSpec spec;
    spec.set_cpu_offline(offline);
    for (const std::string& driver : active) spec.add_drivers_active(driver);
    return spec;
  }

  PassMemory memory_;
  int announced_ = 0;
};

TEST_F(PassTest, AppliesTheSpecAndReportsIt) {
  SetSpec(Spec("2-3"));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(result.report.digest(), host->state().spec_digest());
  EXPECT_THAT(result.report.items(), SizeIs(2));
  EXPECT_EQ(result.inventory->cpus_online(), "0-1");
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(announced_, 1);
}

TEST_F(PassTest, ASecondPassChangesAndSavesNothing) {
  Apply(Spec("2-3", {"alucard"}));
  const int saves = store.saves;
  const PassResult result = Run();
  EXPECT_FALSE(result.changed);
  EXPECT_EQ(announced_, 0);
  EXPECT_EQ(store.saves, saves);
}

TEST_F(PassTest, WhatAPassFindsAsItIsToBeIsNoOperation) {
  Apply(Spec("2-3", {"alucard"}));
  const std::vector<std::string> counted = testing::CountedOperations(counters);
  EXPECT_THAT(counted, ElementsAre("cpu offline changed 2", "driver start changed 1"));
  Run();
  EXPECT_EQ(testing::CountedOperations(counters), counted);
}

TEST_F(PassTest, TheEmptySpecTouchesNothing) {
  kernel.SetRunning("bricked", true);
  fake.SwitchBehindOurBack(1, false);
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
  EXPECT_TRUE(Runs("bricked"));
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
  EXPECT_THAT(host->state().baseline().drivers(), IsEmpty());
}

TEST_F(PassTest, ReleaseBringsBackWhatWasTakenAndNothingElse) {
  fake.SwitchBehindOurBack(1, false);
  Apply(Spec("1-3"));
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 2, 3}));
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
}

TEST_F(PassTest, TheBaselineIsOnDiskBeforeTheFirstWrite) {
  SetSpec(Spec("3"));
  RunPass(*host, memory_, {.before_change = [this] {
    EXPECT_THAT(store.saved.baseline().devices(),
                UnorderedElementsAre(Pair("cpu3", v1::DEVICE_STATE_ONLINE)));
    EXPECT_THAT(fake.writes(), IsEmpty());
    return absl::OkStatus();
  }});
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(PassTest, WhereTheBaselineCannotBeSavedItIsRememberedBeforeTheFirstTouch) {
  SetSpec(Spec("3", {"alucard"}));
  store.SetFailure(absl::ResourceExhaustedError("disk full"));
  const PassResult result = RunPass(*host, memory_, {.before_change = [this] {
    EXPECT_EQ(host->state().baseline().devices().at("cpu3"), v1::DEVICE_STATE_ONLINE);
    EXPECT_THAT(store.saved.baseline().devices(), IsEmpty());
    return absl::OkStatus();
  }});
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_APPLIED) << result.report.message();
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  EXPECT_TRUE(Runs("alucard"));
  store.SetFailure(absl::OkStatus());
  host->RetrySaving();
  EXPECT_THAT(store.saved.baseline().devices(),
              UnorderedElementsAre(Pair("cpu3", v1::DEVICE_STATE_ONLINE)));
}

TEST_F(PassTest, AnAgentThatDiedInBetweenStillKnowsWhatToRelease) {
  SetSpec(Spec("3"));
  Run();
  Boot("boot-1");
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(PassTest, ARebootForgetsTheBaselineAndEnforcesAgain) {
  Apply(Spec("3"));
  fake.SwitchBehindOurBack(3, true);
  Boot("boot-2");
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
  EXPECT_EQ(Run().report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(PassTest, OneFailureDoesNotHideTheOthersResults) {
  fake.FailCpu(3, EIO);
  SetSpec(Spec("0,2-3"));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_NE(result.report.retry(), v1::RETRY_CLASS_TRANSIENT);
  std::map<std::string, std::string> reasons;
  for (const auto& item : result.report.items()) reasons[item.subject()] = item.reason();
  EXPECT_THAT(reasons, UnorderedElementsAre(Pair("cpu3", "KERNEL_CALLBACK_FAILED"),
                                            Pair("cpu2", ""), Pair("cpu0", "NOT_HOTPLUGGABLE")));
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3}));
}

TEST_F(PassTest, SwitchesDriversAndRestoresThem) {
  kernel.SetRunning("bricked", true);
  Apply(Spec("", {"alucard"}));
  EXPECT_TRUE(Runs("alucard"));
  EXPECT_FALSE(Runs("bricked"));
  Apply({});
  EXPECT_FALSE(Runs("alucard"));
  EXPECT_TRUE(Runs("bricked"));
  EXPECT_THAT(host->state().baseline().drivers(), IsEmpty());
}

TEST_F(PassTest, RestoreLeavesDriversAloneThatWereNeverTouched) {
  kernel.SetRunning("thermal", true);
  Apply(Spec("", {"alucard"}));
  EXPECT_THAT(host->state().baseline().drivers(),
              UnorderedElementsAre(Pair("alucard", v1::DRIVER_STATE_STOPPED)));
  kernel.SetRunning("thermal", false);
  Apply({});
  EXPECT_FALSE(Runs("thermal"));
}

TEST_F(PassTest, AFailedSwitchLeavesTheEarlierDriversRunning) {
  kernel.SetRunning("bricked", true);
  kernel.Find("alucard")->start_error = EIO;
  SetSpec(Spec("", {"alucard"}));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_THAT(result.report.message(), HasSubstr("alucard"));
  EXPECT_TRUE(Runs("bricked"));
}

TEST_F(PassTest, AnUnknownDriverIsNamed) {
  SetSpec(Spec("", {"mystery"}));
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_THAT(result.report.message(), HasSubstr("mystery"));
}

TEST_F(PassTest, SwitchingFollowsTheSpecAndGoesBack) {
  v1::NodeSpec off;
  off.set_switching(v1::SWITCH_OFF);
  Apply(off);
  EXPECT_FALSE(host->drivers().switching());
  Boot("boot-2");
  EXPECT_FALSE(host->drivers().switching());
  Apply({});
  EXPECT_TRUE(host->drivers().switching());
}

TEST_F(PassTest, ReleaseHappensBeforeSwitchingGoesOffAgain) {
  ASSERT_TRUE(host->SetSwitching(false).ok());
  kernel.SetRunning("bricked", true);
  v1::NodeSpec spec = Spec("", {"alucard"});
  spec.set_switching(v1::SWITCH_ON);
  Apply(spec);
  EXPECT_TRUE(Runs("alucard"));
  Apply({});
  EXPECT_FALSE(Runs("alucard"));
  EXPECT_TRUE(Runs("bricked"));
  EXPECT_FALSE(host->drivers().switching());
}

TEST_F(PassTest, WhereSwitchingIsOffAReleaseWaits) {
  kernel.SetRunning("bricked", true);
  Apply(Spec("", {"alucard"}));
  ASSERT_TRUE(host->SetSwitching(false).ok());
  Apply({});
  EXPECT_TRUE(Runs("alucard"));
  ASSERT_TRUE(host->SetSwitching(true).ok());
  EXPECT_EQ(Run().report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_FALSE(Runs("alucard"));
  EXPECT_TRUE(Runs("bricked"));
}

TEST_F(PassTest, DriversThatDoNotExistCountAsStopped) {
  v1::NodeSpec spec = Spec("", {"alucard"});
  spec.add_drivers_stopped("mpdecision");
  Apply(spec);
  EXPECT_TRUE(Runs("alucard"));
}

TEST_F(PassTest, ADeviceThatWasRefusedIsNotOurs) {
  fake.FailCpu(3, ENOSPC);
  SetSpec(Spec("3"));
  Run();
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
  fake.SwitchBehindOurBack(3, false);
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

// The write was made: that its effect came late makes it no less ours to put back.
TEST_F(PassTest, ADeviceThatGoesOnlyAfterItsWriteHasFailedIsOurs) {
  fake.SetLying(true);
  SetSpec(Spec("3"));
  EXPECT_EQ(Run().report.items(0).reason(), "NOT_VERIFIED");
  EXPECT_THAT(host->state().baseline().devices(),
              UnorderedElementsAre(Pair("cpu3", v1::DEVICE_STATE_ONLINE)));
  fake.SetLying(false);
  fake.SwitchBehindOurBack(3, false);
  EXPECT_EQ(Run().report.state(), v1::APPLY_STATE_APPLIED);
  Apply({});
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
}

TEST_F(PassTest, AnAgentKilledAsItRecordedDoesNotOwnEveryDriver) {
  v1::AgentState state = host->state();
  (*state.mutable_baseline()->mutable_drivers())["thermal"] = v1::DRIVER_STATE_STOPPED;
  ASSERT_TRUE(host->SaveState(state).ok());
  Apply(Spec("", {"alucard"}));
  kernel.SetRunning("thermal", true);
  Apply({});
  EXPECT_TRUE(Runs("thermal"));
}

TEST_F(PassTest, WhatTheKernelRefusedForGoodIsNotTriedAgain) {
  fake.FailCpu(3, EOPNOTSUPP);
  SetSpec(Spec("2-3"));
  EXPECT_EQ(Run().report.retry(), v1::RETRY_CLASS_PERMANENT);
  const size_t writes = fake.writes().size();
  const PassResult again = Run();
  EXPECT_EQ(fake.writes().size(), writes);
  ASSERT_THAT(again.report.items(), SizeIs(1));
  EXPECT_EQ(again.report.items(0).subject(), "cpu3");
  EXPECT_EQ(again.report.items(0).reason(), "OFFLINE_UNSUPPORTED");
  EXPECT_EQ(again.report.state(), v1::APPLY_STATE_FAILED);
}

TEST_F(PassTest, TellsWhatTheSpecEnforcedAndNotWhatItReleased) {
  SetSpec(Spec("3"));
  EXPECT_THAT(Run().enforced, UnorderedElementsAre(Pair("cpu3", "")));
  SetSpec({});
  const PassResult release = Run();
  EXPECT_TRUE(release.changed);
  EXPECT_THAT(release.enforced, IsEmpty());
}

TEST_F(PassTest, NothingIsTouchedWhereItsBeginningCannotBeNoted) {
  SetSpec(Spec("3", {"alucard"}));
  const PassResult result = RunPass(
      *host, memory_, {.before_change = [] { return absl::ResourceExhaustedError("disk full"); }});
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_THAT(result.report.message(), HasSubstr("disk full"));
  EXPECT_THAT(fake.writes(), IsEmpty());
  EXPECT_FALSE(Runs("alucard"));
}

TEST_F(PassTest, ACoreThatIsHeldOnlineAndIsNotThereIsNamed) {
  v1::NodeSpec spec;
  spec.add_cores_offline("0-0-77");
  Apply(spec);
  spec.clear_cores_offline();
  spec.add_cores_online("0-0-77");
  SetSpec(spec);
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  ASSERT_THAT(result.report.items(), SizeIs(1));
  EXPECT_EQ(result.report.items(0).subject(), "core/0-0-77");
  EXPECT_EQ(result.report.items(0).reason(), "CORE_NOT_FOUND");
}

TEST_F(PassTest, AStoppingAgentLeavesTheRestForLater) {
  SetSpec(Spec("1-3"));
  int asked = 0;
  RunPass(*host, memory_, {.stopped = [&asked] { return ++asked > 1; }});
  EXPECT_EQ(fake.online().size(), 3U);
  Run();
  EXPECT_EQ(fake.online(), CpuSet{0});
}

TEST_F(PassTest, ObservingTouchesNothingAndNamesWhatIsOtherwise) {
  Apply(Spec("2-3"));
  fake.SwitchBehindOurBack(3, true);
  const size_t writes = fake.writes().size();
  const PassResult observed = ObservePass(*host);
  EXPECT_EQ(fake.writes().size(), writes);
  EXPECT_EQ(observed.report.state(), v1::APPLY_STATE_FAILED);
  ASSERT_THAT(observed.report.items(), SizeIs(1));
  EXPECT_EQ(observed.report.items(0).subject(), "cpu3");
  EXPECT_EQ(observed.report.items(0).reason(), "DRIFT");
  EXPECT_EQ(observed.inventory->cpus_online(), "0-1,3");
}

TEST_F(PassTest, ReportsWhenTheTreeCannotBeRead) {
  SetSpec(Spec("3"));
  fake.dir().Remove("sys/devices/system/cpu/online");
  const PassResult result = Run();
  EXPECT_EQ(result.report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_FALSE(result.inventory);
  EXPECT_THAT(result.report.message(), HasSubstr("cpu/online"));
}

// Two cores of two threads (0-1, 2-3); blocks 0 none, 1 kernel, 2 to 7 movable.
class DevicePassTest : public ::testing::Test, protected HostFixture {
 protected:
  DevicePassTest() : HostFixture(AnyNumber(), {.threads_per_core = 2, .blocks = "nkmmmmmm"}) {}

  v1::NodeReport Apply(const v1::NodeSpec& spec) {
    SetSpec(spec);
    return RunPass(*host, memory_, {}).report;
  }

  PassMemory memory_;
};

TEST_F(DevicePassTest, SmtGoesOffAndComesBackWithTheRelease) {
  v1::NodeSpec spec;
  spec.set_smt(v1::SMT_CONTROL_OFF);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 2}));
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  EXPECT_FALSE(host->state().baseline().has_smt());
}

// The kernel wakes no thread of a core that is off as a whole (kernel 2.3).
TEST_F(DevicePassTest, AWholeCoreUnderSmtOffComesBackWithTheRelease) {
  v1::NodeSpec spec;
  spec.set_smt(v1::SMT_CONTROL_OFF);
  spec.set_cpu_offline("2-3");
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), CpuSet{0});
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
}

TEST_F(DevicePassTest, AThreadThatWasOffBeforeSmtStaysOffAfterIt) {
  fake.SwitchBehindOurBack(3, false);
  v1::NodeSpec spec;
  spec.set_smt(v1::SMT_CONTROL_OFF);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(DevicePassTest, ABlockGoesBackToItsZone) {
  v1::NodeSpec spec;
  spec.set_memory_offline("5");
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_THAT(fake.writes(), ElementsAre("memory5=0", "memory5=movable"));
}

TEST_F(DevicePassTest, WhoSwitchesABlockBackAtOnceEndsNoPassInALoop) {
  fake.SetHooks({}, [this](const std::string& write) {
    if (write == "memory7=0") fake.SwitchBlockBehindOurBack(7, true);
  });
  v1::NodeSpec spec;
  spec.set_memory_offline_bytes(uint64_t{128} << 20);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online_blocks().count(6), 0U);
}

TEST_F(DevicePassTest, HeldCpusCountAsParked) {
  v1::NodeSpec spec;
  spec.set_cpu_online_count(2);
  spec.set_cpu_offline("2");
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_THAT(fake.online(), SizeIs(2));
}

// kernel 2.3: whoever turns SMT on wakes the sibling; the pass puts it back.
TEST_F(DevicePassTest, AHeldSiblingStaysOfflineThroughSmt) {
  v1::NodeSpec spec;
  spec.set_smt(v1::SMT_CONTROL_OFF);
  spec.set_cpu_offline("3");
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  spec.clear_smt();
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  fake.SetSmtBehindOurBack("off");
  fake.SetSmtBehindOurBack("on");
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  EXPECT_EQ(RunPass(*host, memory_, {}).report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

TEST_F(DevicePassTest, ACountParksAndALowerOneParksMore) {
  v1::NodeSpec spec;
  spec.set_cpu_online_count(3);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
  spec.set_cpu_online_count(2);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 2}));
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(DevicePassTest, HotAddedDevicesComeUpAndStayWhenThePolicyGoes) {
  v1::NodeSpec spec;
  spec.set_cpu_hot_add(v1::HOT_ADD_ONLINE);
  spec.set_memory_hot_add(v1::HOT_ADD_ONLINE_MOVABLE);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  fake.AddCpu(4);
  fake.AddBlock(40);
  const PassResult added = RunPass(*host, memory_, {});
  EXPECT_EQ(added.report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_THAT(added.enforced, IsEmpty());
  EXPECT_EQ(fake.online().count(4), 1U);
  EXPECT_EQ(fake.online_blocks().count(40), 1U);
  EXPECT_EQ(fake.dir().Read("sys/devices/system/memory/memory40/valid_zones"), "Movable\n");
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online().count(4), 1U);
}

TEST_F(DevicePassTest, HotAddedMemoryThatCameUpElsewhereIsToldAndMendedOnceItIsOffline) {
  v1::NodeSpec spec;
  spec.set_memory_hot_add(v1::HOT_ADD_ONLINE_MOVABLE);
  Apply(spec);
  fake.AddBlock(40);
  fake.SwitchBlockBehindOurBack(40, true);
  for (int i = 0; i < 2; ++i) {
    const v1::NodeReport report = RunPass(*host, memory_, {}).report;
    EXPECT_EQ(report.state(), v1::APPLY_STATE_FAILED);
    ASSERT_THAT(report.items(), SizeIs(1));
    EXPECT_EQ(report.items(0).reason(), "OTHER_ZONE");
  }
  fake.SwitchBlockBehindOurBack(40, false);
  EXPECT_EQ(RunPass(*host, memory_, {}).report.state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.zone_of(40), 'm');
}

TEST_F(DevicePassTest, WhatAPersonTookOfflineIsNoHotAdd) {
  v1::NodeSpec spec;
  spec.set_cpu_hot_add(v1::HOT_ADD_ONLINE);
  Apply(spec);
  fake.SwitchBehindOurBack(3, false);
  RunPass(*host, memory_, {});
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2}));
}

// CPUs that a driver of the agent's own has parked; two cores of two threads (0-1, 2-3).
class ParkedCpusPassTest : public DevicePassTest {
 protected:
  ParkedCpusPassTest() { control_.SetHost(host.get()); }

  void Park(const CpuSet& cpus) {
    Record(cpus);
    for (auto cpu = cpus.rbegin(); cpu != cpus.rend(); ++cpu) {
      ASSERT_TRUE(control_.Change(*cpu, false, SteadyNow() + absl::Seconds(10)).ok());
    }
  }
  void Record(const CpuSet& cpus) {
    ASSERT_EQ(control_.SaveParking("load", {.running = true, .parked = cpus}), absl::OkStatus());
  }
  CpuSet Decided() { return control_.Look()->decided; }
  // As the driver does at its next beat.
  void LetGo() {
    CpuSet parked = control_.LoadParking("load").parked;
    const CpuControl::View view = *control_.Look();
    for (const int cpu : view.cpus.masks.present) {
      if (view.decided.count(cpu) > 0 || view.cpus.masks.online.count(cpu) > 0) parked.erase(cpu);
    }
    Record(parked);
  }

  HostCpuControl control_;
};

TEST_F(ParkedCpusPassTest, APolicyThatWantsOneOfflineBringsItBackWhenItGoes) {
  Park({3});
  v1::NodeSpec spec;
  spec.set_cpu_offline("3");
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(Decided(), CpuSet{3});
  LetGo();
  EXPECT_THAT(control_.LoadParking("load").parked, IsEmpty());
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
  EXPECT_THAT(Decided(), IsEmpty());
}

TEST_F(ParkedCpusPassTest, SoDoesACount) {
  Park({3});
  v1::NodeSpec spec;
  spec.set_cpu_online_count(2);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 2}));
  LetGo();
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 2, 3}));
}

TEST_F(ParkedCpusPassTest, AHoldThatWantsOneOnlineLeavesItSoWhenItGoes) {
  Park({2, 3});
  v1::NodeSpec spec;
  spec.set_cpu_online("3");
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3}));
  LetGo();
  EXPECT_EQ(control_.LoadParking("load").parked, CpuSet{2});
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3}));
  EXPECT_THAT(Decided(), IsEmpty());
}

TEST_F(ParkedCpusPassTest, SmtOffDecidesNothingOfThemAndItsReleaseLosesNone) {
  v1::NodeSpec spec;
  spec.set_smt(v1::SMT_CONTROL_OFF);
  Park({2, 3});
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), CpuSet{0}) << "a parked core is not woken by it";
  EXPECT_THAT(Decided(), IsEmpty()) << "so that the driver can wake the core meanwhile";
  // It wakes what it may, and knows no more of the other.
  ASSERT_TRUE(control_.Change(2, true, SteadyNow() + absl::Seconds(10)).ok());
  Record({});
  ASSERT_TRUE(control_.Change(2, false, SteadyNow() + absl::Seconds(10)).ok());
  Record({2});
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online(), (CpuSet{0, 1, 3})) << "the kernel alone wakes no thread of such a core";
  EXPECT_THAT(Decided(), IsEmpty());
  EXPECT_THAT(host->state().baseline().devices(), IsEmpty());
}

constexpr uint64_t kBlock = uint64_t{128} << 20;

TEST_F(DevicePassTest, AnAmountOfMemoryGoesFromTheTopAndComesBack) {
  v1::NodeSpec spec;
  spec.set_memory_offline_bytes(2 * kBlock);
  EXPECT_EQ(Apply(spec).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_EQ(fake.online_blocks(), (NumberSet{0, 1, 2, 3, 4, 5}));
  EXPECT_THAT(fake.writes(), SizeIs(2));
  RunPass(*host, memory_, {});
  EXPECT_THAT(fake.writes(), SizeIs(2));
  EXPECT_EQ(Apply({}).state(), v1::APPLY_STATE_APPLIED);
  EXPECT_THAT(fake.online_blocks(), SizeIs(8));
}

TEST_F(DevicePassTest, ABlockThatCannotGoIsReplacedByTheNext) {
  fake.Fail("memory7", EBUSY);
  v1::NodeSpec spec;
  spec.set_memory_offline_bytes(2 * kBlock);
  const v1::NodeReport report = Apply(spec);
  EXPECT_EQ(report.state(), v1::APPLY_STATE_APPLIED) << report.DebugString();
  EXPECT_EQ(fake.online_blocks(), (NumberSet{0, 1, 2, 3, 4, 7}));
}

TEST_F(DevicePassTest, AnAmountThatIsNotThereIsSaid) {
  v1::NodeSpec spec;
  spec.set_memory_offline_bytes(7 * kBlock);
  const v1::NodeReport report = Apply(spec);
  EXPECT_EQ(report.state(), v1::APPLY_STATE_FAILED);
  EXPECT_EQ(report.retry(), v1::RETRY_CLASS_CONDITIONAL);
  EXPECT_THAT(report.message(), HasSubstr("768Mi are offline"));
}

TEST_F(DevicePassTest, WithoutMemoryHotplugAnAmountIsRefused) {
  HostFixture plain;
  v1::NodeSpec spec;
  spec.set_memory_offline_bytes(kBlock);
  plain.SetSpec(spec);
  const PassResult result = RunPass(*plain.host, memory_, {});
  ASSERT_THAT(result.report.items(), SizeIs(1));
  EXPECT_EQ(result.report.items(0).reason(), "NO_MEMORY_HOTPLUG");
}

}  // namespace
}  // namespace hotplugger::agent
