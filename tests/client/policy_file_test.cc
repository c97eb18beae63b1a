#include "client/policy_file/policy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/yaml/yaml_tree.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"

namespace hotplugger::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kHeader[] = "apiVersion: hotplugger/v1\nkind: Policy\n";

// What is wrong with `text`, as "PLACE: PATH | DESCRIPTION" each.
std::vector<std::string> Errors(absl::string_view text) {
  const auto policies = ParsePolicies("p.yaml", text);
  std::vector<std::string> errors;
  for (const FieldViolation& violation : ErrorFieldViolations(policies.status())) {
    errors.push_back(absl::StrCat(violation.field, " | ", violation.description));
  }
  // Whatever is refused says why.
  EXPECT_EQ(policies.ok(), errors.empty()) << policies.status();
  return errors;
}

// The one error of `text` below the two header lines.
std::string BodyError(absl::string_view body) {
  const std::vector<std::string> errors = Errors(absl::StrCat(kHeader, body));
  EXPECT_THAT(errors, SizeIs(1)) << body;
  return errors.empty() ? "" : errors.front();
}

v1::Policy BodyPolicy(absl::string_view body) {
  const auto policies = ParsePolicies("p.yaml", absl::StrCat(kHeader, body));
  EXPECT_TRUE(policies.ok()) << policies.status();
  return policies.ok() && policies->size() == 1 ? policies->front() : v1::Policy();
}

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(PolicyFileTest, ReadsEveryField) {
  const v1::Policy policy = BodyPolicy(R"(
name: lab-alucard
priority: -5
selector:
  matchLabels: {pool: lab, rack: 7}
  nodes: [web-1, 10]
drivers:
  active: [alucard]
  stopped:
  - mpdecision
  whitelist: {alucard: [thermal, "*"], thermal: {drivers: [alucard]}}
  switching: on
cpu:
  offline: 3
  smt: off
  hot_add: online
memory:
  offline_bytes: 4Gi
  hotAdd: online_movable
)");
  v1::Policy expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "lab-alucard"
        priority: -5
        selector {
          match_labels { key: "pool" value: "lab" }
          match_labels { key: "rack" value: "7" }
          nodes: [ "web-1", "10" ]
        }
        drivers {
          active: "alucard"
          stopped: "mpdecision"
          whitelist {
            key: "alucard"
            value { drivers: [ "thermal", "*" ] }
          }
          whitelist {
            key: "thermal"
            value { drivers: "alucard" }
          }
          switching: SWITCH_ON
        }
        cpu { offline: "3" smt: SMT_CONTROL_OFF hot_add: HOT_ADD_ONLINE }
        memory { offline_bytes: "4Gi" hot_add: HOT_ADD_ONLINE_MOVABLE })pb",
      &expected));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(policy, expected))
      << policy.DebugString();
}

TEST(PolicyFileTest, TakesProtoNamesJsonNamesAndProtoEnumNames) {
  EXPECT_EQ(BodyPolicy("name: a\nselector: {match_labels: {a: b}}").selector().match_labels_size(),
            1);
  EXPECT_EQ(BodyPolicy("name: a\ndrivers: {switching: SWITCH_OFF}").drivers().switching(),
            v1::SWITCH_OFF);
  EXPECT_EQ(BodyPolicy("name: a\ndrivers: {switching: \"off\"}").drivers().switching(),
            v1::SWITCH_OFF);
}

// YAML 1.1 would make booleans of them.
TEST(PolicyFileTest, SwitchWordsAreWords) {
  for (const char* off : {"off", "'off'", "\"off\"", "SMT_CONTROL_OFF"}) {
    EXPECT_EQ(BodyPolicy(absl::StrCat("name: a\ncpu: {smt: ", off, "}")).cpu().smt(),
              v1::SMT_CONTROL_OFF);
  }
  EXPECT_EQ(BodyPolicy("name: a\ncpu: {smt: on}").cpu().smt(), v1::SMT_CONTROL_ON);
  const v1::Policy forced = BodyPolicy("name: a\ncpu: {smt: forceoff, irreversible: true}");
  EXPECT_EQ(forced.cpu().smt(), v1::SMT_CONTROL_FORCEOFF);
  EXPECT_TRUE(forced.cpu().irreversible());
}

