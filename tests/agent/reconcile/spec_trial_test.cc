#include "agent/reconcile/spec_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/version.h"
#include "tests/agent/reconcile/host_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;

constexpr char kBoot[] = "boot-1";
const PassEnd kWhole = {.applied = true, .carried_out = true, .unapplied = {}};
const PassEnd kInPart = {.applied = false, .carried_out = true, .unapplied = {"cpu2"}};

v1::Spec SpecOf(const std::string& digest) {
  v1::Spec spec;
  spec.set_digest(digest);
  spec.set_body(digest + "'s body");
  spec.add_sources()->set_source("policy/" + digest);
  return spec;
}

v1::AgentState Take(const v1::AgentState& state, const std::string& digest,
                    std::optional<absl::Duration> window = std::nullopt) {
  return TakeInForce(state, SpecOf(digest), window, state.baseline());
}

// With "good" in force, applied and good.
v1::AgentState Good() { return *NoteEnd(Take({}, "good"), kWhole, kBoot); }

TEST(SpecTrialTest, ASpecIsGoodOnceItIsApplied) {
  const v1::AgentState taken = Take(Good(), "new");
  EXPECT_EQ(taken.trial().last_good().digest(), "good");
  EXPECT_EQ(taken.trial().last_good().sources(0).source(), "policy/good");
  EXPECT_EQ(taken.carried_out_in_boot(), "");
  EXPECT_EQ(NoteEnd(taken, {}, kBoot), std::nullopt);
  const v1::AgentState applied = *NoteEnd(taken, kWhole, kBoot);
  EXPECT_FALSE(applied.has_trial());
  EXPECT_EQ(applied.spec_digest(), "new");
  EXPECT_EQ(applied.carried_out_in_boot(), kBoot);
  EXPECT_EQ(NoteEnd(applied, kWhole, kBoot), std::nullopt) << "nothing new is not saved";
  EXPECT_EQ(NoteEnd(applied, kWhole, "boot-2")->carried_out_in_boot(), "boot-2");
}

TEST(SpecTrialTest, WithAWindowItMustBeConfirmedToo) {
  v1::AgentState state = Take(Good(), "new", absl::Seconds(30));
  EXPECT_EQ(ConfirmWindow(state), absl::Seconds(30));
  state = *NoteEnd(state, kWhole, kBoot);
  EXPECT_TRUE(state.trial().applied());
  EXPECT_EQ(NoteConfirmation(state, "other"), std::nullopt);
  state = *NoteConfirmation(state, "new");
  EXPECT_FALSE(state.has_trial());
  EXPECT_EQ(ConfirmWindow(state), std::nullopt);
}

TEST(SpecTrialTest, AConfirmedFailureIsStillOnTrial) {
  v1::AgentState state = Take(Good(), "new", absl::Seconds(30));
  state = *NoteConfirmation(state, "new");
  EXPECT_EQ(ConfirmWindow(state), std::nullopt);
  EXPECT_EQ(state.trial().last_good().digest(), "good");
  EXPECT_FALSE(NoteEnd(state, kWhole, kBoot)->has_trial());
}

// One CPU that is refused for good must not keep the way back at some spec of long ago.
TEST(SpecTrialTest, WhatFailedInPartIsAWayBackOnceItWaitsForNothing) {
  v1::AgentState state = *NoteEnd(Take(Good(), "new", absl::Seconds(30)), kInPart, kBoot);
  EXPECT_EQ(Take(state, "next").trial().last_good().digest(), "good") << "not confirmed yet";
  state = *NoteConfirmation(state, "new");
  EXPECT_EQ(Take(state, "next").trial().last_good().digest(), "new");
  EXPECT_EQ(Revert(Take(state, "next", absl::Seconds(30)), kVersion).spec_digest(), "new");
  const v1::AgentState unconfirmed = *NoteEnd(Take(Good(), "new"), kInPart, kBoot);
  EXPECT_EQ(Take(unconfirmed, "next").trial().last_good().digest(), "new");
  EXPECT_EQ(unconfirmed.trial().last_good().digest(), "good") << "where it kills agents itself";
}

