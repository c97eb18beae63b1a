// hotplugctl explain NODE SUBJECT.
#include "common/error_info.h"
#include "common/rpc_status.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using ExplainTest = CommandLineTest;

constexpr char kExplanation[] = R"pb(
  node: "gamma"
  subject: "cpu3"
  summary: "cpu3 is to be offline, by hold/cpu3"
  claims {
    source: "hold/cpu3"
    wants: "offline"
    decides: true
    reason: "machine checks"
    ticket: "OPS-1"
    author: "ada@desk"
    expire_time { seconds: 1700007199 }
  }
  claims {
    source: "policy/lab"
    priority: 10
    setting: "cpu.offline"
    wants: "offline"
    why_not: "outranked by hold/cpu3"
  }
  state: APPLY_STATE_FAILED
  last_results {
    subject: "cpu3"
    outcome: OUTCOME_FAILED
    reason: "CPU_BUSY"
    message: "a task is bound to it"
  }
  drift {
    subject: "cpu3"
    wanted: "offline"
    found: "online"
    since_time { seconds: 1699999700 }
    actor: "driver/load"
  }
)pb";

constexpr char kClaims[] =
    "cpu3 is to be offline, by hold/cpu3\n"
    "\n"
    "Who has a say, the first the last word:\n"
    "  SOURCE      PRIORITY  SETTING      WANTS    VERDICT\n"
    "  hold/cpu3          -  -            offline  decides\n"
    "  policy/lab        10  cpu.offline  offline  outranked by hold/cpu3\n"
    "  hold/cpu3: by ada@desk; ticket OPS-1; ends in 1h59m; reason: machine checks\n"
    "\n"
    "What gamma reports of its spec: FAILED\n"
    "  left unlike the spec:\n"
    "  SUBJECT  WANTED   FOUND   SINCE  BY\n"
    "  cpu3     offline  online  5m     driver/load\n"
    "  SUBJECT  OUTCOME  REASON    MESSAGE\n"
    "  cpu3     failed   CPU_BUSY  a task is bound to it\n"
    "\n";

