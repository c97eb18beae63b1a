#!/usr/bin/env python3
"""Bad input: each a clear error that names its cause, nothing changed, nothing lost."""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.agent_config import agent_config  # noqa: E402
from hotplugger_lab.control import Answer, by_subject  # noqa: E402
from hotplugger_lab.fleet_case import ALL_CPUS, SETTLE_SECONDS, FleetCase  # noqa: E402

# Its CPU 0 can go offline, which kernels up to 6.4 allow on Intel's; so the last one is CPU 0.
HOT0 = "hot0"
# Its CPU 0 has no `online` file, and its own limit is tighter than the last CPU.
PLAIN = "plain"
USAGE = 2
TWIN_LOG = "/tmp/twin.log"
TWIN_PID = "/tmp/twin.pid"


def policy(name: str, node: str, settings: str) -> str:
    return (f"apiVersion: hotplugger/v1\nkind: Policy\nname: {name}\n"
            f"selector: {{nodes: [{node}]}}\n{settings}\n")


class BadInputTest(FleetCase):
    wanted = {
        HOT0: GuestOptions(cpu_model="Haswell-noTSX", kernel_arguments=("cpu0_hotplug",)),
        PLAIN: GuestOptions(agent_config=agent_config(cpus={"min_online": 2})),
    }

    def setUp(self) -> None:
        for guest in self.guests.values():
            guest.check("for cpu in 1 2 3; do "
                        "echo 1 >/sys/devices/system/cpu/cpu$cpu/online || exit 1; done")
        super().setUp()
        # Something to lose: it must be there, and running, after every error.
        for name in self.guests:
            self.drivers(name).start("alucard")
        self.control.apply(policy("standing", PLAIN, 'cpu: {offline: "3"}'))
        self.wait_in_sync()
        self.before = self.picture()

    def assert_refused(self, answer: Answer, *words: str) -> None:
        """It failed, said so on standard error alone, and changed nothing."""
        self.assertNotEqual(answer.status, 0, answer)
        self.assertEqual(answer.out.strip(), "")
        for word in words:
            self.assertIn(word, answer.err)
        self.assertEqual(self.picture(), self.before)
        self.wait_in_sync()

    def apply(self, text: str) -> Answer:
        return self.control.run("apply", "-f", "-", stdin=text)

    # CPUs that can't go.

    def test_cpu_without_an_online_file(self) -> None:
        self.assert_refused(self.host(PLAIN).run("offline", "cpu0"), "cpu0", "no `online` file",
                            "NOT_HOTPLUGGABLE")
        self.assert_refused(self.control.run("offline", PLAIN, "cpu0"), "cpu0", "no online file",
                            "NOT_HOTPLUGGABLE")

    def test_policy_with_a_cpu_that_cannot_go_hides_no_other(self) -> None:
        answer = self.control.apply(policy("parks", PLAIN, 'priority: 9\ncpu: {offline: "0,2"}'))
        self.assertIn("can't be taken offline there (no online file)", answer["warnings"][0])
        waited = self.control.run("wait", "policy", "parks")
        self.assertEqual(waited.status, 1, waited)
        self.assertIn("cpu0 has no `online` file", waited.err)
        items = by_subject(self.wait_report(PLAIN, "FAILED")["items"])
        self.assertEqual(items["cpu0"]["outcome"], "OUTCOME_REFUSED")
        self.assertEqual(items["cpu0"]["reason"], "NOT_HOTPLUGGABLE")
        # A later look at what is left to do need not tell again what was done.
        self.assertEqual(items.get("cpu2", {}).get("outcome", "OUTCOME_CHANGED"), "OUTCOME_CHANGED")
        self.assertEqual(self.guest(PLAIN).cpus_online(), {0, 1, 3})

    def test_cpu_that_the_host_has_not(self) -> None:
        self.assert_refused(self.host(PLAIN).run("offline", "cpu99"), "cpu99", "0-3",
                            "DEVICE_NOT_FOUND")
        self.assert_refused(self.host(PLAIN).run("online", "cpu99"), "DEVICE_NOT_FOUND")
        self.assert_refused(self.control.run("offline", PLAIN, "cpu99"), "cpu99", PLAIN, "0-3",
                            "DEVICE_NOT_FOUND")

    # Limits.

    def test_last_online_cpu_stays(self) -> None:
        for cpu in ("cpu1", "cpu2", "cpu3"):
            self.host(HOT0).check("offline", cpu)
        self.guest(HOT0).wait_until(
            lambda: self.control.node(HOT0)["inventory"]["cpusOnline"] == "0", SETTLE_SECONDS,
            "the controller knows")
        self.before = self.picture()
        self.assertEqual(self.before["cpus"][HOT0], {0})
        self.assert_refused(self.host(HOT0).run("offline", "cpu0"),
                            "cpu0 is all that is online", "LAST_ONLINE_CPU")
        self.assert_refused(self.control.run("offline", HOT0, "cpu0"),
                            "cpu0 is the last online CPU", HOT0, "LAST_ONLINE_CPU")

    def test_policy_for_all_cpus_leaves_the_last_one(self) -> None:
        self.control.apply(policy("all-off", HOT0, 'cpu: {offline: "0-3"}'))
        report = self.wait_report(HOT0, "FAILED")
        item = by_subject(report["items"])["cpu0"]
        self.assertEqual((item["outcome"], item["reason"]),
                         ("OUTCOME_REFUSED", "LAST_ONLINE_CPU"))
        self.assertIn("cpu0 is all that is online", item["message"])
        self.assertEqual(self.guest(HOT0).cpus_online(), {0})
        self.control.check("delete", "policy", "all-off")
        self.wait_cpus(self.guest(HOT0), ALL_CPUS)

    def test_tighter_limit_of_a_host_trips_earlier(self) -> None:
        self.host(PLAIN).check("offline", "cpu2")
        self.before = self.picture()
        self.assertEqual(self.before["cpus"][PLAIN], {0, 1})
        self.assert_refused(self.host(PLAIN).run("offline", "cpu1"),
                            "taking cpu1 offline would leave 1 online", "cpus.min_online is 2",
                            "agent.yaml", "LIMIT_MIN_ONLINE_CPUS")

    def test_policy_past_the_limit_of_a_host_is_stopped_by_it(self) -> None:
        self.control.apply(policy("greedy", PLAIN, 'priority: 9\ncpu: {offline: "1-3"}'))
        item = by_subject(self.wait_report(PLAIN, "FAILED")["items"])["cpu1"]
        self.assertEqual((item["outcome"], item["reason"]),
                         ("OUTCOME_REFUSED", "LIMIT_MIN_ONLINE_CPUS"))
        self.assertIn("cpus.min_online is 2", item["message"])
        self.assertEqual(self.guest(PLAIN).cpus_online(), {0, 1})

    # Words that mean nothing.

    def test_cpu_list_that_runs_downwards(self) -> None:
        answer = self.apply(policy("wrong", PLAIN, 'cpu: {offline: "3-1"}'))
        self.assert_refused(answer, "(stdin):5:", "cpu.offline", '"3-1" runs downwards')
        self.assertEqual(answer.status, USAGE)

    def test_driver_name_that_is_too_long(self) -> None:
        name = "d" * 32
        answer = self.apply(policy("wrong", PLAIN, f"drivers: {{active: [{name}]}}"))
        self.assert_refused(answer, "drivers.active", name, "has 32 bytes", "1 to 31")
        self.assertEqual(answer.status, USAGE)
        self.assert_refused(self.control.run("online", PLAIN, f"driver/{name}"), name, "has 32 bytes")
        self.assert_refused(self.host(PLAIN).run("enable", name), name, "BAD_DRIVER_NAME")

    def test_unknown_field_is_named_with_its_line(self) -> None:
        answer = self.apply(policy("wrong", PLAIN, 'cpu:\n  offline: "2"\n  offlne: "3"'))
        self.assert_refused(answer, "(stdin):7:", "cpu.offlne", "unknown field",
                            "did you mean offline?")
        self.assertEqual(answer.status, USAGE)

    def test_selector_that_matches_nothing_is_a_warning_and_is_stored(self) -> None:
        answer = self.apply(policy("early", "not-there-yet", 'cpu: {offline: "2"}'))
        self.assertEqual(answer.status, 0, answer)
        self.assertIn("warning: the selector matches none of the 2 known nodes", answer.err)
        now = self.picture()
        self.assertEqual(set(now["policies"]), {"standing", "early"})
        self.assertEqual({**now, "policies": self.before["policies"]}, self.before)
        self.wait_in_sync()

    # Two hosts, one name.

    def test_second_host_of_a_name_is_refused_and_told_why(self) -> None:
        boot_id = self.control.node(PLAIN)["bootId"]
        self.start_twin()
        guest = self.guest(HOT0)
        guest.wait_until(lambda: "NODE_NAME_TAKEN" in guest.check(f"cat {TWIN_LOG}"),
                         SETTLE_SECONDS, "the twin is refused")
        log = guest.check(f"cat {TWIN_LOG}")
        self.assertIn(f"node name {PLAIN} is held by another live host", log)
        self.assertIn(boot_id, log)
        self.assertIn("give each host a name of its own", log)
        first = self.control.node(PLAIN)
        self.assertEqual((first["connected"], first["inSync"], first["bootId"]),
                         (True, True, boot_id))
        self.assertEqual(self.picture(), self.before)

    def start_twin(self) -> None:
        """A second agent, in the other guest, with a name that is taken."""
        words = ["hotplugger-agent", "--node", PLAIN, "--insecure", "--controller",
                            f"10.0.2.2:{self.controller.port}", "--state-dir", "/tmp/twin",
                            "--socket", "/tmp/twin.sock"]
        guest = self.guest(HOT0)
        self.addCleanup(guest.check, f'kill "$(cat {TWIN_PID})"')
        guest.check(f"mkdir -p /tmp/twin; {' '.join(words)} >{TWIN_LOG} 2>&1 </dev/null & "
                    f"echo $! >{TWIN_PID}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
