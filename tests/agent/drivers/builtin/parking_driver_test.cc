#include "agent/drivers/builtin/parking_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/drivers/builtin/parking_plan.h"
#include "common/error_info.h"
#include "tests/agent/drivers/builtin/parking_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Act = ParkingWish::Act;

class ParkingDriverTest : public ::testing::Test {
 protected:
  absl::Status Start() { return world_.driver->ChangeState(true, Soon()); }
  absl::Status Stop() { return world_.driver->ChangeState(false, Soon()); }
  absl::Time Soon() { return world_.clock.Now() + absl::Seconds(60); }
  static v1::Driver Told(const ParkingWorld& world) {
    v1::Driver driver;
    world.driver->AddDetails(&driver);
    return driver;
  }
  v1::Driver Told() { return Told(world_); }
  // The last one.
  std::string Decision() {
    const v1::Driver told = Told();
    return told.decisions().empty() ? "" : told.decisions(0).text();
  }

  // Four cores of two threads: CPU n and n + 4.
  testing::FakeCpuControl cpus_{8, 2};
  ParkingWorld world_{"load", cpus_};
};

TEST_F(ParkingDriverTest, ParksWholeCoresSecondThreadFirst) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  EXPECT_THAT(cpus_.TakeChanges(), ElementsAre("cpu7=0", "cpu3=0"));
  EXPECT_EQ(Decision(), "parked CPUs 3,7: as scripted");
  EXPECT_THAT(Told().detail(), HasSubstr("2 of 8 CPUs parked (3,7)"));
}

TEST_F(ParkingDriverTest, WakesTheLastParkedFirst) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  world_.Beat(Act::kPark);
  cpus_.TakeChanges();
  world_.Beat(Act::kWake);
  EXPECT_THAT(cpus_.TakeChanges(), ElementsAre("cpu2=1", "cpu6=1"));
  world_.Beat(Act::kWake, 5);
  EXPECT_THAT(cpus_.offline(), IsEmpty());
}

TEST_F(ParkingDriverTest, KeepsItsFloors) {
  ASSERT_EQ(Start(), absl::OkStatus());
  for (int i = 0; i < 10; ++i) world_.Beat(Act::kPark);
  EXPECT_EQ(cpus_.offline().size(), 4u) << "half, and no more";
  EXPECT_EQ(world_.rule->state.next_core_threads, 0);
}

TEST_F(ParkingDriverTest, StoppedItGivesBackWhatItParkedAndNothingElse) {
  cpus_.view().cpus.masks.online.erase(1);
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  ASSERT_EQ(Stop(), absl::OkStatus());
  EXPECT_EQ(cpus_.offline(), CpuSet{1});
  EXPECT_FALSE(*world_.driver->IsRunning());
  EXPECT_FALSE(world_.ticker->beats());
  EXPECT_FALSE(cpus_.LoadParking("load").running);
}

TEST_F(ParkingDriverTest, WhereACpuDoesNotComeBackItHasNotStopped) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  cpus_.SetHook([](int cpu, bool online, absl::Time) {
    return cpu == 3 && online ? absl::InternalError("it is broken") : absl::OkStatus();
  });
  EXPECT_EQ(ErrorReason(Stop()), "CPUS_NOT_GIVEN_BACK");
  EXPECT_TRUE(*world_.driver->IsRunning());
  EXPECT_TRUE(world_.ticker->beats());
  cpus_.SetHook(nullptr);
  EXPECT_EQ(Stop(), absl::OkStatus());
  EXPECT_THAT(cpus_.offline(), IsEmpty());
}

TEST_F(ParkingDriverTest, HoldsOffWhileAnotherConflictsAndGivesBack) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  world_.conflicts = std::vector<std::string>{"bricked"};
  world_.Beat(Act::kPark);
  EXPECT_THAT(cpus_.offline(), IsEmpty());
  EXPECT_TRUE(*world_.driver->IsRunning());
  EXPECT_EQ(Told().detail(), "holds off: bricked runs and is in conflict with load");
  EXPECT_THAT(Decision(), AllOf(HasSubstr("gave back CPUs 3,7"), HasSubstr("bricked")));
  const int begins = world_.rule->begins;
  world_.conflicts = std::vector<std::string>();
  world_.rule->wishes.clear();
  world_.Beat(Act::kNothing);
  EXPECT_EQ(Decision(), "goes on: no other driver is in conflict any more");
  EXPECT_EQ(world_.rule->begins, begins + 1) << "what was measured before counts no more";
}

