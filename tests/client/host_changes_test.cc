// hotplugctl --host offline, online, smt, and their --dry-run.
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kDigest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class HostChangesTest : public CommandLineTest {
 protected:
  // The target that `offline` with these arguments asks for, as text.
  std::string Target(std::vector<std::string> arguments) {
    host.offline_devices.requests.clear();
    host.offline_devices.Answer(v1::OfflineDevicesResponse());
    arguments.insert(arguments.begin(), {"--host", "offline"});
    EXPECT_EQ(Run(arguments), 0) << err;
    return host.offline_devices.requests.empty()
               ? "nothing was asked"
               : host.offline_devices.requests[0].target().ShortDebugString();
  }

  // Runs what is wrong: nothing may be asked of the agent. The answer is standard error.
  std::string Mistake(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--host");
    EXPECT_EQ(Run(arguments), 2) << err;
    EXPECT_EQ(out, "");
    EXPECT_THAT(host.offline_devices.requests, IsEmpty());
    EXPECT_THAT(host.online_devices.requests, IsEmpty());
    EXPECT_THAT(host.set_smt.requests, IsEmpty());
    EXPECT_THAT(host.plan_devices.requests, IsEmpty());
    return err;
  }
};

TEST_F(HostChangesTest, OneDevice) {
  host.offline_devices.Answer(
      Proto<v1::OfflineDevicesResponse>("results { subject: 'cpu3' outcome: OUTCOME_CHANGED }"));
  EXPECT_EQ(Run({"--host", "offline", "cpu3"}), 0);
  EXPECT_EQ(out, "SUBJECT  OUTCOME  REASON  MESSAGE\ncpu3     changed  -       -\n");
  EXPECT_EQ(host.offline_devices.requests.at(0).ShortDebugString(),
            "target { device: \"cpu3\" } options { }");
}

TEST_F(HostChangesTest, AnErrorOfOneDeviceTellsItsReason) {
  host.online_devices.Answer(
      MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND", "no cpu99 on this host"));
  EXPECT_EQ(Run({"--host", "online", "cpu99"}), 1);
  EXPECT_EQ(out, "");
  EXPECT_EQ(err, "hotplugctl: no cpu99 on this host\n  reason: DEVICE_NOT_FOUND\n");
  host.offline_devices.Answer(MakeError(absl::StatusCode::kUnavailable, "UNREACHABLE", "nobody"));
  EXPECT_EQ(Run({"--host", "offline", "cpu1"}), 69);
}

TEST_F(HostChangesTest, ExitStatusTellsAllNoneAndSomeApart) {
  const std::string done = "results { subject: 'cpu2' outcome: OUTCOME_CHANGED }";
  const std::string already = "results { subject: 'cpu3' outcome: OUTCOME_ALREADY }";
  const std::string failed =
      "results { subject: 'cpu4' outcome: OUTCOME_FAILED reason: 'CPU_BUSY' error_number: 16 }";
  const std::string undone = "results { subject: 'cpu2' outcome: OUTCOME_UNDONE }";
  const std::pair<std::string, int> cases[] = {
      {done + already, 0}, {done + failed, 64}, {failed, 1}, {failed + undone, 1}, {"", 0}};
  for (const auto& [results, status] : cases) {
    host.offline_devices = {};
    host.offline_devices.Answer(Proto<v1::OfflineDevicesResponse>(results));
    EXPECT_EQ(Run({"--host", "offline", "--cpus", "2-4"}), status) << results;
  }
}

TEST_F(HostChangesTest, EverySelectionBecomesItsTarget) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"container/PNP0A06:00"}, "device: \"container/PNP0A06:00\""},
      {{"smt"}, "device: \"smt\""},
      {{"cpu4", "cpu2", "cpu3"}, "cpus: \"2-4\""},
      {{"memory33", "memory32"}, "memory_blocks: \"32-33\""},
      {{"--cpus", "8,2-3,2"}, "cpus: \"2-3,8\""},
      {{"--cores", "0,2"}, "cores: \"0,2\""},
      {{"--count", "1"}, "cpu_count: 1"},
      {{"--count", "8192"}, "cpu_count: 8192"},
      {{"--blocks", "32-39,64"}, "memory_blocks: \"32-39,64\""},
      {{"--range", "0x100000000-0x107ffffff"},
       "memory_range { start: 4294967296 size: 134217728 }"},
      {{"--range", "0x100000000:0x8000000"}, "memory_range { start: 4294967296 size: 134217728 }"},
      {{"--size", "4G"}, "memory_amount { bytes: 4294967296 }"},
      {{"--size", "4Gi", "--node", "0"}, "memory_amount { bytes: 4294967296 node: 0 }"},
      {{"--size", "134217728"}, "memory_amount { bytes: 134217728 }"},
      {{"--memory-node", "0"}, "memory_node: 0"},
      {{"--memory-node", "1023"}, "memory_node: 1023"},
  };
  for (const auto& [arguments, target] : cases) EXPECT_EQ(Target(arguments), target);
}

