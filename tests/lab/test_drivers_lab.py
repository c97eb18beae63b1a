#!/usr/bin/env python3
"""Switching drivers against a kernel that has its own say: the lab's module."""

import sys
import time
import unittest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.control import Answer, by_subject  # noqa: E402
from hotplugger_lab.fleet_case import FleetCase  # noqa: E402

NODE = "drivers-1"
Items = dict[str, dict[str, Any]]


def policy(drivers: str) -> str:
    return (f"apiVersion: hotplugger/v1\nkind: Policy\nname: drivers\n"
            f"selector: {{nodes: [{NODE}]}}\ndrivers: {drivers}\n")


class DriversTest(FleetCase):
    wanted = {NODE: GuestOptions()}

    def setUp(self) -> None:
        super().setUp()
        self.host(NODE).check("switching", "on")
        self.kernel = self.drivers(NODE)

    def setting(self, name: str, value: str) -> None:
        """Sets a parameter of the module for this test."""
        self.addCleanup(self.kernel.set, name, self.kernel.setting(name))
        self.kernel.set(name, value)

    def host_run(self, *words: str) -> Answer:
        return self.host(NODE).run(*words)

    def switch(self, *drivers: str) -> Items:
        """What --host switch, which is to succeed, says of each driver."""
        host = self.host(NODE)
        answer = host.run("switch", *drivers, "-o", "json")
        self.assertEqual(answer.status, 0, answer)
        return host.results(answer)

    def refused(self, *words: str) -> str:
        """What --host says to what it is to refuse."""
        answer = self.host_run(*words)
        self.assertNotEqual(answer.status, 0, answer)
        self.assertEqual(answer.out, "")
        return answer.err

    def assert_item(self, items: Items, driver: str, outcome: str, *words: str) -> None:
        item = items[f"driver/{driver}"]
        self.assertEqual(item["outcome"], f"OUTCOME_{outcome}", item)
        for word in words:
            self.assertIn(word, item["message"])

    # Through the agent's own socket, with hotplugctl --host.

    def test_switch_stops_what_it_conflicts_with(self) -> None:
        self.kernel.start("bricked")
        items = self.switch("alucard")
        self.assertEqual(self.kernel.running(), {"alucard"})
        self.assert_item(items, "alucard", "CHANGED", "started as asked")
        self.assert_item(items, "bricked", "CHANGED", "stopped", "alucard")

    def test_enable_and_disable_do_one_driver(self) -> None:
        self.kernel.start("bricked")
        self.host(NODE).check("enable", "ALUCARD")  # a name's case does not count
        self.assertEqual(self.kernel.running(), {"alucard"})
        again = self.host_run("enable", "alucard", "-o", "json")
        self.assert_item(self.host(NODE).results(again), "alucard", "ALREADY", "already")
        self.host(NODE).check("disable", "alucard")
        self.assertEqual(self.kernel.running(), set())

    def test_switch_spares_the_one_that_the_kernel_spares_and_says_so(self) -> None:
        self.kernel.start("thermal")
        items = self.switch("alucard")
        self.assertEqual(self.kernel.running(), {"alucard", "thermal"})
        self.assert_item(items, "thermal", "ALREADY", "left running", "the kernel decides",
                         "alucard")

    def test_switch_spares_what_a_policy_whitelists_both_ways(self) -> None:
        self.control.apply(policy("{whitelist: {alucard: [thermal], thermal: [alucard]}}"))
        self.wait_in_sync()
        self.kernel.start("thermal")
        items = self.switch("alucard")
        self.assertEqual(self.kernel.running(), {"alucard", "thermal"})
        self.assert_item(items, "thermal", "ALREADY", "spared", "whitelist each other")

    def test_what_the_kernel_whitelists_on_one_side_is_stopped_and_reported(self) -> None:
        for running, wanted in (("intelli", "alucard"), ("alucard", "intelli")):
            with self.subTest(running=running, wanted=wanted):
                self.kernel.reset()
                self.kernel.start(running)
                items = self.switch(wanted)
                self.assertEqual(self.kernel.running(), {wanted})
                self.assert_item(items, running, "CHANGED", "stopped by the kernel", wanted)

    def test_policy_that_whitelists_on_one_side_spares_nobody_and_the_side_is_named(self) -> None:
        self.control.apply(policy("{whitelist: {alucard: [intelli], intelli: [bricked]}}"))
        self.wait_in_sync()
        self.kernel.start("intelli")
        items = self.switch("alucard")
        self.assertEqual(self.kernel.running(), {"alucard"})
        self.assert_item(items, "intelli", "CHANGED", "intelli does not whitelist alucard",
                         "add alucard to the whitelist of intelli")

    def test_policy_with_one_list_alone_spares_nobody_and_the_answer_says_why(self) -> None:
        # The other side is the kernel's: it can't be read, but can be seen to act.
        self.control.apply(policy("{whitelist: {alucard: [intelli]}}"))
        self.wait_in_sync()
        self.kernel.start("intelli")
        items = self.switch("alucard")
        self.assertEqual(self.kernel.running(), {"alucard"})
        self.assert_item(items, "intelli", "CHANGED", "stopped by the kernel",
                         "alucard whitelists intelli by policy",
                         "the missing side is that of intelli")

    def test_two_that_the_kernel_does_not_let_run_together_are_refused_and_undone(self) -> None:
        self.kernel.start("bricked")
        message = self.refused("switch", "alucard", "intelli")
        self.assertIn("alucard", message)
        self.assertIn("intelli", message)
        self.assertIn("bricked was started again", message)
        self.assertEqual(self.kernel.running(), {"bricked"})

    def test_driver_that_fails_to_start_leaves_the_earlier_ones_running_again(self) -> None:
        self.kernel.start("alucard", "thermal")
        message = self.refused("switch", "faulty")
        self.assertEqual(self.kernel.running(), {"alucard", "thermal"})
        for words in ("faulty could not be started", "EIO", "undone:", "alucard was started again",
                      "thermal was started again"):
            self.assertIn(words, message)

    def test_driver_that_will_not_stop_leaves_the_wanted_one_stopped(self) -> None:
        self.kernel.start("bricked")
        self.setting("stop_fails", "bricked")
        message = self.refused("switch", "alucard")
        self.assertEqual(self.kernel.running(), {"bricked"})
        self.assertIn("alucard could not be started", message)
        message = self.refused("disable", "bricked")
        self.assertIn("bricked could not be stopped", message)
        self.assertIn("EIO", message)

    def test_driver_that_says_yes_and_does_not_run_is_named(self) -> None:
        self.kernel.start("alucard")
        message = self.refused("switch", "zealous")
        self.assertIn("zealous", message)
        self.assertIn("DRIVER_DID_NOT_CHANGE", message)
        self.assertIn("alucard was started again", message)
        self.assertEqual(self.kernel.running(), {"alucard"})

    def test_driver_that_takes_its_time_is_waited_for(self) -> None:
        self.setting("start_delay_ms", "2000")
        begun = time.monotonic()
        self.switch("alucard")
        self.assertGreater(time.monotonic() - begun, 1.9)
        self.assertEqual(self.kernel.running(), {"alucard"})

    def test_kernel_whose_own_switch_is_off_is_an_error_with_the_fix(self) -> None:
        self.kernel.start("alucard")
        self.addCleanup(self.kernel.switch_kernel, True)
        self.kernel.switch_kernel(False)
        message = self.refused("switch", "bricked")
        self.assertIn("KERNEL_SWITCHING_OFF", message)
        self.assertIn("write 1 to /sys/kernel/hotplugger/enabled", message)
        self.assertEqual(self.kernel.running(), {"alucard"})
        self.assertIn("alucard", self.host(NODE).check("drivers"))

    def test_switching_that_is_off_stays_off_over_restart_and_reboot(self) -> None:
        self.host(NODE).check("switching", "off")
        self.assert_switching_off()
        pid = self.guest(NODE).agent_pid()
        self.guest(NODE).kill_agent()
        self.guest(NODE).wait_until(lambda: self.guest(NODE).agent_pid() not in (None, pid), 30,
                                    "the agent is back")
        self.assert_switching_off()
        self.guest(NODE).reboot()
        self.assert_switching_off()
        self.host(NODE).check("switching", "on")
        self.switch("alucard")
        self.assertEqual(self.kernel.running(), {"alucard"})

    def assert_switching_off(self) -> None:
        self.guest(NODE).wait_until(lambda: self.host_run("drivers").status == 0, 60,
                                    "the agent answers")
        self.assertIn("switching is off", self.host(NODE).check("drivers"))
        for words in (("switch", "alucard"), ("enable", "alucard"), ("disable", "alucard")):
            self.assertIn("SWITCHING_OFF", self.refused(*words))
        self.assertEqual(self.kernel.running(), set())

    # Through the controller: holds and policies.

    def test_hold_of_a_driver_lasts_until_it_is_released(self) -> None:
        self.kernel.start("bricked")
        self.control.check("online", NODE, "driver/alucard")
        self.wait_in_sync()
        self.assertEqual(self.kernel.running(), {"alucard"})
        self.control.check("release", NODE, "driver/alucard")
        self.wait_in_sync()
        self.assertEqual(self.kernel.running(), {"bricked"})

    def test_driver_of_a_hold_that_fails_to_start_is_undone_and_reported(self) -> None:
        self.kernel.start("alucard", "thermal")
        self.control.check("online", NODE, "driver/faulty")
        waited = self.control.run("wait", "nodes", NODE, "--timeout", "60s")
        self.assertEqual(waited.status, 1, waited)
        self.assertIn("faulty could not be started", waited.err)
        report = self.wait_report(NODE, "FAILED")
        self.assertIn("alucard was started again", report["message"])
        self.assertIn("thermal was started again", report["message"])
        items = by_subject(report["items"])
        self.assert_item(items, "faulty", "FAILED", "EIO")
        self.assert_item(items, "alucard", "UNDONE", "started again")
        self.assert_item(items, "thermal", "UNDONE", "started again")
        self.assertEqual(self.kernel.running(), {"alucard", "thermal"})

    def test_one_sided_whitelist_of_a_policy_is_named_in_the_report(self) -> None:
        self.kernel.start("intelli")
        self.control.apply(policy(
            "{active: [alucard], whitelist: {alucard: [intelli], intelli: [bricked]}}"))
        self.wait_in_sync()
        self.assertEqual(self.kernel.running(), {"alucard"})
        items = by_subject(self.wait_report(NODE, "APPLIED")["items"])
        self.assert_item(items, "intelli", "CHANGED", "intelli does not whitelist alucard",
                         "add alucard to the whitelist of intelli")
        self.control.delete_all()
        self.wait_in_sync()
        self.assertEqual(self.kernel.running(), {"intelli"})

    def test_mutual_whitelist_of_a_policy_spares_and_the_report_says_so(self) -> None:
        self.kernel.start("thermal")
        self.control.apply(policy(
            "{active: [alucard], whitelist: {alucard: [thermal], thermal: [alucard]}}"))
        self.wait_in_sync()
        self.assertEqual(self.kernel.running(), {"alucard", "thermal"})
        items = by_subject(self.wait_report(NODE, "APPLIED")["items"])
        self.assert_item(items, "thermal", "ALREADY", "spared")

    def test_policy_turns_switching_off_and_its_deletion_on_again(self) -> None:
        self.kernel.start("bricked")
        self.control.apply(policy("{switching: off}"))
        self.wait_in_sync()
        self.assertIn("SWITCHING_OFF", self.refused("switch", "alucard"))
        self.assertIn("policy/drivers", self.refused("switching", "on"))
        self.assertEqual(self.kernel.running(), {"bricked"})
        self.control.delete_all()
        self.wait_in_sync()
        self.switch("alucard")
        self.assertEqual(self.kernel.running(), {"alucard"})

    def test_local_switch_against_a_policy_is_refused_and_names_it(self) -> None:
        self.control.apply(policy("{active: [alucard]}"))
        self.wait_in_sync()
        self.assertIn("policy/drivers", self.refused("switch", "bricked"))
        self.assertEqual(self.kernel.running(), {"alucard"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