TEST_F(ParkingDriverTest, NotToKnowWhetherAnotherRunsCountsAsAConflict) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.conflicts = absl::FailedPreconditionError("bricked can't be asked");
  world_.Beat(Act::kPark);
  EXPECT_THAT(cpus_.offline(), IsEmpty());
  EXPECT_THAT(Told().detail(), HasSubstr("holds off: bricked can't be asked"));
}

TEST_F(ParkingDriverTest, ACoreThatGoesHalfwayIsBroughtBackAndLeftInPeaceAWhile) {
  ASSERT_EQ(Start(), absl::OkStatus());
  cpus_.SetHook([](int cpu, bool online, absl::Time) {
    return cpu == 3 && !online ? absl::FailedPreconditionError("a limit") : absl::OkStatus();
  });
  world_.Beat(Act::kPark);
  EXPECT_THAT(cpus_.TakeChanges(), ElementsAre("cpu7=0", "cpu3=0", "cpu7=1"));
  EXPECT_EQ(Decision(), "could not park CPUs 3,7 (as scripted): a limit");
  EXPECT_THAT(cpus_.LoadParking("load").parked, IsEmpty());
  world_.Beat(Act::kNothing);
  EXPECT_EQ(world_.rule->state.next_core_threads, 0);
  world_.clock.Advance(ParkingDriver::kRefusalPause);
  world_.Beat(Act::kNothing);
  EXPECT_EQ(world_.rule->state.next_core_threads, 2);
}

// What the writer answers while an act hangs: that one, and all that come after it.
absl::Status Hangs(absl::string_view reason) {
  return MakeError(absl::StatusCode::kDeadlineExceeded, std::string(reason), "it hangs");
}

TEST_F(ParkingDriverTest, ACoreThatHangsHalfwayIsItsOwnUntilItIsBack) {
  ASSERT_EQ(Start(), absl::OkStatus());
  bool hangs = false;
  cpus_.SetHook([&hangs](int cpu, bool online, absl::Time) {
    if (hangs) return Hangs("QUEUE_BLOCKED");
    hangs = cpu == 3 && !online;
    return hangs ? Hangs("STUCK") : absl::OkStatus();
  });
  world_.Beat(Act::kPark);
  EXPECT_EQ(cpus_.offline(), CpuSet{7});
  // CPU 3 is online still; that is no proof that it stays so.
  for (int beat = 0; beat < 3; ++beat) {
    world_.clock.Advance(CpusToReturn::kLongestPause);
    world_.Beat(Act::kNothing);
    EXPECT_EQ(cpus_.LoadParking("load").parked, (CpuSet{3, 7}));
  }
  EXPECT_THAT(Told().detail(), HasSubstr("CPUs 3,7 are still to come back"));
  EXPECT_EQ(world_.rule->state.next_core_threads, 2) << "of another core";
  cpus_.view().cpus.masks.online.erase(3);
  hangs = false;
  world_.clock.Advance(CpusToReturn::kLongestPause);
  world_.Beat(Act::kNothing);
  EXPECT_THAT(cpus_.offline(), IsEmpty());
  EXPECT_EQ(Decision(), "gave back CPUs 3,7 at last");
  EXPECT_THAT(cpus_.LoadParking("load").parked, IsEmpty());
}

TEST_F(ParkingDriverTest, WhileAnActHangsNoOtherIsTried) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  int tries = 0;
  cpus_.SetHook([&tries](int, bool, absl::Time) {
    ++tries;
    return Hangs("STUCK");
  });
  EXPECT_EQ(ErrorReason(Stop()), "CPUS_NOT_GIVEN_BACK");
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(cpus_.LoadParking("load").parked, (CpuSet{3, 7}));
}

// As of one that is broken: each try leaves a line in the journal.
TEST_F(ParkingDriverTest, ACpuThatDoesNotComeBackIsTriedLessAndLessOften) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  int tries = 0;
  cpus_.SetHook([&tries](int, bool, absl::Time) {
    ++tries;
    return absl::InternalError("it is broken");
  });
  world_.Beat(Act::kWake);
  EXPECT_THAT(Decision(), HasSubstr("could not wake CPUs 3,7"));
  for (int second = 0; second < 3600; ++second) {
    world_.clock.Advance(absl::Seconds(1));
    world_.Beat(Act::kNothing);
  }
  EXPECT_GT(tries / 2, 12);
  EXPECT_LT(tries / 2, 30);
  cpus_.SetHook(nullptr);
  world_.clock.Advance(CpusToReturn::kLongestPause);
  world_.Beat(Act::kNothing);
  EXPECT_THAT(cpus_.offline(), IsEmpty()) << "though no wish asked for it again";
}