TEST_F(HostChangesTest, OptionsAreAbsentUnlessGiven) {
  host.online_devices.Answer(v1::OnlineDevicesResponse());
  EXPECT_EQ(Run({"--host", "online", "--blocks", "32", "--zone", "movable", "--all-or-nothing",
                 "--deadline", "1m30.5s", "--plan-stamp", std::string("boot-1:") + kDigest}),
            0)
      << err;
  const v1::OnlineDevicesRequest& request = host.online_devices.requests.at(0);
  EXPECT_EQ(request.zone(), v1::MEMORY_ZONE_MOVABLE);
  EXPECT_EQ(request.options().group(), v1::GROUP_MODE_ALL_OR_NOTHING);
  EXPECT_EQ(request.options().deadline().seconds(), 90);
  EXPECT_EQ(request.options().deadline().nanos(), 500'000'000);
  EXPECT_EQ(request.options().plan().boot_id(), "boot-1");
  EXPECT_EQ(request.options().plan().inventory_digest(), kDigest);
  EXPECT_EQ(Run({"--host", "online", "memory32", "--zone", "kernel"}), 0);
  EXPECT_EQ(host.online_devices.requests.at(1).zone(), v1::MEMORY_ZONE_KERNEL);
  EXPECT_FALSE(host.online_devices.requests.at(1).options().has_deadline());
}

TEST_F(HostChangesTest, ExactlyOneSelection) {
  EXPECT_EQ(Mistake({"offline"}),
            "hotplugctl: 1 value is wrong\n  DEVICE: nothing is selected; name devices, or give "
            "one of --cpus, --cores, --count, --blocks, --range, --size or --memory-node\n"
            "  reason: INVALID_FIELD\n");
  EXPECT_THAT(Mistake({"offline", "cpu3", "--cpus", "3", "--size", "1G"}),
              HasSubstr("  DEVICE, --cpus, --size: each selects devices; give one of them\n"));
  EXPECT_THAT(Mistake({"online", "--blocks", "3", "--memory-node", "0"}),
              HasSubstr("  --blocks, --memory-node: each selects"));
  // A flag that is given without a value is given all the same.
  EXPECT_THAT(Mistake({"offline", "cpu3", "--cpus", ""}), HasSubstr("  DEVICE, --cpus: each"));
}

