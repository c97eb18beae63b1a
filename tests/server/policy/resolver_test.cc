#include "server/policy/resolver.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "tests/fakes/proto_text.h"

namespace hotplugger::server {
namespace {

using testing::FromText;

const char kAny[] = R"(selector {nodes: "n1"})";

// Policies and holds of node n1, in text; and what they come to.
struct Case {
  std::string name;
  std::vector<std::string> policies;
  std::vector<std::string> holds;
  std::string spec;
  // SETTING=SOURCE.
  std::vector<std::string> sources;
  // SETTING:WINNER>LOSER.
  std::vector<std::string> conflicts;
};

struct Inputs {
  std::vector<v1::Policy> policies;
  std::vector<v1::Hold> holds;

  Resolution Resolve() const {
    std::vector<const v1::Policy*> policy_pointers;
    for (const v1::Policy& policy : policies) policy_pointers.push_back(&policy);
    std::vector<const v1::Hold*> hold_pointers;
    for (const v1::Hold& hold : holds) hold_pointers.push_back(&hold);
    return server::Resolve("n1", {}, policy_pointers, hold_pointers);
  }
};

Inputs Parse(const Case& test) {
  Inputs inputs;
  for (const std::string& text : test.policies) {
    inputs.policies.push_back(FromText<v1::Policy>(
        text.find("selector") == std::string::npos ? absl::StrCat(kAny, text) : text));
  }
  for (const std::string& text : test.holds) {
    inputs.holds.push_back(FromText<v1::Hold>(absl::StrCat(R"(node: "n1" )", text)));
  }
  return inputs;
}

std::vector<std::string> Sources(const Resolution& resolution) {
  std::vector<std::string> lines;
  for (const v1::SettingSource& source : resolution.sources) {
    lines.push_back(absl::StrCat(source.setting(), "=", source.source()));
  }
  return lines;
}

std::vector<std::string> Conflicts(const Resolution& resolution) {
  std::vector<std::string> lines;
  for (const PolicyConflict& conflict : resolution.conflicts) {
    lines.push_back(absl::StrCat(conflict.setting, ":", conflict.winner, ">", conflict.loser));
    EXPECT_NE(conflict.message.find(conflict.winner), std::string::npos);
    EXPECT_NE(conflict.message.find(conflict.loser), std::string::npos);
  }
  return lines;
}

class ResolverTest : public ::testing::TestWithParam<Case> {};

TEST_P(ResolverTest, ComesToThis) {
  const Resolution resolution = Parse(GetParam()).Resolve();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
      resolution.spec, FromText<v1::NodeSpec>(GetParam().spec)))
      << resolution.spec.DebugString();
  EXPECT_THAT(Sources(resolution), ::testing::ElementsAreArray(GetParam().sources));
  EXPECT_THAT(Conflicts(resolution), ::testing::ElementsAreArray(GetParam().conflicts));
  EXPECT_EQ(resolution.body, SerializeSpec(resolution.spec));
  EXPECT_EQ(resolution.digest, Sha256Hex(resolution.body));
}

