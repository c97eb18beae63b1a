// hotplugctl's verbs for the drivers of nodes.
#include "common/rpc_status.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class FleetDriversTest : public CommandLineTest {
 protected:
  void Answer(const std::string& text) {
    fleet.node_answers.push_back(Proto<v1::OperateNodesResponse>(text));
  }
  void Refuse(const std::string& node, const std::string& reason, const std::string& message) {
    v1::OperateNodesResponse& answer = fleet.node_answers.emplace_back();
    answer.set_node(node);
    *answer.mutable_result()->mutable_error() =
        ToRpcStatus(MakeError(absl::StatusCode::kUnavailable, reason, message));
  }
};

TEST_F(FleetDriversTest, NamesNodesAndLabels) {
  EXPECT_EQ(Run({"enable", "alucard", "-n", "b", "--node", "a", "-l", "pool=lab,rack=7",
                 "--parallel", "3", "--deadline", "30s", "--keep-going"}),
            0);
  const v1::OperateNodesRequest& request = fleet.operations.at(0);
  EXPECT_EQ(request.operation().enable_driver().driver(), "alucard");
  EXPECT_THAT(request.selector().nodes(), ElementsAre("b", "a"));
  EXPECT_THAT(request.selector().match_labels(),
              UnorderedElementsAre(Pair("pool", "lab"), Pair("rack", "7")));
  EXPECT_EQ(request.parallel(), 3);
  EXPECT_EQ(request.deadline().seconds(), 30);
  EXPECT_TRUE(request.keep_going());
}

TEST_F(FleetDriversTest, EveryVerbAsksItsOperation) {
  using Case = v1::Operation::OperationCase;
  const std::vector<std::pair<std::vector<std::string>, Case>> verbs = {
      {{"drivers"}, Case::kListDrivers},
      {{"drivers", "--conflicts"}, Case::kListConflictingActors},
      {{"enable", "a"}, Case::kEnableDriver},
      {{"disable", "a"}, Case::kDisableDriver},
      {{"switch", "a", "--stop", "b"}, Case::kSwitchDrivers},
      {{"switching", "off"}, Case::kSetSwitching},
      {{"register", "a"}, Case::kRegisterDriver},
      {{"unregister", "a"}, Case::kUnregisterDriver}};
  for (auto [arguments, expected] : verbs) {
    arguments.insert(arguments.end(), {"--node", "n"});
    EXPECT_EQ(Run(arguments), 0) << arguments[0] << err;
    EXPECT_EQ(fleet.operations.back().operation().operation_case(), expected) << arguments[0];
  }
}

TEST_F(FleetDriversTest, AChangeSaysWhoAndWhyAndAQuestionDoesNot) {
  EXPECT_EQ(Run({"enable", "a", "-n", "x", "--reason", "too slow", "--ticket", "OPS-1"}), 0);
  EXPECT_EQ(fleet.operations.at(0).note().reason(), "too slow");
  EXPECT_EQ(fleet.operations.at(0).note().ticket(), "OPS-1");
  EXPECT_EQ(fleet.operations.at(0).note().author(), "ada@desk");
  EXPECT_EQ(Run({"drivers", "-n", "x"}), 0);
  EXPECT_FALSE(fleet.operations.at(1).has_note());
  EXPECT_EQ(Run({"drivers", "-n", "x", "--reason", "y"}), 2);
  fleet.operation_end = MakeFieldErrors({{"note.ticket", "is too long"}});
  EXPECT_EQ(Run({"enable", "a", "-n", "x"}), 2);
  EXPECT_THAT(err, HasSubstr("--ticket: is too long"));
}

TEST_F(FleetDriversTest, SelectorsAreThoseOfKubectl) {
  EXPECT_EQ(Run({"drivers", "-l", "a=b,c!=d,!e"}), 0) << err;
  EXPECT_EQ(fleet.operations.at(0).selector().match_expressions_size(), 2);
}

