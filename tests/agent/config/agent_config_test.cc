#include "agent/config/agent_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error_info.h"
#include "common/yaml/text_file.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What is wrong with `text`, as "PLACE: KEY | DESCRIPTION" each.
std::vector<std::string> Errors(absl::string_view text) {
  const auto config = ParseAgentConfig(text, "a.yaml");
  std::vector<std::string> errors;
  for (const FieldViolation& violation : ErrorFieldViolations(config.status())) {
    errors.push_back(absl::StrCat(violation.field, " | ", violation.description));
  }
  EXPECT_EQ(config.ok(), errors.empty()) << config.status();
  return errors;
}

SafetyLimits Limits(absl::string_view text) {
  const auto config = ParseAgentConfig(text, "a.yaml");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? config->limits : SafetyLimits();
}

TEST(AgentConfigTest, EveryKeyGoesWhereItBelongs) {
  const SafetyLimits limits = Limits(R"(
limits:
  cpus:
    min_online: 3
    min_online_percent: 40
    min_online_per_node: 5
    min_online_per_package: 6
    min_housekeeping: 7
    allow_exclusive: true
  memory:
    min_online_bytes: 4Gi
    min_online_percent: 60
    min_online_bytes_per_node: "512M"
    min_available_bytes: 1048576
    min_available_percent: 20
    max_movable_percent: 400
    allow_kernel_zones: true
  protected_devices: [cpu9, 'smt', container/PNP0A06:00]
  protected_cpus: 0-1
  protected_memory_blocks: "7,9"
  allowed_kinds:
  - cpu
  - generic
)");
  EXPECT_EQ(limits.cpus.min_online, 3);
  EXPECT_EQ(limits.cpus.min_online_percent, 40);
  EXPECT_EQ(limits.cpus.min_online_per_node, 5);
  EXPECT_EQ(limits.cpus.min_online_per_package, 6);
  EXPECT_EQ(limits.cpus.min_housekeeping, 7);
  EXPECT_TRUE(limits.cpus.allow_exclusive);
  EXPECT_EQ(limits.memory.min_online_bytes, uint64_t{4} << 30);
  EXPECT_EQ(limits.memory.min_online_percent, 60);
  EXPECT_EQ(limits.memory.min_online_bytes_per_node, uint64_t{512} << 20);
  EXPECT_EQ(limits.memory.min_available_bytes, uint64_t{1} << 20);
  EXPECT_EQ(limits.memory.min_available_percent, 20);
  EXPECT_EQ(limits.memory.max_movable_percent, 400);
  EXPECT_TRUE(limits.memory.allow_kernel_zones);
  EXPECT_THAT(limits.protected_devices, ElementsAre("container/PNP0A06:00", "cpu0", "cpu1", "cpu9",
                                                    "memory7", "memory9", "smt"));
  EXPECT_THAT(limits.allowed_kinds, ElementsAre(v1::DEVICE_KIND_CPU, v1::DEVICE_KIND_GENERIC));
}

TEST(AgentConfigTest, ReadsTheSettingsOfTheAgentsOwnDrivers) {
  const absl::StatusOr<AgentConfig> config = ParseAgentConfig(R"(
drivers:
  load:
    sample_seconds: 2
    park_below_percent: 20
    park_samples: 5
    cooldown_seconds: 120
    wake_above_percent: 80
    wake_pressure_percent: 40
    wake_samples: 2
    min_online_cpus: 4
    max_parked_percent: 60
    dry_run: true
    whitelist: [thermal, "*"]
  thermal:
    trip_celsius: 90
    release_celsius: 70
    step_seconds: 5
    zones: [x86_pkg_temp, "soc*"]
)",
                                                              "a.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  const LoadSettings& load = config->load;
  EXPECT_EQ(load.parking.sample_seconds, 2);
  EXPECT_EQ(load.park_below_percent, 20);
  EXPECT_EQ(load.park_samples, 5);
  EXPECT_EQ(load.cooldown_seconds, 120);
  EXPECT_EQ(load.wake_above_percent, 80);
  EXPECT_EQ(load.wake_pressure_percent, 40);
  EXPECT_EQ(load.wake_samples, 2);
  EXPECT_EQ(load.parking.min_online_cpus, 4);
  EXPECT_EQ(load.parking.max_parked_percent, 60);
  EXPECT_TRUE(load.parking.dry_run);
  EXPECT_THAT(load.parking.whitelist, ElementsAre("thermal", "*"));
  const ThermalSettings& thermal = config->thermal;
  EXPECT_EQ(thermal.trip_celsius, 90);
  EXPECT_EQ(thermal.release_celsius, 70);
  EXPECT_EQ(thermal.step_seconds, 5);
  EXPECT_THAT(thermal.zones, ElementsAre("x86_pkg_temp", "soc*"));
  EXPECT_EQ(thermal.parking.sample_seconds, 2) << "as before";
  EXPECT_FALSE(thermal.parking.dry_run);
}

