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
  static v1::WatchFleetResponse Told(const std::string& text) {
    return Proto<v1::WatchFleetResponse>(text);
  }
  // Where there is nothing more to be told.
  void InterruptAtTheEnd() {
    fleet.watch_fleet.after_last = [this] { interrupt.request_stop(); };
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

TEST_F(GetTest, ConditionsStandInTheStateOfANode) {
  AnswerNodes(
      "nodes { name: 'a' connected: true report { state: APPLY_STATE_APPLIED } conditions { type: "
      "'STATE_NOT_SAVED' message: 'disk full' } } nodes { name: 'b' conditions { type: "
      "'TURNED_AWAY' message: 'of another fleet' } }");
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_THAT(out, HasSubstr("  APPLIED, STATE_NOT_SAVED  -      never\n"));
  EXPECT_THAT(out, HasSubstr("  TURNED_AWAY               -      never\n"));
  surroundings.is_terminal = true;
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_THAT(out, HasSubstr("\x1b[31mTURNED_AWAY\x1b[0m"));
}

TEST_F(GetTest, DescribeListsConditions) {
  fleet.get_node.Answer(Proto<v1::GetNodeResponse>(
      "node { name: 'a' conditions { type: 'STATE_NOT_SAVED' message: 'disk full' since_time { "
      "seconds: 1699999400 } } report { state: APPLY_STATE_APPLIED } }"));
  EXPECT_EQ(Run({"describe", "node", "a"}), 0);
  EXPECT_THAT(out, HasSubstr("\nConditions:\n  TYPE             SINCE  MESSAGE\n"
                             "  STATE_NOT_SAVED  10m    disk full\n"));
  EXPECT_THAT(out, HasSubstr("Last report: APPLIED")) << "conditions are no part of the report";
  EXPECT_THAT(out, Not(HasSubstr("Last report: APPLIED, STATE")));
}

TEST_F(GetTest, NodesAreChosenByFlags) {
  AnswerNodes("");
  EXPECT_EQ(Run({"get", "nodes", "web-*", "-l", "a=b,c!=d,!old", "--policy", "p", "--connected",
                 "--out-of-sync", "--state", "FAILED", "--state", "reverted", "--condition",
                 "turned_away"}),
            0)
      << err;
  const v1::NodeFilter& filter = fleet.list_nodes.requests.at(0).filter();
  EXPECT_EQ(filter.selector().match_labels().at("a"), "b");
  EXPECT_EQ(filter.selector().match_expressions_size(), 2);
  EXPECT_EQ(filter.selector().nodes(0), "web-*");
  EXPECT_EQ(filter.policy(), "p");
  EXPECT_TRUE(filter.connected());
  EXPECT_TRUE(filter.has_in_sync());
  EXPECT_FALSE(filter.in_sync());
  EXPECT_THAT(filter.states(),
              testing::ElementsAre(v1::APPLY_STATE_FAILED, v1::APPLY_STATE_REVERTED));
  EXPECT_EQ(filter.condition(), "TURNED_AWAY");
  EXPECT_EQ(Run({"get", "nodes", "--not-connected", "--in-sync"}), 0);
  EXPECT_FALSE(fleet.list_nodes.requests.at(1).filter().connected());
  EXPECT_TRUE(fleet.list_nodes.requests.at(1).filter().has_connected());
  EXPECT_TRUE(fleet.list_nodes.requests.at(1).filter().in_sync());
  EXPECT_FALSE(fleet.list_nodes.requests.at(1).filter().has_selector());
}

TEST_F(GetTest, PoliciesAndHoldsAreChosenByFlags) {
  fleet.list_policies.Answer(v1::ListPoliciesResponse());
  EXPECT_EQ(Run({"get", "policies", "park-*", "--node", "gamma"}), 0) << err;
  EXPECT_EQ(fleet.list_policies.requests.at(0).filter().name(), "park-*");
  EXPECT_EQ(fleet.list_policies.requests.at(0).filter().node(), "gamma");
  fleet.list_holds.Answer(v1::ListHoldsResponse());
  EXPECT_EQ(Run({"get", "holds", "--node", "web-*", "--subject", "driver/*", "--author", "ada@desk",
                 "--ticket", "OPS-1", "--expires-within", "1h"}),
            0)
      << err;
  const v1::HoldFilter& filter = fleet.list_holds.requests.at(0).filter();
  EXPECT_EQ(filter.node(), "web-*");
  EXPECT_EQ(filter.subject(), "driver/*");
  EXPECT_EQ(filter.author(), "ada@desk");
  EXPECT_EQ(filter.ticket(), "OPS-1");
  EXPECT_EQ(filter.expires_before().seconds(), 1'700'003'600);
}

TEST_F(GetTest, WrongFiltersAreToldAtOnce) {
  const std::vector<std::vector<std::string>> wrong = {{"nodes", "--node", "a"},
                                                       {"nodes", "--author", "a"},
                                                       {"nodes", "--connected", "--not-connected"},
                                                       {"nodes", "--in-sync", "--out-of-sync"},
                                                       {"nodes", "--state", "HAPPY"},
                                                       {"nodes", "--policy", ""},
                                                       {"nodes", "--condition", ""},
                                                       {"nodes", "-l", ""},
                                                       {"nodes", "-l", "a=b,,c"},
                                                       {"nodes", "UPPER"},
                                                       {"policies", "--selector", "a=b"},
                                                       {"policies", "--watch", "--node", "a"},
                                                       {"holds", "a"},
                                                       {"holds", "--connected"},
                                                       {"holds", "--expires-within", "-1h"},
                                                       {"holds", "--node", "A B"},
                                                       {"node", "a", "--connected"},
                                                       {"node", "a", "--watch"},
                                                       {"policy", "a", "--ticket", "x"}};
  for (std::vector<std::string> arguments : wrong) {
    arguments.insert(arguments.begin(), "get");
    EXPECT_EQ(Run(arguments), 2) << testing::PrintToString(arguments);
  }
  EXPECT_THAT(fleet.list_nodes.requests, IsEmpty());
  fleet.list_nodes.Answer(MakeFieldErrors({{"filter.selector.match_labels[x]", "is too long"}}));
  EXPECT_EQ(Run({"get", "nodes", "-l", "x=y"}), 2);
  EXPECT_THAT(err, HasSubstr("  --selector: is too long"));
}

TEST_F(GetTest, AWatchPrintsWhatChanges) {
  fleet.watch_fleet.Call(
      {Told("reset {}"),
       Told("node { name: 'a' connected: true last_contact_time { seconds: 1700000000 } }"),
       Told("node { name: 'b' }"), Told("synced {} resume_token: 't1'"),
       Told("node { name: 'a' connected: true last_contact_time { seconds: 1700000002 } }"),
       Told("node { name: 'a' in_sync: true }"), Told("node { name: 'longer' }"),
       Told("deleted_node: 'b' resume_token: 't2'")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"get", "nodes", "--watch"}), 0) << err;
  EXPECT_EQ(out,
            "NAME  CONNECTED  IN-SYNC  CPUS-ONLINE  CPUS-OFFLINE  SMT  MEMORY-ONLINE  "
            "MEMORY-OFFLINE  DRIVERS  STATE  DRIFT  LAST-CONTACT\n"
            "a     yes        no       -            -             -    -              "
            "-               -        -      -      0s\n"
            "b     no         no       -            -             -    -              "
            "-               -        -      -      never\n"
            "a     no         yes      -            -             -    -              "
            "-               -        -      -      never\n"
            "longer  no         no       -            -             -    -              "
            "-               -        -      -      never\n"
            "b       -          -        -            -             -    -              "
            "-               -        DELETED  -      -\n");
  EXPECT_EQ(err,
            "hotplugctl: the connection broke\n  reason: CONNECTION_LOST\ntrying again until it "
            "answers\nthe watch ended; nothing else was stopped by that\n");
  ASSERT_THAT(fleet.watch_fleet.requests, SizeIs(2));
  EXPECT_FALSE(fleet.watch_fleet.requests[0].summary_only());
  EXPECT_EQ(fleet.watch_fleet.requests[1].resume_token(), "t2");
}

TEST_F(GetTest, AWatchAsJsonIsALineAChange) {
  fleet.watch_fleet.Call({Told("reset {}"), Told("node { name: 'a' }"), Told("synced {}"),
                          Told("node { name: 'a' }"), Told("node { name: 'a' connected: true }"),
                          Told("deleted_node: 'a'"), Told("deleted_node: 'never-seen'")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"get", "nodes", "-w", "-o", "json"}), 0);
  EXPECT_THAT(out, StartsWith("{\"change\":\"PRESENT\",\"node\":{\"name\":\"a\","));
  EXPECT_THAT(Lines(out, 1), StartsWith("{\"change\":\"CHANGED\",\"node\":{\"name\":\"a\","));
  EXPECT_THAT(Lines(out, 2), StartsWith("{\"change\":\"REMOVED\",\"node\":{\"name\":\"a\","));
  EXPECT_EQ(Lines(out, 3), "");
}

