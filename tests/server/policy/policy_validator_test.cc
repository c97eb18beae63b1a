#include "server/policy/policy_validator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/policy/hold_validator.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using testing::FromText;
using ::testing::HasSubstr;

constexpr char kSelector[] = R"(selector {match_labels {key: "pool" value: "lab"}})";

std::string Policy(const std::string& rest) {
  return absl::StrCat(R"(name: "p" )", kSelector, " ", rest);
}

std::string Repeat(const std::string& field, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, field, ": \"d", i, "\" ");
  return text;
}

struct Case {
  std::string name;
  std::string policy;
  // What the one violation must be; empty: the policy is valid.
  std::string field;
  std::string description;
};

class PolicyValidatorTest : public ::testing::TestWithParam<Case> {};

TEST_P(PolicyValidatorTest, FindsIt) {
  const auto violations = ValidatePolicy(FromText<v1::Policy>(GetParam().policy));
  if (GetParam().field.empty()) {
    EXPECT_TRUE(violations.empty()) << violations[0].field << ": " << violations[0].description;
    return;
  }
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field, GetParam().field);
  EXPECT_THAT(violations[0].description, HasSubstr(GetParam().description));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, PolicyValidatorTest,
    ::testing::Values(
        Case{"CpuAlone", Policy(R"(cpu {offline: "2-3"})"), "", ""},
        Case{"DriversAlone", Policy(R"(drivers {active: "a" stopped: "b"})"), "", ""},
        Case{"SwitchingAlone", Policy("drivers {switching: SWITCH_OFF}"), "", ""},
        Case{"WhitelistAlone", Policy(R"(drivers {whitelist {key: "a" value {drivers: "*"}}})"), "",
             ""},
        Case{"NodesAlone", R"(name: "p" selector {nodes: "n1"} cpu {offline: "1"})", "", ""},
        Case{"Pattern", R"(name: "p" selector {nodes: "rack-?-*"} cpu {offline: "1"})", "", ""},
        Case{"BadPattern", R"(name: "p" selector {nodes: "n[12]*"} cpu {offline: "1"})",
             "policy.selector.nodes[0]", "'*' and '?'"},
        Case{"Expression", R"(name: "p" cpu {offline: "1"} selector {match_expressions {
                                key: "pool" operator: OPERATOR_IN values: "a" values: ""}})",
             "", ""},
        Case{"ExpressionWithoutOperator",
             R"(name: "p" cpu {offline: "1"} selector {match_expressions {key: "pool"}})",
             "policy.selector.match_expressions[0].operator", "In, NotIn"},
        Case{"ExpressionWithoutKey", R"(name: "p" cpu {offline: "1"} selector {match_expressions {
                                          operator: OPERATOR_EXISTS}})",
             "policy.selector.match_expressions[0].key", "label key"},
        Case{"InWithoutValues", R"(name: "p" cpu {offline: "1"} selector {match_expressions {
                                     key: "pool" operator: OPERATOR_NOT_IN}})",
             "policy.selector.match_expressions[0].values", "at least one"},
        Case{"ExistsWithValues", R"(name: "p" cpu {offline: "1"} selector {match_expressions {
                                      key: "pool" operator: OPERATOR_EXISTS values: "x"}})",
             "policy.selector.match_expressions[0].values", "key alone"},
        Case{"BadExpressionValue", R"(name: "p" cpu {offline: "1"} selector {match_expressions {
                                        key: "pool" operator: OPERATOR_IN values: "a\n"}})",
             "policy.selector.match_expressions[0].values[0]", "printable"},
        Case{"Modes", Policy(R"(cpu {offline: "1"} drift: DRIFT_MODE_REPORT
                                on_release: RELEASE_MODE_LEAVE confirm {seconds: 30})"),
             "", ""},
        Case{"BadDrift", Policy(R"(cpu {offline: "1"} drift: 7)"), "policy.drift", "enforce"},
        Case{"BadRelease", Policy(R"(cpu {offline: "1"} on_release: 7)"), "policy.on_release",
             "restore"},
        Case{"ShortestConfirm", Policy(R"(cpu {offline: "1"} confirm {seconds: 5})"), "", ""},
        Case{"ConfirmTooShort",
             Policy(R"(cpu {offline: "1"} confirm {seconds: 4 nanos: 999999999})"),
             "policy.confirm", "5s to 1h"},
        Case{"NoConfirm", Policy(R"(cpu {offline: "1"} confirm {})"), "policy.confirm",
             "leave it out"},
        Case{"LongestConfirm", Policy(R"(cpu {offline: "1"} confirm {seconds: 3600})"), "", ""},
        Case{"ConfirmTooLong", Policy(R"(cpu {offline: "1"} confirm {seconds: 3601})"),
             "policy.confirm", "1h1s"},
        Case{"ConfirmOfTwoSigns", Policy(R"(cpu {offline: "1"} confirm {seconds: 6 nanos: -1})"),
             "policy.confirm", "5s to 1h"},
        Case{"NegativeConfirm", Policy(R"(cpu {offline: "1"} confirm {seconds: -30})"),
             "policy.confirm", "-30s"},
        Case{"BadName", absl::StrCat(R"(name: "P_" cpu {offline: "1"} )", kSelector), "policy.name",
             "P_"},
        Case{"PriorityTooHigh", Policy(R"(priority: 1000001 cpu {offline: "1"})"),
             "policy.priority", "1000001"},
        Case{"PriorityTooLow", Policy(R"(priority: -1000001 cpu {offline: "1"})"),
             "policy.priority", "-1000001"},
        Case{"NoSelector", R"(name: "p" cpu {offline: "1"})", "policy.selector", "empty"},
        Case{"BadLabelKey",
             R"(name: "p" selector {match_labels {key: "a b" value: "x"}} cpu {offline: "1"})",
             "policy.selector.match_labels", "a b"},
        Case{"BadLabelValue",
             R"(name: "p" selector {match_labels {key: "a" value: "\n"}} cpu {offline: "1"})",
             "policy.selector.match_labels[a]", "label value"},
        Case{"BadNodeName", R"(name: "p" selector {nodes: "n1" nodes: "N2"} cpu {offline: "1"})",
             "policy.selector.nodes[1]", "N2"},
        Case{"DownwardCpus", Policy(R"(cpu {offline: "3-1"})"), "policy.cpu.offline", "3-1"},
        Case{"NoCpuSetting", Policy("cpu {}"), "policy.cpu", "asks for nothing"},
        Case{"SmtOn", Policy("cpu {smt: SMT_CONTROL_ON}"), "", ""},
        Case{"SmtOff", Policy("cpu {smt: SMT_CONTROL_OFF}"), "", ""},
        Case{"SmtForceOff", Policy("cpu {smt: SMT_CONTROL_FORCEOFF irreversible: true}"), "", ""},
        Case{"ForceOffByMistake", Policy("cpu {smt: SMT_CONTROL_FORCEOFF}"),
             "policy.cpu.irreversible", "must be true"},
        Case{"IrreversibleOff", Policy("cpu {smt: SMT_CONTROL_OFF irreversible: true}"),
             "policy.cpu.irreversible", "only be true with smt forceoff"},
        Case{"IrreversibleAlone", Policy("cpu {irreversible: true}"), "policy.cpu.irreversible",
             "only be true with smt forceoff"},
        Case{"SmtNotSupported", Policy("cpu {smt: SMT_CONTROL_NOT_SUPPORTED}"), "policy.cpu.smt",
             "none of on, off and forceoff"},
        Case{"SmtPartial", Policy("cpu {smt: SMT_CONTROL_PARTIAL}"), "policy.cpu.smt",
             "none of on, off and forceoff"},
        Case{"OneCpu", Policy("cpu {online_count: 1}"), "", ""},
        Case{"AllCpus", Policy("cpu {online_count: 8192}"), "", ""},
        Case{"NoCpusOnline", Policy("cpu {online_count: 0}"), "policy.cpu.online_count",
             "0 is not from 1 to 8192"},
        Case{"TooManyCpus", Policy("cpu {online_count: 8193}"), "policy.cpu.online_count", "8193"},
        Case{"OnePercent", Policy("cpu {online_percent: 1}"), "", ""},
        Case{"AllPercent", Policy("cpu {online_percent: 100}"), "", ""},
        Case{"NoPercent", Policy("cpu {online_percent: 0}"), "policy.cpu.online_percent",
             "0 is not from 1 to 100"},
        Case{"TooManyPercent", Policy("cpu {online_percent: 101}"), "policy.cpu.online_percent",
             "101"},
        Case{"ListAndCount", Policy(R"(cpu {offline: "1" online_count: 2})"),
             "policy.cpu.online_count", "together with offline"},
        Case{"ListAndPercent", Policy(R"(cpu {offline: "1" online_percent: 50})"),
             "policy.cpu.online_percent", "together with offline"},
        Case{"CountAndPercent", Policy("cpu {online_count: 2 online_percent: 50}"),
             "policy.cpu.online_percent", "together with online_count"},
        Case{"CpuHotAdd", Policy("cpu {hot_add: HOT_ADD_ONLINE}"), "", ""},
        Case{"CpuHotAddOfMemory", Policy("cpu {hot_add: HOT_ADD_ONLINE_MOVABLE}"),
             "policy.cpu.hot_add", "is not online"},
        Case{"Blocks", Policy(R"(memory {offline_blocks: "32-39,64"})"), "", ""},
        Case{"LastBlock", Policy(R"(memory {offline_blocks: "33554431"})"), "", ""},
        Case{"BeyondLastBlock", Policy(R"(memory {offline_blocks: "33554432"})"),
             "policy.memory.offline_blocks", "33554431"},
        Case{"DownwardBlocks", Policy(R"(memory {offline_blocks: "39-32"})"),
             "policy.memory.offline_blocks", "39-32"},
        Case{"TooManyBlocks", Policy(R"(memory {offline_blocks: "0-65536"})"),
             "policy.memory.offline_blocks", "65536"},
        Case{"Bytes", Policy(R"(memory {offline_bytes: "4Gi"})"), "", ""},
        Case{"BytesWithoutUnit", Policy(R"(memory {offline_bytes: "134217728"})"), "", ""},
        Case{"BytesOfNoUnit", Policy(R"(memory {offline_bytes: "4GB"})"),
             "policy.memory.offline_bytes", "4GB"},
        Case{"NoBytes", Policy(R"(memory {offline_bytes: "0"})"), "policy.memory.offline_bytes",
             "no memory at all"},
        Case{"NegativeBytes", Policy(R"(memory {offline_bytes: "-1Gi"})"),
             "policy.memory.offline_bytes", "-1Gi"},
        Case{"BlocksAndBytes", Policy(R"(memory {offline_blocks: "1" offline_bytes: "1Gi"})"),
             "policy.memory.offline_bytes", "together with offline_blocks"},
        Case{"MemoryHotAdd", Policy("memory {hot_add: HOT_ADD_ONLINE_MOVABLE}"), "", ""},
        Case{"NoMemorySetting", Policy("memory {}"), "policy.memory", "asks for nothing"},
        Case{"LongDriver", Policy(absl::StrCat("drivers {active: \"", std::string(32, 'x'), "\"}")),
             "policy.drivers.active[0]", "32 bytes"},
        Case{"DriverTwice", Policy(R"(drivers {stopped: "a" stopped: "A"})"),
             "policy.drivers.stopped[1]", "second time"},
        Case{"ActiveAndStopped", Policy(R"(drivers {active: "a" stopped: "A"})"),
             "policy.drivers.stopped", "active too"},
        Case{"TooManyStopped", Policy(absl::StrCat("drivers {", Repeat("stopped", 65), "}")),
             "policy.drivers.stopped", "65"},
        Case{"TooManyActive", Policy(absl::StrCat("drivers {", Repeat("active", 17), "}")),
             "policy.drivers.active", "at most 16"},
        Case{"WhitelistOfItself", Policy(R"(drivers {whitelist {key: "a" value {drivers: "A"}}})"),
             "policy.drivers.whitelist[a]", "itself"},
        Case{"WhitelistKeyTwice",
             Policy(R"(drivers {whitelist {key: "a" value {}} whitelist {key: "A" value {}}})"),
             "policy.drivers.whitelist", "second time"},
        Case{"BadWhitelistKey", Policy(R"(drivers {whitelist {key: "a/b" value {}}})"),
             "policy.drivers.whitelist", "a/b"},
        Case{"OneSidedActive", Policy(R"(drivers {active: "a" active: "b"
                       whitelist {key: "a" value {drivers: "B"}} whitelist {key: "b" value {}}})"),
             "policy.drivers.active", "b does not whitelist a"},
        Case{"MutualActive", Policy(R"(drivers {active: "A" active: "b"
                       whitelist {key: "a" value {drivers: "b"}}
                       whitelist {key: "b" value {drivers: "*"}}})"),
             "", ""},
        Case{"UnknownWhitelistsOfActive", Policy(R"(drivers {active: "a" active: "b"})"), "", ""},
        Case{"OffAndActive", Policy(R"(drivers {active: "a" switching: SWITCH_OFF})"),
             "policy.drivers.switching", "forbids"},
        Case{"OffAndStopped", Policy(R"(drivers {stopped: "a" switching: SWITCH_OFF})"),
             "policy.drivers.switching", "forbids"},
        Case{"Nothing", Policy("drivers {}"), "policy", "asks for nothing"}),
    [](const auto& test) { return test.param.name; });

