#!/usr/bin/env python3
"""The agent's own driver `load` on real CPUs under real load, and drivers that files describe."""

import json
import sys
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.agent_config import agent_config  # noqa: E402
from hotplugger_lab.deadline import wait_until  # noqa: E402
from hotplugger_lab.fleet_case import ALL_CPUS, FleetCase  # noqa: E402

NODE = "parking"
COOLDOWN_SECONDS = 15
PARK_SAMPLES = 3
# Quiet times longer than the samples need, and far from the cool-down: a guest can be slow.
WAVE_BUSY, WAVE_IDLE, WAVE_PERIODS = 3, PARK_SAMPLES + 2, 6
# A guest that is emulated is busy with little.
PARK_BELOW = 50
# Two of four CPUs: cpu0 can't go, and half of the host is to stay.
LOAD = {"sample_seconds": 1, "park_samples": PARK_SAMPLES, "cooldown_seconds": COOLDOWN_SECONDS,
        "park_below_percent": PARK_BELOW, "wake_above_percent": 70, "max_parked_percent": 50,
        "min_online_cpus": 1}
PARKED_SECONDS = 150.0
WOKEN_SECONDS = 60.0
DRIVERS_FOLDER = "/etc/hotplugger/drivers.d"


class ParkingTest(FleetCase):
    wanted = {NODE: GuestOptions(agent_config=agent_config(load=LOAD))}

    def setUp(self) -> None:
        self.end_load()
        self.host(NODE).run("switching", "on")
        self.host(NODE).run("disable", "load")
        super().setUp()
        self.addCleanup(self.end_load)

    # Real load: loops of the shell, each bound in time.

    def begin_load(self, loops: int, seconds: int = 120) -> None:
        self.guest(NODE).check(
            f"for i in $(seq {loops}); do timeout {seconds} sh -c 'while :; do :; done' & "
            "echo $! >>/tmp/loops; done >/dev/null 2>&1")

    def begin_wave(self, busy: int, idle: int, periods: int) -> None:
        """A square wave of load on every CPU; the guest notes when each busy time began."""
        self.guest(NODE).check(
            f"rm -f /tmp/wave; (for p in $(seq {periods}); do cut -d' ' -f1 /proc/uptime "
            f">>/tmp/wave; for c in 1 2 3 4; do timeout {busy} sh -c 'while :; do :; done' & done; "
            f"sleep {busy + idle}; done; echo end >>/tmp/wave) >/dev/null 2>&1 & true")

    def wave(self) -> list[str]:
        return self.guest(NODE).check("cat /tmp/wave").split()

    def end_load(self) -> None:
        self.guest(NODE).run("kill $(cat /tmp/loops) 2>/dev/null; rm -f /tmp/loops; "
                             "pkill -f '[w]hile :; do'; true")

    # What the driver says of itself.

    def load(self) -> dict[str, Any]:
        return json.loads(self.host(NODE).check("drivers", "load", "-o", "json"))

    def decisions(self) -> list[str]:
        return [decision["text"] for decision in self.load()["decisions"]]

    def start_and_park(self) -> None:
        self.host(NODE).check("enable", "load")
        self.wait_quietly(lambda: len(self.guest(NODE).cpus_online()) == 2,
                          "load has parked two CPUs")

    def wait_quietly(self, predicate: Callable[[], Any], what: str) -> None:
        """For what load does in an idle guest: being asked all the time is a load, too."""
        wait_until(predicate, PARKED_SECONDS, what, pause=4.0)

    def wait_detail(self, text: str) -> None:
        """To ask is a load, too, for which it may wake a CPU: it parks it again."""
        self.wait_quietly(lambda: text in self.load()["detail"], f"load says: {text}")

    def writer_sleeps(self) -> bool:
        """Whether the agent's writer is in the kernel, where no signal reaches it."""
        status, _ = self.guest(NODE).run(
            "for s in /proc/[0-9]*/status; do grep -q '^Name:.hotplugger-wri' $s && "
            "grep -q '^State:.D' $s && exit 0; done 2>/dev/null; exit 1")
        return status == 0

    def wait_online(self, cpus: set[int], seconds: float, what: str) -> None:
        guest = self.guest(NODE)
        guest.wait_until(lambda: guest.cpus_online() == cpus, seconds, what)

    # Must show 2.

    def test_parks_real_cpus_when_idle_and_wakes_them_under_load(self) -> None:
        self.start_and_park()
        self.wait_detail("2 of 4 CPUs parked (2-3)")
        self.assertTrue(any(f"less than {PARK_BELOW}%" in text for text in self.decisions()),
                        self.decisions())
        self.begin_load(4)
        self.wait_online(ALL_CPUS, WOKEN_SECONDS, "load has woken all CPUs")
        self.assertTrue(any("woke" in text and "more than" in text for text in self.decisions()),
                        self.decisions())

    def test_a_square_wave_shorter_than_the_cool_down_parks_nothing(self) -> None:
        # From before the driver's first cool-down, which begins with its start.
        self.begin_wave(WAVE_BUSY, WAVE_IDLE, WAVE_PERIODS)
        self.host(NODE).check("enable", "load")
        before = self.decisions()
        self.wait_quietly(lambda: self.wave()[-1:] == ["end"], "the wave ends")
        # Had it parked a core and woken it again, that would be among them.
        self.assertEqual(self.decisions(), before, (self.wave(), self.load()["decisions"]))
        guest = self.guest(NODE)
        self.assertEqual(guest.cpus_online(), ALL_CPUS)
        # It was awake all the time: without the wave it parks.
        self.wait_quietly(lambda: guest.cpus_online() != ALL_CPUS,
                          "load parks once the wave is over")

    def test_another_driver_that_takes_over_has_it_give_back_what_it_parked(self) -> None:
        self.start_and_park()
        answer = self.host(NODE).run("enable", "bricked", "-o", "json")
        self.assertEqual(answer.status, 0, answer)
        stopped = self.host(NODE).results(answer)["driver/load"]
        self.assertEqual(stopped["outcome"], "OUTCOME_CHANGED", stopped)
        self.assertEqual(self.guest(NODE).cpus_online(), ALL_CPUS)
        self.assertEqual(self.load()["state"], "DRIVER_STATE_STOPPED")

    def test_a_driver_started_behind_the_agents_back_has_it_hold_off(self) -> None:
        self.start_and_park()
        self.drivers(NODE).start("bricked")
        self.wait_online(ALL_CPUS, WOKEN_SECONDS, "load has given back what it had parked")
        held_off = self.load()
        self.assertEqual(held_off["state"], "DRIVER_STATE_RUNNING")
        self.assertIn("holds off: bricked runs", held_off["detail"])
        self.drivers(NODE).reset()
        guest = self.guest(NODE)
        self.wait_quietly(lambda: len(guest.cpus_online()) == 2,
                          "load goes on once the other has stopped")

    def test_an_agent_that_is_killed_still_knows_what_is_parked(self) -> None:
        self.start_and_park()
        guest = self.guest(NODE)
        guest.check("kill -9 $(cat /run/lab/agent.pid)")
        guest.wait_until(lambda: self.host(NODE).run("drivers").status == 0, WOKEN_SECONDS,
                         "the agent is back")
        self.assertEqual(self.load()["state"], "DRIVER_STATE_RUNNING")
        # Its start is a load, too, for which it may have woken some: only what it knows as parked
        # can it wake, or give back now.
        self.host(NODE).check("disable", "load")
        self.assertEqual(guest.cpus_online(), ALL_CPUS)

    def test_cpus_of_a_policy_are_left_alone(self) -> None:
        self.control.apply(f"apiVersion: hotplugger/v1\nkind: Policy\nname: keep\n"
                           f"selector: {{nodes: [{NODE}]}}\ncpu: {{offline: \"1\"}}\n"
                           f"drivers: {{active: [load]}}\n")
        self.control.wait_nodes([NODE])
        guest = self.guest(NODE)
        self.wait_quietly(lambda: len(guest.cpus_online()) == 2,
                          "load has parked one besides the policy's one")
        self.wait_detail("1 of 4 CPUs parked (3)")
        self.control.check("delete", "policy", "keep")
        self.wait_online(ALL_CPUS, WOKEN_SECONDS, "all is given back")

    def test_a_parked_cpu_that_a_policy_takes_comes_back_with_its_release(self) -> None:
        self.start_and_park()
        self.control.apply(f"apiVersion: hotplugger/v1\nkind: Policy\nname: keep\n"
                           f"selector: {{nodes: [{NODE}]}}\ncpu: {{offline: \"3\"}}\n")
        self.control.wait_nodes([NODE])
        guest = self.guest(NODE)
        self.wait_detail("1 of 4 CPUs parked (2)")
        self.host(NODE).check("disable", "load")
        self.assertEqual(guest.cpus_online(), {0, 1, 2})
        self.control.check("delete", "policy", "keep")
        self.wait_online(ALL_CPUS, WOKEN_SECONDS, "the policy's release gives CPU 3 back")

    # Through the controller, once.

    def test_the_controller_asks_a_node_once(self) -> None:
        def lines(*words: str) -> list[dict[str, Any]]:
            out = self.control.check(*words, "--node", NODE, "-o", "json")
            return [json.loads(line) for line in out.splitlines()]

        [enabled] = lines("enable", "alucard")
        results = enabled["result"]["enableDriver"]["results"]
        self.assertEqual(results[0]["outcome"], "OUTCOME_CHANGED", results)
        self.assertEqual(self.drivers(NODE).running(), {"alucard"})
        [listed] = lines("drivers")
        states = {driver["name"]: driver["state"]
                  for driver in listed["result"]["listDrivers"]["drivers"]}
        self.assertEqual(states["alucard"], "DRIVER_STATE_RUNNING")
        self.assertEqual(states["load"], "DRIVER_STATE_STOPPED")
        lines("unregister", "alucard")
        self.assertEqual(self.drivers(NODE).running(), set())
        refused = self.control.run("enable", "alucard", "--node", NODE)
        self.assertNotEqual(refused.status, 0, refused)
        self.assertIn("DRIVER_NOT_REGISTERED", refused.out + refused.err)
        lines("register", "alucard")
        lines("switch", "alucard", "--stop", "bricked")
        lines("disable", "alucard")

    def test_drivers_are_listed_while_the_kernel_hangs_in_a_start(self) -> None:
        # The kernel's own lock is held for as long, so that not even its list can be read.
        self.drivers(NODE).set("start_delay_ms", "20000")
        self.addCleanup(self.drivers(NODE).set, "start_delay_ms", "0")
        guest, host = self.guest(NODE), self.host(NODE)
        guest.check("hotplugctl --host enable alucard >/tmp/enabled 2>&1 & echo $!")
        guest.wait_until(self.writer_sleeps, WOKEN_SECONDS, "the kernel is at the start")
        began = time.monotonic()
        listed = host.run("drivers")
        self.assertLess(time.monotonic() - began, 15, listed)
        self.assertEqual(listed.status, 0, listed)
        self.assertRegex(listed.out, r"alucard +kernel +unknown")
        self.assertRegex(listed.out, r"load +builtin +stopped")
        self.assertIn("PROVIDER_HANGS", listed.err)
        self.wait_running(NODE, {"alucard"})

    # Drivers that files describe, on a real file of the kernel.

    def test_a_knob_of_the_kernel_is_a_driver_once_a_file_describes_it(self) -> None:
        guest, host = self.guest(NODE), self.host(NODE)
        knob = "sys/module/hotplugger_lab/parameters/faulty_fails"
        guest.check(f"mkdir -p {DRIVERS_FOLDER}")
        self.addCleanup(guest.run, f"rm -rf {DRIVERS_FOLDER}; echo Y >/{knob}; "
                                   "hotplugctl --host register load")
        guest.put_file(f"{DRIVERS_FOLDER}/lab-knob.yaml", (
            "apiVersion: hotplugger/v1\nkind: KnobDriver\nname: lab-knob\n"
            f"paths: [sys/module/none/enabled, {knob}]\non: [1, Y]\noff: [0, N]\n").encode())
        guest.put_file(f"{DRIVERS_FOLDER}/wrong.yaml", b"apiVersion: hotplugger/v1\nkind: [\n")
        host.check("register", "lab-knob")
        listed = host.run("drivers")
        self.assertIn("lab-knob", listed.out)
        self.assertIn(f"{DRIVERS_FOLDER}/wrong.yaml:3:1", listed.err)
        host.check("disable", "lab-knob")
        self.assertEqual(guest.check(f"cat /{knob}"), "N")
        self.drivers(NODE).start("bricked")
        host.check("enable", "lab-knob")
        self.assertEqual(guest.check(f"cat /{knob}"), "Y")
        self.assertEqual(self.drivers(NODE).running(), set(), "it spares nobody")
        host.check("unregister", "lab-knob")
        self.assertEqual(guest.check(f"cat /{knob}"), "N")
        self.assertIn("unregistered: lab-knob", host.check("drivers"))

    def test_what_is_no_driver_and_changes_devices_is_named(self) -> None:
        guest = self.guest(NODE)
        guest.check("mkdir -p /etc/udev/rules.d")
        self.addCleanup(guest.run, "rm -rf /etc/udev")
        guest.put_file("/etc/udev/rules.d/40-hotadd.rules",
                       b'SUBSYSTEM=="cpu", ACTION=="add", TEST=="online", ATTR{online}=="0", '
                       b'ATTR{online}="1"\n')
        out = self.host(NODE).check("drivers", "--conflicts")
        self.assertIn("/etc/udev/rules.d/40-hotadd.rules:1", out)
        self.assertIn("take the rule out of /etc/udev/rules.d/40-hotadd.rules", out)


if __name__ == "__main__":
    unittest.main()
