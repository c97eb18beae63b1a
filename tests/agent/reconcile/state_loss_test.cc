#include "agent/reconcile/state_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "agent/devices/rules/item_result.h"
#include "agent/reconcile/conditions.h"
#include "agent/reconcile/spec_trial.h"
#include "common/error_info.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using From = StateStore::Loaded::From;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr auto kOn = v1::DEVICE_STATE_ONLINE;
constexpr auto kOff = v1::DEVICE_STATE_OFFLINE;

class StateLossTest : public ::testing::Test {
 protected:
  void OpenJournal(const std::string& boot = "boot-1") {
    journal_.reset();
    journal_ = *Journal::Open(dir_.path(), boot, clock_);
  }

  void Act(const DeviceBefore& before, v1::DeviceState wanted,
           OperationOrigin origin = OperationOrigin::kDecision) {
    const auto id = journal_->Begin(before, wanted, 0, origin);
    ASSERT_TRUE(id.ok());
    ASSERT_TRUE(journal_->End(*id, DoneItem(before.device, v1::OUTCOME_CHANGED)).ok());
  }
  void TakeOffline(const std::string& device, OperationOrigin origin = OperationOrigin::kDecision) {
    Act({.device = device, .state = kOn, .zone = {}}, kOff, origin);
  }

  // An agent of this boot has done things, and the next one finds its journal.
  void Restart() { OpenJournal(); }

  std::string Mend(From from, absl::Status damage = absl::OkStatus()) {
    const auto loss =
        MendState({.state = state_, .from = from, .damage = std::move(damage)}, *journal_, &state_);
    message_ = loss ? loss->message : "";
    return loss ? loss->condition : "";
  }

  static absl::Status Damage() {
    return MakeError(absl::StatusCode::kDataLoss, "STATE_DAMAGED", "state is damaged");
  }

  const v1::Baseline& baseline() const { return state_.baseline(); }

  testing::TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<Journal> journal_;
  v1::AgentState state_;
  std::string message_;
};

TEST_F(StateLossTest, AFirstStartHasNothingToLose) {
  OpenJournal();
  EXPECT_EQ(Mend(From::kNowhere), "");
  Restart();
  EXPECT_EQ(Mend(From::kNowhere), "") << "the first agent died before it had done anything";
  EXPECT_FALSE(IsSpecLost(state_));
}

TEST_F(StateLossTest, WhatWasSavedLastIsNotTouched) {
  OpenJournal();
  TakeOffline("cpu3");
  EXPECT_EQ(Mend(From::kLatest), "");
  EXPECT_THAT(baseline().devices(), SizeIs(0));
}

TEST_F(StateLossTest, TheJournalTellsHowDevicesWere) {
  OpenJournal();
  TakeOffline("cpu3");
  TakeOffline("cpu2", OperationOrigin::kDriver);
  TakeOffline("cpu1", OperationOrigin::kPerson);
  TakeOffline("smt");
  Act({.device = "memory4", .state = kOn, .zone = v1::MEMORY_ZONE_MOVABLE}, kOff);
  Act({.device = "memory5", .state = kOff, .zone = {}}, kOn);
  Restart();
  EXPECT_EQ(Mend(From::kNowhere, Damage()), kBaselineRebuilt);
  EXPECT_THAT(message_, HasSubstr("state is damaged"));
  EXPECT_THAT(message_, HasSubstr("cpu2, cpu3, memory4, smt will be online again"));
  ASSERT_THAT(baseline().devices(), SizeIs(3));
  EXPECT_EQ(baseline().devices().at("cpu3"), kOn);
  EXPECT_EQ(baseline().devices().at("cpu2"), kOn);
  EXPECT_EQ(baseline().zones().at("memory4"), v1::MEMORY_ZONE_MOVABLE);
  EXPECT_EQ(baseline().smt().control(), v1::SMT_CONTROL_ON);
  EXPECT_EQ(baseline().cpus_seen_online(), "1-3") << "else cpu1 would be taken for hot-added";
  EXPECT_EQ(baseline().memory_seen_online(), "4-5");
  EXPECT_TRUE(IsSpecLost(state_));
}