TEST(PolicyValidatorAllTest, TellsEverythingAtOnce) {
  const auto violations = ValidatePolicy(
      FromText<v1::Policy>(R"(priority: 2000000 cpu {offline: "a"} drivers {active: ""})"));
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("policy.name", "policy.priority", "policy.selector",
                                             "policy.drivers.active[0]", "policy.cpu.offline"));
}

TEST(PolicyValidatorAllTest, TellsEverythingThatIsWrongWithDevicesAtOnce) {
  v1::Policy policy = FromText<v1::Policy>(Policy(
      R"(cpu {offline: "3-1" online_count: 0 online_percent: 101 smt: SMT_CONTROL_FORCEOFF
              hot_add: HOT_ADD_ONLINE_KERNEL}
         memory {offline_blocks: "x" offline_bytes: "y"})"));
  policy.mutable_memory()->set_hot_add(static_cast<v1::HotAdd>(9));
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ValidatePolicy(policy)) fields.push_back(violation.field);
  EXPECT_THAT(fields,
              ::testing::ElementsAre("policy.cpu.offline", "policy.cpu.online_count",
                                     "policy.cpu.online_percent", "policy.cpu.online_count",
                                     "policy.cpu.online_percent", "policy.cpu.irreversible",
                                     "policy.cpu.hot_add", "policy.memory.offline_blocks",
                                     "policy.memory.offline_bytes", "policy.memory.offline_bytes",
                                     "policy.memory.hot_add"));
}

