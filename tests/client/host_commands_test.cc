#include "common/error_info.h"
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using HostCommandsTest = CommandLineTest;

TEST_F(HostCommandsTest, Devices) {
  host.list_devices.Answer(Proto<v1::ListDevicesResponse>(
      "devices { name: 'cpu0' kind: DEVICE_KIND_CPU state: DEVICE_STATE_ONLINE }"
      "devices { name: 'cpu1' kind: DEVICE_KIND_CPU state: DEVICE_STATE_OFFLINE "
      "hotpluggable: true }"));
  EXPECT_EQ(Run({"--host", "devices"}), 0);
  EXPECT_EQ(out,
            "NAME  KIND  STATE    HOTPLUGGABLE\n"
            "cpu0  cpu   online   no\n"
            "cpu1  cpu   offline  yes\n");
  ASSERT_EQ(connector.host_targets.size(), 1u);
  EXPECT_EQ(connector.host_targets[0].socket, "/run/hotplugger/agent.sock");
}

TEST_F(HostCommandsTest, TheHostFlagMayStandAnywhere) {
  host.list_devices.Answer(v1::ListDevicesResponse());
  EXPECT_EQ(Run({"devices", "--socket", "/tmp/x.sock", "-o", "json", "--host"}), 0);
  EXPECT_THAT(out, HasSubstr("\"devices\": []"));
  EXPECT_EQ(connector.host_targets.at(0).socket, "/tmp/x.sock");
}

TEST_F(HostCommandsTest, OfflineAndOnline) {
  host.offline_device.Answer(
      Proto<v1::OfflineDeviceResponse>("result { subject: 'cpu3' outcome: OUTCOME_CHANGED }"));
  EXPECT_EQ(Run({"--host", "offline", "cpu3"}), 0);
  EXPECT_EQ(out, "SUBJECT  OUTCOME  REASON  MESSAGE\ncpu3     changed  -       -\n");
  EXPECT_EQ(host.offline_device.requests.at(0).device(), "cpu3");
  host.online_device.Answer(
      MakeError(absl::StatusCode::kNotFound, "NO_SUCH_DEVICE", "no cpu99 on this host"));
  EXPECT_EQ(Run({"--host", "online", "cpu99"}), 1);
  EXPECT_EQ(err, "hotplugctl: no cpu99 on this host\n  reason: NO_SUCH_DEVICE\n");
}

TEST_F(HostCommandsTest, Drivers) {
  host.list_drivers.Answer(Proto<v1::ListDriversResponse>(
      "drivers { name: 'a' provider: DRIVER_PROVIDER_KERNEL state: DRIVER_STATE_RUNNING "
      "whitelist: ['b', '*'] whitelist_known: true }"
      "drivers { name: 'b' provider: DRIVER_PROVIDER_KERNEL state: DRIVER_STATE_UNKNOWN "
      "detail: 'EIO' } switching: SWITCH_OFF warnings: 'the list is cut'"));
  EXPECT_EQ(Run({"--host", "drivers"}), 0);
  EXPECT_EQ(out,
            "NAME  PROVIDER  STATE    WHITELIST  DETAIL\n"
            "a     kernel    running  b,*        -\n"
            "b     kernel    unknown  unknown    EIO\n"
            "switching is off\n");
  EXPECT_EQ(err, "warning: the list is cut\n");
}

TEST_F(HostCommandsTest, ExitStatusTellsAllNoneAndSomeApart) {
  const std::string done = "results { subject: 'driver/a' outcome: OUTCOME_ALREADY }";
  const std::string failed =
      "results { subject: 'driver/b' outcome: OUTCOME_FAILED reason: 'EIO' message: 'x' }";
  const std::string undone = "results { subject: 'driver/c' outcome: OUTCOME_UNDONE }";
  host.enable_driver.Answer(Proto<v1::EnableDriverResponse>(done));
  host.enable_driver.Answer(Proto<v1::EnableDriverResponse>(done + failed));
  host.enable_driver.Answer(Proto<v1::EnableDriverResponse>(failed + undone));
  EXPECT_EQ(Run({"--host", "enable", "a"}), 0);
  EXPECT_EQ(Run({"--host", "enable", "a"}), 64);
  EXPECT_EQ(Run({"--host", "enable", "a"}), 1);
  EXPECT_EQ(out,
            "SUBJECT   OUTCOME  REASON  MESSAGE\n"
            "driver/b  failed   EIO     x\n"
            "driver/c  undone   -       -\n");
  host.disable_driver.Answer(v1::DisableDriverResponse());
  EXPECT_EQ(Run({"--host", "disable", "a"}), 0);
  EXPECT_EQ(host.disable_driver.requests.at(0).driver(), "a");
}

TEST_F(HostCommandsTest, SwitchTakesBothSets) {
  host.switch_drivers.Answer(v1::SwitchDriversResponse());
  EXPECT_EQ(Run({"--host", "switch", "a", "--stop", "x", "b", "--stop", "y"}), 0);
  EXPECT_THAT(host.switch_drivers.requests.at(0).active(), ElementsAre("a", "b"));
  EXPECT_THAT(host.switch_drivers.requests.at(0).stopped(), ElementsAre("x", "y"));
  EXPECT_EQ(Run({"--host", "switch"}), 2);
  EXPECT_THAT(err, HasSubstr("reason: NO_DRIVER"));
}

TEST_F(HostCommandsTest, Switching) {
  host.set_switching.Answer(Proto<v1::SetSwitchingResponse>("switching: SWITCH_OFF"));
  EXPECT_EQ(Run({"--host", "switching", "off"}), 0);
  EXPECT_EQ(out, "switching is off\n");
  EXPECT_EQ(host.set_switching.requests.at(0).switching(), v1::SWITCH_OFF);
  EXPECT_EQ(Run({"--host", "switching", "maybe"}), 2);
}

}  // namespace
}  // namespace hotplugger::client
