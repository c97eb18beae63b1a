// What a switch that fails leaves behind, and what it says about that; restoring; overrides.
#include "tests/agent/drivers/registry_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using UndoTest = RegistryTest;

TEST_F(UndoTest, GoesInReverseOrder) {
  Add("a", Names(), true);
  Add("b", Names(), true);
  Add("c", Names{"d"});
  Add("d", Names{"c"})->set_start_answer(absl::InternalError("broken"));
  const SwitchResult result = registry_.SwitchDrivers({"c", "d"}, {}, Deadline());
  EXPECT_THAT(log_.Take(), ElementsAre("stop a", "stop b", "start c", "start d",  //
                                       "stop c", "start b", "start a"));
  EXPECT_THAT(std::string(result.status.message()),
              HasSubstr("undone: c was stopped again, b was started again, a was started again"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/c UNDONE", "driver/d FAILED", "driver/a UNDONE",
                                            "driver/b UNDONE"));
  EXPECT_EQ(Message(result, "d"), std::string(result.status.message()));
}

TEST_F(UndoTest, CoversWhatNestedCallsDid) {
  Add("a", Names(), true);
  const auto starter = Add("starter");
  CallDisableConflictsOnStart(starter);
  starter->set_start_answer(absl::InternalError("broken"));
  const SwitchResult result = registry_.EnableOne("starter", Deadline());
  EXPECT_THAT(log_.Take(), ElementsAre("start starter", "stop a", "start a"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/starter FAILED", "driver/a UNDONE"));
}

TEST_F(UndoTest, DriversThatCallBackAsTheyArePutBackStopNobody) {
  // Both run at first though they spare nobody: one was started by hand.
  const auto a = Add("a", Names(), true);
  const auto b = Add("b", Names(), true);
  CallDisableConflictsOnStart(a);
  CallDisableConflictsOnStart(b);
  Add("broken")->set_start_answer(absl::InternalError("broken"));
  EXPECT_FALSE(registry_.SwitchDrivers({"broken"}, {}, Deadline()).status.ok());
  EXPECT_THAT(Running(), ElementsAre("a", "b"));
}

TEST_F(UndoTest, NorDoTheyStopThoseThatTheSwitchLeftAlone) {
  CallDisableConflictsOnStart(Add("a", Names(), true));
  Add("spared", Names{"broken"}, true);
  Add("broken", Names{"spared"})->set_start_answer(absl::InternalError("broken"));
  EXPECT_FALSE(registry_.SwitchDrivers({"broken"}, {}, Deadline()).status.ok());
  EXPECT_THAT(Running(), ElementsAre("a", "spared"));
  EXPECT_THAT(log_.Take(), ElementsAre("stop a", "start broken", "start a"));
}

TEST_F(UndoTest, ADriverThatFailsAndYetStartsIsStoppedAgain) {
  const auto half = Add("half");
  half->set_hook([&](bool running, absl::Time) {
    half->set_running(running);
    return running ? absl::InternalError("half way") : absl::OkStatus();
  });
  const SwitchResult result = registry_.EnableOne("half", Deadline());
  EXPECT_THAT(Running(), IsEmpty());
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("undone: half was stopped again"));
}

TEST_F(UndoTest, SaysExactlyWhatIsLeftWhereUndoingFails) {
  const auto a = Add("a", Names(), true);
  Add("b", Names(), true);
  a->set_start_answer(absl::InternalError("worn out"));
  Add("broken")->set_start_answer(absl::InternalError("broken"));
  const SwitchResult result = registry_.SwitchDrivers({"broken"}, {}, Deadline());
  EXPECT_THAT(std::string(result.status.message()),
              AllOf(HasSubstr("undone: b was started again"),
                    HasSubstr("not undone: a is left stopped, though it was running (worn out)")));
  EXPECT_THAT(Outcomes(result),
              ElementsAre("driver/broken FAILED", "driver/a FAILED", "driver/b UNDONE"));
  EXPECT_EQ(result.items[1].reason(), "UNDO_FAILED");
}

TEST_F(UndoTest, SharesItsTimeSoThatOneThatHangsLeavesSomeToTheRest) {
  const absl::Time deadline = Deadline();
  const auto hang_on_start = [&](bool running, absl::Time until) {
    if (!running) return absl::OkStatus();
    clock_.Advance(until - clock_.Now());
    return absl::DeadlineExceededError("hangs");
  };
  absl::Time until_of_a;
  Add("a", Names(), true)->set_hook([&](bool running, absl::Time until) {
    if (running) until_of_a = until;
    return absl::OkStatus();
  });
  Add("b", Names(), true)->set_hook(hang_on_start);
  Add("c")->set_hook(hang_on_start);
  EXPECT_FALSE(registry_.SwitchDrivers({"c"}, {}, deadline).status.ok());
  EXPECT_EQ(until_of_a, deadline);
  EXPECT_LT(clock_.Now(), deadline);
  EXPECT_THAT(Running(), ElementsAre("a"));
}

TEST_F(UndoTest, NothingIsStartedOnceTheTimeIsUp) {
  Add("slow", Names(), true)->set_hook([&](bool, absl::Time until) {
    clock_.Advance(until - clock_.Now());
    return absl::OkStatus();
  });
  Add("alucard");
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_EQ(ErrorReason(result.status), "DEADLINE_PASSED");
  EXPECT_THAT(log_.Take(), ElementsAre("stop slow", "start slow"));
}

TEST_F(UndoTest, WhatAnotherDriverChangedOnItsOwnIsSeenReportedAndUndone) {
  const auto a = Add("a", Names{"*"}, true);
  const auto rude = Add("rude", Names{"*"});
  rude->set_hook([&](bool running, absl::Time) {
    if (running) a->set_running(false);
    return absl::OkStatus();
  });
  const SwitchResult alone = registry_.SwitchDrivers({"rude"}, {}, Deadline());
  EXPECT_EQ(alone.status, absl::OkStatus());
  EXPECT_THAT(Outcomes(alone), ElementsAre("driver/rude CHANGED", "driver/a CHANGED"));
  EXPECT_THAT(Message(alone, "a"), HasSubstr("stopped by itself as rude started"));

  rude->set_running(false);
  a->set_running(true);
  log_.Take();
  const SwitchResult both = registry_.SwitchDrivers({"a", "rude"}, {}, Deadline());
  EXPECT_EQ(ErrorReason(both.status), "DID_NOT_STAY");
  EXPECT_THAT(Running(), ElementsAre("a"));
  EXPECT_THAT(log_.Take(), ElementsAre("start rude", "stop rude", "start a"));
}

TEST_F(UndoTest, WhatADriverDidBeforeItCalledBackIsUndoneToo) {
  const auto a = Add("a", Names(), true);
  const auto rude = Add("rude");
  rude->set_calls_disable_conflicts(true);
  rude->set_hook([&](bool running, absl::Time deadline) {
    if (!running) return absl::OkStatus();
    a->set_running(false);
    EXPECT_EQ(registry_.DisableConflicts("rude", deadline).status, absl::OkStatus());
    return absl::InternalError("broken");
  });
  EXPECT_FALSE(registry_.EnableOne("rude", Deadline()).status.ok());
  EXPECT_THAT(Running(), ElementsAre("a"));
}

TEST_F(UndoTest, WhatADriverStartedBeforeItCalledBackIsSeenByThatCall) {
  const auto a = Add("a");
  const auto rude = Add("rude");
  rude->set_calls_disable_conflicts(true);
  rude->set_hook([&](bool running, absl::Time deadline) {
    if (!running) return absl::OkStatus();
    a->set_running(true);
    return registry_.DisableConflicts("rude", deadline).status;
  });
  EXPECT_EQ(registry_.EnableOne("rude", Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("rude"));
}

TEST_F(UndoTest, NothingIsDecidedOnAGuess) {
  const auto mute = Add("mute");
  mute->set_ask_answer(absl::InternalError("no answer"));
  Add("alucard");
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_STATE_UNKNOWN");
  EXPECT_THAT(log_.Take(), IsEmpty());
  const std::vector<v1::Driver> drivers = registry_.List();
  EXPECT_EQ(drivers[0].state(), v1::DRIVER_STATE_UNKNOWN);
  EXPECT_EQ(drivers[0].detail(), "no answer");
}

TEST_F(UndoTest, ADriverThatCannotBeAskedAfterwardsHasFailed) {
  const auto mute = Add("mute");
  mute->set_hook([&](bool running, absl::Time) {
    mute->set_ask_answer(running ? absl::InternalError("no answer") : absl::OkStatus());
    return absl::OkStatus();
  });
  const SwitchResult result = registry_.EnableOne("mute", Deadline());
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_STATE_UNKNOWN");
  EXPECT_FALSE(mute->running());
}

TEST_F(UndoTest, OverridesReplaceTheDriversOwnWhitelists) {
  Add("thermal", Names(), true);
  Add("alucard");
  EXPECT_EQ(registry_.SetWhitelistOverrides({{"Thermal", {"ALUCARD"}}, {"alucard", {"thermal"}}}),
            absl::OkStatus());
  EXPECT_EQ(registry_.SwitchDrivers({"alucard"}, {}, Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("thermal", "alucard"));
  EXPECT_EQ(registry_.List()[0].whitelist(0), "ALUCARD");
  // Those of before are gone.
  EXPECT_EQ(registry_.SetWhitelistOverrides({}), absl::OkStatus());
  EXPECT_EQ(registry_.SwitchDrivers({"alucard"}, {}, Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("alucard"));
}

TEST_F(UndoTest, BadOverridesChangeNothing) {
  const std::map<std::string, Names> bad[] = {
      {{"a b", {}}}, {{"a", {"b c"}}}, {{"a", {"a"}}}, {{"a", {"b", "B"}}}, {{"a", {}}, {"A", {}}}};
  Add("a", Names{"x"});
  for (const auto& lists : bad) {
    EXPECT_EQ(registry_.SetWhitelistOverrides(lists).code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(registry_.List()[0].whitelist(0), "x");
}

TEST_F(UndoTest, RestoreConsultsNoWhitelistNotEvenWhereADriverAsks) {
  CallDisableConflictsOnStart(Add("a"));
  CallDisableConflictsOnStart(Add("b"));
  Add("c", Names(), true);
  Add("bystander", Names(), true);
  const SwitchResult result =
      registry_.RestoreStates({{"a", true}, {"b", true}, {"c", false}, {"gone", true}}, Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("a", "b", "bystander"));
  EXPECT_THAT(log_.Take(), ElementsAre("stop c", "start a", "start b"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/a CHANGED", "driver/b CHANGED",
                                            "driver/c CHANGED", "driver/gone ALREADY"));
}

TEST_F(UndoTest, PreviewSaysWhatWouldBeDoneAndDoesNothing) {
  Add("mpdecision", Names(), true);
  Add("alucard");
  const absl::StatusOr<SwitchPlan> plan = registry_.PreviewSwitch({"alucard"}, {});
  ASSERT_EQ(plan.status(), absl::OkStatus());
  ASSERT_EQ(plan->steps.size(), 2u);
  EXPECT_EQ(plan->steps[0].driver, "mpdecision");
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(UndoTest, TheNumberOfDriversIsBounded) {
  for (size_t i = 0; i < Registry::kMaxDrivers; ++i) Add(absl::StrCat("driver", i));
  const absl::Status status = registry_.Register(std::make_shared<FakeDriver>("one-more", Names()));
  EXPECT_EQ(ErrorReason(status), "TOO_MANY_DRIVERS");
}

TEST_F(UndoTest, ABadWhitelistIsRefusedWhenTheDriverIsRegistered) {
  const absl::Status status =
      registry_.Register(std::make_shared<FakeDriver>("a", Names{"not a name"}));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace hotplugger::agent
