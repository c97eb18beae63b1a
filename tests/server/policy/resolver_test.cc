#include "server/policy/resolver.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/digest.h"
#include "common/number_list.h"
#include "server/policy/normalize.h"
#include "server/policy/policy_validator.h"
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
             {}},
        Case{"EveryDeviceSetting",
             {R"(name: "a" cpu {online_percent: 50 smt: SMT_CONTROL_FORCEOFF irreversible: true
                                hot_add: HOT_ADD_ONLINE}
                 memory {offline_blocks: "32-39" hot_add: HOT_ADD_ONLINE_MOVABLE})"},
             {},
             R"(cpu_online_percent: 50 smt: SMT_CONTROL_FORCEOFF cpu_hot_add: HOT_ADD_ONLINE
                memory_offline: "32-39" memory_hot_add: HOT_ADD_ONLINE_MOVABLE)",
             {"cpu_hot_add=policy/a", "cpu_online_percent=policy/a", "memory_hot_add=policy/a",
              "memory_offline=policy/a", "smt=policy/a"},
             {}},
        Case{"DeviceSettingsOneByOne",
             {R"(name: "a" cpu {smt: SMT_CONTROL_ON online_count: 4 hot_add: HOT_ADD_ONLINE}
                 memory {offline_bytes: "1Gi"})",
              R"(name: "b" priority: 1 cpu {smt: SMT_CONTROL_OFF}
                 memory {hot_add: HOT_ADD_ONLINE})"},
             {},
             R"(cpu_online_count: 4 smt: SMT_CONTROL_OFF cpu_hot_add: HOT_ADD_ONLINE
                memory_offline_bytes: 1073741824 memory_hot_add: HOT_ADD_ONLINE)",
             {"cpu_hot_add=policy/a", "cpu_online_count=policy/a", "memory_hot_add=policy/b",
              "memory_offline_bytes=policy/a", "smt=policy/b"},
             {}},
        Case{"AListOutranksACount",
             {R"(name: "a" cpu {online_count: 4})", R"(name: "b" priority: 1 cpu {offline: "3"})"},
             {},
             R"(cpu_offline: "3")",
             {"cpu_offline=policy/b"},
             {}},
        Case{"AShareOutranksAList",
             {R"(name: "a" cpu {offline: "3"})",
              R"(name: "b" priority: 1 cpu {online_percent: 25})"},
             {},
             "cpu_online_percent: 25",
             {"cpu_online_percent=policy/b"},
             {}},
        Case{"AListAgainstACount",
             {R"(name: "b" cpu {offline: "3"})", R"(name: "a" cpu {online_count: 4})"},
             {},
             "cpu_online_count: 4",
             {"cpu_online_count=policy/a"},
             {"cpu.online_count:a>b"}},
        Case{"EqualCountsAgree",
             {R"(name: "a" cpu {online_count: 4})", R"(name: "b" cpu {online_count: 4})"},
             {},
             "cpu_online_count: 4",
             {"cpu_online_count=policy/a"},
             {}},
        Case{"ConflictsOfEverySetting",
             {R"(name: "a" cpu {smt: SMT_CONTROL_ON online_count: 4 hot_add: HOT_ADD_ONLINE}
                 memory {offline_bytes: "1Gi" hot_add: HOT_ADD_ONLINE})",
              R"(name: "b" cpu {smt: SMT_CONTROL_OFF online_count: 5 hot_add: HOT_ADD_ONLINE}
                 memory {offline_blocks: "3" hot_add: HOT_ADD_ONLINE_KERNEL})"},
             {},
             R"(cpu_online_count: 4 smt: SMT_CONTROL_ON cpu_hot_add: HOT_ADD_ONLINE
                memory_offline_bytes: 1073741824 memory_hot_add: HOT_ADD_ONLINE)",
             {"cpu_hot_add=policy/a", "cpu_online_count=policy/a", "memory_hot_add=policy/a",
              "memory_offline_bytes=policy/a", "smt=policy/a"},
             {"cpu.online_count:a>b", "cpu.smt:a>b", "memory.offline_bytes:a>b",
              "memory.hot_add:a>b"}},
        Case{"HoldsBesideACount",
             {R"(name: "a" cpu {online_count: 4})"},
             {R"(subject: "cpu2" state: DEVICE_STATE_ONLINE)",
              R"(subject: "cpu5" state: DEVICE_STATE_OFFLINE)"},
             R"(cpu_offline: "5" cpu_online: "2" cpu_online_count: 4)",
             {"cpu2=hold/cpu2", "cpu5=hold/cpu5", "cpu_online_count=policy/a"},
             {}},
        Case{"MemoryHolds",
             {R"(name: "a" memory {offline_blocks: "32-35"})"},
             {R"(subject: "memory33" state: DEVICE_STATE_ONLINE)",
              R"(subject: "memory40" state: DEVICE_STATE_OFFLINE)"},
             R"(memory_offline: "32,34-35,40" memory_online: "33")",
             {"memory33=hold/memory33", "memory40=hold/memory40", "memory_offline=policy/a"},
             {}},
        Case{"MemoryHoldsBesideAnAmount",
             {R"(name: "a" memory {offline_bytes: "512Mi"})"},
             {R"(subject: "memory40" state: DEVICE_STATE_OFFLINE)"},
             R"(memory_offline: "40" memory_offline_bytes: 536870912)",
             {"memory40=hold/memory40", "memory_offline_bytes=policy/a"},
             {}},
        Case{"AHoldTakesAllBlocksFromAPolicy",
             {R"(name: "a" memory {offline_blocks: "33"})"},
             {R"(subject: "memory33" state: DEVICE_STATE_ONLINE)"},
             R"(memory_online: "33")",
             {"memory33=hold/memory33"},
             {}},
        Case{"GenericHolds",
             {},
             {R"(subject: "xen_cpu/xen_cpu1" state: DEVICE_STATE_ONLINE)",
              R"(subject: "container/PNP0A06:01" state: DEVICE_STATE_OFFLINE)",
              R"(subject: "container/PNP0A06:00" state: DEVICE_STATE_OFFLINE)"},
             R"(devices_offline: "container/PNP0A06:00" devices_offline: "container/PNP0A06:01"
                devices_online: "xen_cpu/xen_cpu1")",
             {"container/PNP0A06:00=hold/container/PNP0A06:00",
              "container/PNP0A06:01=hold/container/PNP0A06:01",
              "xen_cpu/xen_cpu1=hold/xen_cpu/xen_cpu1"},
             {}},
        Case{"CoreHolds",
             {},
             {R"(subject: "core/0-0-10" state: DEVICE_STATE_OFFLINE)",
              R"(subject: "core/0-0-2" state: DEVICE_STATE_OFFLINE)",
              R"(subject: "core/1-0-0" state: DEVICE_STATE_ONLINE)",
              R"(subject: "cpu7" state: DEVICE_STATE_OFFLINE)"},
             R"(cores_offline: "0-0-10" cores_offline: "0-0-2" cores_online: "1-0-0"
                cpu_offline: "7" cpu_held: "7")",
             {"core/0-0-10=hold/core/0-0-10", "core/0-0-2=hold/core/0-0-2",
              "core/1-0-0=hold/core/1-0-0", "cpu7=hold/cpu7"},
             {}},
        Case{"DriftIsOfWhatAPolicyHasTheLastWordOn",
             {R"(name: "a" priority: 2 cpu {offline: "1-2"} drift: DRIFT_MODE_REPORT)",
              R"(name: "b" cpu {offline: "8" smt: SMT_CONTROL_OFF} drift: DRIFT_MODE_ENFORCE)",
              R"(name: "c" priority: 1 drivers {active: "x"} memory {offline_bytes: "1Gi"}
                 drift: DRIFT_MODE_REPORT)"},
             {R"(subject: "cpu2" state: DEVICE_STATE_ONLINE)",
              R"(subject: "cpu5" state: DEVICE_STATE_OFFLINE)"},
             R"(cpu_offline: "1,5" cpu_online: "2" cpu_held: "5" smt: SMT_CONTROL_OFF
                drivers_active: "x" memory_offline_bytes: 1073741824
                report_drift_of: "cpu_offline" report_drift_of: "drivers_active"
                report_drift_of: "memory_offline_bytes")",
             {"cpu2=hold/cpu2", "cpu5=hold/cpu5", "cpu_offline=policy/a", "drivers_active=policy/c",
              "memory_offline_bytes=policy/c", "smt=policy/b"},
             {}},
        Case{"AHoldThatTakesASettingWholeTakesItsDriftToo",
             {R"(name: "a" drivers {active: "x" stopped: "z"} drift: DRIFT_MODE_REPORT
                 on_release: RELEASE_MODE_LEAVE)"},
             {R"(subject: "driver/y" state: DEVICE_STATE_ONLINE)",
              R"(subject: "driver/w" state: DEVICE_STATE_OFFLINE)"},
             R"(drivers_active: "y" drivers_stopped: "w" drivers_stopped: "z"
                report_drift_of: "drivers_stopped" leave_on_release: "drivers_stopped"
                drivers_held: "w")",
             {"driver/w=hold/driver/w", "driver/y=hold/driver/y", "drivers_stopped=policy/a"},
             {}},
        Case{"ReleaseIsOfWhatAPolicyHasTheLastWordOn",
             {R"(name: "a" memory {offline_blocks: "33"} cpu {hot_add: HOT_ADD_ONLINE}
                 drivers {switching: SWITCH_ON} on_release: RELEASE_MODE_LEAVE)"},
             {R"(subject: "memory40" state: DEVICE_STATE_OFFLINE)"},
             R"(memory_offline: "33,40" memory_held: "40" cpu_hot_add: HOT_ADD_ONLINE
                switching: SWITCH_ON leave_on_release: "memory_offline"
                leave_on_release: "switching")",
             {"cpu_hot_add=policy/a", "memory40=hold/memory40", "memory_offline=policy/a",
              "switching=policy/a"},
             {}}),
    [](const auto& test) { return test.param.name; });

