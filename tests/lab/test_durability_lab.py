#!/usr/bin/env python3
"""What an operator was told is stored outlives the controller; links that were cut make it up."""

import re
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

    def test_lost_store_is_not_obeyed_until_a_person_takes_the_fleet_over(self) -> None:
        self.control.apply(policy("parks", "2-3"))
        self.assert_cpus({0, 1})
        self.controller.kill()
        self.controller.lose_store()
        # Often enough for its epoch to be beyond any that the nodes have seen.
        self.controller.start()
        for _ in range(40):
            self.crash()
        self.assertEqual(self.control.policies(), {})
        takes_over = max((self.take_over_named_by(name) for name in NODES),
                         key=lambda text: int(text.split("@")[1]))
        for name in NODES:
            self.assertEqual(self.guest(name).cpus_online(), {0, 1}, name)
        self.control.apply(policy("parks", "3"))
        self.controller.kill()
        self.controller.start(f"--take-over={takes_over}")
        for name in NODES:
            self.guest(name).kill_agent()  # else it asks again after a minute
        self.assert_cpus({0, 1, 2})

    def take_over_named_by(self, name: str) -> str:
        """What the condition of a node that is turned away says to start the controller with."""
        guest = self.guest(name)
        guest.kill_agent()

        def named() -> str | None:
            node = self.control.nodes().get(name, {})
            for condition in node.get("conditions", []):
                if condition["type"] == "TURNED_AWAY":
                    found = re.search(r"--take-over=(\S+)", condition["message"])
                    return found.group(1) if found else None
            return None

        return guest.wait_until(named, SETTLE_SECONDS, f"{name} is turned away")

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