TEST_F(GetTest, AWatchOutlivesARestartOfTheController) {
  fleet.watch_fleet.Call({Told("reset {}"), Told("node { name: 'a' }"), Told("node { name: 'b' }"),
                          Told("synced {}")});
  fleet.watch_fleet.Call({}, MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  // It remembers nothing: what is as it was is not told again, and what is missing is gone.
  fleet.watch_fleet.Call({Told("reset {}"), Told("node { name: 'a' }"), Told("synced {}")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"get", "nodes", "--watch", "-o", "json"}), 0);
  EXPECT_THAT(Lines(out, 2), StartsWith("{\"change\":\"REMOVED\",\"node\":{\"name\":\"b\","));
  EXPECT_EQ(Lines(out, 3), "");
  EXPECT_THAT(err, HasSubstr("the controller answers again\n"));
}

TEST_F(GetTest, AWatchOfSomeTellsWhenOneIsNoneOfThemAnyMore) {
  fleet.watch_fleet.Call({Told("reset {}"), Told("node { name: 'a' }"),
                          Told("node { name: 'b' connected: true }"), Told("synced {}"),
                          Told("node { name: 'a' connected: true }"), Told("node { name: 'b' }"),
                          Told("node { name: 'b' in_sync: true }")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"get", "nodes", "-w", "--connected", "-o", "json"}), 0);
  EXPECT_THAT(out, StartsWith("{\"change\":\"PRESENT\",\"node\":{\"name\":\"b\","));
  EXPECT_THAT(Lines(out, 1), StartsWith("{\"change\":\"CHANGED\",\"node\":{\"name\":\"a\","));
  EXPECT_THAT(Lines(out, 2), StartsWith("{\"change\":\"REMOVED\",\"node\":{\"name\":\"b\","));
  EXPECT_EQ(Lines(out, 3), "");
}