TEST(AgentConfigTest, WhatIsLeftOutKeepsItsDefault) {
  for (const char* text :
       {"", "# nothing\n", "---\n", "limits:\n", "limits: {}\n", "limits:\n  cpus:\n  memory:\n"}) {
    const SafetyLimits limits = Limits(text);
    EXPECT_EQ(limits.cpus.min_online, 2) << text;
    EXPECT_EQ(limits.memory.min_available_bytes, uint64_t{256} << 20) << text;
    EXPECT_THAT(limits.protected_devices, IsEmpty()) << text;
    EXPECT_EQ(limits.allowed_kinds.size(), 4u) << text;
  }
  const SafetyLimits one = Limits("limits: {cpus: {min_online: 7}}");
  EXPECT_EQ(one.cpus.min_online, 7);
  EXPECT_EQ(one.cpus.min_online_percent, 25);
}

TEST(AgentConfigTest, TakesTheEndsOfEveryRange) {
  EXPECT_EQ(Limits("limits: {cpus: {min_online: 1}}").cpus.min_online, 1);
  EXPECT_EQ(Limits("limits: {cpus: {min_online: 8192}}").cpus.min_online, 8192);
  EXPECT_EQ(Limits("limits: {cpus: {min_online_percent: 0}}").cpus.min_online_percent, 0);
  EXPECT_EQ(Limits("limits: {cpus: {min_online_percent: 100}}").cpus.min_online_percent, 100);
  EXPECT_EQ(Limits("limits: {cpus: {min_online_per_node: 0}}").cpus.min_online_per_node, 0);
  EXPECT_EQ(Limits("limits: {memory: {max_movable_percent: 1}}").memory.max_movable_percent, 1);
  EXPECT_EQ(Limits("limits: {memory: {min_available_bytes: 0}}").memory.min_available_bytes, 0u);
  EXPECT_THAT(Limits("limits: {allowed_kinds: []}").allowed_kinds, IsEmpty());
}

struct WrongText {
  const char* text;
  const char* error;
};

class WrongConfigTest : public ::testing::TestWithParam<WrongText> {};

TEST_P(WrongConfigTest, NamesPlaceKeyValueAndWhatIsRight) {
  EXPECT_THAT(Errors(GetParam().text), ElementsAre(HasSubstr(GetParam().error)));
}