TEST_F(ParkingDriverTest, AThreadThatSmtForbidsComesBackOnceItMay) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  cpus_.view().cpus.smt.set_control(v1::SMT_CONTROL_OFF);
  world_.Beat(Act::kWake);
  EXPECT_EQ(cpus_.offline(), CpuSet{7});
  EXPECT_EQ(cpus_.LoadParking("load").parked, CpuSet{7});
  ASSERT_EQ(Stop(), absl::OkStatus());
  EXPECT_EQ(cpus_.LoadParking("load"), (ParkingRecord{.running = false, .parked = {7}}));
  cpus_.view().cpus.smt.set_control(v1::SMT_CONTROL_ON);
  world_.clock.Advance(CpusToReturn::kLongestPause);
  world_.ticker->Beat();
  EXPECT_THAT(cpus_.offline(), IsEmpty());
  EXPECT_EQ(cpus_.LoadParking("load"), ParkingRecord());
  EXPECT_FALSE(world_.ticker->beats());
}

TEST_F(ParkingDriverTest, EveryCpuThatIsGivenBackHasTimeOfItsOwn) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  world_.Beat(Act::kPark);
  absl::Time deadline;
  cpus_.SetHook([&deadline](int, bool, absl::Time until) {
    deadline = until;
    return absl::OkStatus();
  });
  world_.conflicts = std::vector<std::string>{"bricked"};
  world_.Beat(Act::kNothing);
  EXPECT_EQ(deadline, world_.clock.Now() + 4 * absl::Seconds(10));
}

TEST_F(ParkingDriverTest, WhatCannotBeWrittenDownIsNotParked) {
  ASSERT_EQ(Start(), absl::OkStatus());
  cpus_.FailSaves(absl::ResourceExhaustedError("the disk is full"));
  world_.Beat(Act::kPark);
  EXPECT_THAT(cpus_.offline(), IsEmpty());
  EXPECT_THAT(Decision(), HasSubstr("the disk is full"));
}

TEST_F(ParkingDriverTest, CpusThatSomebodyElseWakesAreNoLongerItsOwn) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  cpus_.view().cpus.masks.online.insert(7);
  world_.Beat(Act::kNothing);
  EXPECT_EQ(Decision(), "CPU 7 came online without this driver");
  cpus_.view().decided.insert(3);
  world_.Beat(Act::kNothing);
  EXPECT_EQ(Decision(), "CPU 3: somebody else's decision now, and left so");
  cpus_.TakeChanges();
  ASSERT_EQ(Stop(), absl::OkStatus());
  EXPECT_THAT(cpus_.TakeChanges(), IsEmpty());
}

TEST_F(ParkingDriverTest, ARestartedAgentGoesOnWhereTheLastEnded) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  world_.driver->Suspend();
  ParkingWorld next("load", cpus_);
  next.driver->Resume();
  EXPECT_TRUE(*next.driver->IsRunning());
  EXPECT_EQ(cpus_.offline(), (CpuSet{3, 7}));
  next.Beat(Act::kWake);
  EXPECT_THAT(cpus_.offline(), IsEmpty());
}

TEST_F(ParkingDriverTest, OneThatCannotStartAgainGivesBack) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  ParkingWorld next("load", cpus_);
  next.rule->begin_answer = absl::FailedPreconditionError("nothing to measure");
  next.driver->Resume();
  EXPECT_FALSE(*next.driver->IsRunning());
  EXPECT_THAT(cpus_.offline(), IsEmpty());
}

