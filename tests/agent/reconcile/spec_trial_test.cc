#include "agent/reconcile/spec_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/reconcile/host_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::HasSubstr;

constexpr char kBoot[] = "boot-1";

v1::Spec SpecOf(const std::string& digest) {
  v1::Spec spec;
  spec.set_digest(digest);
  spec.set_body(digest + "'s body");
  spec.add_sources()->set_source("policy/" + digest);
  return spec;
}

v1::AgentState Take(const v1::AgentState& state, const std::string& digest,
                    std::optional<absl::Duration> window = std::nullopt) {
  return TakeInForce(state, SpecOf(digest), window);
}

// With "good" in force, applied and good.
v1::AgentState Good() { return *NoteEnd(Take({}, "good"), true, kBoot); }

TEST(SpecTrialTest, ASpecIsGoodOnceItIsApplied) {
  const v1::AgentState taken = Take(Good(), "new");
  EXPECT_EQ(taken.trial().last_good().digest(), "good");
  EXPECT_EQ(taken.trial().last_good().sources(0).source(), "policy/good");
  EXPECT_EQ(taken.applied_in_boot(), "");
  EXPECT_EQ(NoteEnd(taken, false, kBoot), std::nullopt);
  const v1::AgentState applied = *NoteEnd(taken, true, kBoot);
  EXPECT_FALSE(applied.has_trial());
  EXPECT_EQ(applied.spec_digest(), "new");
  EXPECT_EQ(applied.applied_in_boot(), kBoot);
  EXPECT_EQ(NoteEnd(applied, true, kBoot), std::nullopt) << "nothing new is not saved";
  EXPECT_EQ(NoteEnd(applied, true, "boot-2")->applied_in_boot(), "boot-2");
}

TEST(SpecTrialTest, WithAWindowItMustBeConfirmedToo) {
  v1::AgentState state = Take(Good(), "new", absl::Seconds(30));
  EXPECT_EQ(ConfirmWindow(state), absl::Seconds(30));
  state = *NoteEnd(state, true, kBoot);
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
  EXPECT_FALSE(NoteEnd(state, true, kBoot)->has_trial());
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
  EXPECT_EQ(Take(Good(), "good").applied_in_boot(), kBoot);
}

TEST(SpecTrialTest, RevertingPutsTheLastGoodOneInForce) {
  const v1::AgentState state =
      Revert(*NoteEnd(Take(Good(), "new", absl::Seconds(30)), true, kBoot));
  EXPECT_EQ(state.spec_digest(), "good");
  EXPECT_EQ(state.spec_body(), "good's body");
  EXPECT_EQ(state.spec_sources(0).source(), "policy/good");
  EXPECT_FALSE(state.has_trial());
  EXPECT_EQ(state.applied_in_boot(), "") << "it has yet to be put back";
  ASSERT_NE(FindRejection(state, "new"), nullptr);
  EXPECT_EQ(FindRejection(state, "good"), nullptr);
  const v1::NodeReport report = ToReport(state.rejected());
  EXPECT_EQ(report.digest(), "new");
  EXPECT_EQ(report.state(), v1::APPLY_STATE_REVERTED);
  EXPECT_THAT(report.message(), HasSubstr("no controller was reached within 30s"));
  EXPECT_THAT(report.message(), HasSubstr("the last good spec is in force again"));
}

TEST(SpecTrialTest, WithoutALastGoodOneEverythingIsReleased) {
  const v1::AgentState state = Revert(Take({}, "new", absl::Seconds(30)));
  EXPECT_EQ(state.spec_digest(), "");
  EXPECT_EQ(state.spec_body(), "");
  EXPECT_THAT(state.rejected().message(), HasSubstr("no earlier spec"));
}

TEST(SpecTrialTest, AnotherSpecMakesTheRejectedOneWelcomeAgain) {
  const v1::AgentState reverted = Revert(Take(Good(), "new", absl::Seconds(30)));
  EXPECT_NE(FindRejection(reverted, "new"), nullptr);
  EXPECT_EQ(FindRejection(Take(reverted, "third"), "new"), nullptr);
  EXPECT_EQ(FindRejection(Take(reverted, "good"), "new"), nullptr);
}

TEST(SpecTrialTest, TwoDeadAgentsQuarantineASpec) {
  v1::AgentState state = *NoteStart(Take(Good(), "new"));
  EXPECT_EQ(QuarantineIfDue(state), std::nullopt);
  state = *NoteStart(state);
  state = *QuarantineIfDue(state);
  EXPECT_EQ(state.spec_digest(), "good");
  EXPECT_EQ(state.rejected().state(), v1::APPLY_STATE_QUARANTINED);
  EXPECT_THAT(state.rejected().message(), HasSubstr("died 2 times"));
  EXPECT_EQ(QuarantineIfDue(state), std::nullopt);
}

TEST(SpecTrialTest, APassThatEndedIsNoDeath) {
  v1::AgentState state = *NoteStart(Take(Good(), "new"));
  state = *NoteEnd(state, false, kBoot);
  EXPECT_EQ(state.trial().unfinished_starts(), 0);
  EXPECT_EQ(QuarantineIfDue(*NoteStart(state)), std::nullopt);
}

TEST(SpecTrialTest, OfAGoodSpecNothingIsCounted) {
  EXPECT_EQ(NoteStart(Good()), std::nullopt);
  EXPECT_EQ(NoteEnd({}, true, kBoot), std::nullopt) << "there is no spec";
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