TEST_F(HostChangesTest, EveryWrongValueIsNamed) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--cpus", "2, 3"}, "--cpus: \" 3\" is not a CPU number or range"},
      {{"--cpus", " 2"}, "--cpus: \" 2\" is not"},
      {{"--cpus", "3-2"}, "--cpus: \"3-2\" runs downwards"},
      {{"--cpus", ""}, "--cpus: the list is empty"},
      {{"--cpus", "8192"}, "--cpus: \"8192\" is above the largest CPU number"},
      {{"--cores", "0-2:2"}, "--cores: \"0-2:2\" is not"},
      {{"--cores", "1,,2"}, "has an empty item"},
      {{"--blocks", "memory32"}, "--blocks: \"memory32\" is not a memory block number"},
      {{"--blocks", ""}, "--blocks: the list is empty"},
      {{"--count", "0"}, "--count: \"0\" is not a whole number from 1 to 8192"},
      {{"--count=-1"}, "--count: \"-1\" is not a whole number"},
      {{"--count", "8193"}, "--count: \"8193\" is not"},
      {{"--count", "two"}, "--count: \"two\" is not"},
      {{"--count", "99999999999999999999"}, "--count: \"99999999999999999999\" is not"},
      {{"--count", ""}, "--count: \"\" is not"},
      {{"--range", "0x107ffffff-0x100000000"},
       "--range: \"0x107ffffff-0x100000000\" runs downwards"},
      {{"--range", ""}, "--range: \"\" has neither"},
      {{"--size", "4GB"}, "--size: \"4GB\" has a unit that means powers of 1000 to some"},
      {{"--size", "4 G"}, "--size: \"4 G\" has a unit that is none of"},
      {{"--size", "G"}, "--size: \"G\" does not begin with a digit"},
      {{"--size", ""}, "--size: \"\" is no size"},
      {{"--size", "0"}, "--size: 0 selects nothing"},
      {{"--size", "1G", "--node", "x"}, "--node: \"x\" is not a whole number from 0 to 1023"},
      {{"--memory-node", "1024"}, "--memory-node: \"1024\" is not"},
      {{"--blocks", "3", "--node", "1"}, "--node: goes with --size alone"},
      {{"cpu3", "--deadline", "30"}, "--deadline: \"30\" is not a time from 1s to 1h"},
      {{"cpu3", "--deadline", "999ms"}, "--deadline: \"999ms\" is not"},
      {{"cpu3", "--deadline", "61m"}, "--deadline: \"61m\" is not"},
      {{"cpu3", "--deadline", "inf"}, "--deadline: \"inf\" is not"},
      {{"cpu3", "--deadline", ""}, "--deadline: \"\" is not"},
      {{"cpu3", "--plan-stamp", "boot"}, "--plan-stamp: \"boot\" is no plan's stamp"},
      {{"cpu3", "--plan-stamp", "boot:12ab"}, "--plan-stamp: \"boot:12ab\" is no"},
      {{"cpu3", "--plan-stamp", std::string(":") + kDigest}, "is no plan's stamp"},
      {{""}, "DEVICE: \"\" is no device's name"},
      {{"cpu 3"}, "DEVICE: \"cpu 3\" is no device's name"},
      {{"cpu3\n"}, "DEVICE: \"cpu3\\n\" is no device's name"},
      {{"\xff"}, "DEVICE: \"\\xff\" is not UTF-8"},
      {{"cpu3", "memory4"}, "DEVICE: CPUs and memory blocks are mixed"},
      {{"cpu3", "smt"}, "DEVICE: \"smt\" is neither a CPU nor a memory block"},
      {{"cpu3", "cpu03"}, "DEVICE: \"cpu03\" is neither"},
      {{"cpu3", "cpu8192"}, "DEVICE: \"cpu8192\" is neither"},
      {{"cpu3", "../cpu4"}, "DEVICE: \"../cpu4\" is neither"},
  };
  for (const auto& [arguments, problem] : cases) {
    std::vector<std::string> line = {"offline"};
    line.insert(line.end(), arguments.begin(), arguments.end());
    EXPECT_THAT(Mistake(line), HasSubstr(problem)) << arguments[0];
  }
}

TEST_F(HostChangesTest, AllMistakesAreToldAtOnce) {
  EXPECT_THAT(Mistake({"online", "--size", "x", "--node", "-", "--deadline", "5", "--zone", "dma"}),
              HasSubstr("hotplugctl: 4 values are wrong\n"));
  EXPECT_THAT(err, HasSubstr("  --zone: \"dma\" is neither kernel nor movable"));
}