TEST_F(FleetDriversTest, WithoutNodesNothingIsAsked) {
  for (const char* verb : {"enable", "disable", "register", "unregister"}) {
    EXPECT_EQ(Run({verb, "alucard"}), 2);
    EXPECT_THAT(err, HasSubstr("name nodes by --node NAME or --selector KEY=VALUE"));
  }
  EXPECT_EQ(Run({"drivers"}), 2);
  EXPECT_EQ(Run({"enable", "a", "-l", "pool in lab"}), 2);
  EXPECT_EQ(Run({"enable", "a", "-n", "x", "--parallel", "many"}), 2);
  EXPECT_EQ(Run({"switch", "-n", "x"}), 2);
  EXPECT_THAT(fleet.operations, ElementsAre());
}

TEST_F(FleetDriversTest, ShowsEachNodesResultsByNameAndSomeFailuresAsPartial) {
  Answer(
      "node: 'b' result { enable_driver { results { subject: 'driver/x' outcome: "
      "OUTCOME_CHANGED message: 'started' } } }");
  Refuse("c", "NODE_NOT_CONNECTED", "node c is not connected");
  Answer(
      "node: 'a' result { enable_driver { results { subject: 'driver/x' outcome: "
      "OUTCOME_ALREADY } } }");
  EXPECT_EQ(Run({"enable", "x", "-l", "pool=lab"}), 64);
  EXPECT_EQ(out,
            "NODE  SUBJECT   OUTCOME  REASON  MESSAGE\n"
            "a     driver/x  already  -       -\n"
            "b     driver/x  changed  -       started\n");
  EXPECT_EQ(err, "hotplugctl: c: node c is not connected (NODE_NOT_CONNECTED)\n");
}

TEST_F(FleetDriversTest, WhereAllFailItFails) {
  Refuse("a", "X", "no");
  EXPECT_EQ(Run({"disable", "x", "-n", "a"}), 1);
  EXPECT_EQ(out, "") << "no heads without rows";
}

TEST_F(FleetDriversTest, AnErrorWithoutReasonHasNoParentheses) {
  v1::OperateNodesResponse& answer = fleet.node_answers.emplace_back();
  answer.set_node("a");
  *answer.mutable_result()->mutable_error() = ToRpcStatus(absl::InternalError("it broke"));
  EXPECT_EQ(Run({"disable", "x", "-n", "a"}), 1);
  EXPECT_EQ(err, "hotplugctl: a: it broke\n");
}

TEST_F(FleetDriversTest, ItemsThatFailedCountAsOnOneHost) {
  const std::string done = "results { subject: 'driver/x' outcome: OUTCOME_CHANGED }";
  const std::string failed = "results { subject: 'driver/y' outcome: OUTCOME_FAILED }";
  Answer("node: 'a' result { switch_drivers { " + failed + " } }");
  EXPECT_EQ(Run({"switch", "x", "-n", "a"}), 1);
  Answer("node: 'b' result { switch_drivers { " + done + " } }");
  EXPECT_EQ(Run({"switch", "x", "-n", "a", "-n", "b"}), 64);
  fleet.node_answers.erase(fleet.node_answers.begin());
  EXPECT_EQ(Run({"switch", "x", "-n", "b"}), 0);
}

TEST_F(FleetDriversTest, DriversOfSeveralNodes) {
  Answer(
      "node: 'b' result { list_drivers { drivers { name: 'y' } switching: SWITCH_ON unregistered: "
      "['p', 'q'] } }");
  Answer(
      "node: 'a' result { list_drivers { drivers { name: 'x' provider: DRIVER_PROVIDER_KNOB "
      "state: DRIVER_STATE_STOPPED whitelist_known: true } switching: SWITCH_ON "
      "warnings: 'a list is cut' } }");
  EXPECT_EQ(Run({"drivers", "-l", "pool=lab"}), 0);
  EXPECT_EQ(out,
            "NODE  NAME  PROVIDER     STATE        WHITELIST  DETAIL\n"
            "a     x     knob         stopped      -          -\n"
            "b     y     unspecified  unspecified  unknown    -\n"
            "switching is on\n"
            "unregistered at b: p, q\n");
  EXPECT_EQ(err, "warning: a: a list is cut\n");
}

