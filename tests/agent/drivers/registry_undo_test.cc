// What a switch that fails leaves behind, and what it says about that; restoring; overrides.
#include <algorithm>

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

TEST_F(UndoTest, WhatIsOnlyInTheWayForNowIsTriedAgainUntilItWorks) {
  const auto a = Add("a", Names(), true);
  int tries = 0;
  a->set_hook([&](bool running, absl::Time) {
    if (!running || ++tries > 5) return absl::OkStatus();
    return tries % 2 == 0 ? absl::UnavailableError("no bus") : absl::DeadlineExceededError("slow");
  });
  Add("broken")->set_start_answer(absl::InternalError("broken"));
  const SwitchResult result = registry_.SwitchDrivers({"broken"}, {}, Deadline());
  EXPECT_EQ(tries, 6);
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("undone: a was started again"));
  EXPECT_THAT(Running(), ElementsAre("a"));
}

TEST_F(UndoTest, ButNoLongerThanThereIsTimeAndNotWhatWillNotWork) {
  const absl::Time deadline = Deadline();
  Add("a", Names(), true)->set_start_answer(absl::UnavailableError("no bus"));
  const auto b = Add("b", Names(), true);
  b->set_start_answer(absl::InternalError("worn out"));
  Add("broken")->set_start_answer(absl::InternalError("broken"));
  const SwitchResult result = registry_.SwitchDrivers({"broken"}, {}, deadline);
  EXPECT_GE(clock_.Now(), deadline);
  EXPECT_THAT(std::string(result.status.message()),
              AllOf(HasSubstr("a is left stopped, though it was running (no bus)"),
                    HasSubstr("b is left stopped, though it was running (worn out)")));
  const Names calls = log_.Take();
  EXPECT_EQ(std::count(calls.begin(), calls.end(), "start b"), 1);
  EXPECT_GT(std::count(calls.begin(), calls.end(), "start a"), 3);
}

TEST_F(UndoTest, OneThatHungIsTakenBackThoughItAnswersAsBefore) {
  const auto hangs = Add("hangs", Names(), true);
  bool stops_late = false;
  hangs->set_hook([&](bool running, absl::Time) {
    if (running) return absl::OkStatus();
    stops_late = true;
    return absl::DeadlineExceededError("still stopping");
  });
  Add("b");
  const SwitchResult result = registry_.SwitchDrivers({"b"}, {}, Deadline());
  ASSERT_TRUE(stops_late);
  EXPECT_THAT(log_.Take(), ElementsAre("stop hangs", "start hangs"));
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("undone: hangs was started again"));
}

TEST_F(UndoTest, OneThatHungAndCannotBeTakenBackMayStillChangeAndThatIsTold) {
  const auto hangs = Add("hangs", Names(), true);
  hangs->set_hook([&](bool, absl::Time until) {
    clock_.Advance(until - clock_.Now());
    return absl::DeadlineExceededError("no answer");
  });
  Add("b");
  const SwitchResult result = registry_.SwitchDrivers({"b"}, {}, Deadline());
  EXPECT_THAT(std::string(result.status.message()),
              HasSubstr("not undone: hangs is running as before, but may still change, since what "
                        "it was told has not ended (no answer)"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/b SKIPPED", "driver/hangs FAILED"));
}

TEST_F(UndoTest, WhatChangesAlongAsAnotherIsPutBackIsPutBackToo) {
  const auto a = Add("a", Names{"*"}, true);
  const auto rude = Add("rude", Names{"*"});
  // What it was told is done late: as it is told to stop.
  rude->set_hook([&](bool running, absl::Time) {
    if (running) return absl::DeadlineExceededError("no answer");
    a->set_running(false);
    return absl::OkStatus();
  });
  EXPECT_FALSE(registry_.SwitchDrivers({"rude"}, {}, Deadline()).status.ok());
  EXPECT_THAT(Running(), ElementsAre("a"));
}

TEST_F(UndoTest, WhatADriverRemarksIsToldWithItsItem) {
  const auto a = Add("a", Names(), true);
  a->set_remark("CPUs 3 did not come back");
  const SwitchResult stopped = registry_.DisableOne("a", Deadline());
  EXPECT_EQ(stopped.status, absl::OkStatus());
  EXPECT_THAT(Outcomes(stopped), ElementsAre("driver/a CHANGED"));
  EXPECT_EQ(Message(stopped, "a"), "stopped as asked; CPUs 3 did not come back");
  // Where it is stopped again, too.
  Add("broken", Names{"a"})->set_start_answer(absl::InternalError("broken"));
  EXPECT_EQ(registry_.SetWhitelistOverrides({{"a", {"broken"}}}), absl::OkStatus());
  const SwitchResult undone = registry_.SwitchDrivers({"a", "broken"}, {}, Deadline());
  EXPECT_THAT(std::string(undone.status.message()),
              HasSubstr("undone: a was stopped again; CPUs 3 did not come back"));
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

TEST_F(UndoTest, ButOneInAnUnknownStateCanBeStopped) {
  const auto mute = Add("mute", Names(), true);
  mute->set_ask_answer(absl::InternalError("no answer"));
  mute->set_hook([&](bool, absl::Time) {
    mute->set_ask_answer(absl::OkStatus());
    return absl::OkStatus();
  });
  const SwitchResult result = registry_.DisableOne("mute", Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/mute CHANGED"));
  EXPECT_THAT(Message(result, "mute"), HasSubstr("whether it ran could not be told"));
  EXPECT_THAT(log_.Take(), ElementsAre("stop mute"));
  EXPECT_FALSE(mute->running());
}

TEST_F(UndoTest, WhereThatCannotBeToldEitherItIsAFailureThatSaysWhatWasDone) {
  const auto mute = Add("mute", Names(), true);
  mute->set_ask_answer(absl::InternalError("no answer"));
  const SwitchResult result = registry_.DisableOne("mute", Deadline());
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_STATE_UNKNOWN");
  EXPECT_THAT(std::string(result.status.message()),
              HasSubstr("not undone: mute is in an unknown state as before"));
}

TEST_F(UndoTest, OneInAnUnknownStateCanBeUnregisteredInAnyCase) {
  const auto mute = Add("mute");
  mute->set_ask_answer(absl::InternalError("no answer"));
  mute->set_stop_answer(absl::InternalError("nor will I stop"));
  Add("alucard");
  const SwitchResult result = registry_.Unregister("Mute", Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(log_.Take(), ElementsAre("stop mute"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/mute CHANGED"));
  EXPECT_THAT(Message(result, "mute"),
              AllOf(HasSubstr("unregistered, though whether it runs can't be told"),
                    HasSubstr("nor will I stop")));
  EXPECT_THAT(Listed(), ElementsAre("alucard"));
  EXPECT_EQ(registry_.SwitchDrivers({"alucard"}, {}, Deadline()).status, absl::OkStatus());
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