TEST(PolicyFileTest, CountsAndSharesAreThereOnlyWhereGiven) {
  const v1::CpuSettings count = BodyPolicy("name: a\ncpu: {online_count: 16}").cpu();
  EXPECT_EQ(count.online_count(), 16);
  EXPECT_FALSE(count.has_online_percent());
  const v1::CpuSettings percent = BodyPolicy("name: a\ncpu: {onlinePercent: 50}").cpu();
  EXPECT_EQ(percent.online_percent(), 50);
  EXPECT_FALSE(percent.has_online_count());
}

TEST(PolicyFileTest, SizesTakeUnitsOrNone) {
  for (const char* size : {"4Gi", "4G", "134217728", "'4Gi'"}) {
    EXPECT_NE(BodyPolicy(absl::StrCat("name: a\nmemory: {offline_bytes: ", size, "}"))
                  .memory()
                  .offline_bytes(),
              "");
  }
}

TEST(PolicyFileTest, TextIsNeverTakenForANumberOrASwitch) {
  EXPECT_EQ(BodyPolicy("name: 007").name(), "007");
  EXPECT_EQ(BodyPolicy("name: true").name(), "true");
  EXPECT_EQ(BodyPolicy("name: a\ncpu: {offline: \"2-3\"}").cpu().offline(), "2-3");
  EXPECT_EQ(BodyPolicy("name: a\ncpu:\n  offline: 2-3,8").cpu().offline(), "2-3,8");
}

TEST(PolicyFileTest, ReadsExpressionsAndPatternsOfNodes) {
  const v1::Selector selector = BodyPolicy(R"(
name: a
selector:
  nodes: [web-*, "db-??"]
  matchExpressions:
  - {key: pool, operator: In, values: [a, b]}
  - {key: rack, operator: not_in, values: [7]}
  - {key: gpu, operator: OPERATOR_EXISTS}
  - {key: old, operator: DoesNotExist}
)")
                                    .selector();
  EXPECT_THAT(selector.nodes(), ElementsAre("web-*", "db-??"));
  ASSERT_THAT(selector.match_expressions(), SizeIs(4));
  EXPECT_THAT(selector.match_expressions(0).values(), ElementsAre("a", "b"));
  EXPECT_EQ(selector.match_expressions(0).operator_(), v1::LabelRequirement::OPERATOR_IN);
  EXPECT_EQ(selector.match_expressions(1).operator_(), v1::LabelRequirement::OPERATOR_NOT_IN);
  EXPECT_EQ(selector.match_expressions(2).operator_(), v1::LabelRequirement::OPERATOR_EXISTS);
  EXPECT_EQ(selector.match_expressions(3).operator_(),
            v1::LabelRequirement::OPERATOR_DOES_NOT_EXIST);
}

TEST(PolicyFileTest, ReadsHowAPolicyIsHeldAndReleased) {
  const v1::Policy policy =
      BodyPolicy("name: a\ndrift: report\nconfirm: 1m30s\nonRelease: leave\netag: '17'\n");
  EXPECT_EQ(policy.drift(), v1::DRIFT_MODE_REPORT);
  EXPECT_EQ(policy.confirm().seconds(), 90);
  EXPECT_EQ(policy.on_release(), v1::RELEASE_MODE_LEAVE);
  EXPECT_EQ(policy.etag(), "17");
  EXPECT_EQ(BodyPolicy("name: a\non_release: restore\nconfirm: 5500ms").confirm().nanos(),
            500'000'000);
}

TEST(PolicyFileTest, ReadsSeveralDocumentsAndSkipsEmptyOnes) {
  const std::string text = absl::StrCat("---\n# only a comment\n---\n", kHeader, "name: a\n---\n",
                                        kHeader, "name: b\n...\n---\n");
  const auto policies = ParsePolicies("p.yaml", text);
  ASSERT_TRUE(policies.ok()) << policies.status();
  ASSERT_THAT(*policies, SizeIs(2));
  EXPECT_EQ((*policies)[0].name(), "a");
  EXPECT_EQ((*policies)[1].name(), "b");
}

struct WrongBody {
  const char* body;
  const char* error;
};

class WrongBodyTest : public testing::TestWithParam<WrongBody> {};

