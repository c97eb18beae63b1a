// hotplugctl --host: what concerns drivers.
#include "tests/client/command_line_fixture.h"

namespace hotplugger::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using HostCommandsTest = CommandLineTest;

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

TEST_F(HostCommandsTest, OneDriverWithWhatItDecided) {
  host.list_drivers.Answer(Proto<v1::ListDriversResponse>(
      "drivers { name: 'Load' provider: DRIVER_PROVIDER_BUILTIN state: DRIVER_STATE_RUNNING "
      "whitelist_known: true description: 'parks cores' detail: 'nothing parked' "
      "decisions { time { seconds: 1700000000 } text: 'parked CPU 3: idle' dry_run: true } }"));
  EXPECT_EQ(Run({"--host", "drivers", "load"}), 0);
  EXPECT_EQ(out,
            "name:         Load\n"
            "description:  parks cores\n"
            "provider:     builtin\n"
            "state:        running\n"
            "detail:       nothing parked\n"
            "whitelist:    -\n"
            "\ndecisions, the latest first:\n"
            "  TIME                  DECISION\n"
            "  2023-11-14T22:13:20Z  dry run: parked CPU 3: idle\n");
  EXPECT_EQ(Run({"--host", "drivers", "load", "-o", "json"}), 0);
  EXPECT_THAT(out, HasSubstr("\"parked CPU 3: idle\""));
  EXPECT_EQ(Run({"--host", "drivers", "load", "-o", "yaml"}), 0);
  EXPECT_THAT(out, HasSubstr("\n- text: \"parked CPU 3: idle\"\n"));
  EXPECT_EQ(Run({"--host", "drivers", "nobody"}), 1);
  EXPECT_THAT(err, HasSubstr("no driver nobody is registered"));
}

TEST_F(HostCommandsTest, DriversThatAreLeftOutAreNamed) {
  host.list_drivers.Answer(
      Proto<v1::ListDriversResponse>("switching: SWITCH_ON unregistered: ['a', 'b']"));
  EXPECT_EQ(Run({"--host", "drivers"}), 0);
  EXPECT_THAT(out, HasSubstr("switching is on\nunregistered: a, b\n"));
}

TEST_F(HostCommandsTest, ConflictsEachWithPlaceAndRemedy) {
  host.list_conflicting_actors.Answer(Proto<v1::ListConflictingActorsResponse>(
      "actors { kind: KIND_UDEV_RULE name: '40.rules' place: '/etc/40.rules:3' effect: 'e' "
      "remedy: 'mask it' } warnings: 'not readable'"));
  EXPECT_EQ(Run({"--host", "drivers", "--conflicts"}), 0);
  EXPECT_EQ(out,
            "KIND       NAME      PLACE            EFFECT\n"
            "udev_rule  40.rules  /etc/40.rules:3  e\n"
            "\nto neutralise 40.rules (/etc/40.rules:3):\n  mask it\n");
  EXPECT_EQ(err, "warning: not readable\n");
  EXPECT_EQ(Run({"--host", "drivers", "load", "--conflicts"}), 2);
  host.list_conflicting_actors = {};
  host.list_conflicting_actors.Answer(v1::ListConflictingActorsResponse());
  EXPECT_EQ(Run({"--host", "drivers", "--conflicts"}), 0);
  EXPECT_THAT(out, HasSubstr("nothing is known to change devices"));
}

TEST_F(HostCommandsTest, RegisterAndUnregister) {
  host.register_driver.Answer(Proto<v1::RegisterDriverResponse>(
      "results { subject: 'driver/a' outcome: OUTCOME_CHANGED }"));
  EXPECT_EQ(Run({"--host", "register", "a"}), 0);
  EXPECT_THAT(out, HasSubstr("driver/a  changed"));
  EXPECT_EQ(host.register_driver.requests.at(0).driver(), "a");
  host.unregister_driver.Answer(MakeError(absl::StatusCode::kNotFound, "X", "not registered"));
  EXPECT_EQ(Run({"--host", "unregister", "b"}), 1);
  EXPECT_EQ(host.unregister_driver.requests.at(0).driver(), "b");
}

}  // namespace
}  // namespace hotplugger::client