INSTANTIATE_TEST_SUITE_P(
    AgentConfig, WrongConfigTest,
    ::testing::Values(
        WrongText{"limit: {}",
                  "a.yaml:1:1: limit | unknown field; did you mean limits? (known "
                  "here: limits, drivers)"},
        WrongText{"limits:\n  cpu: {}\n",
                  "a.yaml:2:3: limits.cpu | unknown field; did you mean cpus? (known here: cpus, "
                  "memory, protected_devices, protected_cpus, protected_memory_blocks, "
                  "allowed_kinds)"},
        WrongText{"limits:\n  cpus:\n    min_onlin: 3\n",
                  "a.yaml:3:5: limits.cpus.min_onlin | unknown field; did you mean min_online?"},
        WrongText{"limits:\n  cpus.min_online: 3\n",
                  "a.yaml:2:3: limits.cpus.min_online | unknown"},
        WrongText{"limits: {}\nlimits: {}\n",
                  "a.yaml:2:1: limits | is given twice, first in line 1"},
        WrongText{"limits:\n  cpus:\n    min_online: 3\n    min_online: 4\n",
                  "a.yaml:4:5: limits.cpus.min_online | is given twice, first in line 3"},
        WrongText{"limits: {cpus: {min_online: }}", "limits.cpus.min_online | has no value"},
        WrongText{
            "limits: {cpus: {min_online: 0}}",
            "a.yaml:1:29: limits.cpus.min_online | \"0\" is not a whole number from 1 to 8192"},
        WrongText{"limits: {cpus: {min_online: 8193}}", "\"8193\" is not a whole number from 1"},
        WrongText{"limits: {cpus: {min_online: -1}}", "\"-1\" is not a whole number"},
        WrongText{"limits: {cpus: {min_online: 2.5}}", "\"2.5\" is not a whole number"},
        WrongText{"limits: {cpus: {min_online: 0x4}}", "\"0x4\" is not a whole number"},
        WrongText{"limits: {cpus: {min_online: 99999999999}}", "\"99999999999\" is not a whole"},
        WrongText{"limits: {cpus: {min_online: '4'}}",
                  "\"4\" is not a whole number from 1 to 8192, without quotes"},
        WrongText{"limits: {cpus: {min_online: [4]}}", "a list is not a whole number from 1"},
        WrongText{"limits: {cpus: {min_online_percent: 101}}",
                  "\"101\" is not a whole number from 0 "
                  "to 100"},
        WrongText{"limits: {cpus: {min_online_percent: 50%}}",
                  "\"50%\" is not a whole number from 0 to 100, without a percent sign"},
        WrongText{"limits: {cpus: {min_housekeeping: 0}}", "\"0\" is not a whole number from 1"},
        WrongText{"limits: {memory: {max_movable_percent: 0}}",
                  "\"0\" is not a whole number from 1"},
        WrongText{"limits: {memory: {max_movable_percent: 1000001}}", "from 1 to 1000000"},
        WrongText{"limits: {memory: {min_online_bytes: 4GB}}",
                  "limits.memory.min_online_bytes | \"4GB\" has a unit that means powers of 1000"},
        WrongText{"limits: {memory: {min_online_bytes: -4G}}", "does not begin with a digit"},
        WrongText{"limits: {memory: {min_online_bytes: {}}}", "a map is not a size, e.g. 4Gi"},
        WrongText{"limits: {cpus: {allow_exclusive: yes}}", "\"yes\" is not true or false"},
        WrongText{"limits: {cpus: {allow_exclusive: \"true\"}}", "without quotes"},
        WrongText{"limits: {cpus: 4}", "a.yaml:1:16: limits.cpus | \"4\" is not a map of keys"},
        WrongText{"limits: [cpus]", "a.yaml:1:9: limits | a list is not a map of keys"},
        WrongText{"- limits\n", "a.yaml:1:1 | a list is not a map of keys"},
        WrongText{"limits: {protected_devices: cpu0}",
                  "limits.protected_devices | \"cpu0\" is not a list, e.g. [cpu0,"},
        WrongText{"limits: {protected_devices: [cpu0, ../cpu1]}",
                  "a.yaml:1:36: limits.protected_devices[1] | \"../cpu1\" has no bus's name"},
        WrongText{"limits: {protected_devices: [cpu0-3]}",
                  "limits.protected_devices[0] | \"cpu0-3\" is not a device's name"},
        WrongText{"limits: {protected_devices: [[cpu0]]}", "[0] | a list is not a name"},
        WrongText{"limits: {protected_cpus: 3-1}",
                  "limits.protected_cpus | \"3-1\" runs downwards"},
        WrongText{"limits: {protected_cpus: [0, 1]}",
                  "a list is not a list of numbers, e.g. \"2-3"},
        WrongText{"limits: {protected_memory_blocks: a}", "\"a\" is not a memory block number"},
        WrongText{"limits: {allowed_kinds: [cpu, disk]}",
                  "limits.allowed_kinds[1] | \"disk\" is not cpu, memory, smt or generic"},
        WrongText{"limits: {allowed_kinds: cpu}", "\"cpu\" is not a list, e.g. [cpu, smt]"},
        WrongText{"drivers: {load: {park_below_percent: 70}}",
                  "drivers.load.park_below_percent | 70 is not below "
                  "drivers.load.wake_above_percent, 70"},
        WrongText{"drivers: {thermal: {release_celsius: 95}}",
                  "drivers.thermal.release_celsius | 95 is not below "
                  "drivers.thermal.trip_celsius, 95"},
        WrongText{"drivers: {load: {whitelist: [load]}}", "drivers.load.whitelist"},
        WrongText{"drivers: {load: {whitelist: [a b]}}", "drivers.load.whitelist"},
        WrongText{"drivers: {load: {dry_run: 1}}", "\"1\" is not true or false"},
        WrongText{"drivers: {lod: {}}", "drivers.lod | unknown field; did you mean load?"},
        WrongText{"limits: {}\n---\nlimits: {}\n", "a.yaml:3:1 | a second document begins"},
        WrongText{"limits: {cpus: {[a]: 1}}", "limits.cpus | a list is no key"},
        WrongText{"limits: {cpus: {min_online: 3}\n", "not readable as YAML"},
        WrongText{"limits: \xff", "is not UTF-8"}));