TEST_F(FleetDriversTest, NodesWhoseSwitchesDifferAreNamed) {
  for (const char* name : {"a", "c"}) {
    Answer(std::string("node: '") + name + "' result { list_drivers { switching: SWITCH_OFF } }");
  }
  Answer("node: 'b' result { list_drivers { switching: SWITCH_ON } }");
  Refuse("d", "X", "no");
  EXPECT_EQ(Run({"drivers", "-l", "pool=lab"}), 64);
  EXPECT_EQ(out, "switching is off at a, c\nswitching is on at b\n") << "no heads without rows";
}

constexpr char kLoad[] =
    "drivers { name: 'other' } drivers { name: 'Load' provider: DRIVER_PROVIDER_BUILTIN state: "
    "DRIVER_STATE_RUNNING whitelist_known: true power: '31 W' decisions { time { seconds: "
    "1700000000 } text: 'parked CPU 3' } }";

TEST_F(FleetDriversTest, OneDriverWithWhatItDecided) {
  Answer(std::string("node: 'a' result { list_drivers { ") + kLoad + " switching: SWITCH_ON } }");
  EXPECT_EQ(Run({"drivers", "load", "-n", "a"}), 0);
  EXPECT_EQ(out,
            "NODE  NAME  PROVIDER  STATE    WHITELIST  DETAIL\n"
            "a     Load  builtin   running  -          -\n"
            "\nNODE  POWER\n"
            "a     31 W\n"
            "\ndecisions of each node, the latest first:\n"
            "  NODE  TIME                  DECISION\n"
            "  a     2023-11-14T22:13:20Z  parked CPU 3\n");
}

TEST_F(FleetDriversTest, ANodeWithoutTheDriverSaysSo) {
  Answer("node: 'b' result { list_drivers { drivers { name: 'x' } warnings: 'x.yaml:3' } }");
  Answer(std::string("node: 'a' result { list_drivers { ") + kLoad + " } }");
  Answer("node: 'c' result { list_drivers { unregistered: 'LOAD' } }");
  EXPECT_EQ(Run({"drivers", "load", "-l", "pool=lab"}), 64);
  EXPECT_THAT(out, AllOf(HasSubstr("a     Load"), Not(HasSubstr("other")), Not(HasSubstr("x "))));
  EXPECT_EQ(err,
            "warning: b: x.yaml:3\n"
            "hotplugctl: b: no driver load is registered; `drivers` without a name lists those "
            "that are (DRIVER_NOT_REGISTERED)\n"
            "hotplugctl: c: driver load was unregistered; `register` takes it in again "
            "(DRIVER_NOT_REGISTERED)\n");
  EXPECT_EQ(Run({"drivers", "nobody", "-l", "pool=lab"}), 1);
  EXPECT_EQ(out, "");
}

TEST_F(FleetDriversTest, DocumentsHaveTheOneDriverToo) {
  Answer(std::string("node: 'a' result { list_drivers { ") + kLoad + " } }");
  Answer("node: 'b' result { list_drivers { drivers { name: 'other' } } }");
  for (const char* format : {"json", "yaml"}) {
    EXPECT_EQ(Run({"drivers", "load", "-l", "pool=lab", "-o", format}), 64);
    EXPECT_THAT(out, AllOf(HasSubstr("Load"), HasSubstr("parked CPU 3"), Not(HasSubstr("other")),
                           HasSubstr("DRIVER_NOT_REGISTERED")));
  }
}

constexpr char kRule[] =
    "actors { kind: KIND_UDEV_RULE name: '40.rules' place: '/etc/40.rules:3' effect: 'e' remedy: "
    "'mask it' }";