// Whatever order the inputs come in, the bytes are the same.
TEST_P(ResolverTest, OrderOfInputsMakesNoDifference) {
  Inputs inputs = Parse(GetParam());
  const Resolution expected = inputs.Resolve();
  std::mt19937 random(1);
  for (int i = 0; i < 50; ++i) {
    std::shuffle(inputs.policies.begin(), inputs.policies.end(), random);
    std::shuffle(inputs.holds.begin(), inputs.holds.end(), random);
    const Resolution shuffled = inputs.Resolve();
    ASSERT_EQ(shuffled.body, expected.body);
    ASSERT_EQ(Sources(shuffled), Sources(expected));
    ASSERT_EQ(Conflicts(shuffled), Conflicts(expected));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ResolverTest,
    ::testing::Values(
        Case{"Nothing", {}, {}, "", {}, {}},
        Case{"OtherNodes",
             {R"(name: "a" selector {nodes: "n2"} cpu {offline: "1"})"},
             {},
             "",
             {},
             {}},
        Case{"OnePolicy",
             {R"(name: "a" cpu {offline: "1-2"} drivers {active: "x" stopped: "y"
                 switching: SWITCH_ON whitelist {key: "x" value {drivers: "z"}}})"},
             {},
             R"(cpu_offline: "1-2" drivers_active: "x" drivers_stopped: "y" switching: SWITCH_ON
                driver_whitelists {key: "x" value {drivers: "z"}})",
             {"cpu_offline=policy/a", "driver_whitelists.x=policy/a", "drivers_active=policy/a",
              "drivers_stopped=policy/a", "switching=policy/a"},
             {}},
        Case{"SettingBySetting",
             {R"(name: "a" priority: 1 cpu {offline: "1"} drivers {active: "x"})",
              R"(name: "b" priority: 2 cpu {offline: "2"})"},
             {},
             R"(cpu_offline: "2" drivers_active: "x")",
             {"cpu_offline=policy/b", "drivers_active=policy/a"},
             {}},
        Case{"WhitelistsByDriver",
             {R"(name: "a" drivers {whitelist {key: "x" value {drivers: "1"}}
                                    whitelist {key: "y" value {drivers: "2"}}})",
              R"(name: "b" priority: 1 drivers {whitelist {key: "y" value {}}})"},
             {},
             R"(driver_whitelists {key: "x" value {drivers: "1"}}
                driver_whitelists {key: "y" value {}})",
             {"driver_whitelists.x=policy/a", "driver_whitelists.y=policy/b"},
             {}},
        Case{"EqualPriorityAgrees",
             {R"(name: "a" cpu {offline: "1"})", R"(name: "b" cpu {offline: "1"})"},
             {},
             R"(cpu_offline: "1")",
             {"cpu_offline=policy/a"},
             {}},
        Case{"EqualPriorityDisagrees",
             {R"(name: "b" cpu {offline: "2"})", R"(name: "a" cpu {offline: "1"})"},
             {},
             R"(cpu_offline: "1")",
             {"cpu_offline=policy/a"},
             {"cpu.offline:a>b"}},
        Case{"AHigherOneSettlesADispute",
             {R"(name: "b" cpu {offline: "2"})", R"(name: "a" cpu {offline: "1"})",
              R"(name: "c" priority: 1 cpu {offline: "3"})"},
             {},
             R"(cpu_offline: "3")",
             {"cpu_offline=policy/c"},
             {}},
        Case{"StoppedOutranksActive",
             {R"(name: "a" drivers {active: "x" active: "y"})",
              R"(name: "b" priority: 1 drivers {stopped: "x"})"},
             {},
             R"(drivers_active: "y" drivers_stopped: "x")",
             {"drivers_active=policy/a", "drivers_stopped=policy/b"},
             {}},
        Case{"ActiveAgainstStoppedOfOneRank",
             {R"(name: "a" drivers {active: "x"})", R"(name: "b" drivers {stopped: "x"})"},
             {},
             R"(drivers_active: "x")",
             {"drivers_active=policy/a"},
             {"drivers.active:a>b"}},
        Case{"OffOutranksActive",
             {R"(name: "a" drivers {active: "x"})",
              R"(name: "b" priority: 1 drivers {switching: SWITCH_OFF})"},
             {},
             "switching: SWITCH_OFF",
             {"switching=policy/b"},
             {}},
        Case{"ActiveOutranksOff",
             {R"(name: "a" priority: 1 drivers {active: "x"})",
              R"(name: "b" drivers {switching: SWITCH_OFF})"},
             {},
             R"(drivers_active: "x")",
             {"drivers_active=policy/a"},
             {}},
        Case{"ActiveSetForbiddenByAnothersWhitelist",
             {R"(name: "a" drivers {active: "x" active: "y"})",
              R"(name: "b" drivers {whitelist {key: "x" value {}}})"},
             {},
             R"(drivers_active: "x" drivers_active: "y" driver_whitelists {key: "x" value {}})",
             {"driver_whitelists.x=policy/b", "drivers_active=policy/a"},
             {"drivers.active:a>b"}},
        Case{"CpuHolds",
             {R"(name: "a" cpu {offline: "1-3"})"},
             {R"(subject: "cpu2" state: DEVICE_STATE_ONLINE)",
              R"(subject: "cpu5" state: DEVICE_STATE_OFFLINE)"},
             R"(cpu_offline: "1,3,5" cpu_online: "2")",
             {"cpu2=hold/cpu2", "cpu5=hold/cpu5", "cpu_offline=policy/a"},
             {}},
        Case{"AHoldTakesAllFromAPolicy",
             {R"(name: "a" cpu {offline: "2"})"},
             {R"(subject: "cpu2" state: DEVICE_STATE_ONLINE)"},
             R"(cpu_online: "2")",
             {"cpu2=hold/cpu2"},
             {}},
        Case{"DriverHeldStopped",
             {R"(name: "a" drivers {active: "x" active: "y"})"},
             {R"(subject: "driver/x" state: DEVICE_STATE_OFFLINE)"},
             R"(drivers_active: "y" drivers_stopped: "x")",
             {"driver/x=hold/driver/x", "drivers_active=policy/a"},
             {}},
        Case{"DriverHeldRunning",
             {R"(name: "a" drivers {active: "x" stopped: "z" stopped: "w"})"},
             {R"(subject: "driver/z" state: DEVICE_STATE_ONLINE)"},
             R"(drivers_active: "z" drivers_stopped: "w")",
             {"driver/z=hold/driver/z", "drivers_stopped=policy/a"},
             {}},
        Case{"DriverHoldOutranksOff",
             {R"(name: "a" drivers {switching: SWITCH_OFF})"},
             {R"(subject: "driver/z" state: DEVICE_STATE_ONLINE)"},
             R"(drivers_active: "z")",
             {"driver/z=hold/driver/z"},
             {}}),
    [](const auto& test) { return test.param.name; });

TEST(SerializeSpecTest, TheEmptySpecHasNoBytes) {
  EXPECT_EQ(SerializeSpec(v1::NodeSpec()), "");
  EXPECT_EQ(Inputs().Resolve().digest, Sha256Hex(""));
}

// Maps have a random order in memory; the bytes must not.
TEST(SerializeSpecTest, MapsHaveOneOrder) {
  std::vector<int> numbers(50);
  for (int i = 0; i < 50; ++i) numbers[static_cast<size_t>(i)] = i;
  std::mt19937 random(1);
  std::string expected;
  for (int round = 0; round < 20; ++round) {
    std::shuffle(numbers.begin(), numbers.end(), random);
    v1::NodeSpec spec;
    for (const int number : numbers) {
      (*spec.mutable_driver_whitelists())[absl::StrCat("d", number)].add_drivers("*");
    }
    if (round == 0) expected = SerializeSpec(spec);
    ASSERT_EQ(SerializeSpec(spec), expected);
  }
}

}  // namespace
}  // namespace hotplugger::server