TEST_F(HostChangesTest, LongValuesAreCut) {
  const std::string long_value(4096, 'x');
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"offline", long_value},
                                             {"offline", "cpu1", long_value},
                                             {"offline", "--cpus", long_value},
                                             {"offline", "--blocks", long_value},
                                             {"offline", "--count", long_value},
                                             {"offline", "--range", long_value},
                                             {"offline", "--size", long_value},
                                             {"offline", "cpu1", "--deadline", long_value},
                                             {"offline", "cpu1", "--plan-stamp", long_value},
                                             {"online", "memory1", "--zone", long_value},
                                             {"smt", long_value},
                                             {"get", long_value},
                                             {"explain", long_value}}) {
    EXPECT_THAT(Mistake(line), SizeIs(testing::Lt(600u))) << line[0] << ' ' << line[1];
  }
  // The longest name that a file may have.
  EXPECT_EQ(Target({std::string(255, 'x')}), "device: \"" + std::string(255, 'x') + "\"");
  host.offline_devices.requests.clear();
  Mistake({"offline", std::string(256, 'x')});
}

TEST_F(HostChangesTest, ZonesAreForMemoryThatGoesOnline) {
  EXPECT_THAT(Mistake({"online", "--cpus", "3", "--zone", "movable"}),
              HasSubstr("--zone: is for memory alone"));
  EXPECT_THAT(Mistake({"online", "cpu3", "cpu4", "--zone", "movable"}),
              HasSubstr("--zone: is for memory alone"));
  EXPECT_THAT(Mistake({"online", "memory3", "--zone", ""}), HasSubstr("--zone: \"\" is neither"));
  EXPECT_THAT(Mistake({"offline", "memory3", "--zone", "movable"}), HasSubstr("--zone"));
}

TEST_F(HostChangesTest, WhatTheAgentSaysOfAFieldNamesItsFlag) {
  const absl::Status refused = MakeFieldErrors({{"target.memory_amount.bytes", "x"},
                                                {"target.memory_amount.node", "x"},
                                                {"target.memory_range.start", "x"},
                                                {"zone", "x"},
                                                {"target.devices", "x"}});
  host.offline_devices.Answer(refused);
  host.online_devices.Answer(refused);
  host.plan_devices.Answer(refused);
  const std::string told =
      "  --size: x\n  --node: x\n  --range: x\n  --zone: x\n  target.devices: x\n";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--host", "offline", "--size", "1Gi"},
        {"--host", "online", "--size", "1Gi"},
        {"--host", "offline", "--size", "1Gi", "--dry-run"}}) {
    EXPECT_EQ(Run(words), 2);
    EXPECT_THAT(err, HasSubstr(told));
  }
}

TEST_F(HostChangesTest, DryRunPrintsThePlanAndChangesNothing) {
  host.plan_devices.Answer(Proto<v1::PlanDevicesResponse>(
      "plan { stamp { boot_id: 'b-1' inventory_digest: 'd1' }"
      "  steps { subject: 'cpu7' outcome: OUTCOME_CHANGED }"
      "  steps { subject: 'cpu3' outcome: OUTCOME_REFUSED reason: 'LIMIT_MIN_ONLINE'"
      "          message: 'cpus.min_online is 7' }"
      "  before { cpus: 8 memory_bytes: 4294967296 } after { cpus: 7 memory_bytes: 4294967296 }"
      "  notes: 'cpu3 keeps\\ncore 3 awake' }"));
  EXPECT_EQ(Run({"--host", "offline", "--cpus", "3,7", "--dry-run"}), 64);
  EXPECT_EQ(out,
            "SUBJECT  WOULD-BE  REASON            MESSAGE\n"
            "cpu7     changed   -                 -\n"
            "cpu3     refused   LIMIT_MIN_ONLINE  cpus.min_online is 7\n"
            "\n"
            "CPUs online:   8 -> 7\n"
            "Memory online: 4Gi -> 4Gi\n"
            "Note: cpu3 keeps\\ncore 3 awake\n"
            "Plan stamp:    b-1:d1\n");
  EXPECT_THAT(err, HasSubstr("nothing was changed"));
  EXPECT_THAT(host.offline_devices.requests, IsEmpty());
  EXPECT_EQ(host.plan_devices.requests.at(0).ShortDebugString(),
            "offline { target { cpus: \"3,7\" } options { } }");
}

