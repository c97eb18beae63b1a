// hotplugctl --host devices, cpus, memory, get, explain, watch.
#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using HostViewsTest = CommandLineTest;

TEST_F(HostViewsTest, Devices) {
  host.list_devices.Answer(Proto<v1::ListDevicesResponse>(
      "devices { name: 'cpu0' kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE }"
      "devices { name: 'memory32' kind: DEVICE_KIND_MEMORY state: DEVICE_STATE_GOING_OFFLINE "
      "hotpluggable: true }"
      "devices { name: 'smt' kind: DEVICE_KIND_SMT smt { control: SMT_CONTROL_FORCEOFF } }"
      "devices { name: 'container/PNP0A06:00' kind: DEVICE_KIND_GENERIC "
      "state: DEVICE_STATE_OFFLINE hotpluggable: true }"
      "devices { name: 'x/y' kind: DEVICE_KIND_GENERIC } warnings: 'x/y: EIO'"));
  EXPECT_EQ(Run({"--host", "devices"}), 0);
  EXPECT_EQ(out,
            "NAME                  KIND     STATE          HOTPLUGGABLE\n"
            "cpu0                  cpu      online         no\n"
            "memory32              memory   going_offline  yes\n"
            "smt                   smt      forceoff       no\n"
            "container/PNP0A06:00  generic  offline        yes\n"
            "x/y                   generic  unknown        no\n");
  EXPECT_EQ(err, "warning: x/y: EIO\n");
  EXPECT_THAT(host.list_devices.requests.at(0).kinds(), IsEmpty());
  ASSERT_THAT(connector.host_targets, SizeIs(1));
  EXPECT_EQ(connector.host_targets[0].socket, "/run/hotplugger/agent.sock");
}

TEST_F(HostViewsTest, KindsAreAskedForOnceEach) {
  host.list_devices.Answer(v1::ListDevicesResponse());
  EXPECT_EQ(Run({"--host", "devices", "--kind", "memory", "--kind", "cpu", "--kind", "memory"}), 0);
  EXPECT_THAT(host.list_devices.requests.at(0).kinds(),
              ElementsAre(v1::DEVICE_KIND_CPU, v1::DEVICE_KIND_MEMORY));
  for (const char* verb : {"devices", "watch"}) {
    EXPECT_EQ(Run({"--host", verb, "--kind", "disk", "--kind", "CPU", "--kind", "unspecified"}), 2);
    EXPECT_THAT(err, HasSubstr("3 values are wrong\n  --kind: \"disk\" is not cpu, memory, smt or "
                               "generic\n  --kind: \"CPU\" is not"));
  }
  EXPECT_THAT(host.list_devices.requests, SizeIs(1));
}

TEST_F(HostViewsTest, TheHostFlagMayStandAnywhere) {
  host.list_devices.Answer(v1::ListDevicesResponse());
  EXPECT_EQ(Run({"devices", "--socket", "/tmp/x.sock", "-o", "json", "--host"}), 0);
  EXPECT_THAT(out, HasSubstr("\"devices\": []"));
  EXPECT_EQ(connector.host_targets.at(0).socket, "/tmp/x.sock");
}

// Two packages of two cores, of which one has two threads; cpu3 is offline and cpu4 new.
constexpr char kCpus[] =
    "devices { name: 'cpu0' kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE cpu {"
    "  package: 0 core: 0 node: 0 core_cpus: '0,2'"
    "  caches { level: 1 type: 'd' id: 0 } caches { level: 1 type: 'i' id: 0 }"
    "  caches { level: 2 type: 'u' id: 0 } caches { level: 3 type: 'u' id: 0 } } }"
    "devices { name: 'cpu1' kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE hotpluggable: true"
    "  cpu { package: 36 core: 0 node: 1 caches { level: 3 type: 'u' id: 1 }"
    "  caches { level: 2 type: 'u' } } }"
    "devices { name: 'cpu2' kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE hotpluggable: true"
    "  cpu { package: 0 core: 0 node: 0 core_cpus: '0,2' } }"
    "devices { name: 'cpu3' kind: DEVICE_KIND_CPU state: DEVICE_STATE_OFFLINE hotpluggable: true"
    "  cpu { package: 36 core: 8 node: 1 } }"
    "devices { name: 'cpu4' kind: DEVICE_KIND_CPU state: DEVICE_STATE_OFFLINE hotpluggable: true }"
    "devices { name: 'smt' kind: DEVICE_KIND_SMT smt { control: SMT_CONTROL_ON active: true } }"
    "cpus_possible: '0-7' cpus_present: '0-4' cpus_online: '0-2'";