// Policies and holds at random, all of them valid.
class RandomInputs {
 public:
  explicit RandomInputs(uint32_t seed) : random_(seed) {}

  Inputs Make() {
    Inputs inputs;
    const int policies = Below(6);
    for (int i = 0; i < policies; ++i) inputs.policies.push_back(MakePolicy(i));
    std::set<std::string> subjects;
    const int holds = Below(8);
    for (int i = 0; i < holds; ++i) {
      v1::Hold hold;
      hold.set_node("n1");
      hold.set_subject(MakeSubject());
      hold.set_state(Below(2) == 0 ? v1::DEVICE_STATE_ONLINE : v1::DEVICE_STATE_OFFLINE);
      if (subjects.insert(hold.subject()).second) inputs.holds.push_back(hold);
    }
    return inputs;
  }

 private:
  int Below(int bound) { return static_cast<int>(random_() % static_cast<uint32_t>(bound)); }
  std::string List() { return absl::StrCat(Below(4), ",", 4 + Below(3), "-", 7 + Below(3)); }
  std::string Driver() { return absl::StrCat("d", Below(4)); }

  std::string MakeSubject() {
    switch (Below(5)) {
      case 0:
        return absl::StrCat("cpu", Below(10));
      case 3:
        return absl::StrCat("core/0-0-", Below(4));
      case 1:
        return absl::StrCat("memory", Below(10));
      case 2:
        return absl::StrCat("container/c", Below(4));
      default:
        return absl::StrCat("driver/", Driver());
    }
  }