TEST_F(ParkingDriverTest, WhatAnEarlierAgentParkedIsTriedUntilItIsBackThoughNothingRuns) {
  ASSERT_EQ(cpus_.SaveParking("load", {.running = false, .parked = {3, 7}}), absl::OkStatus());
  for (const int cpu : {3, 7}) cpus_.view().cpus.masks.online.erase(cpu);
  cpus_.SetHook([](int cpu, bool, absl::Time) {
    return cpu == 3 ? absl::FailedPreconditionError("not now") : absl::OkStatus();
  });
  world_.driver->Resume();
  EXPECT_FALSE(*world_.driver->IsRunning());
  EXPECT_EQ(cpus_.LoadParking("load"), (ParkingRecord{.running = false, .parked = {3}}));
  EXPECT_EQ(Told().detail(), "CPU 3 is still to come back");
  cpus_.SetHook(nullptr);
  world_.clock.Advance(CpusToReturn::kFirstPause);
  world_.ticker->Beat();
  EXPECT_THAT(cpus_.offline(), IsEmpty());
  EXPECT_EQ(cpus_.LoadParking("load"), ParkingRecord());
  EXPECT_EQ(Told().detail(), "");
  EXPECT_FALSE(world_.ticker->beats());
}

TEST_F(ParkingDriverTest, AStartForgetsNothingThatIsStillToComeBack) {
  ASSERT_EQ(cpus_.SaveParking("load", {.running = false, .parked = {3, 7}}), absl::OkStatus());
  for (const int cpu : {3, 7}) cpus_.view().cpus.masks.online.erase(cpu);
  cpus_.SetHook([](int, bool, absl::Time) { return absl::FailedPreconditionError("not now"); });
  world_.driver->Resume();
  ASSERT_EQ(Start(), absl::OkStatus());
  EXPECT_EQ(cpus_.LoadParking("load"), (ParkingRecord{.running = true, .parked = {3, 7}}));
  cpus_.SetHook(nullptr);
  ASSERT_EQ(Stop(), absl::OkStatus());
  EXPECT_THAT(cpus_.offline(), IsEmpty());
}

// Somebody's call can be in the queue before the agent's own first task.
TEST_F(ParkingDriverTest, StartedOrStoppedBeforeItResumesItKnowsTheRecordAllTheSame) {
  for (const bool start : {true, false}) {
    ASSERT_EQ(cpus_.SaveParking("load", {.running = true, .parked = {3, 7}}), absl::OkStatus());
    for (const int cpu : {3, 7}) cpus_.view().cpus.masks.online.erase(cpu);
    ParkingWorld next("load", cpus_);
    ASSERT_EQ(next.driver->ChangeState(start, Soon()), absl::OkStatus());
    next.driver->Resume();
    EXPECT_EQ(*next.driver->IsRunning(), start);
    EXPECT_EQ(cpus_.LoadParking("load").parked.size(), start ? 2u : 0u);
    ASSERT_EQ(next.driver->ChangeState(false, Soon()), absl::OkStatus());
    EXPECT_THAT(cpus_.offline(), IsEmpty());
  }
}

TEST_F(ParkingDriverTest, KilledBetweenItsNoteAndTheCpuItGivesBackAllThatItNoted) {
  // Noted, and only one of the two gone.
  ASSERT_EQ(cpus_.SaveParking("load", {.running = false, .parked = {3, 7}}), absl::OkStatus());
  cpus_.view().cpus.masks.online.erase(7);
  world_.driver->Resume();
  EXPECT_FALSE(*world_.driver->IsRunning());
  EXPECT_THAT(cpus_.offline(), IsEmpty());
}

TEST_F(ParkingDriverTest, ADryRunWritesDownWhatItWouldDoAndDoesNothing) {
  ParkingWorld dry("load", cpus_, {.dry_run = true});
  ASSERT_EQ(dry.driver->ChangeState(true, Soon()), absl::OkStatus());
  dry.Beat(Act::kPark);
  dry.Beat(Act::kPark);
  EXPECT_THAT(cpus_.TakeChanges(), IsEmpty());
  const auto decisions = Told(dry).decisions();
  ASSERT_EQ(decisions.size(), 2);
  EXPECT_TRUE(decisions[0].dry_run());
  EXPECT_EQ(decisions[0].text(), "parked CPUs 2,6: as scripted") << "as if 3 and 7 were gone";
  EXPECT_THAT(Told(dry).detail(), HasSubstr("dry run, would have 4 of 8 CPUs parked"));
  ASSERT_EQ(dry.driver->ChangeState(false, Soon()), absl::OkStatus());
  EXPECT_THAT(cpus_.TakeChanges(), IsEmpty());
}

TEST_F(ParkingDriverTest, WhatADryRunImaginesIsNotWrittenDownAsParked) {
  ParkingWorld dry("load", cpus_, {.dry_run = true});
  ASSERT_EQ(dry.driver->ChangeState(true, Soon()), absl::OkStatus());
  dry.Beat(Act::kPark);
  dry.Beat(Act::kPark);
  cpus_.view().decided.insert(3);
  dry.Beat(Act::kNothing);
  EXPECT_EQ(cpus_.LoadParking("load"), (ParkingRecord{.running = true, .parked = {}}));
}

