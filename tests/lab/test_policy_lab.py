#!/usr/bin/env python3
"""One policy, carried out on the guests that it matches and kept so, whatever happens to them."""

import sys
import unittest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions, LabError  # noqa: E402
from hotplugger_lab.fleet_case import ALL_CPUS, SETTLE_SECONDS, FleetCase  # noqa: E402

EXAMPLE = HERE.parent.parent / "examples" / "park-and-switch.yaml"
NAME = "park-and-switch"
PARKED = {0, 1}
BRING_CPU2_ONLINE = "echo 1 >/sys/devices/system/cpu/cpu2/online"


class PolicyTest(FleetCase):
    wanted = {
        "lab-1": GuestOptions(labels={"pool": "lab"}),
        "lab-2": GuestOptions(labels={"pool": "lab"}),
        "other": GuestOptions(),
    }

    def park(self) -> None:
        """The example as everybody gets it."""
        self.control.check("apply", "-f", str(EXAMPLE))
        self.control.check("wait", "policy", NAME)

    def test_policy_parks_and_switches_where_it_matches_and_deleting_it_undoes_that(self) -> None:
        before = {"lab-1": {"thermal"}, "lab-2": {"bricked"}, "other": {"bricked"}}
        for name, running in before.items():
            self.drivers(name).start(*running)
        untouched = self.control.node("other")
        self.park()
        for name, running in {"lab-1": {"alucard", "thermal"}, "lab-2": {"alucard"}}.items():
            self.assertEqual(self.guest(name).cpus_online(), PARKED, name)
            self.assertEqual(self.drivers(name).running(), running, name)
        self.assert_untouched(untouched)
        self.control.check("delete", "policy", NAME)
        self.wait_in_sync()
        for name, running in before.items():
            self.assertEqual(self.guest(name).cpus_online(), ALL_CPUS, name)
            self.assertEqual(self.drivers(name).running(), running, name)

    def assert_untouched(self, before: dict[str, Any]) -> None:
        name = before["name"]
        now = self.control.node(name)
        self.assertEqual(self.guest(name).cpus_online(), ALL_CPUS)
        self.assertEqual(self.drivers(name).running(), {"bricked"})
        for field in ("desiredDigest", "appliedDigest", "report", "sources"):
            self.assertEqual(now.get(field), before.get(field), field)
        self.assertEqual(now.get("report", {}).get("items", []), [])
        self.assertEqual(now.get("report", {}).get("driftCount", "0"), "0")

    def test_nodes_and_the_policy_are_shown_in_tables(self) -> None:
        self.park()
        head, *lines = (line.split() for line in self.control.check("get", "nodes").splitlines())
        rows = {line[0]: dict(zip(head, line)) for line in lines}
        wanted = {"CONNECTED": "yes", "IN-SYNC": "yes", "CPUS-ONLINE": "0-1", "CPUS-OFFLINE": "2-3",
                  "DRIVERS": "alucard", "STATE": "APPLIED", "MEMORY-ONLINE": "768Mi"}
        self.assertEqual({**rows["lab-1"], **wanted}, rows["lab-1"])
        self.assertEqual((rows["other"]["CPUS-ONLINE"], rows["other"]["CPUS-OFFLINE"]), ("0-3", "-"))
        self.assertIn(f"policy/{NAME}", self.control.check("describe", "node", "lab-1"))

    def test_rogue_write_is_undone_at_once_and_counted(self) -> None:
        self.park()
        guest = self.guest("lab-1")
        self.assertEqual(self.control.node("lab-1")["report"]["driftCount"], "0")
        guest.check(BRING_CPU2_ONLINE)
        # Far below the interval of the slow look: it was the uevent that told.
        guest.wait_until(lambda: guest.cpus_online() == PARKED, 15, "cpu2 is offline again")
        guest.wait_until(lambda: self.control.node("lab-1")["report"]["driftCount"] == "1",
                         SETTLE_SECONDS, "the drift is counted")
        self.wait_in_sync()
        self.assertEqual(self.control.node("lab-2")["report"]["driftCount"], "0")

    def test_agent_killed_while_a_rogue_writes_enforces_again(self) -> None:
        self.park()
        guest = self.guest("lab-1")
        self.addCleanup(guest.hold_agent, False)
        guest.hold_agent(True)
        guest.kill_agent("KILL")
        guest.check(BRING_CPU2_ONLINE)
        self.assertEqual(guest.cpus_online(), {0, 1, 2})
        guest.hold_agent(False)
        self.wait_cpus(guest, PARKED)
        self.wait_in_sync()
        self.assertEqual(self.drivers("lab-1").running(), {"alucard"})

    def test_guest_rebooted_with_the_controller_down_enforces_by_itself(self) -> None:
        self.park()
        guest = self.guest("lab-1")
        self.addCleanup(self.ensure_controller)
        self.controller.kill()
        guest.reboot()
        self.wait_cpus(guest, PARKED)
        self.wait_running("lab-1", {"alucard"})
        self.controller.start()
        self.wait_in_sync()
        self.assertEqual(guest.cpus_online(), PARKED)
        # What stood before the policy in this boot is what it goes back to.
        self.control.check("delete", "policy", NAME)
        self.wait_cpus(guest, ALL_CPUS)
        self.wait_running("lab-1", set())

    def ensure_controller(self) -> None:
        """For a test that failed while it was down."""
        try:
            self.controller.start()
        except LabError:
            pass  # it runs

    def test_holds_outrank_the_policy_until_they_are_released(self) -> None:
        self.park()
        guest = self.guest("lab-1")
        self.control.check("online", "lab-1", "cpu2", "--reason", "needed for a build")
        self.control.check("offline", "lab-1", "cpu1", "--reason", "suspected bad")
        self.wait_in_sync("lab-1")
        self.assertEqual(guest.cpus_online(), {0, 2})
        self.assertEqual(self.guest("lab-2").cpus_online(), PARKED)
        self.assertEqual({hold["subject"]: hold["reason"] for hold in self.control.holds()},
                         {"cpu1": "suspected bad", "cpu2": "needed for a build"})
        self.control.check("release", "lab-1", "cpu1")
        self.control.check("release", "lab-1", "cpu2")
        self.wait_in_sync("lab-1")
        self.assertEqual(guest.cpus_online(), PARKED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