TEST(PolicyValidatorAllTest, RefusesSettingsOfNewerVersions) {
  v1::Policy policy = FromText<v1::Policy>(Policy(R"(cpu {offline: "1"})"));
  policy.GetReflection()->MutableUnknownFields(&policy)->AddVarint(9, 1);
  const auto violations = ValidatePolicy(policy);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_THAT(violations[0].description, HasSubstr("doesn't know"));
}

TEST(PolicyValidatorAllTest, RefusesASwitchThatIsNone) {
  v1::Policy policy = FromText<v1::Policy>(Policy(""));
  policy.mutable_drivers()->set_switching(static_cast<v1::Switch>(7));
  ASSERT_EQ(ValidatePolicy(policy).size(), 1u);
  EXPECT_EQ(ValidatePolicy(policy)[0].field, "policy.drivers.switching");
}

struct HoldCase {
  std::string name;
  std::string hold;
  std::string field;
};

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

class HoldValidatorTest : public ::testing::TestWithParam<HoldCase> {};

TEST_P(HoldValidatorTest, FindsIt) {
  const auto violations = ValidateHold(FromText<v1::Hold>(GetParam().hold), kNow);
  ASSERT_EQ(violations.size(), GetParam().field.empty() ? 0u : 1u);
  for (const FieldViolation& violation : violations) EXPECT_EQ(violation.field, GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, HoldValidatorTest,
    ::testing::Values(
        HoldCase{"Cpu", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE)", ""},
        HoldCase{"Driver", R"(node: "n" subject: "driver/A" state: DEVICE_STATE_ONLINE)", ""},
        HoldCase{"BadNode", R"(node: "N" subject: "cpu3" state: DEVICE_STATE_ONLINE)", "hold.node"},
        HoldCase{"NoState", R"(node: "n" subject: "cpu3")", "hold.state"},
        HoldCase{"NoNumber", R"(node: "n" subject: "cpu" state: DEVICE_STATE_ONLINE)",
                 "hold.subject"},
        HoldCase{"LeadingZero", R"(node: "n" subject: "cpu03" state: DEVICE_STATE_ONLINE)",
                 "hold.subject"},
        HoldCase{"Signed", R"(node: "n" subject: "cpu-3" state: DEVICE_STATE_ONLINE)",
                 "hold.subject"},
        HoldCase{"TooLarge", R"(node: "n" subject: "cpu8192" state: DEVICE_STATE_ONLINE)",
                 "hold.subject"},
        HoldCase{"NoDriver", R"(node: "n" subject: "driver/" state: DEVICE_STATE_ONLINE)",
                 "hold.subject"},
        HoldCase{"Memory", R"(node: "n" subject: "memory32" state: DEVICE_STATE_ONLINE)", ""},
        HoldCase{"LastBlock", R"(node: "n" subject: "memory33554431" state: DEVICE_STATE_ONLINE)",
                 ""},
        HoldCase{"BeyondLastBlock",
                 R"(node: "n" subject: "memory33554432" state: DEVICE_STATE_ONLINE)",
                 "hold.subject"},
        HoldCase{"BlockWithLeadingZero",
                 R"(node: "n" subject: "memory01" state: DEVICE_STATE_ONLINE)", "hold.subject"},
        HoldCase{"Generic",
                 R"(node: "n" subject: "container/PNP0A06:00" state: DEVICE_STATE_OFFLINE)", ""},
        HoldCase{"Upwards", R"(node: "n" subject: "container/.." state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"UpwardsBus", R"(node: "n" subject: "../container" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"TwoSlashes", R"(node: "n" subject: "a/b/c" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"NoBus", R"(node: "n" subject: "/b" state: DEVICE_STATE_OFFLINE)", "hold.subject"},
        HoldCase{"NoName", R"(node: "n" subject: "a/" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"SpaceInName", R"(node: "n" subject: "a/b c" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"NulInName", R"(node: "n" subject: "a/b\000" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"LongestName",
                 absl::StrCat(R"(node: "n" subject: "a/)", std::string(64, 'x'),
                              R"(" state: DEVICE_STATE_OFFLINE)"),
                 ""},
        HoldCase{"LongName",
                 absl::StrCat(R"(node: "n" subject: "a/)", std::string(65, 'x'),
                              R"(" state: DEVICE_STATE_OFFLINE)"),
                 "hold.subject"},
        HoldCase{"LongBus",
                 absl::StrCat(R"(node: "n" subject: ")", std::string(33, 'x'),
                              R"(/b" state: DEVICE_STATE_OFFLINE)"),
                 "hold.subject"},
        HoldCase{"CpuByBus", R"(node: "n" subject: "cpu/cpu3" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"Smt", R"(node: "n" subject: "smt" state: DEVICE_STATE_OFFLINE)", "hold.subject"},
        HoldCase{"NoPrefix", R"(node: "n" subject: "3" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"GoingOffline",
                 R"(node: "n" subject: "memory3" state: DEVICE_STATE_GOING_OFFLINE)", "hold.state"},
        HoldCase{"Core", R"(node: "n" subject: "core/0-1-3" state: DEVICE_STATE_OFFLINE)", ""},
        HoldCase{"CoreWithoutDie", R"(node: "n" subject: "core/0-3" state: DEVICE_STATE_OFFLINE)",
                 "hold.subject"},
        HoldCase{"Expiry", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE
                              expire_time {seconds: 1000001})",
                 ""},
        HoldCase{"ExpiryNow", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE
                                 expire_time {seconds: 1000000})",
                 "hold.expire_time"},
        HoldCase{"Ttl", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE ttl {seconds: 1})",
                 ""},
        HoldCase{"NoTtl", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE ttl {})",
                 "hold.ttl"},
        HoldCase{"HalfATime", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE
                                 expire_time {seconds: 1000060 nanos: -1})",
                 "hold.expire_time"},
        HoldCase{"TwoSigns", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE
                                ttl {seconds: 60 nanos: -1})",
                 "hold.ttl"},
        HoldCase{"NegativeTtl",
                 R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE ttl {seconds: -5})",
                 "hold.ttl"},
        HoldCase{"EndlessTtl", R"(node: "n" subject: "cpu3" state: DEVICE_STATE_OFFLINE
                                  ttl {seconds: 9223372036854775807})",
                 "hold.ttl"},
        HoldCase{"LongTicket",
                 absl::StrCat(R"(node: "n" subject: "cpu3" state: DEVICE_STATE_ONLINE ticket: ")",
                              std::string(129, 'x'), "\""),
                 "hold.ticket"},
        HoldCase{"LongAuthor",
                 absl::StrCat(R"(node: "n" subject: "cpu3" state: DEVICE_STATE_ONLINE author: ")",
                              std::string(129, 'x'), "\""),
                 "hold.author"},
        HoldCase{"LongReason",
                 absl::StrCat(R"(node: "n" subject: "cpu3" state: DEVICE_STATE_ONLINE reason: ")",
                              std::string(1025, 'x'), "\""),
                 "hold.reason"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace hotplugger::server