TEST_F(ParkingDriverTest, ADryRunGivesBackWhatWasParkedInEarnest) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.Beat(Act::kPark);
  cpus_.SetHook([](int, bool, absl::Time) { return absl::FailedPreconditionError("not now"); });
  ParkingWorld dry("load", cpus_, {.dry_run = true});
  dry.driver->Resume();
  EXPECT_TRUE(*dry.driver->IsRunning());
  EXPECT_EQ(cpus_.LoadParking("load").parked, (CpuSet{3, 7}));
  cpus_.SetHook(nullptr);
  dry.clock.Advance(CpusToReturn::kFirstPause);
  dry.Beat(Act::kPark);
  EXPECT_THAT(cpus_.offline(), IsEmpty());
  EXPECT_THAT(cpus_.LoadParking("load").parked, IsEmpty());
}

TEST_F(ParkingDriverTest, WhatCannotBeMeasuredIsSaidAndNothingIsDone) {
  ASSERT_EQ(Start(), absl::OkStatus());
  world_.rule->wishes.push_back(absl::InternalError("proc/stat is garbage"));
  world_.ticker->Beat();
  EXPECT_EQ(Told().detail(), "can't decide: proc/stat is garbage");
}

TEST_F(ParkingDriverTest, KeepsTheLastDecisionsAlone) {
  ASSERT_EQ(Start(), absl::OkStatus());
  for (int i = 0; i < 20; ++i) {
    world_.Beat(Act::kPark);
    world_.Beat(Act::kWake);
  }
  EXPECT_EQ(Told().decisions_size(), static_cast<int>(ParkingDriver::kMaxDecisions));
}

class ParkingPlanTest : public ::testing::Test {
 protected:
  CpuSet Next(const CpuSet& parked = {}) { return NextCoreToPark(cpus_.view(), parked, settings_); }

  testing::FakeCpuControl cpus_{8, 2};
  ParkingSettings settings_{.min_online_cpus = 2, .max_parked_percent = 100};
};

TEST_F(ParkingPlanTest, CoresWithAThreadThatCannotGoOrIsDecidedStay) {
  EXPECT_EQ(Next(), (CpuSet{3, 7}));
  cpus_.view().decided = {7};
  EXPECT_EQ(Next(), (CpuSet{2, 6}));
  cpus_.view().cpus.hotpluggable.erase(2);
  EXPECT_EQ(Next(), (CpuSet{1, 5}));
}

TEST_F(ParkingPlanTest, ACoreOfWhichOneThreadIsOfflineGoesWithTheOther) {
  cpus_.view().cpus.masks.online.erase(7);
  EXPECT_EQ(Next(), CpuSet{3});
}

TEST_F(ParkingPlanTest, FloorsOfNumberAndShare) {
  settings_.min_online_cpus = 7;
  EXPECT_THAT(Next(), IsEmpty());
  settings_.min_online_cpus = 6;
  EXPECT_EQ(Next(), (CpuSet{3, 7}));
  settings_.max_parked_percent = 24;
  EXPECT_THAT(Next(), IsEmpty());
  settings_.max_parked_percent = 25;
  EXPECT_EQ(Next(), (CpuSet{3, 7}));
  EXPECT_THAT(Next({1}), IsEmpty());
}

TEST_F(ParkingPlanTest, TheFirstCoreStays) {
  for (const CpuSet& core : {CpuSet{3, 7}, CpuSet{2, 6}, CpuSet{1, 5}}) {
    EXPECT_EQ(Next(), core);
    for (const int cpu : core) cpus_.view().cpus.masks.online.erase(cpu);
  }
  EXPECT_THAT(Next(), IsEmpty());
}

TEST_F(ParkingPlanTest, CoresWakeInTheReverseOrder) {
  EXPECT_THAT(CoresToWake(cpus_.view(), {1, 5, 3, 7, 2, 6}),
              ElementsAre(CpuSet{1, 5}, CpuSet{2, 6}, CpuSet{3, 7}));
  EXPECT_THAT(CoresToWake(cpus_.view(), {}), IsEmpty());
}

}  // namespace
}  // namespace hotplugger::agent
