// The hotplug-driver contract, case by case: 1 to 22. Case 23 is the reconciler's, which keeps the
// switch over restarts.
#include <type_traits>

#include "tests/agent/drivers/registry_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using ContractTest = RegistryTest;

absl::Status RegisterNamed(Registry& registry, const std::string& name) {
  return registry.Register(std::make_shared<FakeDriver>(name, Names()));
}

TEST_F(ContractTest, Contract01NameOfOneTo31PrintableBytes) {
  EXPECT_EQ(RegisterNamed(registry_, std::string(31, 'a')), absl::OkStatus());
  for (const std::string& bad :
       {std::string(), std::string(32, 'a'), std::string("a b"), std::string("a/b"),
        std::string("[a"), std::string("a]"), std::string("a\tb"), std::string("a\x7f"),
        std::string("caf\xc3\xa9"), std::string("a\0b", 3), std::string("*")}) {
    const absl::Status status = RegisterNamed(registry_, bad);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(ErrorReason(status), "BAD_DRIVER_NAME") << bad;
  }
  EXPECT_EQ(Listed().size(), 1u) << "a long name is refused, not cut";
}

TEST_F(ContractTest, Contract01NamesAreComparedWithoutRegardToCase) {
  Add("Alucard");
  EXPECT_EQ(registry_.EnableOne("aLUCARD", Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("Alucard"));
}

TEST_F(ContractTest, Contract02SecondOfTheSameNameExists) {
  Add("alucard");
  for (const char* name : {"alucard", "ALUCARD"}) {
    const absl::Status status = RegisterNamed(registry_, name);
    EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(ErrorReason(status), "DRIVER_EXISTS");
  }
}

// A driver that has no IsRunning.
class Incomplete : public HotplugDriver {
  absl::string_view name() const override { return "incomplete"; }
  v1::DriverProvider provider() const override { return v1::DRIVER_PROVIDER_UNSPECIFIED; }
  DriverWhitelist whitelist() const override { return Names(); }
  absl::Status ChangeState(bool, absl::Time) override { return absl::OkStatus(); }
};

TEST_F(ContractTest, Contract03ChangeStateAndIsRunningMustExist) {
  static_assert(std::is_abstract_v<Incomplete>, "such a driver can't even be made");
  const absl::Status status = registry_.Register(nullptr);
  EXPECT_EQ(ErrorReason(status), "NO_DRIVER");
}

TEST_F(ContractTest, Contract04UnregisteringStopsARunningDriverFirst) {
  const auto alucard = Add("alucard", Names(), true);
  EXPECT_EQ(registry_.Unregister("ALUCARD", Deadline()).status, absl::OkStatus());
  EXPECT_FALSE(alucard->running());
  EXPECT_THAT(Listed(), IsEmpty());
}

TEST_F(ContractTest, Contract04UnregisteringAStoppedDriverDoesNotCallIt) {
  Add("alucard");
  EXPECT_EQ(registry_.Unregister("alucard", Deadline()).status, absl::OkStatus());
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(ContractTest, Contract04ADriverThatCannotBeStoppedStaysRegistered) {
  const auto alucard = Add("alucard", Names(), true);
  alucard->set_stop_answer(absl::InternalError("no"));
  EXPECT_FALSE(registry_.Unregister("alucard", Deadline()).status.ok());
  EXPECT_THAT(Running(), ElementsAre("alucard"));
}

TEST_F(ContractTest, Contract04UnregisteringTheUnknownIsNotFoundAndChangesNothing) {
  Add("alucard", Names(), true);
  const absl::Status status = registry_.Unregister("thermal", Deadline()).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("alucard"));
  EXPECT_THAT(Running(), ElementsAre("alucard"));
}

TEST_F(ContractTest, Contract05RegisteringAndUnregisteringWorkWhileSwitchingIsOff) {
  registry_.SetSwitching(false);
  const auto alucard = Add("alucard", Names(), true);
  EXPECT_EQ(registry_.Unregister("alucard", Deadline()).status, absl::OkStatus());
  EXPECT_FALSE(alucard->running());
}

TEST_F(ContractTest, Contract06ListedInOrderOfRegistration) {
  for (const char* name : {"zen", "alucard", "mpdecision"}) Add(name);
  EXPECT_THAT(Listed(), ElementsAre("zen", "alucard", "mpdecision"));
  EXPECT_EQ(registry_.Unregister("zen", Deadline()).status, absl::OkStatus());
  Add("zen");
  EXPECT_THAT(Listed(), ElementsAre("alucard", "mpdecision", "zen"));
}

TEST_F(ContractTest, Contract07StartingADriverStopsEveryOtherRunningOne) {
  Add("mpdecision", Names(), true);
  Add("thermal", Names(), true);
  Add("alucard");
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/alucard CHANGED", "driver/mpdecision CHANGED",
                                            "driver/thermal CHANGED"));
  EXPECT_THAT(log_.Take(), ElementsAre("stop mpdecision", "stop thermal", "start alucard"));
}