TEST_F(HostChangesTest, ADryRunsExitStatusTellsWhetherItIsRefused) {
  const std::string changed = "steps { subject: 'cpu7' outcome: OUTCOME_CHANGED }";
  const std::string already = "steps { subject: 'cpu6' outcome: OUTCOME_ALREADY }";
  const std::string refused = "steps { subject: 'cpu3' outcome: OUTCOME_REFUSED }";
  const std::pair<std::string, int> cases[] = {
      {changed + already, 0}, {already + refused, 64}, {refused + refused, 1}, {"", 0}};
  for (const auto& [steps, status] : cases) {
    host.plan_devices = {};
    host.plan_devices.Answer(Proto<v1::PlanDevicesResponse>("plan { " + steps + " }"));
    EXPECT_EQ(Run({"--host", "online", "--cpus", "3-7", "--dry-run", "-o", "json"}), status);
    EXPECT_THAT(out, HasSubstr("\"plan\": {"));
  }
  EXPECT_TRUE(host.plan_devices.requests.at(0).has_online());
}

TEST_F(HostChangesTest, TheStampOfAPlanIsTakenAsItIsPrinted) {
  host.plan_devices.Answer(Proto<v1::PlanDevicesResponse>(
      std::string("plan { stamp { boot_id: '7d1a1b7e-0a3c-4d8e-9c1f-2b6f0f1e2d3c' "
                  "inventory_digest: '") +
      kDigest + "' } }"));
  ASSERT_EQ(Run({"--host", "smt", "off", "--dry-run"}), 0) << err;
  const size_t begin = out.find("Plan stamp:    ") + 15;
  const std::string stamp = out.substr(begin, out.find('\n', begin) - begin);
  host.set_smt.Answer(
      MakeError(absl::StatusCode::kAborted, "STALE_PLAN", "cpu3 has changed since; plan again"));
  EXPECT_EQ(Run({"--host", "smt", "off", "--plan-stamp", stamp}), 1) << err;
  EXPECT_EQ(err, "hotplugctl: cpu3 has changed since; plan again\n  reason: STALE_PLAN\n");
  EXPECT_EQ(host.set_smt.requests.at(0).options().plan().inventory_digest(), kDigest);
  EXPECT_EQ(host.set_smt.requests.at(0).options().plan().boot_id(),
            "7d1a1b7e-0a3c-4d8e-9c1f-2b6f0f1e2d3c");
}

