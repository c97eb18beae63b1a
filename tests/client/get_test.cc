// The outputs of get: names, wide tables, colours, watches.
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class GetTest : public CommandLineTest {
 protected:
  void AnswerNodes(const std::string& nodes) {
    fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>(nodes));
  }
  // Interrupts the watch after so many polls.
  void InterruptAfter(size_t polls) {
    on_pause = [this, polls] {
      // Ten steps from one to the next.
      if (pauses.size() >= 10 * polls) interrupt.request_stop();
    };
  }
  static std::string Lines(const std::string& text, size_t first) {
    size_t at = 0;
    for (size_t i = 0; i < first; ++i) at = text.find('\n', at) + 1;
    return text.substr(at);
  }
};

TEST_F(GetTest, NamesAlone) {
  AnswerNodes("nodes { name: 'a' } nodes { name: 'b' }");
  EXPECT_EQ(Run({"get", "nodes", "-o", "name"}), 0);
  EXPECT_EQ(out, "node/a\nnode/b\n");
  EXPECT_TRUE(fleet.list_nodes.requests.at(0).summary_only());
  fleet.list_policies.Answer(Proto<v1::ListPoliciesResponse>("policies { name: 'p' }"));
  EXPECT_EQ(Run({"get", "policies", "-o", "name"}), 0);
  EXPECT_EQ(out, "policy/p\n");
}

TEST_F(GetTest, WideTablesHaveMoreColumns) {
  AnswerNodes(
      "nodes { name: 'a' labels { key: 'pool' value: 'lab' } agent_version: '0.2' desired_digest: "
      "'0123456789abcdef' inventory { kernel_release: '6.1' } }");
  EXPECT_EQ(Run({"get", "nodes", "-o", "wide"}), 0);
  EXPECT_THAT(out, HasSubstr("LAST-CONTACT  LABELS    KERNEL  AGENT  DESIRED\n"));
  EXPECT_THAT(out, HasSubstr("never         pool=lab  6.1     0.2    0123456789ab\n"));
  fleet.list_policies.Answer(Proto<v1::ListPoliciesResponse>(
      "policies { name: 'p' drift: DRIFT_MODE_REPORT confirm { seconds: 120 } on_release: "
      "RELEASE_MODE_LEAVE etag: 'e-1' selector { match_labels { key: 'a' value: 'b' } "
      "match_expressions { key: 'rack' operator: OPERATOR_NOT_IN values: ['7', '8'] } "
      "match_expressions { key: 'gpu' operator: OPERATOR_EXISTS } match_expressions { key: 'old' "
      "operator: OPERATOR_DOES_NOT_EXIST } } }"));
  EXPECT_EQ(Run({"get", "policies", "-o", "wide"}), 0);
  EXPECT_EQ(out,
            "NAME  PRIORITY  REVISION  SELECTOR                        CPU  MEMORY  DRIVERS  "
            "UPDATED  DRIFT   CONFIRM  ON-RELEASE  ETAG\n"
            "p     0         0         a=b,rack notin (7, 8),gpu,!old  -    -       -        "
            "-        report  2m       leave       e-1\n");
}

TEST_F(GetTest, WithoutHeaders) {
  AnswerNodes("nodes { name: 'a' }");
  EXPECT_EQ(Run({"get", "nodes", "--no-headers"}), 0);
  EXPECT_THAT(out, StartsWith("a     no "));
}

TEST_F(GetTest, OneNode) {
  fleet.get_node.Answer(Proto<v1::GetNodeResponse>("node { name: 'a' connected: true }"));
  EXPECT_EQ(Run({"get", "node", "a", "--no-headers"}), 0);
  EXPECT_THAT(out, StartsWith("a     yes "));
  EXPECT_EQ(fleet.get_node.requests.at(0).name(), "a");
}

TEST_F(GetTest, StatesTellOfDriftAndConfirmation) {
  AnswerNodes(
      "nodes { name: 'a' report { state: APPLY_STATE_APPLIED awaits_confirmation: true drift { "
      "subject: 'cpu1' } drift { subject: 'cpu2' } } } nodes { name: 'b' report { state: "
      "APPLY_STATE_REVERTED } } nodes { name: 'c' report { state: APPLY_STATE_QUARANTINED } }");
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_THAT(out, HasSubstr("  STATE                           DRIFT  LAST-CONTACT\n"));
  EXPECT_THAT(out, HasSubstr("  APPLIED, awaiting confirmation  2      never\n"));
  EXPECT_THAT(out, HasSubstr("  REVERTED                        -      never\n"));
  EXPECT_THAT(out, HasSubstr("  QUARANTINED                     -      never\n"));
}

