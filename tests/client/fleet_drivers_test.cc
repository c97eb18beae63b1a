// hotplugctl's verbs for the drivers of nodes.
#include "common/rpc_status.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
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

TEST_F(FleetDriversTest, WithoutNodesNothingIsAsked) {
  for (const char* verb : {"enable", "disable", "register", "unregister"}) {
    EXPECT_EQ(Run({verb, "alucard"}), 2);
    EXPECT_THAT(err, HasSubstr("name nodes by --node NAME or --selector KEY=VALUE"));
  }
  EXPECT_EQ(Run({"drivers"}), 2);
  EXPECT_EQ(Run({"enable", "a", "-l", "pool"}), 2);
  EXPECT_THAT(err, HasSubstr("\"pool\" is not KEY=VALUE"));
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
}

TEST_F(FleetDriversTest, DriversOfSeveralNodes) {
  Answer(
      "node: 'a' result { list_drivers { drivers { name: 'x' provider: DRIVER_PROVIDER_KNOB "
      "state: DRIVER_STATE_STOPPED whitelist_known: true } drivers { name: 'y' } "
      "warnings: 'a list is cut' } }");
  EXPECT_EQ(Run({"drivers", "X", "-n", "a"}), 0);
  EXPECT_EQ(out,
            "NODE  NAME  PROVIDER  STATE    WHITELIST  DETAIL\n"
            "a     x     knob      stopped  -          -\n");
  EXPECT_EQ(err, "warning: a: a list is cut\n");
}

TEST_F(FleetDriversTest, JsonIsALineForEachNode) {
  Answer("node: 'a' result { set_switching { switching: SWITCH_OFF } }");
  Refuse("b", "X", "no");
  EXPECT_EQ(Run({"switching", "off", "-n", "a", "-n", "b", "-o", "json"}), 64);
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
  EXPECT_THAT(out, AllOf(HasSubstr("\"node\":\"a\""), HasSubstr("SWITCH_OFF"),
                         HasSubstr("\"message\":\"no\"")));
}

TEST_F(FleetDriversTest, AStreamThatBreaksStillShowsWhatCame) {
  Answer("node: 'a' result { set_switching { switching: SWITCH_OFF } }");
  fleet.operation_end = MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "it is gone");
  EXPECT_EQ(Run({"switching", "off", "-l", "pool=lab"}), 69);
  EXPECT_THAT(out, HasSubstr("a     switching  off"));
  EXPECT_THAT(err, HasSubstr("it is gone"));
}

}  // namespace
}  // namespace hotplugger::client