TEST_F(ContractTest, Contract08MutualWhitelist) {
  Add("thermal", Names{"alucard"}, true);
  Add("alucard", Names{"thermal"});
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_THAT(Running(), ElementsAre("thermal", "alucard"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/alucard CHANGED", "driver/thermal ALREADY"));
  EXPECT_THAT(Message(result, "thermal"), HasSubstr("whitelist each other"));
}

TEST_F(ContractTest, Contract08OneSidedWhitelistSparesNobodyAndNamesTheMissingSide) {
  Add("thermal", Names(), true);
  Add("alucard", Names{"thermal"});
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_THAT(Running(), ElementsAre("alucard"));
  EXPECT_THAT(Message(result, "thermal"),
              AllOf(HasSubstr("thermal does not whitelist alucard"),
                    HasSubstr("add alucard to the whitelist of thermal")));
}

TEST_F(ContractTest, Contract08ARingOfWhitelistsSparesNobody) {
  Add("a", Names{"b"}, true);
  Add("b", Names{"c"});
  Add("c", Names{"a"}, true);
  EXPECT_EQ(registry_.SwitchDrivers({"b"}, {}, Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("b")) << "no two of them spare each other";
}

TEST_F(ContractTest, Contract09NoAndEmptyWhitelistsSpareNobodyAndNamesNeedNoDriver) {
  Add("thermal", Names{"alucard", "not-registered"}, true);
  Add("alucard", Names());
  EXPECT_EQ(registry_.SwitchDrivers({"alucard"}, {}, Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("alucard"));
}

TEST_F(ContractTest, Contract10AStarMeansEveryDriverAndMustBeMutual) {
  Add("thermal", Names{"*"}, true);
  Add("powersave", Names(), true);
  Add("alucard", Names{"*"});
  EXPECT_EQ(registry_.SwitchDrivers({"alucard"}, {}, Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("thermal", "alucard"));
}

TEST_F(ContractTest, Contract11ADriverIsNeverInConflictWithItself) {
  Add("alucard", Names(), true);
  const SwitchResult result = registry_.DisableConflicts("ALUCARD", Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("alucard"));
}

TEST_F(ContractTest, Contract12DisableConflictsStopsButDoesNotStart) {
  Add("mpdecision", Names(), true);
  Add("thermal", Names{"alucard"}, true);
  Add("alucard", Names{"thermal"});
  const SwitchResult result = registry_.DisableConflicts("alucard", Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("thermal"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/thermal ALREADY", "driver/mpdecision CHANGED"));
}

TEST_F(ContractTest, Contract12ErrorsOfDisableConflicts) {
  Add("alucard");
  EXPECT_EQ(ErrorReason(registry_.DisableConflicts("", Deadline()).status), "NO_DRIVER");
  const absl::Status unknown = registry_.DisableConflicts("zen", Deadline()).status;
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(unknown), "DRIVER_NOT_REGISTERED");
  registry_.SetSwitching(false);
  EXPECT_EQ(ErrorReason(registry_.DisableConflicts("alucard", Deadline()).status), "SWITCHING_OFF");
}

TEST_F(ContractTest, Contract13EnableOneConsultsNoWhitelistItself) {
  Add("mpdecision", Names(), true);
  Add("quiet")->set_calls_disable_conflicts(true);  // says so, and then doesn't
  EXPECT_EQ(registry_.EnableOne("quiet", Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("mpdecision", "quiet"));
}

TEST_F(ContractTest, Contract13TheDriverAsItStartsCallsDisableConflicts) {
  Add("mpdecision", Names(), true);
  CallDisableConflictsOnStart(Add("alucard"));
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("alucard"));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/alucard CHANGED", "driver/mpdecision CHANGED"));
  EXPECT_THAT(Message(result, "mpdecision"), HasSubstr("stopped for alucard"));
}

TEST_F(ContractTest, Contract13TheRegistryDoesSoForADriverThatCannotCall) {
  Add("mpdecision", Names(), true);
  Add("knob");
  EXPECT_EQ(registry_.EnableOne("knob", Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("knob"));
}

TEST_F(ContractTest, Contract13And14Errors) {
  Add("alucard");
  for (const bool enable : {true, false}) {
    const auto call = [&](const std::string& name) {
      return enable ? registry_.EnableOne(name, Deadline())
                    : registry_.DisableOne(name, Deadline());
    };
    EXPECT_EQ(ErrorReason(call("").status), "NO_DRIVER");
    const SwitchResult unknown = call("zen");
    EXPECT_EQ(ErrorReason(unknown.status), "DRIVER_NOT_REGISTERED");
    EXPECT_THAT(Outcomes(unknown), ElementsAre("driver/zen REFUSED"));
    EXPECT_THAT(std::string(unknown.status.message()), HasSubstr("registered are: alucard"));
    registry_.SetSwitching(false);
    EXPECT_EQ(ErrorReason(call("alucard").status), "SWITCHING_OFF");
    registry_.SetSwitching(true);
  }
}

TEST_F(ContractTest, Contract14DisableOneStopsThatOne) {
  Add("alucard", Names(), true);
  Add("thermal", Names(), true);
  EXPECT_THAT(Outcomes(registry_.DisableOne("alucard", Deadline())),
              ElementsAre("driver/alucard CHANGED"));
  EXPECT_THAT(Running(), ElementsAre("thermal"));
}

TEST_F(ContractTest, Contract15AlreadySoSucceedsAndChangesNothing) {
  Add("alucard", Names(), true);
  Add("thermal");
  Add("mpdecision", Names(), true);
  EXPECT_THAT(Outcomes(registry_.EnableOne("alucard", Deadline())),
              ElementsAre("driver/alucard ALREADY"));
  EXPECT_THAT(Outcomes(registry_.DisableOne("thermal", Deadline())),
              ElementsAre("driver/thermal ALREADY"));
  EXPECT_THAT(
      Outcomes(registry_.SwitchDrivers({"alucard"}, {"thermal", "mpdecision"}, Deadline())),
      ElementsAre("driver/alucard ALREADY", "driver/thermal ALREADY", "driver/mpdecision CHANGED"));
  EXPECT_THAT(log_.Take(), ElementsAre("stop mpdecision"));
}

TEST_F(ContractTest, Contract16AWholeTargetSetInOneTransaction) {
  Add("mpdecision", Names{"*"}, true);
  Add("thermal", Names{"alucard"});
  Add("alucard", Names{"thermal", "mpdecision"});
  const SwitchResult result =
      registry_.SwitchDrivers({"alucard", "thermal"}, {"mpdecision"}, Deadline());
  EXPECT_EQ(result.status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("thermal", "alucard"));
  EXPECT_THAT(log_.Take(), ElementsAre("stop mpdecision", "start alucard", "start thermal"));
}

TEST_F(ContractTest, Contract17ADriverThatSaysYesAndDoesNotIsNamed) {
  Add("mpdecision", Names(), true);
  Add("liar")->set_lies(true);
  const SwitchResult result = registry_.SwitchDrivers({"liar"}, {}, Deadline());
  EXPECT_EQ(ErrorReason(result.status), "DRIVER_DID_NOT_CHANGE");
  EXPECT_THAT(std::string(result.status.message()),
              AllOf(HasSubstr("liar said that it was started"),
                    HasSubstr("undone: mpdecision was started again")));
  EXPECT_THAT(Outcomes(result), ElementsAre("driver/liar FAILED", "driver/mpdecision UNDONE"));
}

TEST_F(ContractTest, Contract18AFailingStartIsUndone) {
  Add("mpdecision", Names(), true);
  Add("alucard")->set_start_answer(absl::InternalError("broken"));
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_THAT(std::string(result.status.message()), HasSubstr("broken"));
  EXPECT_THAT(Running(), ElementsAre("mpdecision"));
}

TEST_F(ContractTest, Contract18AFailureWhileStoppingConflictsLeavesTheWantedDriverStopped) {
  Add("mpdecision", Names(), true);
  Add("thermal", Names(), true)->set_stop_answer(absl::InternalError("won't"));
  const auto alucard = Add("alucard");
  const SwitchResult result = registry_.SwitchDrivers({"alucard"}, {}, Deadline());
  EXPECT_FALSE(result.status.ok());
  EXPECT_FALSE(alucard->running());
  EXPECT_THAT(log_.Take(), ElementsAre("stop mpdecision", "stop thermal", "start mpdecision"));
}

TEST_F(ContractTest, Contract18SoDoesOneOfTheCallThatTheDriverItselfMadeAndIgnored) {
  Add("thermal", Names(), true)->set_stop_answer(absl::InternalError("won't"));
  const auto alucard = Add("alucard");
  alucard->set_calls_disable_conflicts(true);
  alucard->set_hook([&](bool running, absl::Time deadline) {
    if (!running) return absl::OkStatus();
    EXPECT_FALSE(registry_.DisableConflicts("alucard", deadline).status.ok());
    return absl::OkStatus();
  });
  const SwitchResult result = registry_.EnableOne("alucard", Deadline());
  EXPECT_THAT(std::string(result.status.message()),
              AllOf(HasSubstr("alucard could not be started"), HasSubstr("won't")));
  EXPECT_THAT(Running(), ElementsAre("thermal"));
}

TEST_F(ContractTest, Contract18AHangIsBoundByHalfTheDeadlineAndUndone) {
  Add("mpdecision", Names(), true);
  const absl::Time deadline = Deadline();
  Add("stuck")->set_hook([&](bool running, absl::Time until) {
    if (!running) return absl::OkStatus();
    EXPECT_EQ(until, deadline - absl::Seconds(5));
    clock_.Advance(until - clock_.Now());
    return absl::DeadlineExceededError("no answer");
  });
  const SwitchResult result = registry_.SwitchDrivers({"stuck"}, {}, deadline);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Running(), ElementsAre("mpdecision"));
}

TEST_F(ContractTest, Contract19ReentranceNeitherDeadlocksNorAnswersBusy) {
  Add("mpdecision", Names(), true);
  Add("helper");
  const auto alucard = Add("alucard", Names{"helper"});
  alucard->set_calls_disable_conflicts(true);
  alucard->set_hook([&](bool running, absl::Time deadline) {
    if (!running) return absl::OkStatus();
    EXPECT_EQ(registry_.DisableConflicts("alucard", deadline).status, absl::OkStatus());
    EXPECT_EQ(registry_.List().size(), 3u);
    // What is under way already needs nothing more.
    EXPECT_EQ(registry_.EnableOne("alucard", deadline).status, absl::OkStatus());
    return registry_.EnableOne("helper", deadline).status;
  });
  EXPECT_EQ(registry_.EnableOne("alucard", Deadline()).status, absl::OkStatus());
  EXPECT_THAT(Running(), ElementsAre("helper", "alucard"));
  EXPECT_THAT(log_.Take(), ElementsAre("start alucard", "stop mpdecision", "start helper"));
}

TEST_F(ContractTest, Contract19AChangeInProgressCannotBeReversedFromWithin) {
  const auto alucard = Add("alucard");
  alucard->set_hook([&](bool running, absl::Time deadline) {
    if (!running) return absl::OkStatus();
    alucard->set_running(true);
    EXPECT_EQ(ErrorReason(registry_.DisableOne("alucard", deadline).status), "REENTRANT_CHANGE");
    EXPECT_EQ(ErrorReason(registry_.Unregister("alucard", deadline).status), "REENTRANT_CHANGE");
    return absl::OkStatus();
  });
  EXPECT_EQ(ErrorReason(registry_.EnableOne("alucard", Deadline()).status), "REENTRANT_CHANGE");
  EXPECT_THAT(Running(), IsEmpty());
}

TEST_F(ContractTest, Contract20NoForceAnEarlierSwitchIsNeverBrokenInto) {
  // In the original the second refused call unlocks the mutex. See also registry_threads_test.cc.
  Add("mpdecision", Names(), true);
  int refused = 0;
  Add("alucard")->set_hook([&](bool, absl::Time) {
    std::thread other([&] {
      for (int i = 0; i < 5; ++i) {
        const absl::Status status = registry_.EnableOne("mpdecision", Deadline()).status;
        if (ErrorReason(status) == "SWITCH_IN_PROGRESS") ++refused;
      }
    });
    other.join();
    return absl::OkStatus();
  });
  EXPECT_EQ(registry_.SwitchDrivers({"alucard"}, {}, Deadline()).status, absl::OkStatus());
  EXPECT_EQ(refused, 5);
  EXPECT_THAT(Running(), ElementsAre("alucard"));
}

TEST_F(ContractTest, Contract21TheSwitchIsOnByDefaultAndTakesZeroAndOneAlone) {
  EXPECT_TRUE(registry_.switching());
  EXPECT_EQ(*ParseSwitching("0"), false);
  EXPECT_EQ(*ParseSwitching("1\n"), true);
  for (const char* bad : {"", "2", "-1", "01", "\"1\"", "on", "1 ", " 1", "1\n\n"}) {
    EXPECT_EQ(ParseSwitching(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST_F(ContractTest, Contract22WhileOffReadsWorkAndSwitchesAreRefused) {
  Add("mpdecision", Names(), true);
  Add("alucard");
  registry_.SetSwitching(false);
  EXPECT_FALSE(registry_.switching());
  EXPECT_THAT(Running(), ElementsAre("mpdecision"));
  const SwitchResult results[] = {registry_.SwitchDrivers({"alucard"}, {}, Deadline()),
                                  registry_.EnableOne("alucard", Deadline()),
                                  registry_.DisableOne("alucard", Deadline()),
                                  registry_.RestoreStates({{"alucard", true}}, Deadline())};
  for (const SwitchResult& result : results) {
    EXPECT_EQ(result.status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ErrorReason(result.status), "SWITCHING_OFF");
    EXPECT_THAT(std::string(result.status.message()), HasSubstr("turn it on"));
    EXPECT_THAT(Outcomes(result), ElementsAre("driver/alucard REFUSED"));
  }
  EXPECT_EQ(ErrorReason(registry_.PreviewSwitch({"alucard"}, {}).status()), "SWITCHING_OFF");
  EXPECT_THAT(log_.Take(), IsEmpty());
}

}  // namespace
}  // namespace hotplugger::agent