TEST_F(FleetDriversTest, ConflictsEachWithPlaceAndRemedy) {
  Answer(std::string("node: 'b' result { list_conflicting_actors { ") + kRule + " } }");
  Answer(std::string("node: 'a' result { list_conflicting_actors { ") + kRule +
         "actors { kind: KIND_DAEMON name: 'd' place: 'process 7' effect: 'f' remedy: 'stop d' } "
         "warnings: 'not readable' } }");
  EXPECT_EQ(Run({"drivers", "--conflicts", "-l", "pool=lab"}), 0);
  EXPECT_EQ(out,
            "NODE  KIND       NAME      PLACE            EFFECT\n"
            "a     udev_rule  40.rules  /etc/40.rules:3  e\n"
            "a     daemon     d         process 7        f\n"
            "b     udev_rule  40.rules  /etc/40.rules:3  e\n"
            "\nto neutralise 40.rules at a, b:\n  mask it\n"
            "\nto neutralise d at a:\n  stop d\n");
  EXPECT_EQ(err, "warning: a: not readable\n");
}

TEST_F(FleetDriversTest, NodesWithoutConflictsHaveNoTable) {
  Answer("node: 'a' result { list_conflicting_actors { } }");
  EXPECT_EQ(Run({"drivers", "--conflicts", "-n", "a"}), 0);
  EXPECT_EQ(out, "nothing is known to change devices besides the registered drivers\n");
  fleet.node_answers.clear();
  Refuse("a", "X", "no");
  EXPECT_EQ(Run({"drivers", "--conflicts", "-n", "a"}), 1);
  EXPECT_EQ(out, "") << "nothing is known of a node that did not answer";
}

TEST_F(FleetDriversTest, JsonIsALineForEachNode) {
  Answer("node: 'a' result { set_switching { switching: SWITCH_OFF } }");
  Refuse("b", "X", "no");
  EXPECT_EQ(Run({"switching", "off", "-n", "a", "-n", "b", "-o", "json"}), 64);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
  EXPECT_THAT(out, AllOf(HasSubstr("\"node\":\"a\""), HasSubstr("SWITCH_OFF"),
                         HasSubstr("\"message\":\"no\"")));
}

TEST_F(FleetDriversTest, YamlIsADocumentForEachNode) {
  Answer("node: 'a' result { set_switching { switching: SWITCH_OFF } }");
  Answer("node: 'b' result { set_switching { switching: SWITCH_OFF } }");
  EXPECT_EQ(Run({"switching", "off", "-n", "a", "-n", "b", "-o", "yaml"}), 0);
  EXPECT_EQ(out,
            "---\nnode: a\nresult:\n  setSwitching:\n    switching: SWITCH_OFF\n"
            "---\nnode: b\nresult:\n  setSwitching:\n    switching: SWITCH_OFF\n");
}

TEST_F(FleetDriversTest, AStreamThatBreaksStillShowsWhatCame) {
  Answer("node: 'a' result { set_switching { switching: SWITCH_OFF } }");
  fleet.operation_end = MakeError(absl::StatusCode::kUnavailable, "CONNECTION_LOST", "it is gone");
  EXPECT_EQ(Run({"switching", "off", "-l", "pool=lab"}), 69);
  EXPECT_THAT(out, HasSubstr("a     switching  off"));
  EXPECT_THAT(err, HasSubstr("1 node has answered; others may have been asked and do it all the "
                             "same; `hotplugctl drivers`"));
  EXPECT_THAT(err, HasSubstr("hotplugctl: it is gone\n"));
  fleet.node_answers.clear();
  EXPECT_EQ(Run({"switching", "off", "-l", "pool=lab"}), 69);
  EXPECT_THAT(err, HasSubstr("no node has answered; some may have been asked"));
}

TEST_F(FleetDriversTest, AnInterruptShowsWhatCameAndThatOthersMayBeDone) {
  Answer("node: 'b' result { set_switching { switching: SWITCH_OFF } }");
  Answer("node: 'a' result { set_switching { switching: SWITCH_OFF } }");
  fleet.after_last_answer = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"switching", "off", "-l", "pool=lab"}), 1);
  EXPECT_THAT(out, HasSubstr("\na     switching  off      -       -\nb     switching  off"));
  EXPECT_THAT(err, HasSubstr("2 nodes have answered; others may have been asked"));
  EXPECT_THAT(err, HasSubstr("reason: INTERRUPTED"));
}