  void FillCpu(v1::CpuSettings* cpu) {
    switch (Below(4)) {
      case 0:
        cpu->set_offline(List());
        break;
      case 1:
        cpu->set_online_count(1 + Below(3));
        break;
      case 2:
        cpu->set_online_percent(1 + Below(100));
        break;
      default:
        cpu->set_hot_add(v1::HOT_ADD_ONLINE);
    }
    const v1::SmtControl controls[] = {v1::SMT_CONTROL_UNSPECIFIED, v1::SMT_CONTROL_ON,
                                       v1::SMT_CONTROL_OFF, v1::SMT_CONTROL_FORCEOFF};
    cpu->set_smt(controls[Below(4)]);
    cpu->set_irreversible(cpu->smt() == v1::SMT_CONTROL_FORCEOFF);
  }

  void FillMemory(v1::MemorySettings* memory) {
    if (Below(2) == 0) {
      memory->set_offline_blocks(List());
    } else {
      memory->set_offline_bytes(absl::StrCat(1 + Below(3), "Gi"));
    }
    memory->set_hot_add(static_cast<v1::HotAdd>(Below(4)));
  }

  void FillDrivers(v1::DriverSettings* drivers) {
    switch (Below(4)) {
      case 0:
        drivers->add_active(Driver());
        break;
      case 1:
        drivers->add_stopped(Driver());
        break;
      case 2:
        drivers->set_switching(Below(2) == 0 ? v1::SWITCH_ON : v1::SWITCH_OFF);
        break;
      default:
        (*drivers->mutable_whitelist())[Driver()].add_drivers("*");
    }
  }

