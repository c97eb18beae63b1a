#!/usr/bin/env python3
"""Changes that must prove good, drift that is told and left, and what stays when a policy goes."""

import sys
import time
import unittest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.fleet_case import ALL_CPUS, SETTLE_SECONDS, FleetCase  # noqa: E402
from hotplugger_lab.kernel_devices import KernelDevices  # noqa: E402

NODE = "lab-1"
# Lost at a cut link: what keep-alive and back-off of both ends need at the most, and some more.
RECONNECT_SECONDS = 120.0
# Fills the disk that the agent keeps its memory on.
BALLAST = "/var/lib/hotplugger/ballast"
# Kills the agent as soon as it has taken cpu3 offline, twice, and undoes that for the next one.
KILLER = """
killed=0
while [ $killed -lt 2 ]; do
  read online </sys/devices/system/cpu/cpu3/online
  [ "$online" = 0 ] || { usleep 5000; continue; }
  kill -9 "$(cat /run/lab/agent.pid)" && killed=$((killed + 1))
  echo 1 >/sys/devices/system/cpu/cpu3/online
done
echo killed $killed times
"""


def policy(name: str, offline: str, *lines: str, priority: int = 0) -> str:
    return "\n".join(("apiVersion: hotplugger/v1", "kind: Policy", f"name: {name}",
                      f"priority: {priority}", "selector: {matchLabels: {pool: lab}}",
                      f'cpu: {{offline: "{offline}"}}', *lines, ""))


