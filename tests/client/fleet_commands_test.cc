#include <filesystem>
#include <fstream>

#include "client/verb_table.h"
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPolicy[] =
    "apiVersion: hotplugger/v1\nkind: Policy\nname: a\nselector: {matchLabels: {p: l}}\n";

using FleetCommandsTest = CommandLineTest;

// 60 seconds before the fake clock's start.
constexpr char kContact[] = "last_contact_time { seconds: 1699999940 }";

TEST_F(FleetCommandsTest, ApplyTellsWhatWasDone) {
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>(
      "policy { name: 'a' revision: 3 } changed: true matched_nodes: 1 warnings: 'one-sided'"));
  EXPECT_EQ(Run({"apply", "-f", "-"}, kPolicy), 0);
  EXPECT_EQ(out, "policy/a applied (revision 3, matches 1 node)\n");
  EXPECT_EQ(err, "warning: one-sided\n");
  ASSERT_THAT(fleet.apply_policy.requests, SizeIs(1));
  EXPECT_FALSE(fleet.apply_policy.requests[0].validate_only());
  EXPECT_EQ(fleet.apply_policy.requests[0].policy().selector().match_labels().at("p"), "l");
}

TEST_F(FleetCommandsTest, ApplyDryRunOnlyValidates) {
  fleet.apply_policy.Answer(
      Proto<v1::ApplyPolicyResponse>("policy { name: 'a' revision: 3 } matched_nodes: 2"));
  EXPECT_EQ(Run({"apply", "--dry-run", "-f", "-"}, kPolicy), 0);
  EXPECT_EQ(out, "policy/a unchanged (revision 3, matches 2 nodes) (dry run)\n");
  EXPECT_TRUE(fleet.apply_policy.requests.at(0).validate_only());
}

TEST_F(FleetCommandsTest, ApplySendsNothingOfAFileWithAMistake) {
  const std::string second = "---\napiVersion: hotplugger/v1\nkind: Policy\nname: b\nwrong: 1\n";
  EXPECT_EQ(Run({"apply", "-f", "-"}, kPolicy + second), 2);
  EXPECT_EQ(out, "");
  EXPECT_THAT(err, HasSubstr("hotplugctl: 1 value is wrong\n  (stdin):9:1: wrong: unknown field"));
  EXPECT_THAT(fleet.apply_policy.requests, IsEmpty());
}

TEST_F(FleetCommandsTest, ApplyOfAMissingFileIsAUsageError) {
  EXPECT_EQ(Run({"apply", "-f", "/nonexistent.yaml"}), 2);
  EXPECT_THAT(err, HasSubstr("/nonexistent.yaml"));
  EXPECT_THAT(err, HasSubstr("reason: ENOENT"));
}

TEST_F(FleetCommandsTest, ApplyGoesOnAfterOneThatIsRefused) {
  const std::string second = "---\napiVersion: hotplugger/v1\nkind: Policy\nname: b\n";
  fleet.apply_policy.Answer(MakeError(absl::StatusCode::kFailedPrecondition, "CONFLICT", "no"));
  fleet.apply_policy.Answer(
      Proto<v1::ApplyPolicyResponse>("policy { name: 'b' revision: 1 } changed: true"));
  EXPECT_EQ(Run({"apply", "-f", "-"}, kPolicy + second), 64);
  EXPECT_EQ(out, "policy/b applied (revision 1, matches 0 nodes)\n");
  EXPECT_EQ(err, "policy/a not applied:\nhotplugctl: no\n  reason: CONFLICT\n");
}

TEST_F(FleetCommandsTest, ApplyEndsWhereNobodyAnswers) {
  const std::string second = "---\napiVersion: hotplugger/v1\nkind: Policy\nname: b\n";
  fleet.apply_policy.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "gone"));
  EXPECT_EQ(Run({"apply", "-f", "-"}, kPolicy + second), 69);
  for (const v1::ApplyPolicyRequest& request : fleet.apply_policy.requests) {
    EXPECT_EQ(request.policy().name(), "a");
  }
  EXPECT_THAT(err, HasSubstr("policy/b not sent\n"));
}