TEST_F(GetTest, DescribeSaysWhyASpecWasGivenUp) {
  fleet.get_node.Answer(Proto<v1::GetNodeResponse>(
      "node { name: 'a' connected: true desired_digest: 'd' report { digest: 'd' state: "
      "APPLY_STATE_REVERTED message: 'nobody within 30s' } }"));
  EXPECT_EQ(Run({"describe", "node", "a"}), 0);
  EXPECT_THAT(out, HasSubstr("In sync:         no: it went back to the last good spec, as nobody "
                             "confirmed this one: nobody within 30s\n"));
  EXPECT_THAT(out, HasSubstr("\nLast report: REVERTED\n  nobody within 30s\n"));
}

TEST_F(GetTest, ColoursAreForTerminalsAlone) {
  AnswerNodes(
      "nodes { name: 'a' connected: true in_sync: true report { state: APPLY_STATE_APPLIED } } "
      "nodes { name: 'b' report { state: APPLY_STATE_FAILED } }");
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  const std::string plain = out;
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  surroundings.is_terminal = true;
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_THAT(out, HasSubstr("  \x1b[32mAPPLIED\x1b[0m  -      never\n"));
  EXPECT_THAT(out, HasSubstr("  \x1b[31mFAILED\x1b[0m   -      never\n"));
  EXPECT_THAT(out, HasSubstr("b     \x1b[31mno\x1b[0m         \x1b[33mno\x1b[0m       -"));
  surroundings.variables["NO_COLOR"] = "1";
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_EQ(out, plain);
}

TEST_F(GetTest, AWatchPrintsWhatChanges) {
  AnswerNodes(
      "nodes { name: 'a' connected: true last_contact_time { seconds: 1700000000 } } nodes { name: "
      "'b' }");
  AnswerNodes(
      "nodes { name: 'a' connected: true last_contact_time { seconds: 1700000002 } } nodes { name: "
      "'b' }");
  AnswerNodes("nodes { name: 'a' in_sync: true } nodes { name: 'longer' }");
  InterruptAfter(4);
  EXPECT_EQ(Run({"get", "nodes", "--watch"}), 0);
  EXPECT_EQ(out,
            "NAME  CONNECTED  IN-SYNC  CPUS-ONLINE  CPUS-OFFLINE  SMT  MEMORY-ONLINE  "
            "MEMORY-OFFLINE  DRIVERS  STATE  DRIFT  LAST-CONTACT\n"
            "a     yes        no       -            -             -    -              "
            "-               -        -      -      0s\n"
            "b     no         no       -            -             -    -              "
            "-               -        -      -      never\n"
            "a       no         yes      -            -             -    -              "
            "-               -        -        -      never\n"
            "longer  no         no       -            -             -    -              "
            "-               -        -        -      never\n"
            "b       -          -        -            -             -    -              "
            "-               -        DELETED  -      -\n");
  EXPECT_EQ(err, "the watch ended; nothing else was stopped by that\n");
}

TEST_F(GetTest, AWatchAsJsonIsALineAChange) {
  AnswerNodes("nodes { name: 'a' }");
  AnswerNodes("nodes { name: 'a' }");
  AnswerNodes("nodes { name: 'a' connected: true }");
  AnswerNodes("");
  InterruptAfter(4);
  EXPECT_EQ(Run({"get", "nodes", "-w", "-o", "json"}), 0);
  EXPECT_THAT(out, StartsWith("{\"change\":\"PRESENT\",\"node\":{\"name\":\"a\","));
  EXPECT_THAT(Lines(out, 1), StartsWith("{\"change\":\"CHANGED\",\"node\":{\"name\":\"a\","));
  EXPECT_THAT(Lines(out, 2), StartsWith("{\"change\":\"REMOVED\",\"node\":{\"name\":\"a\","));
  EXPECT_EQ(Lines(out, 3), "");
}

TEST_F(GetTest, AWatchOutlivesARestartOfTheController) {
  AnswerNodes("nodes { name: 'a' }");
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  AnswerNodes("nodes { name: 'a' }");
  InterruptAfter(4);
  EXPECT_EQ(Run({"get", "nodes", "--watch", "-o", "name"}), 0);
  EXPECT_EQ(out, "node/a\n");
  EXPECT_EQ(err,
            "hotplugctl: gone\n  reason: UNREACHABLE\ntrying again until it answers\n"
            "the controller answers again\nthe watch ended; nothing else was stopped by that\n");
}

TEST_F(GetTest, AnInterruptIsAnsweredSoon) {
  AnswerNodes("nodes { name: 'a' }");
  on_pause = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"get", "nodes", "--watch"}), 0);
  EXPECT_THAT(pauses, testing::ElementsAre(absl::Milliseconds(200)));
  EXPECT_THAT(fleet.list_nodes.requests, SizeIs(1));
}

TEST_F(GetTest, AWatchThatFailsAtFirstEndsAtOnce) {
  fleet.list_nodes.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  EXPECT_EQ(Run({"get", "nodes", "--watch"}), 69);
  EXPECT_THAT(pauses, IsEmpty());
}

}  // namespace
}  // namespace hotplugger::client