TEST_F(FleetDriversTest, AQuestionThatIsInterruptedHasChangedNothing) {
  Answer("node: 'a' result { list_drivers { } }");
  fleet.after_last_answer = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"drivers", "-l", "pool=lab"}), 1);
  EXPECT_THAT(err, HasSubstr("1 node has answered\n"));
}

TEST_F(FleetDriversTest, WhereNobodyWasAskedNothingIsSaidOfNodes) {
  fleet.operation_end = MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "nobody");
  EXPECT_EQ(Run({"switching", "off", "-l", "pool=lab"}), 69);
  EXPECT_EQ(err, "hotplugctl: nobody\n  reason: UNREACHABLE\n");
  fleet.operation_end = MakeError(absl::StatusCode::kNotFound, "NODE_NOT_FOUND", "no such node");
  EXPECT_EQ(Run({"switching", "off", "-n", "a"}), 1);
  EXPECT_EQ(err, "hotplugctl: no such node\n  reason: NODE_NOT_FOUND\n");
}

TEST_F(FleetDriversTest, WhatTheControllerFindsWrongIsNamedByItsFlag) {
  fleet.operation_end = MakeFieldErrors({{"selector.match_labels[a b]", "has a space"},
                                         {"selector.nodes[1]", "is too long"},
                                         {"operation", "is not known"}});
  EXPECT_EQ(Run({"switching", "off", "-n", "a"}), 2);
  EXPECT_EQ(err,
            "hotplugctl: 3 values are wrong\n  --selector: has a space\n  --node: is too long\n"
            "  operation: is not known\n  reason: INVALID_FIELD\n");
}

TEST_F(FleetDriversTest, WrongFlagsAreNamedAndNothingIsAsked) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"-l", "pool=a,pool=b"}, "--selector: \"pool\" is to have two values"},
      {{"-l", ""}, "--selector: is empty"},
      {{"-l", "a=b,"}, "--selector: there is nothing between two commas"},
      {{"-n", "a", "--deadline", "250ms"}, "--deadline: \"250ms\" is not a time from 1s to 1h"},
      {{"-n", "a", "--deadline", "61m"}, "--deadline: \"61m\" is not"},
      {{"-n", "a", "--parallel", "0"}, "--parallel: \"0\" is not a whole number from 1 to 100"},
      {{"-n", "a", "--parallel", "101"}, "--parallel: \"101\" is not"}};
  for (auto [flags, message] : wrong) {
    flags.insert(flags.begin(), {"switching", "off"});
    EXPECT_EQ(Run(flags), 2) << message;
    EXPECT_THAT(err, HasSubstr(message));
  }
  EXPECT_THAT(fleet.operations, IsEmpty());
}

TEST_F(FleetDriversTest, ANameThatNoDriverCanHaveIsAWrongArgument) {
  for (const char* verb : {"enable", "disable", "switch", "register", "unregister"}) {
    EXPECT_EQ(Run({verb, "a/b", "-n", "x"}), 2);
    EXPECT_THAT(err, HasSubstr("reason: BAD_DRIVER_NAME"));
    EXPECT_EQ(Run({"--host", verb, "a/b"}), 2);
  }
  EXPECT_EQ(Run({"switch", "--stop", "a/b", "-n", "x"}), 2);
  EXPECT_THAT(fleet.operations, IsEmpty());
}

TEST_F(FleetDriversTest, HelpTellsTheLimits) {
  EXPECT_EQ(Run({"switch", "--help"}), 0);
  EXPECT_THAT(out, HasSubstr("1s to 1h"));
  EXPECT_THAT(out, HasSubstr("which must meet them"));
  EXPECT_EQ(Run({"switching", "off", "-n", "a"}), 0);
  EXPECT_EQ(fleet.operations.at(0).deadline().seconds(), 90);
}

}  // namespace
}  // namespace hotplugger::client