TEST_F(StateLossTest, SoItDoesWhereTheFileIsSimplyGone) {
  OpenJournal();
  TakeOffline("cpu3");
  Restart();
  EXPECT_EQ(Mend(From::kNowhere), kBaselineRebuilt);
  EXPECT_EQ(baseline().devices().at("cpu3"), kOn);
}

TEST_F(StateLossTest, ThePreviousStateIsMendedByTheJournalAndHasTheLastWord) {
  (*state_.mutable_baseline()->mutable_devices())["cpu3"] = kOff;
  state_.mutable_baseline()->set_cpus_seen_online("0");
  OpenJournal();
  TakeOffline("cpu3");
  TakeOffline("cpu2");
  Restart();
  EXPECT_EQ(Mend(From::kPrevious, Damage()), kStateRestored);
  EXPECT_THAT(message_, HasSubstr("state is damaged"));
  EXPECT_EQ(baseline().devices().at("cpu3"), kOff);
  EXPECT_EQ(baseline().devices().at("cpu2"), kOn);
  EXPECT_EQ(baseline().cpus_seen_online(), "0,2-3");
  EXPECT_FALSE(IsSpecLost(state_));
}

TEST_F(StateLossTest, WithoutAJournalNothingIsKnown) {
  OpenJournal();
  EXPECT_EQ(Mend(From::kNowhere, Damage()), kBaselineLost);
  EXPECT_THAT(message_, HasSubstr("stays offline"));
}

// The reboot has brought all of it back.
TEST_F(StateLossTest, ADamagedFileOfAnotherBootLosesNoBaseline) {
  OpenJournal("boot-0");
  TakeOffline("cpu3");
  OpenJournal("boot-1");
  EXPECT_EQ(Mend(From::kNowhere, Damage()), "");
  EXPECT_THAT(baseline().devices(), SizeIs(0));
}

TEST_F(StateLossTest, OfManyDevicesSomeAreNamed) {
  OpenJournal();
  for (int cpu = 1; cpu <= 99; ++cpu) TakeOffline(absl::StrCat("cpu", cpu));
  Restart();
  EXPECT_EQ(Mend(From::kNowhere, Damage()), kBaselineRebuilt);
  EXPECT_THAT(message_, HasSubstr(" and 83 more will be"));
  EXPECT_THAT(message_, Not(HasSubstr("cpu99")));
  EXPECT_THAT(baseline().devices(), SizeIs(99));
}

// It was given up on purpose (on_release: leave), or by a person: the state knew, and has no
// record.
TEST_F(StateLossTest, WhatThePreviousStateKnewOfIsNotAdded) {
  OpenJournal();
  TakeOffline("cpu3");
  state_.set_journal_operation(static_cast<int64_t>(journal_->last_operation()));
  TakeOffline("cpu2");
  Restart();
  EXPECT_EQ(Mend(From::kPrevious, Damage()), kStateRestored);
  ASSERT_THAT(baseline().devices(), SizeIs(1));
  EXPECT_EQ(baseline().devices().at("cpu2"), kOn);
}

TEST_F(StateLossTest, AJournalThatWasBegunAnewSinceIsAllLater) {
  OpenJournal();
  TakeOffline("cpu3");
  state_.set_journal_operation(500);
  Restart();
  EXPECT_EQ(Mend(From::kPrevious, Damage()), kStateRestored);
  EXPECT_THAT(baseline().devices(), SizeIs(1));
}

// Its driver gives it back, or goes on.
TEST_F(StateLossTest, WhatADriverHasParkedIsItsOwn) {
  (*state_.mutable_builtin_drivers())["load"].set_parked_cpus("2");
  OpenJournal();
  TakeOffline("cpu2", OperationOrigin::kDriver);
  TakeOffline("cpu3", OperationOrigin::kDriver);
  Restart();
  EXPECT_EQ(Mend(From::kPrevious, Damage()), kStateRestored);
  ASSERT_THAT(baseline().devices(), SizeIs(1));
  EXPECT_EQ(baseline().devices().at("cpu3"), kOn);
}

}  // namespace
}  // namespace hotplugger::agent