TEST(SpecTrialTest, LastGoodIsTheLastGoodOne) {
  const v1::AgentState state = Take(Take(Good(), "first"), "second", absl::Seconds(30));
  EXPECT_EQ(state.trial().last_good().digest(), "good");
  const v1::AgentState back = Take(state, "good", absl::Seconds(30));
  EXPECT_FALSE(back.has_trial()) << "that has proved good already";
  EXPECT_EQ(back.spec_digest(), "good");
}

TEST(SpecTrialTest, TheSameSpecAgainGoesOnAsItWas) {
  v1::AgentState state = *NoteStart(Take(Good(), "new", absl::Seconds(30)));
  const v1::AgentState again = Take(state, "new");
  EXPECT_EQ(again.trial().DebugString(), state.trial().DebugString());
  EXPECT_EQ(Take(Good(), "good").carried_out_in_boot(), kBoot);
}

TEST(SpecTrialTest, RevertingPutsTheLastGoodOneInForce) {
  const v1::AgentState state =
      Revert(*NoteEnd(Take(Good(), "new", absl::Seconds(30)), kWhole, kBoot), kVersion);
  EXPECT_EQ(state.spec_digest(), "good");
  EXPECT_EQ(state.spec_body(), "good's body");
  EXPECT_EQ(state.spec_sources(0).source(), "policy/good");
  EXPECT_FALSE(state.has_trial());
  EXPECT_EQ(state.carried_out_in_boot(), "") << "it has yet to be put back";
  ASSERT_NE(FindRejection(state, "new"), nullptr);
  EXPECT_EQ(FindRejection(state, "good"), nullptr);
  const v1::NodeReport report = ToReport(state.rejected());
  EXPECT_EQ(report.digest(), "new");
  EXPECT_EQ(report.state(), v1::APPLY_STATE_REVERTED);
  EXPECT_THAT(report.message(), HasSubstr("no controller was reached within 30s"));
  EXPECT_THAT(report.message(), HasSubstr("the last good spec is in force again"));
}

TEST(SpecTrialTest, WithoutALastGoodOneEverythingIsReleased) {
  const v1::AgentState state = Revert(Take({}, "new", absl::Seconds(30)), kVersion);
  EXPECT_EQ(state.spec_digest(), "");
  EXPECT_EQ(state.spec_body(), "");
  EXPECT_THAT(state.rejected().message(), HasSubstr("no earlier spec"));
}

// However many specs come on trial after that.
TEST(SpecTrialTest, WhereTheLastGoodOneWasLostNothingIsReleased) {
  v1::AgentState lost = Good();
  MarkSpecLost(&lost);
  EXPECT_TRUE(IsSpecLost(lost));
  for (const v1::AgentState& state :
       {Revert(Take(lost, "new", absl::Seconds(30)), kVersion),
        Revert(Take(Take(lost, "first"), "new", absl::Seconds(30)), kVersion),
        *QuarantineIfDue(*NoteStart(*NoteStart(Take(lost, "new"))), kVersion)}) {
    EXPECT_TRUE(IsSpecLost(state));
    EXPECT_NE(FindRejection(state, "new"), nullptr);
    EXPECT_THAT(state.rejected().message(), HasSubstr("nothing is released"));
    EXPECT_THAT(state.rejected().message(), ::testing::Not(HasSubstr("put back")));
    EXPECT_TRUE(IsSpecLost(Revert(Take(state, "next", absl::Seconds(30)), kVersion)));
  }
  const v1::AgentState good = *NoteEnd(Take(lost, "new"), kWhole, kBoot);
  EXPECT_EQ(Revert(Take(good, "next", absl::Seconds(30)), kVersion).spec_digest(), "new");
}