TEST_F(HostViewsTest, CpusAsLscpuListsThem) {
  host.list_devices.Answer(Proto<v1::ListDevicesResponse>(kCpus));
  EXPECT_EQ(Run({"--host", "cpus"}), 0);
  EXPECT_EQ(out,
            "CPU  NODE  SOCKET  CORE  L1d:L1i:L2:L3  ONLINE  HOTPLUGGABLE\n"
            "  0     0       0     0  0:0:0:0        yes     no\n"
            "  1     1       1     1  -:-:-:1        yes     yes\n"
            "  2     0       0     0  -:-:-:-        yes     yes\n"
            "  3     1       1     2  -:-:-:-        no      yes\n"
            "  4     -       -     -  -:-:-:-        no      yes\n"
            "\n"
            "CPUs possible: 0-7\n"
            "CPUs present:  0-4\n"
            "CPUs online:   0-2\n"
            "SMT:           on, active\n");
  // One call, so that a large host is asked once.
  ASSERT_THAT(host.list_devices.requests, SizeIs(1));
  EXPECT_THAT(host.list_devices.requests[0].kinds(),
              ElementsAre(v1::DEVICE_KIND_CPU, v1::DEVICE_KIND_SMT));
  EXPECT_THAT(host.get_device.requests, IsEmpty());
}