class TrialTest(FleetCase):
    wanted = {NODE: GuestOptions(labels={"pool": "lab"})}
    # Three signs of life that don't come end a stream, so a cut link is seen within seconds.
    controller_arguments = ("--ping-interval", "2s")

    def setUp(self) -> None:
        super().setUp()
        self.node = self.guest(NODE)
        self.devices = KernelDevices(self.node)
        self.addCleanup(self.devices.reset)

    def slow_drivers(self, milliseconds: int) -> None:
        """A pass that starts a driver lasts so long after its CPUs have gone."""
        drivers = self.drivers(NODE)
        drivers.set("start_delay_ms", str(milliseconds))
        self.addCleanup(drivers.set, "start_delay_ms", "0")

    def report(self) -> dict[str, Any]:
        return self.control.node(NODE)["report"]

    def wait_drift(self) -> dict[str, Any]:
        """The one thing that is left unlike the spec, as the controller shows it."""
        self.node.wait_until(lambda: self.report().get("drift"), SETTLE_SECONDS,
                             "the drift is reported")
        [item] = self.report()["drift"]
        return item

    # Confirm or revert.

    def test_change_that_cuts_the_node_off_is_undone_by_itself(self) -> None:
        self.slow_drivers(5000)
        self.addCleanup(self.node.link, True)
        self.control.apply(policy("cut-off", "3", "drivers: {active: [alucard]}", "confirm: 10s"))
        self.wait_cpus(self.node, {0, 1, 2})
        # The driver is still starting: nothing has been reported yet.
        self.node.link(False)
        self.wait_running(NODE, {"alucard"})
        self.assertEqual(self.node.cpus_online(), {0, 1, 2})
        self.wait_cpus(self.node, ALL_CPUS)
        self.wait_running(NODE, set())
        self.node.link(True)
        self.node.wait_until(lambda: self.report()["state"] == "APPLY_STATE_REVERTED",
                             RECONNECT_SECONDS, "the controller hears of it")
        report = self.wait_report(NODE, "REVERTED")
        self.assertIn("no controller was reached within 10s", report["message"])
        self.assertFalse(self.control.node(NODE)["inSync"])
        described = self.control.check("describe", "node", NODE)
        self.assertIn("REVERTED", described)
        self.assertIn("no controller was reached", described)
        # It stays so: over the agent's next life, and the controller's.
        self.node.kill_agent()
        self.controller.kill()
        self.controller.start()
        self.wait_report(NODE, "REVERTED")
        self.assertEqual(self.node.cpus_online(), ALL_CPUS)

    def test_confirmed_change_stays(self) -> None:
        self.control.apply(policy("parks", "3", "confirm: 5s"))
        self.wait_in_sync()
        self.node.wait_until(lambda: not self.report().get("awaitsConfirmation"), SETTLE_SECONDS,
                             "the change is confirmed")
        time.sleep(7)  # past the window, had it not been
        self.assertEqual(self.node.cpus_online(), {0, 1, 2})
        self.assertEqual(self.report()["state"], "APPLY_STATE_APPLIED")

    # Quarantine.

    def test_spec_that_kills_the_agent_twice_is_quarantined(self) -> None:
        self.control.apply(policy("good", "1"))
        self.wait_in_sync()
        self.slow_drivers(3000)
        self.devices.background(KILLER)
        self.control.apply(policy("deadly", "1,3", "drivers: {active: [alucard]}", priority=1))
        report = self.wait_report(NODE, "QUARANTINED")
        self.assertIn("died 2 times", report["message"])
        self.wait_cpus(self.node, {0, 2, 3})
        self.assertFalse(self.control.node(NODE)["inSync"])
        # A person has found what killed it.
        self.slow_drivers(0)
        self.assertIn("may be tried again", self.control.check("retry", NODE))
        self.wait_in_sync()
        self.assertEqual(self.node.cpus_online(), {0, 2})
        self.control.check("delete", "policy", "deadly")
        self.wait_in_sync()
        self.assertEqual(self.node.cpus_online(), {0, 2, 3})

    # Drift.

    def test_reported_drift_is_named_and_left(self) -> None:
        self.control.apply(policy("watches", "3", "drift: report"))
        self.wait_in_sync()
        self.assertEqual(self.node.cpus_online(), {0, 1, 2})
        self.devices.write_cpu(3, True)
        item = self.wait_drift()
        self.assertEqual((item["subject"], item["wanted"], item["found"], item.get("actor", "")),
                         ("cpu3", "offline", "online", ""))
        report = self.report()
        self.assertEqual((report["state"], report["driftCount"]), ("APPLY_STATE_APPLIED", "1"))
        self.assertEqual(report["driftCounts"], [{"actor": "unknown", "count": "1"}])
        # An agent that starts anew has no reason to undo it, a host that boots has.
        self.node.kill_agent()
        self.wait_drift()
        self.assertEqual(self.node.cpus_online(), ALL_CPUS)
        self.node.reboot()
        self.wait_cpus(self.node, {0, 1, 2})

    def test_person_on_the_host_may_change_what_is_only_watched_and_is_named(self) -> None:
        self.control.apply(policy("watches", "3", "drift: report"))
        self.wait_in_sync()
        self.host(NODE).check("online", "cpu3")
        self.assertEqual(self.wait_drift()["actor"], "person")
        self.assertEqual(self.node.cpus_online(), ALL_CPUS)

    # Release.

    def test_what_a_policy_leaves_stays_when_it_goes(self) -> None:
        self.control.apply(policy("leaves", "3", "on_release: leave"))
        self.wait_in_sync()
        self.control.check("delete", "policy", "leaves")
        self.wait_in_sync()
        self.assertEqual(self.node.cpus_online(), {0, 1, 2})
        self.devices.write_cpu(3, True)
        self.wait_cpus(self.node, ALL_CPUS)

    # Holds.

    def test_hold_with_an_end_lapses_and_the_cpu_comes_back(self) -> None:
        self.control.check("offline", NODE, "cpu2", "--reason", "burn-in", "--for", "20s")
        self.wait_cpus(self.node, {0, 1, 3})
        self.wait_cpus(self.node, ALL_CPUS)
        self.assertEqual(self.control.check("get", "holds", "-o", "name").split(), [])

    def test_hold_of_a_core_survives_a_boot_and_a_rogue(self) -> None:
        self.control.check("offline", NODE, "core/0-0-3", "--reason", "machine checks")
        self.wait_in_sync()
        self.assertEqual(self.node.cpus_online(), {0, 1, 2})
        self.assertIn("hold/core/0-0-3", self.host(NODE).check("explain", "cpu3"))
        self.devices.write_cpu(3, True)
        self.wait_cpus(self.node, {0, 1, 2})
        self.node.reboot()
        self.wait_cpus(self.node, {0, 1, 2})
        self.control.check("release", NODE, "core/0-0-3")
        self.wait_cpus(self.node, ALL_CPUS)

    # A disk without room.

    def fill_disk(self) -> None:
        """Nothing more can be written to the agent's folder, over boots too."""
        self.node.check(f"dd if=/dev/zero of={BALLAST} bs=64k 2>/dev/null; sync; "
                        f"dd if=/dev/zero of={BALLAST}.last bs=1k 2>/dev/null; sync; "
                        f"! echo x >{BALLAST}.more 2>/dev/null")

    def free_disk(self) -> None:
        self.node.check(f"rm -f {BALLAST} {BALLAST}.last {BALLAST}.more; sync")

    def conditions(self) -> dict[str, str]:
        """The agent's own, as the controller has them: messages by type."""
        inventory = self.control.node(NODE)["inventory"]
        return {condition["type"]: condition["message"]
                for condition in inventory.get("conditions", [])}

    def test_held_cpu_stays_off_over_a_boot_though_the_disk_is_full(self) -> None:
        self.control.check("offline", NODE, "cpu3", "--reason", "machine checks")
        self.wait_in_sync()
        self.addCleanup(self.free_disk)
        self.fill_disk()
        self.node.reboot()
        self.wait_cpus(self.node, {0, 1, 2})
        self.node.wait_until(lambda: "STATE_NOT_SAVED" in self.conditions(), RECONNECT_SECONDS,
                             "the controller hears of it")
        self.assertIn("No space left", self.conditions()["STATE_NOT_SAVED"])
        self.assertEqual(self.report()["state"], "APPLY_STATE_APPLIED")
        # Nobody else may take what nobody could give back, and no new spec is applied.
        refused = self.host(NODE).run("offline", "cpu2")
        self.assertNotEqual(refused.status, 0)
        self.assertIn("the operation was not begun", refused.err)
        self.control.check("offline", NODE, "cpu1", "--reason", "machine checks")
        report = self.wait_report(NODE, "FAILED")
        self.assertIn("can't be saved", report["message"])
        self.assertEqual(self.node.cpus_online(), {0, 1, 2})
        # With room again all is made up for, and what was taken meanwhile comes back on release.
        self.free_disk()
        self.wait_in_sync()
        self.assertEqual(self.node.cpus_online(), {0, 2})
        self.node.wait_until(lambda: not self.conditions(), RECONNECT_SECONDS, "it is over")
        self.node.kill_agent()
        self.control.check("release", NODE, "cpu3")
        self.control.check("release", NODE, "cpu1")
        self.wait_cpus(self.node, ALL_CPUS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