  v1::Policy MakePolicy(int number) {
    v1::Policy policy;
    policy.set_name(absl::StrCat("p", number));
    policy.set_priority(Below(3));
    policy.mutable_selector()->add_nodes("n1");
    FillCpu(policy.mutable_cpu());
    if (Below(2) == 0) FillMemory(policy.mutable_memory());
    if (Below(2) == 0) FillDrivers(policy.mutable_drivers());
    policy.set_drift(static_cast<v1::DriftMode>(Below(3)));
    policy.set_on_release(static_cast<v1::ReleaseMode>(Below(3)));
    if (Below(2) == 0) policy.mutable_confirm()->set_seconds(5 + Below(10));
    for (const FieldViolation& violation : ValidatePolicy(policy)) {
      ADD_FAILURE() << violation.field << ": " << violation.description;
    }
    NormalizePolicy(&policy);
    return policy;
  }

  std::mt19937 random_;
};

bool Overlap(const std::string& a, const std::string& b) {
  const auto first = ParseNumberList(a, kMemoryBlockListRules).value_or(NumberSet());
  const auto second = ParseNumberList(b, kMemoryBlockListRules).value_or(NumberSet());
  return std::any_of(first.begin(), first.end(),
                     [&second](int number) { return second.count(number) > 0; });
}

// What no agent takes.
void ExpectNoContradiction(const v1::NodeSpec& spec) {
  EXPECT_FALSE(Overlap(spec.cpu_offline(), spec.cpu_online()));
  EXPECT_FALSE(Overlap(spec.memory_offline(), spec.memory_online()));
  EXPECT_FALSE(spec.has_cpu_online_count() && spec.has_cpu_online_percent());
  for (const std::string& driver : spec.drivers_active()) {
    EXPECT_THAT(spec.drivers_stopped(), ::testing::Not(::testing::Contains(driver)));
  }
  for (const std::string& core : spec.cores_offline()) {
    EXPECT_THAT(spec.cores_online(), ::testing::Not(::testing::Contains(core)));
  }
  for (const std::string& device : spec.devices_offline()) {
    EXPECT_THAT(spec.devices_online(), ::testing::Not(::testing::Contains(device)));
  }
}