TEST(SpecTrialTest, AnotherSpecMakesTheRejectedOneWelcomeAgain) {
  const v1::AgentState reverted = Revert(Take(Good(), "new", absl::Seconds(30)), kVersion);
  EXPECT_NE(FindRejection(reverted, "new"), nullptr);
  EXPECT_EQ(FindRejection(Take(reverted, "third"), "new"), nullptr);
  EXPECT_EQ(FindRejection(Take(reverted, "good"), "new"), nullptr);
}

TEST(SpecTrialTest, OneIsProvenOnceAnAgentHasLivedThroughAPassOfIt) {
  EXPECT_TRUE(IsProven(Good()));
  v1::AgentState state = Take(Good(), "new");
  EXPECT_FALSE(IsProven(state));
  state = *NoteStart(state);
  EXPECT_FALSE(IsProven(state));
  EXPECT_TRUE(IsProven(*NoteEnd(state, kInPart, kBoot)));
}

TEST(SpecTrialTest, WhatIsForgivenIsTriedAnew) {
  v1::AgentState state = Take(Good(), "new");
  for (int i = 0; i < kMaxUnfinishedStarts; ++i) state = *NoteStart(state);
  state = *QuarantineIfDue(state, kVersion);
  const auto forgiven = ForgiveRejection(state, "new");
  ASSERT_TRUE(forgiven.ok() && forgiven->has_value());
  EXPECT_EQ(FindRejection(**forgiven, "new"), nullptr);
  EXPECT_EQ((*forgiven)->spec_digest(), "good") << "until it comes again";
  const v1::AgentState again = Take(**forgiven, "new");
  EXPECT_EQ(again.trial().unfinished_starts(), 0);
  EXPECT_FALSE(QuarantineIfDue(*NoteStart(again), kVersion));
  EXPECT_TRUE((*ForgiveRejection(state, "")).has_value());
  EXPECT_FALSE((*ForgiveRejection(Good(), "new")).has_value()) << "nothing is given up";
  EXPECT_EQ(ErrorReason(ForgiveRejection(state, "other").status()), "NOT_GIVEN_UP");
}

TEST(SpecTrialTest, AnAgentOfAnotherVersionMayTryItAgain) {
  const v1::AgentState reverted = Revert(Take(Good(), "new", absl::Seconds(30)), "1.0");
  EXPECT_NE(FindRejection(ForgetRejectionByAnother(reverted, "1.0"), "new"), nullptr);
  EXPECT_EQ(FindRejection(ForgetRejectionByAnother(reverted, "1.1"), "new"), nullptr);
}

// A baseline that knows of these devices, which were online, and of the switch, which was on.
v1::Baseline Recorded(const std::vector<std::string>& devices, const std::string& boot_id = kBoot) {
  v1::Baseline baseline;
  baseline.set_boot_id(boot_id);
  baseline.set_switching(v1::SWITCH_ON);
  for (const std::string& device : devices) {
    (*baseline.mutable_devices())[device] = v1::DEVICE_STATE_ONLINE;
  }
  return baseline;
}

TEST(SpecTrialTest, TheWayBackRestoresWhatTheTrialLeft) {
  v1::AgentState state = Good();
  *state.mutable_baseline() = Recorded({"cpu2", "cpu3"});
  state = TakeInForce(state, SpecOf("first"), std::nullopt, Recorded({"cpu2"}));
  EXPECT_EQ(state.baseline().devices().count("cpu3"), 0u);
  // What a later one finds is not how it was.
  (*state.mutable_baseline()->mutable_devices())["cpu3"] = v1::DEVICE_STATE_OFFLINE;
  v1::Baseline without_switching = Recorded({});
  without_switching.clear_switching();
  state = TakeInForce(state, SpecOf("second"), absl::Seconds(30), without_switching);
  const v1::Baseline back = Revert(state, kVersion).baseline();
  EXPECT_EQ(back.DebugString(), Recorded({"cpu2", "cpu3"}).DebugString());
}