TEST_F(ExplainTest, TellsWhoDecidesAndWhatTheHostSays) {
  auto explanation = Proto<v1::ExplainSubjectResponse>(kExplanation);
  *explanation.mutable_host() = Proto<v1::ExplainDeviceResponse>(
      "device { name: 'cpu3' } summary: 'cpu3 is online.' online_obstacles { reason: 'SMT_OFF' }");
  fleet.explain_subject.Answer(explanation);
  EXPECT_EQ(Run({"explain", "gamma", "cpu3"}), 0) << err;
  EXPECT_EQ(out.substr(0, out.find("  Name:")),
            std::string(kClaims) + "What the host says:\n  cpu3 is online.\n\n");
  EXPECT_THAT(out, HasSubstr("\n  What stops it from going online:\n    SMT_OFF\n"));
  EXPECT_THAT(out, HasSubstr("\n  Last operations: none that are known\n"));
  const v1::ExplainSubjectRequest& request = fleet.explain_subject.requests.at(0);
  EXPECT_EQ(request.node(), "gamma");
  EXPECT_EQ(request.subject(), "cpu3");
  EXPECT_EQ(Run({"explain", "gamma", "cpu3", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"whyNot\": \"outranked by hold/cpu3\""));
}

TEST_F(ExplainTest, SaysWhyTheHostSaidNothing) {
  auto explanation = Proto<v1::ExplainSubjectResponse>(kExplanation);
  *explanation.mutable_host_error() = ToRpcStatus(MakeError(
      absl::StatusCode::kUnavailable, "NODE_NOT_CONNECTED", "node gamma is not connected"));
  fleet.explain_subject.Answer(explanation);
  EXPECT_EQ(Run({"explain", "gamma", "cpu3"}), 0);
  EXPECT_EQ(out, std::string(kClaims) +
                     "The host said nothing: node gamma is not connected (NODE_NOT_CONNECTED)\n");
}

TEST_F(ExplainTest, NobodyHasASay) {
  fleet.explain_subject.Answer(Proto<v1::ExplainSubjectResponse>(
      "node: 'gamma' subject: 'core/0-0-3' summary: 'no policy and no hold has a say'"));
  EXPECT_EQ(Run({"explain", "gamma", "core/0-0-3"}), 0);
  EXPECT_EQ(out,
            "no policy and no hold has a say\n"
            "\n"
            "Who has a say, the first the last word: nobody\n"
            "\n"
            "What gamma reports of its spec: nothing yet\n");
}

TEST_F(ExplainTest, ADriverIsShownAsTheNodeHasIt) {
  fleet.explain_subject.Answer(Proto<v1::ExplainSubjectResponse>(
      "node: 'beta' subject: 'driver/load' driver { name: 'load' state: DRIVER_STATE_RUNNING }"));
  EXPECT_EQ(Run({"explain", "beta", "driver/load"}), 0);
  EXPECT_THAT(out, AllOf(HasSubstr("\nThe driver, as beta last told:\n  name:         load\n"),
                         HasSubstr("  state:        running\n")));
  fleet.explain_subject.Answer(
      Proto<v1::ExplainSubjectResponse>("node: 'beta' subject: 'driver/x'"));
  EXPECT_EQ(Run({"explain", "beta", "driver/x"}), 0);
  fleet.explain_subject.Answer(
      Proto<v1::ExplainSubjectResponse>("node: 'beta' subject: 'driver/x'"));
  EXPECT_EQ(Run({"explain", "beta", "driver/x"}), 0);
  EXPECT_THAT(out, HasSubstr("\nIt is not registered at beta\n"));
}

TEST_F(ExplainTest, WrongArgumentsAreNamed) {
  EXPECT_EQ(Run({"explain", "gamma"}), 2);
  fleet.explain_subject.Answer(MakeFieldErrors({{"subject", "\"x\" is no subject"}}));
  EXPECT_EQ(Run({"explain", "gamma", "x"}), 2);
  EXPECT_THAT(err, HasSubstr("  SUBJECT: \"x\" is no subject\n"));
}

TEST_F(ExplainTest, HostileTextIsMadePrintable) {
  const std::string hostile = "\\033[31m\\r\\n";
  fleet.explain_subject.Answer(Proto<v1::ExplainSubjectResponse>(
      "node: '" + hostile + "' summary: '" + hostile + "' claims { source: 'hold/" + hostile +
      "' setting: '" + hostile + "' wants: '" + hostile + "' why_not: '" + hostile + "' reason: '" +
      hostile + "' author: '" + hostile + "' ticket: '" + hostile +
      "' expire_time { seconds: -9223372036854775808 } } last_results { subject: '" + hostile +
      "' message: '" + hostile + "' } drift { subject: '" + hostile + "' actor: '" + hostile +
      "' since_time { seconds: 9223372036854775807 } } host { summary: '" + hostile + "' }"));
  EXPECT_EQ(Run({"explain", "gamma", "cpu3"}), 0);
  EXPECT_THAT(out, AllOf(Not(HasSubstr("\033")), Not(HasSubstr("\r"))));
  v1::ExplainSubjectResponse error;
  error.mutable_host_error()->set_code(14);
  error.mutable_host_error()->set_message("\033[31m\r\n");
  fleet.explain_subject.Answer(error);
  EXPECT_EQ(Run({"explain", "gamma", "cpu3"}), 0);
  fleet.explain_subject.Answer(error);
  EXPECT_EQ(Run({"explain", "gamma", "cpu3"}), 0);
  EXPECT_THAT(out, AllOf(HasSubstr("The host said nothing: "), Not(HasSubstr("\033"))));
}

}  // namespace
}  // namespace hotplugger::client
