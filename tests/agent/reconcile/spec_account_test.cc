#include "agent/reconcile/spec_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/devices/rules/item_result.h"
#include "agent/reconcile/drift.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr absl::Time kNow = absl::FromUnixSeconds(1000);
constexpr absl::Time kWall = absl::FromUnixSeconds(1'700'000'000);
constexpr absl::Duration kDelay = absl::Seconds(3);

v1::ItemResult Item(const std::string& subject, v1::Outcome outcome,
                    const std::string& reason = "") {
  v1::ItemResult item = DoneItem(subject, outcome);
  item.set_reason(reason);
  item.set_message(reason);
  return item;
}

class SpecAccountTest : public ::testing::Test {
 protected:
  SpecAccountTest() { account_.NoteSpec("spec"); }

  // `enforced`: subjects that the pass has brought to their state, done by `actor` otherwise.
  PassResult Result(std::vector<v1::ItemResult> items,
                    const std::vector<std::string>& enforced = {}) {
    PassResult result;
    result.report.set_digest("spec");
    result.report.set_state(v1::APPLY_STATE_APPLIED);
    for (v1::ItemResult& item : items) {
      if (!Succeeded(item)) result.report.set_state(v1::APPLY_STATE_FAILED);
      *result.report.add_items() = std::move(item);
    }
    for (const std::string& subject : enforced) result.enforced[subject] = "person";
    return result;
  }

  PassOutcome Pass(PassResult result) {
    const PassOutcome outcome = account_.NotePass(&result, kNow, kWall);
    account_.Complete(kNow, kDelay, /*awaits_confirmation=*/false, &result.report);
    report_ = result.report;
    return outcome;
  }

  PassOutcome Enforce() { return Pass(Result({Item("cpu3", v1::OUTCOME_CHANGED)}, {"cpu3"})); }

  AgentCounters counters_;
  SpecAccount account_{counters_};
  v1::NodeReport report_;
};

TEST_F(SpecAccountTest, WhatTheFirstPassDoesIsNoReversionWhatALaterOneDoesAgainIs) {
  EXPECT_FALSE(Enforce().reverted);
  EXPECT_EQ(report_.drift_count(), 0);
  EXPECT_TRUE(Enforce().reverted);
  EXPECT_EQ(report_.drift_count(), 1);
  ASSERT_EQ(report_.drift_counts_size(), 1);
  EXPECT_EQ(report_.drift_counts(0).actor(), "person");
  EXPECT_TRUE(account_.NoteSpec("other"));
  EXPECT_FALSE(account_.NoteSpec("other"));
  EXPECT_FALSE(Enforce().reverted);
  EXPECT_EQ(report_.drift_count(), 0);
}

TEST_F(SpecAccountTest, WhatHadFailedWasNotSoYet) {
  EXPECT_FALSE(Pass(Result({Item("cpu3", v1::OUTCOME_FAILED)})).reverted);
  EXPECT_FALSE(Enforce().reverted);
}

TEST_F(SpecAccountTest, WhoKeepsSwitchingBackIsNamedWithTheDelayThatItCosts) {
  Enforce();
  for (size_t i = 1; i < ConflictTracker::kReversions; ++i) {
    Enforce();
    EXPECT_EQ(report_.items(0).reason(), "");
  }
  Enforce();
  EXPECT_EQ(report_.items(0).reason(), "CONFLICT");
  EXPECT_THAT(report_.items(0).message(), HasSubstr("3s"));
}

TEST_F(SpecAccountTest, TellsWhatAnEarlierPassDid) {
  Enforce();
  Pass(Result({}));
  ASSERT_THAT(report_.items(), SizeIs(1));
  EXPECT_EQ(report_.items(0).outcome(), v1::OUTCOME_CHANGED);
}

TEST_F(SpecAccountTest, SaysHowAPassEnded) {
  EXPECT_FALSE(Pass(Result({})).disputed);
  EXPECT_TRUE(Pass(Result({Item("cpu3", v1::OUTCOME_FAILED, "NOT_VERIFIED")})).disputed);
  EXPECT_TRUE(Pass(Result({Item("driver/load", v1::OUTCOME_UNDONE)})).disputed);
  account_.NoteSpec("other");
  EXPECT_FALSE(Pass(Result({Item("driver/load", v1::OUTCOME_UNDONE)})).disputed)
      << "the first pass of a spec undoes for no one";
  PassResult failed = Result({Item("cpu3", v1::OUTCOME_FAILED)});
  failed.report.set_retry(v1::RETRY_CLASS_PERMANENT);
  EXPECT_FALSE(Pass(failed).transient);
  failed.report.set_retry(v1::RETRY_CLASS_TRANSIENT);
  EXPECT_TRUE(Pass(failed).transient);
}

TEST_F(SpecAccountTest, ALookKeepsWhatThePassDidAndCouldNotDo) {
  Pass(Result({Item("cpu2", v1::OUTCOME_FAILED, "EBUSY"), Item("cpu3", v1::OUTCOME_CHANGED)}));
  PassResult look = Result({Item("cpu2", v1::OUTCOME_FAILED, "DRIFT")});
  look.report.set_state(v1::APPLY_STATE_APPLIED);
  look.drift.push_back(MakeDrift("cpu1", "offline", "online", "person"));
  account_.NoteLook(&look, kWall);
  account_.Complete(kNow, kDelay, true, &look.report);
  EXPECT_EQ(look.report.state(), v1::APPLY_STATE_FAILED);
  ASSERT_THAT(look.report.items(), SizeIs(2));
  EXPECT_EQ(look.report.items(0).reason(), "EBUSY") << "it failed, and was not switched back";
  EXPECT_EQ(look.report.message(), "cpu2: EBUSY");
  ASSERT_THAT(look.report.drift(), SizeIs(1));
  EXPECT_EQ(look.report.drift(0).since_time().seconds(), 1'700'000'000);
  EXPECT_TRUE(look.report.awaits_confirmation());
  EXPECT_FALSE(account_.Confirmed().awaits_confirmation());
  EXPECT_THAT(account_.Confirmed().items(), SizeIs(2));
}

TEST_F(SpecAccountTest, ABeginningTellsWhatIsKnownOfThatSpec) {
  Enforce();
  Enforce();
  const v1::NodeReport same = account_.Applying("spec", true);
  EXPECT_EQ(same.state(), v1::APPLY_STATE_APPLYING);
  EXPECT_EQ(same.drift_count(), 1);
  EXPECT_THAT(same.items(), SizeIs(1));
  EXPECT_TRUE(same.awaits_confirmation());
  const v1::NodeReport other = account_.Applying("other", true);
  EXPECT_EQ(other.digest(), "other");
  EXPECT_EQ(other.drift_count(), 0);
  EXPECT_THAT(other.items(), SizeIs(0));
  EXPECT_FALSE(other.awaits_confirmation()) << "its window has yet to begin";
}

}  // namespace
}  // namespace hotplugger::agent