TEST(SpecTrialTest, OfAnEarlierBootOnlyTheSwitchIsRestored) {
  v1::AgentState state = Good();
  *state.mutable_baseline() = Recorded({"cpu3"});
  v1::Baseline without_switching = Recorded({});
  without_switching.clear_switching();
  state = TakeInForce(state, SpecOf("new"), absl::Seconds(30), without_switching);
  state.mutable_baseline()->set_boot_id("boot-2");
  EXPECT_EQ(Revert(state, kVersion).baseline().DebugString(), Recorded({}, "boot-2").DebugString());
}

TEST(SpecTrialTest, WhatCouldNotBeDoneIsRememberedUnlessThereIsTooMuchOfIt) {
  v1::AgentState state = *NoteEnd(Take(Good(), "new"), kInPart, kBoot);
  EXPECT_EQ(state.carried_out_in_boot(), kBoot);
  EXPECT_THAT(state.unapplied(), ::testing::ElementsAre("cpu2"));
  EXPECT_EQ(NoteEnd(state, kInPart, kBoot), std::nullopt) << "nothing new is not saved";
  EXPECT_THAT(Take(state, "next").unapplied(), ::testing::IsEmpty());
  EXPECT_THAT(NoteEnd(state, kWhole, kBoot)->unapplied(), ::testing::IsEmpty());
  PassEnd end = {.applied = false, .carried_out = true, .unapplied = {}};
  for (size_t i = 0; i <= kMaxUnapplied; ++i) end.unapplied.insert(absl::StrCat("memory", i));
  state = *NoteEnd(state, end, kBoot);
  EXPECT_EQ(state.carried_out_in_boot(), "");
  EXPECT_THAT(state.unapplied(), ::testing::IsEmpty());
}

TEST(SpecTrialTest, TwoDeadAgentsQuarantineASpec) {
  v1::AgentState state = *NoteStart(Take(Good(), "new"));
  EXPECT_EQ(QuarantineIfDue(state, kVersion), std::nullopt);
  state = *NoteStart(state);
  state = *QuarantineIfDue(state, kVersion);
  EXPECT_EQ(state.spec_digest(), "good");
  EXPECT_EQ(state.rejected().state(), v1::APPLY_STATE_QUARANTINED);
  EXPECT_THAT(state.rejected().message(), HasSubstr("died 2 times"));
  EXPECT_EQ(QuarantineIfDue(state, kVersion), std::nullopt);
}

TEST(SpecTrialTest, APassThatEndedIsNoDeath) {
  v1::AgentState state = *NoteStart(Take(Good(), "new"));
  state = *NoteEnd(state, kInPart, kBoot);
  EXPECT_EQ(state.trial().unfinished_starts(), 0);
  EXPECT_EQ(QuarantineIfDue(*NoteStart(state), kVersion), std::nullopt);
}

TEST(SpecTrialTest, OfAGoodSpecNothingIsCounted) {
  EXPECT_EQ(NoteStart(Good()), std::nullopt);
  EXPECT_EQ(NoteEnd({}, kWhole, kBoot), std::nullopt) << "there is no spec";
}

class QuarantineTest : public ::testing::Test, protected HostFixture {};

TEST_F(QuarantineTest, IsFoundWhenTheAgentStartsAlsoAfterAReboot) {
  v1::AgentState state = Take(Good(), "new");
  for (int i = 0; i < kMaxUnfinishedStarts; ++i) state = *NoteStart(state);
  ASSERT_TRUE(host->SaveState(state).ok());
  Boot("boot-2");
  EXPECT_EQ(host->state().spec_digest(), "good");
  EXPECT_NE(FindRejection(host->state(), "new"), nullptr);
}

}  // namespace
}  // namespace hotplugger::agent