TEST_F(FleetCommandsTest, ApplyAsJsonIsAlwaysAnArray) {
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>("policy { name: 'a' } changed: true"));
  EXPECT_EQ(Run({"-o", "json", "apply", "-f", "-"}, kPolicy), 0);
  EXPECT_EQ(out.substr(0, 3), "[\n{");
  EXPECT_THAT(out, HasSubstr("\"changed\": true"));
  EXPECT_EQ(out.substr(out.size() - 4), "}\n]\n");
}

TEST_F(FleetCommandsTest, GetNodesAsTable) {
  fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>(
      std::string(R"pb(
        nodes {
          name: "a"
          connected: true
          in_sync: true
          report { state: APPLY_STATE_APPLIED }
          inventory {
            cpus_present: "0-3"
            cpus_online: "0-1"
            drivers { name: "alucard" state: DRIVER_STATE_RUNNING }
            drivers { name: "thermal" state: DRIVER_STATE_RUNNING }
            drivers { name: "blu" state: DRIVER_STATE_STOPPED }
            smt { control: SMT_CONTROL_PARTIAL threads_per_core: 2 }
            memory { block_size_bytes: 134217728 blocks_present: "0-39" blocks_online: "0-31" }
          })pb") +
      kContact + "} next_page_token: 't'"));
  fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>("nodes { name: 'b' }"));
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_EQ(out,
            "NAME  CONNECTED  IN-SYNC  CPUS-ONLINE  CPUS-OFFLINE  SMT        MEMORY-ONLINE  "
            "MEMORY-OFFLINE  DRIVERS          STATE    DRIFT  LAST-CONTACT\n"
            "a     yes        yes      0-1          2-3           partial:2  4Gi            "
            "1Gi             alucard,thermal  APPLIED  -      60s\n"
            "b     no         no       -            -             -          -              "
            "-               -                -        -      never\n");
  EXPECT_EQ(fleet.list_nodes.requests.at(1).page_token(), "t");
}

TEST_F(FleetCommandsTest, GetNodesAsJsonIsOneDocumentOfAllPages) {
  fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>("nodes { name: 'a' } next_page_token: 't'"));
  fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>("nodes { name: 'b' }"));
  EXPECT_EQ(Run({"get", "nodes", "-o", "json", "--policy", "p"}), 0);
  EXPECT_THAT(out, HasSubstr("\"name\": \"a\""));
  EXPECT_THAT(out, HasSubstr("\"name\": \"b\""));
  EXPECT_THAT(out, HasSubstr("\"inSync\": false"));
  EXPECT_THAT(out, HasSubstr("\"nextPageToken\": \"\""));
  EXPECT_EQ(fleet.list_nodes.requests.at(0).filter().policy(), "p");
}

TEST_F(FleetCommandsTest, AListWithoutEndIsAnError) {
  fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>("next_page_token: 't'"));
  EXPECT_EQ(Run({"get", "nodes"}), 1);
  EXPECT_THAT(err, HasSubstr("reason: ENDLESS_LIST"));
}