TEST_F(GetTest, AWatchOfAPolicysNodesFollowsItsSelector) {
  fleet.get_policy.Answer(
      Proto<v1::GetPolicyResponse>("policy { name: 'p' revision: 1 selector { nodes: 'a*' } }"));
  fleet.watch_fleet.Call({Told("reset {} resume_token: 't'"), Told("node { name: 'a1' }"),
                          Told("node { name: 'b1' }"),
                          Told("policy { name: 'p' revision: 1 selector { nodes: 'a*' } }"),
                          Told("synced {}"), Told("policy { name: 'q' revision: 9 }"),
                          Told("policy { name: 'p' revision: 2 selector { nodes: 'b*' } }"),
                          Told("node { name: 'not-read' }")});
  fleet.watch_fleet.Call({Told("reset {}"), Told("node { name: 'a1' }"),
                          Told("node { name: 'b1' }"),
                          Told("policy { name: 'p' revision: 2 selector { nodes: 'b*' } }"),
                          Told("synced {}"), Told("deleted_policy: 'p'")});
  EXPECT_EQ(Run({"get", "nodes", "-w", "--policy", "p", "-o", "json"}), 1);
  EXPECT_THAT(out, StartsWith("{\"change\":\"PRESENT\",\"node\":{\"name\":\"a1\","));
  EXPECT_THAT(Lines(out, 1), StartsWith("{\"change\":\"REMOVED\",\"node\":{\"name\":\"a1\","));
  EXPECT_THAT(Lines(out, 2), StartsWith("{\"change\":\"CHANGED\",\"node\":{\"name\":\"b1\","));
  EXPECT_EQ(Lines(out, 3), "");
  EXPECT_THAT(err, HasSubstr("policy p, whose nodes were watched, has been deleted"));
  EXPECT_EQ(fleet.watch_fleet.requests.at(1).resume_token(), "");
}

TEST_F(GetTest, AWatchOfAPolicysNodesEndsWhereItWasDeletedMeanwhile) {
  const std::string policy = "policy { name: 'p' revision: 1 selector { nodes: 'a*' } }";
  fleet.get_policy.Answer(Proto<v1::GetPolicyResponse>(policy));
  fleet.watch_fleet.Call(
      {Told("reset {}"), Told("node { name: 'a1' }"), Told(policy), Told("synced {}")});
  fleet.watch_fleet.Call({Told("reset {}"), Told("node { name: 'a1' }"),
                          Told("policy { name: 'q' revision: 9 }"), Told("synced {}")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"get", "nodes", "-w", "--policy", "p"}), 1);
  EXPECT_THAT(err, HasSubstr("policy p, whose nodes were watched, has been deleted"));
}