TEST_F(HostChangesTest, SmtIsShown) {
  const std::pair<const char*, const char*> cases[] = {
      {"control: SMT_CONTROL_ON active: true", "SMT is on, active\n"},
      {"control: SMT_CONTROL_ON", "SMT is on, not active\n"},
      {"control: SMT_CONTROL_OFF", "SMT is off\n"},
      {"control: SMT_CONTROL_FORCEOFF", "SMT is off until the next reboot (forceoff)\n"},
      {"control: SMT_CONTROL_NOT_SUPPORTED", "SMT is not supported by these CPUs\n"},
      {"control: SMT_CONTROL_NOT_IMPLEMENTED", "SMT is not controllable on this platform\n"},
      {"control: SMT_CONTROL_PARTIAL threads_per_core: 2 active: true",
       "SMT is 2 threads per core, active\n"},
  };
  for (const auto& [smt, text] : cases) {
    host.get_device = {};
    host.get_device.Answer(
        Proto<v1::Device>(std::string("name: 'smt' kind: DEVICE_KIND_SMT smt { ") + smt + " }"));
    EXPECT_EQ(Run({"--host", "smt"}), 0);
    EXPECT_EQ(out, text);
  }
  EXPECT_EQ(host.get_device.requests.at(0).device(), "smt");
  EXPECT_EQ(Run({"--host", "smt", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"control\": \"SMT_CONTROL_PARTIAL\""));
}

TEST_F(HostChangesTest, SmtIsSet) {
  host.set_smt.Answer(Proto<v1::SetSmtResponse>(
      "results { subject: 'smt' outcome: OUTCOME_CHANGED }"
      "results { subject: 'cpu3' outcome: OUTCOME_FAILED reason: 'CPU_BUSY' }"));
  EXPECT_EQ(Run({"--host", "smt", "off"}), 64);
  EXPECT_THAT(out, HasSubstr("smt      changed"));
  EXPECT_EQ(host.set_smt.requests.at(0).ShortDebugString(), "control: SMT_CONTROL_OFF options { }");
  Run({"--host", "smt", "on"});
  EXPECT_EQ(host.set_smt.requests.at(1).control(), v1::SMT_CONTROL_ON);
  Run({"--host", "smt", "2", "--all-or-nothing"});
  EXPECT_EQ(host.set_smt.requests.at(2).ShortDebugString(),
            "control: SMT_CONTROL_PARTIAL threads_per_core: 2 "
            "options { group: GROUP_MODE_ALL_OR_NOTHING }");
  Run({"--host", "smt", "forceoff", "--irreversible"});
  EXPECT_EQ(host.set_smt.requests.at(3).ShortDebugString(),
            "control: SMT_CONTROL_FORCEOFF irreversible: true options { }");
}

TEST_F(HostChangesTest, SmtsMistakes) {
  EXPECT_THAT(Mistake({"smt", "forceoff"}), HasSubstr("add --irreversible if that is meant"));
  EXPECT_THAT(Mistake({"smt", "off", "--irreversible"}),
              HasSubstr("--irreversible: goes with forceoff alone"));
  EXPECT_THAT(Mistake({"smt", "maybe"}),
              HasSubstr("CONTROL: \"maybe\" is not on, off, forceoff or a number of threads"));
  EXPECT_THAT(Mistake({"smt", "0"}), HasSubstr("CONTROL: \"0\" is not a whole number from 1"));
  EXPECT_THAT(Mistake({"smt", ""}), HasSubstr("CONTROL: \"\" is not"));
  EXPECT_THAT(Mistake({"smt", "--dry-run"}), HasSubstr("CONTROL: is missing"));
  EXPECT_THAT(Mistake({"smt", "on", "off"}), HasSubstr("off"));
  EXPECT_THAT(host.get_device.requests, IsEmpty());
}

TEST_F(HostChangesTest, TextOfTheAgentIsMadePrintable) {
  host.offline_devices.Answer(Proto<v1::OfflineDevicesResponse>(
      "results { subject: 'cpu3' outcome: OUTCOME_FAILED reason: 'X\\033[2J' message: 'a\\nb' }"));
  EXPECT_EQ(Run({"--host", "offline", "--cpus", "3"}), 1);
  EXPECT_EQ(out, "SUBJECT  OUTCOME  REASON    MESSAGE\ncpu3     failed   X\\x1b[2J  a\\nb\n");
  host.offline_devices = {};
  host.offline_devices.Answer(
      MakeError(absl::StatusCode::kFailedPrecondition, "BAD\x07", "no\x1b]0;title"));
  EXPECT_EQ(Run({"--host", "offline", "cpu3"}), 1);
  EXPECT_THAT(err, Not(testing::AnyOf(HasSubstr("\x1b"), HasSubstr("\x07"))));
}

}  // namespace
}  // namespace hotplugger::client