TEST_F(FleetCommandsTest, GetPolicies) {
  fleet.list_policies.Answer(Proto<v1::ListPoliciesResponse>(R"pb(
    policies {
      name: "park"
      priority: 100
      revision: 2
      selector {
        match_labels { key: "pool" value: "lab" }
        match_labels { key: "a" value: "b" }
      }
      drivers { active: "alucard" stopped: "mpd" switching: SWITCH_OFF }
      cpu { offline: "2-3" smt: SMT_CONTROL_OFF hot_add: HOT_ADD_ONLINE }
      memory { offline_blocks: "32-39" }
      update_time { seconds: 1699999400 }
    }
    policies {
      name: "q"
      selector { nodes: [ "a", "b", "c", "d", "e" ] }
      cpu { online_percent: 50 }
      memory { offline_bytes: "4Gi" hot_add: HOT_ADD_ONLINE_MOVABLE }
    })pb"));
  EXPECT_EQ(Run({"get", "policies"}), 0);
  EXPECT_EQ(out,
            "NAME  PRIORITY  REVISION  SELECTOR               CPU                                 "
            "MEMORY                              DRIVERS                            UPDATED\n"
            "park  100       2         a=b,pool=lab           offline:2-3,smt:off,hot-add:online  "
            "offline-blocks:32-39                alucard,mpd:stopped,switching:off  10m\n"
            "q     0         0         node in (a, b, c, +2)  online:50%                          "
            "offline:4Gi,hot-add:online_movable  -                                  -\n");
}

TEST_F(FleetCommandsTest, DescribeShowsEverything) {
  fleet.get_node.Answer(Proto<v1::GetNodeResponse>(
      std::string(R"pb(
        node {
          name: "a"
          connected: true
          boot_id: "b-1"
          agent_version: "0.1"
          metrics_address: "a:9416"
          desired_digest: "d1"
          applied_digest: "d0"
          labels { key: "pool" value: "lab" }
          conflicts: "cpu_offline: p and q disagree"
          report {
            digest: "d1"
            state: APPLY_STATE_FAILED
            message: "1 of 2 failed"
            drift_count: 4
            drift_counts { actor: "person" count: 3 }
            drift_counts { actor: "driver/x" count: 1 }
            drift {
              subject: "cpu5"
              wanted: "offline"
              found: "online"
              since_time { seconds: 1699999400 }
              actor: "person"
            }
            items {
              subject: "cpu3"
              outcome: OUTCOME_FAILED
              reason: "BUSY"
              message: "in use"
              retry: RETRY_CLASS_CONDITIONAL
            }
            retry: RETRY_CLASS_CONDITIONAL
          }
          inventory {
            kernel_release: "6.1"
            cpus_present: "0-3"
            cpus_online: "0-3"
            switching: SWITCH_ON
            smt { control: SMT_CONTROL_ON active: true }
            memory { block_size_bytes: 134217728 blocks_present: "0-7,10" blocks_online: "0-5,10" }
            devices {
              name: "cpu3"
              kind: DEVICE_KIND_CPU
              state: DEVICE_STATE_ONLINE
              hotpluggable: true
            }
            drivers { name: "x" provider: DRIVER_PROVIDER_KERNEL state: DRIVER_STATE_STOPPED }
          }
          spec {
            cpu_offline: "3"
            cpu_online_percent: 50
            smt: SMT_CONTROL_OFF
            cpu_hot_add: HOT_ADD_ONLINE
            memory_offline: "40"
            memory_offline_bytes: 1610612736
            memory_hot_add: HOT_ADD_ONLINE_MOVABLE
            devices_offline: "container/PNP0A06:00"
            cores_offline: "0-0-3"
            report_drift_of: "smt"
            leave_on_release: "cpu_offline"
            driver_whitelists {
              key: "x"
              value { drivers: "y" }
            }
          }
          sources { setting: "cpu_offline" source: "policy/p" }
      )pb") +
      kContact + "}"));
  EXPECT_EQ(Run({"describe", "node", "a"}), 0);
  EXPECT_EQ(out,
            "Name:            a\n"
            "Labels:          pool=lab\n"
            "Connected:       yes\n"
            "Last contact:    2023-11-14T22:12:20Z (60s ago)\n"
            "In sync:         no: it failed: 1 of 2 failed; cpu3: BUSY: in use\n"
            "Kernel:          6.1\n"
            "Boot id:         b-1\n"
            "Agent version:   0.1\n"
            "Metrics:         a:9416\n"
            "Desired digest:  d1\n"
            "Applied digest:  d0\n"
            "CPUs present:    0-3\n"
            "CPUs online:     0-3\n"
            "CPUs offline:    -\n"
            "SMT:             on, active\n"
            "Memory online:   896Mi (blocks 0-5,10)\n"
            "Memory offline:  256Mi (blocks 6-7)\n"
            "Memory block:    128Mi\n"
            "Switching:       on\n"
            "\nConflicts:\n  cpu_offline: p and q disagree\n"
            "\nSpec:\n"
            "  SETTING               VALUE\n"
            "  cpu_offline           3\n"
            "  cpu_online_percent    50%\n"
            "  smt                   off\n"
            "  cpu_hot_add           online\n"
            "  memory_offline        40\n"
            "  memory_offline_bytes  1536Mi\n"
            "  memory_hot_add        online_movable\n"
            "  devices_offline       container/PNP0A06:00\n"
            "  cores_offline         0-0-3\n"
            "  driver_whitelists     x: [y]\n"
            "  report_drift_of       smt\n"
            "  leave_on_release      cpu_offline\n"
            "\nSources:\n"
            "  SETTING      SOURCE\n"
            "  cpu_offline  policy/p\n"
            "\nLast report: FAILED, tried again once the host has changed\n"
            "  1 of 2 failed\n"
            "  drift found: 4 times (3 by person, 1 by driver/x)\n"
            "  left unlike the spec:\n"
            "  SUBJECT  WANTED   FOUND   SINCE  BY\n"
            "  cpu5     offline  online  10m    person\n"
            "  SUBJECT  OUTCOME                                        REASON  MESSAGE\n"
            "  cpu3     failed, tried again once the host has changed  BUSY    in use\n"
            "\nDrivers:\n"
            "  NAME  PROVIDER  STATE    WHITELIST\n"
            "  x     kernel    stopped  unknown\n"
            "\nDevices:\n"
            "  NAME  KIND  STATE   HOTPLUGGABLE\n"
            "  cpu3  cpu   online  yes\n");
}

TEST_F(FleetCommandsTest, Delete) {
  fleet.delete_policy.Answer(Proto<v1::DeletePolicyResponse>("policy { name: 'p' revision: 7 }"));
  EXPECT_EQ(Run({"delete", "policy", "p"}), 0);
  EXPECT_EQ(out, "policy/p deleted (was revision 7)\n");
  EXPECT_EQ(fleet.delete_policy.requests.at(0).name(), "p");
  EXPECT_EQ(fleet.delete_policy.requests.at(0).note().author(), "ada@desk");
  fleet.delete_node.Answer(
      MakeError(absl::StatusCode::kFailedPrecondition, "CONNECTED", "a is connected"));
  EXPECT_EQ(Run({"delete", "node", "a"}), 1);
  EXPECT_EQ(err, "hotplugctl: a is connected\n  reason: CONNECTED\n");
}

TEST_F(FleetCommandsTest, DeletingANodeIsAChangeAsOthersAre) {
  fleet.delete_node.Answer(v1::DeleteNodeResponse());
  EXPECT_EQ(Run({"delete", "node", "a", "--reason", "scrapped", "--ticket", "OPS-1"}), 0);
  EXPECT_EQ(out, "node/a deleted\n");
  const v1::DeleteNodeRequest& request = fleet.delete_node.requests.at(0);
  EXPECT_EQ(request.note().reason(), "scrapped");
  EXPECT_EQ(request.note().ticket(), "OPS-1");
  EXPECT_EQ(request.note().author(), "ada@desk");
  EXPECT_EQ(request.request_id(), "request-1");
  EXPECT_FALSE(request.validate_only());
  EXPECT_EQ(Run({"delete", "node", "a", "--dry-run=server"}), 0);
  EXPECT_EQ(out, "node/a deleted (dry run)\n");
  EXPECT_TRUE(fleet.delete_node.requests.at(1).validate_only());
  EXPECT_EQ(fleet.delete_node.requests.at(1).request_id(), "");
  EXPECT_EQ(Run({"delete", "node", "a", "--dry-run=client"}), 0);
  EXPECT_THAT(fleet.delete_node.requests, SizeIs(2));
}

TEST_F(FleetCommandsTest, HoldsOfDevicesAndDrivers) {
  fleet.set_hold.Answer(Proto<v1::SetHoldResponse>(
      "hold { node: 'a' subject: 'cpu3' state: DEVICE_STATE_OFFLINE } warnings: 'unknown node'"));
  EXPECT_EQ(Run({"offline", "a", "cpu3", "--reason", "bad cache"}), 0);
  EXPECT_EQ(out, "hold/a/cpu3 offline\n");
  EXPECT_THAT(err, HasSubstr("warning: unknown node\n"));
  EXPECT_THAT(err, HasSubstr("hotplugctl wait nodes a"));
  fleet.set_hold.Answer(Proto<v1::SetHoldResponse>(
      "hold { node: 'a' subject: 'driver/x' state: DEVICE_STATE_ONLINE } "
      "replaced { node: 'a' subject: 'driver/y' state: DEVICE_STATE_ONLINE }"));
  EXPECT_EQ(Run({"online", "a", "cpu3"}), 0);
  EXPECT_EQ(Run({"online", "a", "driver/x"}), 0);
  EXPECT_EQ(out, "hold/a/driver/x online\nhold/a/driver/y replaced\n");
  ASSERT_THAT(fleet.set_hold.requests, SizeIs(3));
  EXPECT_EQ(fleet.set_hold.requests[0].hold().reason(), "bad cache");
  EXPECT_EQ(fleet.set_hold.requests[0].hold().state(), v1::DEVICE_STATE_OFFLINE);
  EXPECT_EQ(fleet.set_hold.requests[1].hold().state(), v1::DEVICE_STATE_ONLINE);
  EXPECT_EQ(fleet.set_hold.requests[2].hold().subject(), "driver/x");
  fleet.release_hold.Answer(v1::ReleaseHoldResponse());
  EXPECT_EQ(Run({"release", "a", "driver/x"}), 0);
  EXPECT_EQ(out, "hold/a/driver/x released\n");
}

TEST_F(FleetCommandsTest, ANodeMayBeCalledAsAVerb) {
  fleet.get_node.Answer(Proto<v1::GetNodeResponse>("node { name: 'get' }"));
  EXPECT_EQ(Run({"describe", "node", "get"}), 0);
  fleet.set_hold.Answer(v1::SetHoldResponse());
  EXPECT_EQ(Run({"offline", "online", "wait"}), 0);
  EXPECT_EQ(fleet.set_hold.requests.at(0).hold().node(), "online");
}

TEST_F(FleetCommandsTest, FlagsSayWhomToCall) {
  fleet.list_nodes.Answer(v1::ListNodesResponse());
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  EXPECT_EQ(Run({"--controller", "h:1", "--insecure", "get", "nodes", "--timeout", "1m"}), 0);
  surroundings.variables["HOTPLUGGER_CONTROLLER"] = "env:2";
  EXPECT_EQ(Run({"get", "nodes"}), 0);
  ASSERT_THAT(connector.fleet_targets, SizeIs(3));
  EXPECT_EQ(connector.fleet_targets[0].controller, "127.0.0.1:7443");
  EXPECT_EQ(connector.fleet_targets[0].call_timeout, absl::Seconds(10));
  EXPECT_FALSE(connector.fleet_targets[0].insecure);
  EXPECT_EQ(connector.fleet_targets[1].controller, "h:1");
  EXPECT_EQ(connector.fleet_targets[1].call_timeout, absl::Minutes(1));
  EXPECT_TRUE(connector.fleet_targets[1].insecure);
  EXPECT_EQ(connector.fleet_targets[2].controller, "env:2");
}

TEST_F(FleetCommandsTest, AnAddressThatIsRefusedIsAUsageError) {
  connector.refusal = MakeError(absl::StatusCode::kPermissionDenied, "PLAINTEXT_REFUSED", "no");
  EXPECT_EQ(Run({"get", "nodes"}), 2);
  EXPECT_EQ(err, "hotplugctl: no\n  reason: PLAINTEXT_REFUSED\n");
}

TEST_F(FleetCommandsTest, WrongArgumentsAreUsageErrors) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"fly"},
      {"get"},
      {"get", "pods"},
      {"apply"},
      {"offline", "a"},
      {"-o", "xml", "get", "nodes"},
      {"--timeout", "0s", "get", "nodes"},
      {"--timeout", "2h", "get", "nodes"},
      {"wait", "policy"},
      {"wait", "policy", "a", "b"},
      {"wait", "hold", "a"},
      {"wait", "nodes", "--for", "deleted"},
      {"wait", "nodes", "a", "--for", "expired"},
      {"wait", "hold", "a", "b", "--for", "connected"},
      {"wait", "nodes", "a", "--for", "happy"},
      {"get", "policy"},
      {"get", "policy", "a", "--watch"},
      {"get", "nodes", "--revision", "1"},
      {"get", "policy", "a", "--revision", "0"},
      {"history", "node", "a"},
      {"rollback", "policy", "a", "--revision", "x"},
      {"diff"},
      {"diff", "policy", "a"},
      {"diff", "-f", "x.yaml", "policy"},
      {"apply", "-f", "-", "--dry-run=maybe"},
      {"describe", "node", "a", "-o", "wide"},
      {"apply", "-f", "-", "-o", "name"},
      {"completion", "tcsh"},
      {"man", "fly"},
      {"config", "use-context"},
      {"config", "get-contexts", "a"},
      {"get", "nodes", "--bogus"},
      {"devices"},
      {"--host", "apply", "-f", "-"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(Run(arguments), 2) << testing::PrintToString(arguments);
    EXPECT_THAT(err, HasSubstr("hotplugctl: ")) << testing::PrintToString(arguments);
    EXPECT_EQ(out, "");
  }
}

