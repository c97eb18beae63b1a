#include "server/policy/subject_claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/policy/normalize.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using ::testing::ElementsAreArray;
using testing::FromText;
using ::testing::HasSubstr;

// Policies and holds of node n1, in text; and who has a say in `subject`.
struct Case {
  std::string name;
  std::string subject;
  std::vector<std::string> policies;
  std::vector<std::string> holds;
  // "SOURCE SETTING WANTS", with "!" before it where it decides.
  std::vector<std::string> claims;
  std::string summary;
};

class SubjectClaimsTest : public ::testing::TestWithParam<Case> {};

TEST_P(SubjectClaimsTest, InOrder) {
  std::vector<v1::Policy> policies;
  for (const std::string& text : GetParam().policies) {
    policies.push_back(FromText<v1::Policy>(absl::StrCat(R"(selector {nodes: "n*"} )", text)));
    NormalizePolicy(&policies.back());
  }
  std::vector<v1::Hold> holds;
  for (const std::string& text : GetParam().holds) {
    holds.push_back(FromText<v1::Hold>(absl::StrCat(R"(node: "n1" )", text)));
  }
  std::vector<const v1::Policy*> policy_pointers;
  for (const v1::Policy& policy : policies) policy_pointers.push_back(&policy);
  std::vector<const v1::Hold*> hold_pointers;
  for (const v1::Hold& hold : holds) hold_pointers.push_back(&hold);
  ExplainedSubject explained;
  if (GetParam().subject != "smt") explained.subject = *ParseSubject(GetParam().subject);
  if (GetParam().subject == "cpu3") explained.core = CoreName{0, 0, 1};

  const std::vector<v1::Claim> claims =
      FindClaims(explained, "n1", {}, policy_pointers, hold_pointers);
  std::vector<std::string> lines;
  for (const v1::Claim& claim : claims) {
    lines.push_back(absl::StrCat(claim.decides() ? "!" : "", claim.source(),
                                 claim.setting().empty() ? "" : " ", claim.setting(), " ",
                                 claim.wants()));
    EXPECT_EQ(claim.decides(), claim.why_not().empty()) << claim.ShortDebugString();
  }
  EXPECT_THAT(lines, ElementsAreArray(GetParam().claims));
  EXPECT_THAT(SummarizeClaims(GetParam().subject, claims), HasSubstr(GetParam().summary));
}

constexpr char kLeftOut[] = "no more than as it was: the list leaves it out";