TEST_P(WrongBodyTest, NamesPlaceFieldAndWhatIsRight) {
  EXPECT_EQ(BodyError(GetParam().body), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    PolicyFile, WrongBodyTest,
    testing::Values(
        WrongBody{"name: a\ncpu:\n  ofline: 3\n",
                  "p.yaml:5:3: cpu.ofline | unknown field; did you mean offline? (known here: "
                  "offline, smt, irreversible, onlineCount, onlinePercent, hotAdd)"},
        WrongBody{"name: a\nrollout: {}\n",
                  "p.yaml:4:1: rollout | unknown field (known here: apiVersion, kind, name, "
                  "priority, selector, drivers, cpu, memory, drift, confirm, onRelease, etag)"},
        WrongBody{"name: a\nname: b\n", "p.yaml:4:1: name | is given twice, first in line 3"},
        WrongBody{"name: a\nselector:\n  match_labels: {a: b}\n  matchLabels: {c: d}\n",
                  "p.yaml:6:3: selector.matchLabels | is given twice, first in line 5"},
        WrongBody{"name: a\nselector: {matchLabels: {a: b, a: c}}\n",
                  "p.yaml:4:32: selector.matchLabels.a | is given twice, first in line 4"},
        WrongBody{"name: a\nkind: Policy\n", "p.yaml:4:1: kind | is given twice, first in line 2"},
        WrongBody{"name: a\npriority: high\n",
                  "p.yaml:4:11: priority | \"high\" is not a whole number from -2147483648 to "
                  "2147483647, without quotes"},
        WrongBody{"name: a\npriority: 3000000000\n",
                  "p.yaml:4:11: priority | \"3000000000\" is not a whole number from -2147483648 "
                  "to 2147483647, without quotes"},
        WrongBody{"name: a\npriority: \"1\"\n",
                  "p.yaml:4:11: priority | \"1\" is not a whole number from -2147483648 to "
                  "2147483647, without quotes"},
        WrongBody{"name: a\ncpu: {offline: [2, 3]}\n",
                  "p.yaml:4:16: cpu.offline | a list is given where text is right"},
        WrongBody{"name: a\ncpu: 3\n", "p.yaml:4:6: cpu | \"3\" is given where a map is right"},
        WrongBody{"name: a\ncpu:\n",
                  "p.yaml:4:1: cpu | has no value; give it one or leave it out (quote it if the "
                  "text itself is meant)"},
        WrongBody{"name: a\ndrivers: {active: alucard}\n",
                  "p.yaml:4:19: drivers.active | \"alucard\" is given where a list is right, e.g. "
                  "[alucard]"},
        WrongBody{"name: a\ndrivers: {active: [~]}\n",
                  "p.yaml:4:20: drivers.active[0] | is empty (quote it if the text itself is "
                  "meant)"},
        WrongBody{"name: a\ndrivers: {active: [{a: b}]}\n",
                  "p.yaml:4:20: drivers.active[0] | a map is given where text is right"},
        WrongBody{"name: a\ndrivers: {switching: maybe}\n",
                  "p.yaml:4:22: drivers.switching | \"maybe\" is not on or off"},
        WrongBody{"name: a\ndrivers: {switching: unspecified}\n",
                  "p.yaml:4:22: drivers.switching | \"unspecified\" is not on or off"},
        WrongBody{"name: a\ncpu: {smt: not_supported}\n",
                  "p.yaml:4:12: cpu.smt | \"not_supported\" is not on or off or forceoff"},
        WrongBody{"name: a\ncpu: {smt: false}\n",
                  "p.yaml:4:12: cpu.smt | \"false\" is not on or off or forceoff"},
        WrongBody{"name: a\ncpu: {irreversible: on}\n",
                  "p.yaml:4:21: cpu.irreversible | \"on\" is not true or false"},
        WrongBody{"name: a\ncpu: {hot_add: online_movable}\n",
                  "p.yaml:4:16: cpu.hot_add | \"online_movable\" is not online"},
        WrongBody{"name: a\nmemory: {hot_add: off}\n",
                  "p.yaml:4:19: memory.hot_add | \"off\" is not online or online_kernel or "
                  "online_movable"},
        WrongBody{"name: a\ncpu: {online_count: 0}\n",
                  "p.yaml:4:21: cpu.online_count | 0 is not from 1 to 8192; leave it out where it "
                  "is not meant"},
        WrongBody{"name: a\ncpu: {online_count: 8193}\n",
                  "p.yaml:4:21: cpu.online_count | 8193 is not from 1 to 8192; leave it out where "
                  "it is not meant"},
        WrongBody{"name: a\ncpu: {online_percent: 101}\n",
                  "p.yaml:4:23: cpu.online_percent | 101 is not from 1 to 100; leave it out where "
                  "it is not meant"},
        WrongBody{"name: a\ncpu: {online_percent: 50%}\n",
                  "p.yaml:4:23: cpu.online_percent | \"50%\" is not a whole number from "
                  "-2147483648 to 2147483647, without quotes"},
        WrongBody{"name: a\ncpu: {offline: ''}\n",
                  "p.yaml:4:16: cpu.offline | is empty; give a value, e.g. \"2-3,8\", or leave it "
                  "out"},
        WrongBody{"name: a\nmemory: {offline_blocks: ''}\n",
                  "p.yaml:4:26: memory.offline_blocks | is empty; give a value, e.g. \"32-39\", or "
                  "leave it out"},
        WrongBody{"name: a\nmemory: {offline_bytes: 0}\n",
                  "p.yaml:4:25: memory.offline_bytes | is no memory at all; give a size, e.g. 4Gi, "
                  "or leave it out"},
        WrongBody{"name: a\ndrivers: {whitelist: [a]}\n",
                  "p.yaml:4:22: drivers.whitelist | a list is given where a map is right, e.g. "
                  "{name: ...}"},
        WrongBody{"name: a\ndrivers: {whitelist: {a: b}}\n",
                  "p.yaml:4:26: drivers.whitelist.a | \"b\" is given where a list is right, e.g. "
                  "[b]"},
        WrongBody{"name: a\nselector: {matchLabels: {a: }}\n",
                  "p.yaml:4:26: selector.matchLabels.a | has no value (quote it if the text itself "
                  "is meant)"},
        WrongBody{"name: a\n[1, 2]: b\n", "p.yaml:4:1 | a list is no name of a field"},
        WrongBody{"name: a\nrevision: 3\n",
                  "p.yaml:4:1: revision | is set by the controller; leave it out"},
        WrongBody{"name: a\nupdateTime: now\n",
                  "p.yaml:4:1: updateTime | is set by the controller; leave it out"},
        WrongBody{"name: a\nselector: {matchExpressions: [{key: a, operator: Between}]}\n",
                  "p.yaml:4:50: selector.matchExpressions[0].operator | \"Between\" is not In or "
                  "NotIn or Exists or DoesNotExist"},
        WrongBody{"name: a\nselector: {matchExpressions: {key: a}}\n",
                  "p.yaml:4:30: selector.matchExpressions | a map is given where a list is right"},
        WrongBody{"name: a\ndrift: ignore\n",
                  "p.yaml:4:8: drift | \"ignore\" is not enforce or report"},
        WrongBody{"name: a\non_release: keep\n",
                  "p.yaml:4:13: on_release | \"keep\" is not restore or leave"},
        WrongBody{"name: a\nconfirm: 30\n",
                  "p.yaml:4:10: confirm | \"30\" is no time; write a number with its unit, e.g. "
                  "30s, 2m or 1h"},
        WrongBody{"name: a\nconfirm: {seconds: 30}\n",
                  "p.yaml:4:10: confirm | a map is no time; write a number with its unit, e.g. "
                  "30s, 2m or 1h"},
        WrongBody{"name: a\nconfirm: 2s\n",
                  "p.yaml:4:10: confirm | 2s is not from 5s to 1h; leave it out where it is not "
                  "meant"},
        WrongBody{"name: a\nconfirm: inf\n",
                  "p.yaml:4:10: confirm | inf is not from 5s to 1h; leave it out where it is not "
                  "meant"},
        WrongBody{"priority: 1\n", "p.yaml:1:1: name | is missing; every policy has one"}));

TEST(PolicyFileTest, ChecksWhatTheControllerWouldRefuse) {
  EXPECT_THAT(BodyError("name: a\ncpu: {offline: 3-1}"), HasSubstr("p.yaml:4:16: cpu.offline | "));
  EXPECT_THAT(BodyError("name: a\nmemory: {offline_blocks: 39-32}"),
              HasSubstr("p.yaml:4:26: memory.offline_blocks | "));
  for (const char* size : {"4GB", "4 Gi", "-1Gi", "''", "1.5Gi", "Gi"}) {
    EXPECT_THAT(BodyError(absl::StrCat("name: a\nmemory: {offline_bytes: ", size, "}")),
                HasSubstr("p.yaml:4:25: memory.offline_bytes | "))
        << size;
  }
  EXPECT_THAT(BodyError("name: A b"), HasSubstr("p.yaml:3:7: name | "));
  EXPECT_THAT(BodyError(absl::StrCat("name: a\ndrivers: {active: [", std::string(32, 'x'), "]}")),
              HasSubstr("p.yaml:4:20: drivers.active[0] | "));
  EXPECT_THAT(BodyError("name: a\nselector: {nodes: [web_*]}"),
              HasSubstr("p.yaml:4:20: selector.nodes[0] | "));
  EXPECT_THAT(BodyError("name: a\nselector: {matchExpressions: [{key: 'a b', operator: Exists}]}"),
              HasSubstr("p.yaml:4:37: selector.matchExpressions[0].key | "));
  EXPECT_THAT(BodyError("name: a\nselector: {matchLabels: {'a b': c}}"),
              HasSubstr("p.yaml:4:26: selector.matchLabels.a b | "));
}

TEST(PolicyFileTest, TellsAllErrorsAtOnce) {
  EXPECT_THAT(Errors(absl::StrCat(kHeader, "name: a\npriorty: 1\ncpu: {offline: 3-1}\n---\n",
                                  kHeader, "name: b\ndrivers: {switching: maybe}\n---\n]")),
              ElementsAre(HasSubstr("p.yaml:4:1: priorty"), HasSubstr("p.yaml:5:16: cpu.offline"),
                          HasSubstr("p.yaml:10:22: drivers.switching"),
                          HasSubstr("p.yaml:12:1 | not readable as YAML")));
}

TEST(PolicyFileTest, HeaderMustBeRight) {
  EXPECT_THAT(Errors("name: a\n"),
              ElementsAre("p.yaml:1:1: apiVersion | is missing; write apiVersion: hotplugger/v1",
                          "p.yaml:1:1: kind | is missing; write kind: Policy"));
  EXPECT_THAT(
      Errors("apiVersion: v1\nkind: Policy\nspec: {}\n"),
      ElementsAre("p.yaml:1:13: apiVersion | \"v1\" is given where hotplugger/v1 is right"));
  EXPECT_THAT(Errors("apiVersion: hotplugger/v1\nkind: Pod\nspec: {}\n"),
              ElementsAre("p.yaml:2:7: kind | \"Pod\" is given where Policy is right"));
  EXPECT_THAT(Errors("- a\n"), ElementsAre("p.yaml:1:1 | the document is not a map of fields"));
}

TEST(PolicyFileTest, RefusesTwoPoliciesOfOneName) {
  EXPECT_THAT(Errors(absl::StrCat(kHeader, "name: a\n---\n", kHeader, "name: a\n")),
              ElementsAre("p.yaml:5:1: name | the policy a is there twice, first in line 1"));
}

TEST(PolicyFileTest, RefusesWhatIsNoPolicyFile) {
  EXPECT_THAT(Errors(""), ElementsAre("p.yaml | holds no policy"));
  EXPECT_THAT(Errors("# nothing\n---\n"), ElementsAre("p.yaml | holds no policy"));
  EXPECT_THAT(Errors("a: 1\nb: \xff\n"),
              ElementsAre("p.yaml:2:4 | byte 9 is not UTF-8; save the file as UTF-8"));
  EXPECT_THAT(Errors(absl::string_view("a\0b", 3)), ElementsAre(HasSubstr("a control character")));
  // yaml-cpp would stop reading there, and half a policy would be applied.
  EXPECT_THAT(Errors(absl::StrCat(kHeader, "name: a\n\x04\ncpu: {offline: 3}\n")),
              ElementsAre(HasSubstr("p.yaml:4:1 | a control character")));
  EXPECT_THAT(Errors(absl::StrCat(kHeader, "name: [a\n")),
              ElementsAre(HasSubstr("not readable as YAML")));
  EXPECT_THAT(Errors(std::string(kMaxYamlBytes + 1, '#')),
              ElementsAre(HasSubstr("larger than 1048576 bytes")));
}

TEST(PolicyFileTest, BoundsWhatAFileCanCost) {
  EXPECT_THAT(BodyError(absl::StrCat("name: ", std::string(100, '['), std::string(100, ']'))),
              HasSubstr("nested deeper than 32 levels"));
  EXPECT_THAT(BodyError(absl::StrCat("name: ", std::string(200'000, '['))),
              HasSubstr("not readable as YAML"));
  EXPECT_THAT(BodyError("name: a\nselector: {matchLabels: &x {a: b}}\ndrivers: *x\n"),
              HasSubstr("p.yaml:5:10 | not readable as YAML: an alias (*name) is not taken here"));
  EXPECT_THAT(BodyError("name: !!binary abc\n"), HasSubstr("the tag"));
  std::string documents;
  for (size_t i = 0; i <= kMaxYamlDocuments; ++i) documents += "---\n";
  EXPECT_THAT(Errors(documents + "---\n"), ElementsAre(HasSubstr("more than 256 documents")));
}

TEST(PolicyFileTest, ShowsAHundredErrorsAtMost) {
  std::string body = "name: a\n";
  for (int i = 0; i < 300; ++i) absl::StrAppend(&body, "wrong", i, ": 1\n");
  const std::vector<std::string> errors = Errors(absl::StrCat(kHeader, body));
  ASSERT_THAT(errors, SizeIs(100));
  EXPECT_THAT(errors.back(), HasSubstr("(and 200 more errors)"));
}

TEST(PolicyFileTest, ErrorsShowNothingThatMovesTheCursor) {
  const std::string error = BodyError("name: a\n\"evil\\e[2J\": 1\n");
  EXPECT_EQ(error.find('\x1b'), std::string::npos);
  EXPECT_THAT(error, HasSubstr("evil\\x1b[2J"));
}

TEST(PolicyFileTest, EveryExampleIsReadable) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HOTPLUGGER_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    ++count;
    const auto policies = ReadPolicyFile(entry.path());
    ASSERT_TRUE(policies.ok()) << policies.status();
    EXPECT_THAT(*policies, SizeIs(1)) << entry.path();
  }
  EXPECT_GE(count, 7);
}

TEST(PolicyFileTest, ParkAndSwitchSaysWhatItShows) {
  const auto policies = ReadPolicyFile(HOTPLUGGER_SOURCE_DIR "/examples/park-and-switch.yaml");
  ASSERT_TRUE(policies.ok()) << policies.status();
  const v1::Policy& policy = policies->front();
  EXPECT_EQ(policy.selector().match_labels().at("pool"), "lab");
  EXPECT_EQ(policy.cpu().offline(), "2-3");
  EXPECT_THAT(policy.drivers().active(), ElementsAre("alucard"));
  EXPECT_THAT(policy.drivers().whitelist().at("thermal").drivers(), ElementsAre("alucard"));
}

TEST(PolicyFileTest, FilesThatCantBeReadSayWhy) {
  const auto missing = ReadPolicyFile("/nonexistent/p.yaml");
  EXPECT_EQ(ErrorReason(missing.status()), "ENOENT");
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("/nonexistent/p.yaml"));
  EXPECT_EQ(ErrorReason(ReadPolicyFile(testing::TempDir()).status()), "EISDIR");
}

// Whatever the bytes are, there is an answer, and it is an error or policies.
TEST(PolicyFileTest, SurvivesAnyTruncationOfAnExample) {
  const std::string text = ReadText(HOTPLUGGER_SOURCE_DIR "/examples/park-and-switch.yaml");
  for (size_t length = 0; length <= text.size(); ++length) Errors(text.substr(0, length));
}

TEST(PolicyFileTest, SurvivesRandomBytes) {
  std::mt19937 random(42);  // the same in every run
  const std::string text = ReadText(HOTPLUGGER_SOURCE_DIR "/examples/park-and-switch.yaml");
  const std::string alphabet = "{}[]:,-?*&!|>'\"%@`#\n\t ~ab1\xff\xc3\\<.";
  for (int round = 0; round < 3000; ++round) {
    std::string mutated = round % 2 == 0 ? text : std::string(random() % 200, ' ');
    const size_t changes = round % 2 == 0 ? 1 + random() % 8 : mutated.size();
    for (size_t i = 0; i < changes && !mutated.empty(); ++i) {
      mutated[random() % mutated.size()] = alphabet[random() % alphabet.size()];
    }
    Errors(mutated);
  }
}

}  // namespace
}  // namespace hotplugger::client