TEST_F(FleetCommandsTest, HelpShowsTheVerbsOfItsScopeAndTheExitCodes) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_THAT(out, HasSubstr("describe"));
  EXPECT_THAT(out, HasSubstr("69  the controller or the agent can't be reached"));
  EXPECT_EQ(Run({"--host", "--help"}), 0);
  EXPECT_THAT(out, HasSubstr("switching"));
  EXPECT_THAT(out, testing::Not(HasSubstr("describe  ")));
  EXPECT_EQ(Run({"wait", "--help"}), 0);
  EXPECT_THAT(out, HasSubstr("--timeout DURATION=1m"));
}

// The words of a command line as a shell reads them, as far as our examples go.
std::vector<std::string> Words(const std::string& line) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (const char byte : line) {
    if (byte == '\'') {
      quoted = !quoted;
    } else if (byte == ' ' && !quoted) {
      words.emplace_back();
    } else {
      words.back().push_back(byte);
    }
  }
  return words;
}

TEST_F(FleetCommandsTest, EveryVerbsHelpHasExamplesThatAreRight) {
  // So that `apply -f examples/...` finds its file.
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(HOTPLUGGER_SOURCE_DIR);
  // Of diff a failure is above 1.
  fleet.get_policy.Answer(v1::GetPolicyResponse());
  fleet.apply_policy.Answer(v1::ApplyPolicyResponse());
  for (const bool host_scope : {false, true}) {
    const std::string program = host_scope ? "hotplugctl --host " : "hotplugctl ";
    for (const Verb& entry : host_scope ? HostVerbs() : FleetVerbs()) {
      const std::string verb = entry.name;
      if (verb == "version") continue;
      EXPECT_EQ(Run(host_scope ? std::vector<std::string>{"--host", verb, "--help"}
                               : std::vector<std::string>{verb, "--help"}),
                0);
      const std::string help = out;
      const size_t heading = help.find("Examples:\n  " + program + verb);
      ASSERT_NE(heading, std::string::npos) << help;
      std::istringstream lines(help.substr(heading));
      std::string line;
      std::getline(lines, line);
      while (std::getline(lines, line) && line.substr(0, 2) == "  ") {
        std::vector<std::string> words = Words(line.substr(2));
        EXPECT_EQ(words.front(), "hotplugctl");
        words.erase(words.begin());
        EXPECT_NE(Run(words), 2) << line << '\n' << err;
      }
    }
  }
  std::filesystem::current_path(before);
}