TEST(AgentConfigTest, TellsEveryErrorAtOnce) {
  EXPECT_THAT(Errors("limits:\n"
                     "  cpus: {min_online: 0, min_housekeeping: no}\n"
                     "  memory: {min_online_bytes: 1.5G}\n"
                     "  protected_devices: [cpu00, smt, disk]\n"
                     "  allowd_kinds: []\n"),
              ElementsAre(HasSubstr("a.yaml:2:22: limits.cpus.min_online | "),
                          HasSubstr("a.yaml:2:43: limits.cpus.min_housekeeping | "),
                          HasSubstr("a.yaml:3:30: limits.memory.min_online_bytes | "),
                          HasSubstr("a.yaml:4:23: limits.protected_devices[0] | "),
                          HasSubstr("a.yaml:4:35: limits.protected_devices[2] | "),
                          HasSubstr("a.yaml:5:3: limits.allowd_kinds | unknown field; did you mean "
                                    "allowed_kinds?")));
}

TEST(ReadAgentConfigTest, TheDefaultFileMayBeAbsentAndNoOther) {
  testing::TempDir dir;
  const std::string path = dir.Path("agent.yaml");
  EXPECT_EQ(ReadAgentConfig(path, path)->limits.cpus.min_online, 2);
  const absl::Status absent = ReadAgentConfig(path, dir.Path("default.yaml")).status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(absent), "CONFIG_NOT_FOUND");
  EXPECT_THAT(std::string(absent.message()), HasSubstr(absl::StrCat(path, " is not there")));
  // Somebody meant it to set limits.
  ASSERT_EQ(symlink("nowhere", path.c_str()), 0);
  const absl::Status dangling = ReadAgentConfig(path, path).status();
  EXPECT_EQ(ErrorReason(dangling), "CONFIG_NOT_FOUND");
  EXPECT_THAT(std::string(dangling.message()), HasSubstr("a link that leads nowhere"));
}

TEST(ReadAgentConfigTest, ReadsTheFileAndNamesItInErrors) {
  testing::TempDir dir;
  const std::string path = dir.Path("agent.yaml");
  dir.Write("agent.yaml", "limits: {cpus: {min_online: 3}}\n");
  EXPECT_EQ(ReadAgentConfig(path)->limits.cpus.min_online, 3);
  dir.Write("agent.yaml", "limits: {cpus: {min_online: x}}\n");
  EXPECT_THAT(std::string(ReadAgentConfig(path).status().message()),
              HasSubstr(absl::StrCat(path, ":1:29: limits.cpus.min_online: ")));
  // The default is no excuse for a file that is there but wrong.
  EXPECT_FALSE(ReadAgentConfig(path, path).ok());
}

TEST(ReadAgentConfigTest, RefusesWhatIsNoFile) {
  testing::TempDir dir;
  EXPECT_EQ(ErrorReason(ReadAgentConfig(dir.path()).status()), "NOT_A_FILE");
  ASSERT_EQ(mkfifo(dir.Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(ErrorReason(ReadAgentConfig(dir.Path("pipe")).status()), "NOT_A_FILE");
}

TEST(ReadAgentConfigTest, TheExampleIsOne) {
  const auto config = ReadAgentConfig(HOTPLUGGER_SOURCE_DIR "/examples/host/agent.yaml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->limits.cpus.min_online, 4);
  EXPECT_EQ(config->limits.protected_devices.count("memory31"), 1u);
  EXPECT_THAT(config->limits.allowed_kinds,
              ElementsAre(v1::DEVICE_KIND_CPU, v1::DEVICE_KIND_MEMORY));
}

}  // namespace
}  // namespace hotplugger::agent