TEST_F(HostViewsTest, CpusKeepTheirNumbersWhateverIsFiltered) {
  host.list_devices.Answer(Proto<v1::ListDevicesResponse>(kCpus));
  EXPECT_EQ(Run({"--host", "cpus", "--offline"}), 0);
  EXPECT_EQ(out.substr(0, out.find("\n\n")),
            "CPU  NODE  SOCKET  CORE  L1d:L1i:L2:L3  ONLINE  HOTPLUGGABLE\n"
            "  3     1       1     2  -:-:-:-        no      yes\n"
            "  4     -       -     -  -:-:-:-        no      yes");
  EXPECT_EQ(Run({"--host", "cpus", "--online", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"name\": \"cpu2\""));
  EXPECT_THAT(out, Not(HasSubstr("\"name\": \"cpu3\"")));
  EXPECT_THAT(out, HasSubstr("\"name\": \"smt\""));
  EXPECT_THAT(out, HasSubstr("\"cpusPossible\": \"0-7\""));
  EXPECT_EQ(Run({"--host", "cpus", "--online", "--offline"}), 2);
  EXPECT_THAT(err, HasSubstr("--online, --offline: exclude each other"));
}

TEST_F(HostViewsTest, CpusOfAHostThatTellsLittle) {
  host.list_devices.Answer(Proto<v1::ListDevicesResponse>(
      "devices { name: 'cpu0' kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE }"));
  EXPECT_EQ(Run({"--host", "cpus"}), 0);
  EXPECT_EQ(out,
            "CPU  NODE  SOCKET  CORE  ONLINE  HOTPLUGGABLE\n"
            "  0     -       -     -  yes     no\n"
            "\n"
            "CPUs possible: none\n"
            "CPUs present:  none\n"
            "CPUs online:   none\n"
            "SMT:           unknown\n");
}

// One block of 128 MiB: number N begins at N times its size.
std::string Block(int number, const std::string& rest) {
  constexpr uint64_t block_size = 134'217'728;
  const std::string start = std::to_string(static_cast<uint64_t>(number) * block_size);
  return "devices { name: 'memory" + std::to_string(number) +
         "' kind: DEVICE_KIND_MEMORY hotpluggable: true memory { start: " + start +
         " size: 134217728 " + rest + " } ";
}

const std::string kOnline = "state: DEVICE_STATE_ONLINE }";
const std::string kOffline = "state: DEVICE_STATE_OFFLINE }";

v1::ListDevicesResponse Memory() {
  return Proto<v1::ListDevicesResponse>(
      Block(0, "node: 0 zones: 'none'") + kOnline + Block(32, "node: 0 zones: 'Normal'") + kOnline +
      Block(33, "node: 0 zones: 'Normal'") + kOnline + Block(34, "node: 1 zones: 'Normal'") +
      kOnline + Block(35, "node: 1 zones: 'Movable'") + kOnline +
      Block(36, "node: 1 zones: 'Movable'") + "state: DEVICE_STATE_GOING_OFFLINE }" +
      Block(37, "node: 1 zones: ['Normal', 'Movable']") + kOffline +
      Block(39, "node: 1 zones: ['Normal', 'Movable']") + kOffline + Block(40, "") + kOffline +
      "memory_block_size_bytes: 134217728");
}

TEST_F(HostViewsTest, MemoryJoinsNeighboursThatAreAlike) {
  host.list_devices.Answer(Memory());
  EXPECT_EQ(Run({"--host", "memory"}), 0);
  EXPECT_EQ(out,
            "RANGE                                   SIZE    STATE  BLOCK  NODE  ZONES\n"
            "0x0000000000000000-0x0000000007ffffff  128Mi   online      0     0  none\n"
            "0x0000000100000000-0x000000010fffffff  256Mi   online  32-33     0  Normal\n"
            "0x0000000110000000-0x0000000117ffffff  128Mi   online     34     1  Normal\n"
            "0x0000000118000000-0x000000011fffffff  128Mi   online     35     1  Movable\n"
            "0x0000000120000000-0x0000000127ffffff  128Mi  on->off     36     1  Movable\n"
            "0x0000000128000000-0x000000012fffffff  128Mi  offline     37     1  Normal/Movable\n"
            "0x0000000138000000-0x000000013fffffff  128Mi  offline     39     1  Normal/Movable\n"
            "0x0000000140000000-0x0000000147ffffff  128Mi  offline     40     -  -\n"
            "\n"
            "Memory block size:    128Mi\n"
            "Total online memory:  768Mi\n"
            "Total offline memory: 384Mi\n");
  EXPECT_THAT(host.list_devices.requests.at(0).kinds(), ElementsAre(v1::DEVICE_KIND_MEMORY));
}

TEST_F(HostViewsTest, MemoryShowsEveryBlockWhereAsked) {
  host.list_devices.Answer(Memory());
  for (const char* flag : {"-a", "--all"}) {
    EXPECT_EQ(Run({"--host", "memory", flag}), 0);
    EXPECT_THAT(out, HasSubstr("0x0000000100000000-0x0000000107ffffff  128Mi   online     32"));
    EXPECT_THAT(out, HasSubstr("0x0000000108000000-0x000000010fffffff  128Mi   online     33"));
  }
  EXPECT_EQ(Run({"--host", "memory", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"memoryBlockSizeBytes\": \"134217728\""));
}

TEST_F(HostViewsTest, ARangeOfMemoryIsTakenAsItIsPrinted) {
  host.list_devices.Answer(Memory());
  Run({"--host", "memory"});
  const size_t begin = out.find("0x0000000100000000");
  const std::string range = out.substr(begin, out.find(' ', begin) - begin);
  host.offline_devices.Answer(v1::OfflineDevicesResponse());
  EXPECT_EQ(Run({"--host", "offline", "--range", range}), 0) << err;
  EXPECT_EQ(host.offline_devices.requests.at(0).target().ShortDebugString(),
            "memory_range { start: 4294967296 size: 268435456 }");
}

TEST_F(HostViewsTest, AHostWithoutMemoryHotplugSaysSo) {
  host.list_devices.Answer(v1::ListDevicesResponse());
  EXPECT_EQ(Run({"--host", "memory"}), 0);
  EXPECT_THAT(err, HasSubstr("has no memory hotplug"));
  EXPECT_THAT(out, HasSubstr("Total online memory:  0\n"));
}

constexpr char kCpu3[] =
    "name: 'cpu3' kind: DEVICE_KIND_CPU state: DEVICE_STATE_OFFLINE hotpluggable: true cpu {"
    "  node: 0 package: 1 die: 0 core: 2 core_cpus: '3,7' ppin: '2a'"
    "  caches { level: 1 type: 'd' id: 6 } caches { level: 2 type: 'u' } }";

TEST_F(HostViewsTest, GetShowsWhatIsKnown) {
  host.get_device.Answer(Proto<v1::Device>(kCpu3));
  EXPECT_EQ(Run({"--host", "get", "cpu3"}), 0);
  EXPECT_EQ(out,
            "Name:             cpu3\n"
            "Kind:             cpu\n"
            "State:            offline\n"
            "Hotpluggable:     yes\n"
            "NUMA node:        0\n"
            "Package:          1\n"
            "Die:              0\n"
            "Core:             2\n"
            "CPUs of the core: 3,7\n"
            "Caches:           L1d 6, L2\n"
            "PPIN:             2a\n");
  EXPECT_EQ(host.get_device.requests.at(0).device(), "cpu3");
  EXPECT_EQ(Run({"--host", "get", "cpu3", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"coreCpus\": \"3,7\""));
  host.get_device = {};
  host.get_device.Answer(Proto<v1::Device>(
      "name: 'memory32' kind: DEVICE_KIND_MEMORY state: DEVICE_STATE_OFFLINE hotpluggable: true"
      "  memory { start: 4294967296 size: 134217728 node: 1 zones: ['Normal', 'Movable'] }"));
  EXPECT_EQ(Run({"--host", "get", "memory32"}), 0);
  EXPECT_THAT(out, HasSubstr("Range:        0x0000000100000000-0x0000000107ffffff\n"
                             "Size:         128Mi\n"
                             "NUMA node:    1\n"
                             "Zones:        Normal, Movable\n"));
}

TEST_F(HostViewsTest, GetNeedsOneName) {
  for (const char* verb : {"get", "explain"}) {
    EXPECT_EQ(Run({"--host", verb}), 2);
    EXPECT_EQ(Run({"--host", verb, "cpu1", "cpu2"}), 2);
    EXPECT_EQ(Run({"--host", verb, "cpu 1"}), 2);
    EXPECT_THAT(err, HasSubstr("DEVICE: \"cpu 1\" is no device's name"));
  }
  host.get_device.Answer(MakeError(absl::StatusCode::kNotFound, "DEVICE_NOT_FOUND", "no cpu9"));
  EXPECT_EQ(Run({"--host", "get", "cpu9"}), 1);
  EXPECT_EQ(err, "hotplugctl: no cpu9\n  reason: DEVICE_NOT_FOUND\n");
}

TEST_F(HostViewsTest, ExplainTellsTheWholeStory) {
  host.explain_device.Answer(Proto<v1::ExplainDeviceResponse>(
      std::string("device { ") + kCpu3 +
      "} summary: 'cpu3 is offline because hold/cpu3 wants it so.'"
      "influences { source: 'hold/cpu3' wants: DEVICE_STATE_OFFLINE message: 'bad core' }"
      "influences { source: 'policy/lab' wants: DEVICE_STATE_ONLINE }"
      "influences { source: 'kernel' message: 'it may go offline' }"
      "online_obstacles { subject: 'cpu3' reason: 'SMT_OFF' message: 'SMT is off'"
      "  retry: RETRY_CLASS_PERMANENT }"
      "operations { time { seconds: 1699999700 } wanted: DEVICE_STATE_OFFLINE"
      "  result { subject: 'cpu3' outcome: OUTCOME_CHANGED } }"
      "operations { wanted: DEVICE_STATE_OFFLINE result { outcome: OUTCOME_FAILED"
      "  reason: 'CPU_BUSY' message: 'a task is bound to it' } }"));
  EXPECT_EQ(Run({"--host", "explain", "cpu3"}), 0);
  EXPECT_EQ(out.substr(0, out.find("cpu3\n")),
            "cpu3 is offline because hold/cpu3 wants it so.\n\nName:             ");
  EXPECT_EQ(out.substr(out.find("\nWho")),
            "\nWho has a say, the first the last word:\n"
            "  hold/cpu3 wants it offline: bad core\n"
            "  policy/lab wants it online\n"
            "  kernel: it may go offline\n"
            "\nWhat stops it from going offline: nothing that is known\n"
            "\nWhat stops it from going online:\n"
            "  SMT_OFF: SMT is off (until a person changes something)\n"
            "\nLast operations:\n"
            "  5m ago: offline, changed\n"
            "  at an unknown time: offline, failed, CPU_BUSY: a task is bound to it\n");
  EXPECT_EQ(Run({"--host", "explain", "cpu3", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"onlineObstacles\": ["));
}

TEST_F(HostViewsTest, ExplainOfADeviceThatNobodyTouched) {
  host.explain_device.Answer(v1::ExplainDeviceResponse());
  EXPECT_EQ(Run({"--host", "explain", "smt"}), 0);
  EXPECT_THAT(out, HasSubstr("the last word: nobody that is known\n"));
  EXPECT_THAT(out, HasSubstr("Last operations: none that are known\n"));
  EXPECT_EQ(host.explain_device.requests.at(0).device(), "smt");
}

TEST_F(HostViewsTest, HostileTextIsMadePrintable) {
  const std::string hostile = "\\033[31m\\r\\n";
  host.list_devices.Answer(Proto<v1::ListDevicesResponse>(
      "devices { name: 'cpu" + hostile + "' kind: DEVICE_KIND_CPU cpu { caches { level: 1 type: '" +
      hostile + "' id: 1 } } } devices { name: 'memory" + hostile +
      "' kind: DEVICE_KIND_MEMORY memory { zones: '" + hostile +
      "' start: 1 "
      "size: 18446744073709551615 } } cpus_online: '" +
      hostile + "' warnings: '" + hostile + "'"));
  host.get_device.Answer(Proto<v1::Device>("name: '" + hostile + "' cpu { ppin: '" + hostile +
                                           "' core_cpus: '" + hostile + "' }"));
  host.explain_device.Answer(Proto<v1::ExplainDeviceResponse>(
      "summary: '" + hostile + "' influences { source: '" + hostile + "' message: '" + hostile +
      "' } offline_obstacles { reason: '" + hostile + "' message: '" + hostile +
      "' } operations { time { seconds: -9223372036854775808 } result { outcome: 99 reason: '" +
      hostile + "' message: '" + hostile + "' } }"));
  host.watch_devices.answers.push_back(
      Proto<v1::WatchDevicesResponse>("devices { name: '" + hostile + "' memory { zones: '" +
                                      hostile + "' } } removed: '" + hostile + "'"));
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"devices"},
                                             {"cpus"},
                                             {"memory"},
                                             {"get", "cpu1"},
                                             {"explain", "cpu1"},
                                             {"watch", "--initial"}}) {
    std::vector<std::string> arguments = {"--host"};
    arguments.insert(arguments.end(), line.begin(), line.end());
    Run(arguments);
    EXPECT_THAT(out, HasSubstr("\\x1b[31m\\x0d\\n")) << line[0];
    EXPECT_THAT(out + err, Not(testing::AnyOf(HasSubstr("\x1b"), HasSubstr("\r")))) << line[0];
  }
}

class HostWatchTest : public CommandLineTest {
 protected:
  HostWatchTest() {
    host.watch_devices.answers = {
        Proto<v1::WatchDevicesResponse>(
            "devices { name: 'cpu3' kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE }"),
        Proto<v1::WatchDevicesResponse>(
            "devices { name: 'cpu3' kind: DEVICE_KIND_CPU state: DEVICE_STATE_OFFLINE }"
            "devices { name: 'memory32' kind: DEVICE_KIND_MEMORY state: DEVICE_STATE_ONLINE"
            "  memory { zones: 'Movable' } } removed: 'cpu5'"),
        Proto<v1::WatchDevicesResponse>(
            "devices { name: 'smt' kind: DEVICE_KIND_SMT smt { control: SMT_CONTROL_OFF } }")};
    host.watch_devices.after_last = [this] { interrupt.request_stop(); };
  }
};

TEST_F(HostWatchTest, PrintsChangesUntilInterrupted) {
  EXPECT_EQ(Run({"--host", "watch", "--kind", "cpu"}), 0) << err;
  EXPECT_EQ(out,
            "2023-11-14T22:13:20Z cpu3 offline\n"
            "2023-11-14T22:13:20Z memory32 online Movable\n"
            "2023-11-14T22:13:20Z cpu5 removed\n"
            "2023-11-14T22:13:20Z smt off\n");
  EXPECT_EQ(err, "");
  EXPECT_THAT(host.watch_devices.requests.at(0).kinds(), ElementsAre(v1::DEVICE_KIND_CPU));
}

TEST_F(HostWatchTest, PrintsTheFirstListOnlyWhereAsked) {
  EXPECT_EQ(Run({"--host", "watch", "--initial"}), 0);
  EXPECT_EQ(out.substr(0, out.find('\n')), "2023-11-14T22:13:20Z cpu3 online");
}

TEST_F(HostWatchTest, JsonIsALineAChange) {
  EXPECT_EQ(Run({"--host", "watch", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"removed\":[\"cpu5\"]}\n{\"devices\":[{\"name\":\"smt\""));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
}

TEST_F(HostWatchTest, AnAgentThatGoesAwayIsAnError) {
  host.watch_devices.after_last = [] {};
  EXPECT_EQ(Run({"--host", "watch"}), 1);
  EXPECT_EQ(err, "hotplugctl: the agent ended the watch\n  reason: WATCH_ENDED\n");
}

TEST_F(HostWatchTest, AnInterruptBeforeTheFirstAnswerEndsItToo) {
  interrupt.request_stop();
  EXPECT_EQ(Run({"--host", "watch", "--initial"}), 0);
  EXPECT_EQ(out, "");
  EXPECT_EQ(host.watch_devices.told, 0);
}

}  // namespace
}  // namespace hotplugger::client