TEST_F(FleetCommandsTest, YamlHasWhatJsonHas) {
  fleet.apply_policy.Answer(Proto<v1::ApplyPolicyResponse>("policy { name: 'a' } changed: true"));
  EXPECT_EQ(Run({"apply", "-o", "yaml", "-f", "-"}, kPolicy), 0);
  EXPECT_THAT(out, testing::StartsWith("- policy:\n    name: a\n"));
  EXPECT_THAT(out, HasSubstr("\n  changed: true\n"));
  fleet.list_nodes.Answer(Proto<v1::ListNodesResponse>("nodes { name: 'a' }"));
  EXPECT_EQ(Run({"get", "nodes", "-o", "yaml"}), 0);
  EXPECT_THAT(out, testing::StartsWith("nodes:\n- name: a\n"));
  EXPECT_EQ(Run({"version", "-o", "yaml"}), 0);
  EXPECT_THAT(out, testing::StartsWith("version: \""));
  host.watch_devices.answers = {Proto<v1::WatchDevicesResponse>("removed: 'cpu1'"),
                                Proto<v1::WatchDevicesResponse>("removed: 'cpu3'")};
  EXPECT_EQ(Run({"--host", "watch", "-o", "yaml"}), 1);
  EXPECT_EQ(out, "---\ndevices: []\nremoved:\n- cpu3\n");
}

TEST_F(FleetCommandsTest, VersionNeedsNobody) {
  EXPECT_EQ(Run({"version"}), 0);
  EXPECT_EQ(out.substr(0, 11), "hotplugctl ");
  EXPECT_EQ(Run({"--host", "version"}), 0);
  EXPECT_THAT(connector.fleet_targets, IsEmpty());
  EXPECT_THAT(connector.host_targets, IsEmpty());
}

}  // namespace
}  // namespace hotplugger::client