INSTANTIATE_TEST_SUITE_P(
    Cases, SubjectClaimsTest,
    ::testing::Values(
        Case{"Nobody",
             "cpu3",
             {R"(name: "a" drivers {active: "x"})"},
             {},
             {},
             "no policy and no hold has a say in cpu3"},
        Case{"OnePolicy",
             "cpu3",
             {R"(name: "a" cpu {offline: "2-3"})"},
             {},
             {"!policy/a cpu.offline offline"},
             "cpu3 is to be offline, by policy/a (cpu.offline)"},
        Case{"TheHigherPriorityWins",
             "cpu3",
             {R"(name: "a" cpu {offline: "3" hot_add: HOT_ADD_ONLINE})",
              R"(name: "b" priority: 5 cpu {offline: "7"})",
              R"(name: "c" priority: 7 cpu {smt: SMT_CONTROL_OFF})"},
             {},
             {"!policy/c cpu.smt SMT off", absl::StrCat("!policy/b cpu.offline ", kLeftOut),
              "policy/a cpu.offline offline",
              "!policy/a cpu.hot_add online, where it was hot-added"},
             "SMT off, by policy/c"},
        Case{"EqualOnesThatAgreeAndOneThatDoesNot",
             "memory33",
             {R"(name: "b" memory {offline_blocks: "33"})",
              R"(name: "a" memory {offline_blocks: "32-33"})",
              R"(name: "c" memory {offline_bytes: "1Gi"})"},
             {},
             {"!policy/a memory.offline_blocks offline", "!policy/b memory.offline_blocks offline",
              "policy/c memory.offline_bytes 1Gi offline, of the agent's choice"},
             "memory33 is to be offline, by policy/a"},
        Case{"AHoldOutranksAndSmtStandsBesides",
             "cpu3",
             {R"(name: "a" priority: 99 cpu {online_count: 4 smt: SMT_CONTROL_OFF})"},
             {R"(subject: "core/0-0-1" state: DEVICE_STATE_OFFLINE)",
              R"(subject: "cpu3" state: DEVICE_STATE_ONLINE)",
              R"(subject: "cpu4" state: DEVICE_STATE_OFFLINE)"},
             {"!hold/cpu3 online", "hold/core/0-0-1 offline",
              "policy/a cpu.online_count 4 CPUs online, of the agent's choice",
              "!policy/a cpu.smt SMT off"},
             "cpu3 is to be online, by hold/cpu3"},
        Case{"TheHoldOfACore",
             "cpu3",
             {},
             {R"(subject: "core/0-0-1" state: DEVICE_STATE_OFFLINE)"},
             {"!hold/core/0-0-1 offline"},
             "cpu3 is to be offline, by hold/core/0-0-1"},
        Case{"Smt",
             "smt",
             {R"(name: "a" cpu {smt: SMT_CONTROL_ON offline: "1"})",
              R"(name: "b" priority: -1 cpu {smt: SMT_CONTROL_OFF})"},
             {},
             {"!policy/a cpu.smt SMT on", "policy/b cpu.smt SMT off"},
             "SMT on, by policy/a"},
        Case{"ADriver",
             "driver/alucard",
             {R"(name: "a" priority: 2 drivers {stopped: "Alucard" switching: SWITCH_ON})",
              R"(name: "b" drivers {active: "thermal"
                                    whitelist {key: "ALUCARD" value {drivers: "thermal"}}})"},
             {},
             {"!policy/a drivers.stopped stopped",
              "!policy/a drivers.switching drivers can be switched",
              "!policy/b drivers.active stopped, unless it and each active driver spare each other",
              "!policy/b drivers.whitelist.alucard this whitelist in the place of its own"},
             "stopped, by policy/a"},
        Case{"AGenericDevice",
             "container/PNP0A06:00",
             {R"(name: "a" cpu {offline: "1"})"},
             {R"(subject: "container/PNP0A06:00" state: DEVICE_STATE_OFFLINE)"},
             {"!hold/container/PNP0A06:00 offline"},
             "offline, by hold/container"}),
    [](const auto& test) { return test.param.name; });

TEST(FindClaimsTest, APolicyThatDoesNotMatchHasNoSay) {
  const auto other = FromText<v1::Policy>(R"(name: "a" selector {nodes: "m*"} cpu {offline: "3"})");
  ExplainedSubject cpu3;
  cpu3.subject = *ParseSubject("cpu3");
  EXPECT_TRUE(FindClaims(cpu3, "n1", {}, {&other}, {}).empty());
}

TEST(FindClaimsTest, SaysWhyOneHasNotTheLastWord) {
  const auto high =
      FromText<v1::Policy>(R"(name: "high" priority: 9 selector {nodes: "n1"} cpu {offline: "3"})");
  const auto low = FromText<v1::Policy>(R"(name: "low" selector {nodes: "n1"} cpu {offline: "4"})");
  const auto last =
      FromText<v1::Policy>(R"(name: "x" selector {nodes: "n1"} priority: 9 cpu {online_count: 2})");
  const auto hold = FromText<v1::Hold>(
      R"(node: "n1" subject: "cpu3" state: DEVICE_STATE_OFFLINE reason: "why" ticket: "T"
         author: "ann" expire_time {seconds: 9})");
  ExplainedSubject cpu3;
  cpu3.subject = *ParseSubject("cpu3");
  std::vector<v1::Claim> claims = FindClaims(cpu3, "n1", {}, {&low, &last, &high}, {});
  ASSERT_EQ(claims.size(), 3u);
  EXPECT_EQ(claims[1].why_not(), "of the same priority as policy/high, which comes first by name");
  EXPECT_EQ(claims[2].why_not(), "outranked by policy/high, whose priority is 9");
  claims = FindClaims(cpu3, "n1", {}, {&low}, {&hold});
  EXPECT_EQ(claims[0].reason(), "why");
  EXPECT_EQ(claims[0].ticket(), "T");
  EXPECT_EQ(claims[0].author(), "ann");
  EXPECT_EQ(claims[0].expire_time().seconds(), 9);
  EXPECT_EQ(claims[1].why_not(), "outranked by hold/cpu3");
}

}  // namespace
}  // namespace hotplugger::server