// Any set of policies and holds, in any order, comes to the same bytes, sources and conflicts; and
// the spec never asks for two things at once.
TEST(ResolverPropertyTest, OrderMakesNoDifference) {
  RandomInputs generator(20240229);
  std::mt19937 random(7);
  std::set<std::string> digests;
  for (int round = 0; round < 500; ++round) {
    Inputs inputs = generator.Make();
    const Resolution expected = inputs.Resolve();
    digests.insert(expected.digest);
    ExpectNoContradiction(expected.spec);
    ASSERT_EQ(FindSpecSizeProblem(expected), "");
    v1::NodeSpec parsed;
    ASSERT_TRUE(parsed.ParseFromString(expected.body));
    ASSERT_EQ(SerializeSpec(parsed), expected.body);
    for (int i = 0; i < 8; ++i) {
      std::shuffle(inputs.policies.begin(), inputs.policies.end(), random);
      std::shuffle(inputs.holds.begin(), inputs.holds.end(), random);
      const Resolution shuffled = inputs.Resolve();
      ASSERT_EQ(shuffled.digest, expected.digest);
      ASSERT_EQ(Sources(shuffled), Sources(expected));
      ASSERT_EQ(Conflicts(shuffled), Conflicts(expected));
      ASSERT_EQ(shuffled.confirm_window, expected.confirm_window);
    }
  }
  // The inputs differ enough for this to say something.
  EXPECT_GT(digests.size(), 300u);
}

// A policy that is stored in any spelling comes to the same digest.
TEST(ResolverPropertyTest, SpellingMakesNoDifference) {
  Inputs inputs = Parse({"",
                         {R"(name: "a" cpu {offline: "9,1,2-3"}
                                 memory {offline_bytes: "1024Mi"})"},
                         {},
                         "",
                         {},
                         {}});
  Inputs other = Parse({"",
                        {R"(name: "a" cpu {offline: "1-3,9"}
                                memory {offline_bytes: "1073741824"})"},
                        {},
                        "",
                        {},
                        {}});
  NormalizePolicy(&inputs.policies[0]);
  NormalizePolicy(&other.policies[0]);
  EXPECT_EQ(inputs.Resolve().digest, other.Resolve().digest);
}

TEST(ResolverTest, TheShortestConfirmWindowCountsAndIsNoPartOfTheDigest) {
  Inputs inputs = Parse(
      {"",
       {R"(name: "a" priority: 9 cpu {offline: "1"} confirm {seconds: 60})",
        R"(name: "b" cpu {offline: "1"} confirm {seconds: 30})", R"(name: "c" cpu {offline: "1"})"},
       {},
       "",
       {},
       {}});
  EXPECT_EQ(inputs.Resolve().confirm_window, absl::Seconds(30));
  const std::string digest = inputs.Resolve().digest;
  for (v1::Policy& policy : inputs.policies) policy.clear_confirm();
  EXPECT_EQ(inputs.Resolve().confirm_window, std::nullopt);
  EXPECT_EQ(inputs.Resolve().digest, digest);
}

TEST(FindSpecSizeProblemTest, NamesTheListThatIsTooLong) {
  Resolution resolution;
  resolution.spec.set_memory_offline(std::string(kMaxNumberListLength, '1'));
  EXPECT_EQ(FindSpecSizeProblem(resolution), "");
  resolution.spec.set_memory_offline(std::string(kMaxNumberListLength + 1, '1'));
  EXPECT_THAT(FindSpecSizeProblem(resolution), ::testing::HasSubstr("memory_offline"));
  resolution.spec.set_memory_offline("0-65535");
  EXPECT_EQ(FindSpecSizeProblem(resolution), "");
  resolution.spec.set_memory_offline("0-65536");
  EXPECT_THAT(FindSpecSizeProblem(resolution), ::testing::HasSubstr("65537 numbers"));
  resolution.spec.Clear();
  resolution.body.assign(kMaxSpecBytes, 'x');
  EXPECT_EQ(FindSpecSizeProblem(resolution), "");
  resolution.body.push_back('x');
  EXPECT_THAT(FindSpecSizeProblem(resolution), ::testing::HasSubstr("262145 bytes"));
}

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
