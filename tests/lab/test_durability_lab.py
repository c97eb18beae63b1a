#!/usr/bin/env python3
"""What an operator was told is stored outlives the controller; links that were cut make it up."""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.fleet_case import ALL_CPUS, SETTLE_SECONDS, FleetCase  # noqa: E402

NODES = ("lab-1", "lab-2")
# Lost at a cut link: what keep-alive and back-off of both ends need at the most, and some more.
RECONNECT_SECONDS = 120.0


def policy(name: str, offline: str, priority: int = 0) -> str:
    return (f"apiVersion: hotplugger/v1\nkind: Policy\nname: {name}\npriority: {priority}\n"
            f"selector: {{matchLabels: {{pool: lab}}}}\ncpu: {{offline: \"{offline}\"}}\n")


class DurabilityTest(FleetCase):
    wanted = {name: GuestOptions(labels={"pool": "lab"}) for name in NODES}
    # Three signs of life that don't come end a stream, so a cut link is seen within seconds.
    controller_arguments = ("--ping-interval", "2s")

    def crash(self) -> None:
        """SIGKILL, and the same store again. What follows finds whatever was made durable."""
        self.controller.kill()
        self.controller.start()

    def assert_cpus(self, cpus: set[int]) -> None:
        self.wait_in_sync()
        for name in NODES:
            self.assertEqual(self.guest(name).cpus_online(), cpus, name)

    def test_policy_that_was_answered_is_there_after_sigkill(self) -> None:
        rounds = [("first", "3", 0, {0, 1, 2}), ("first", "2-3", 0, {0, 1}),
                  ("second", "1", 10, {0, 2, 3}), ("first", "1-2", 20, {0, 3}),
                  ("second", "1,3", 30, {0, 2})]
        for name, offline, priority, online in rounds:
            with self.subTest(name=name, offline=offline):
                answered = self.control.apply(policy(name, offline, priority))["policy"]
                self.crash()
                self.assertEqual(self.control.policies()[name], answered)
                self.assert_cpus(online)

    def test_deletion_that_was_answered_is_there_after_sigkill(self) -> None:
        self.control.apply(policy("parks", "2-3"))
        self.assert_cpus({0, 1})
        self.control.check("delete", "policy", "parks")
        self.crash()
        self.assertEqual(self.control.policies(), {})
        self.assert_cpus(ALL_CPUS)

    def test_hold_that_was_answered_is_there_after_sigkill(self) -> None:
        answered = self.control.json("offline", "lab-1", "cpu3", "--reason", "bad")["hold"]
        self.crash()
        self.assertEqual(self.control.holds(), [answered])
        self.wait_in_sync()
        self.assertEqual(self.guest("lab-1").cpus_online(), {0, 1, 2})
        self.assertEqual(self.guest("lab-2").cpus_online(), ALL_CPUS)

    def test_node_whose_link_was_cut_gets_what_was_changed_meanwhile(self) -> None:
        self.control.apply(policy("parks", "2-3"))
        self.assert_cpus({0, 1})
        guest = self.guest("lab-1")
        self.addCleanup(guest.link, True)
        guest.link(False)
        guest.wait_until(lambda: not self.control.node("lab-1")["connected"], SETTLE_SECONDS,
                         "the controller misses it")
        self.control.apply(policy("parks", "1"))
        self.wait_cpus(self.guest("lab-2"), {0, 2, 3})
        self.assertEqual(guest.cpus_online(), {0, 1})
        guest.link(True)
        guest.wait_until(lambda: self.control.node("lab-1")["inSync"], RECONNECT_SECONDS,
                         "it has caught up")
        self.assert_cpus({0, 2, 3})


if __name__ == "__main__":
    unittest.main(verbosity=2)