TEST_F(GetTest, NamesOfDriversAreComparedAsTheyAreStored) {
  for (const char* subject : {"driver/MPDecision", "driver/MPD*"}) {
    fleet.watch_fleet.Call(
        {Told("reset {}"), Told("hold { node: 'a' subject: 'driver/mpdecision' etag: 'e' }"),
         Told("hold { node: 'a' subject: 'usb/A1' etag: 'e' }"), Told("synced {}")});
    InterruptAtTheEnd();
    EXPECT_EQ(Run({"get", "holds", "--subject", subject, "-w", "-o", "name"}), 0) << err;
    EXPECT_EQ(out, "hold/a/driver/mpdecision\n") << subject;
    interrupt = std::stop_source();
  }
  fleet.watch_fleet.Call({Told("reset {}"), Told("hold { node: 'a' subject: 'usb/A1' etag: 'e' }"),
                          Told("synced {}")});
  EXPECT_EQ(Run({"get", "holds", "--subject", "usb/A1", "-w", "-o", "name"}), 0) << err;
  EXPECT_EQ(out, "hold/a/usb/A1\n") << "devices' names have capitals";
}

TEST_F(GetTest, PoliciesAreWatchedToo) {
  fleet.watch_fleet.Call({Told("reset {}"), Told("policy { name: 'p' revision: 1 }"),
                          Told("policy { name: 'other' }"), Told("synced {}"),
                          Told("policy { name: 'p' revision: 2 }"), Told("deleted_policy: 'p'")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"get", "policies", "p*", "--watch", "--no-headers"}), 0) << err;
  EXPECT_EQ(out,
            "p     0         1         -         -    -       -        -\n"
            "p     0         2         -         -    -       -        -\n"
            "p     -         -         DELETED   -    -       -        -\n");
  EXPECT_THAT(fleet.watch_fleet.requests.at(0).kinds(),
              testing::ElementsAre(v1::WatchFleetRequest::KIND_POLICIES));
}

TEST_F(GetTest, HoldsAreWatchedToo) {
  fleet.watch_fleet.Call(
      {Told("reset {}"),
       Told("hold { node: 'a' subject: 'cpu3' state: DEVICE_STATE_OFFLINE etag: 'e' }"),
       Told("hold { node: 'b' subject: 'cpu3' }"), Told("synced {}"),
       Told("deleted_hold { node: 'a' subject: 'cpu3' }")});
  InterruptAtTheEnd();
  EXPECT_EQ(Run({"get", "holds", "--node", "a", "-w", "-o", "wide"}), 0) << err;
  EXPECT_EQ(out,
            "NODE  SUBJECT  STATE    AGE  EXPIRES  TICKET  AUTHOR  REASON  ETAG\n"
            "a     cpu3     offline  -    -        -       -       -       e\n"
            "a     cpu3     released  -    -        -       -       -       -\n");
}

TEST_F(GetTest, AnInterruptIsAnsweredSoon) {
  fleet.watch_fleet.Call({Told("reset {}"), Told("synced {}")});
  on_pause = [this] { interrupt.request_stop(); };
  EXPECT_EQ(Run({"get", "nodes", "--watch"}), 0);
  EXPECT_THAT(pauses, SizeIs(1));
  EXPECT_LE(pauses.front(), absl::Milliseconds(200));
  EXPECT_THAT(fleet.watch_fleet.requests, SizeIs(1));
}

TEST_F(GetTest, AWatchOfWhatIsNotThereEnds) {
  for (int i = 0; i < 1000; ++i) {
    fleet.watch_fleet.Call({}, MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  }
  EXPECT_EQ(Run({"get", "nodes", "--watch"}), 69);
}

TEST_F(GetTest, AMuteControllerIsNotWatchedForEver) {
  fleet.watch_fleet.Call({}, MakeError(absl::StatusCode::kDeadlineExceeded, "NO_ANSWER", "silent",
                                       {{"address", "h:1"}}));
  EXPECT_EQ(Run({"get", "nodes", "--watch"}), 69);
  EXPECT_THAT(pauses, IsEmpty());
}

}  // namespace
}  // namespace hotplugger::client
