#!/usr/bin/env python3
"""The monitoring that we ship, over a fleet with troubles: a real Prometheus with our config and rules.

Every query of every panel, every rule and every alert is carried out, and what was provoked, nothing
else, fires. The tests go by their names, from one picture of the fleet to the next.
"""

import sys
import time
import unittest
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "deploy"))

from hotplugger_deploy import dashboards, prometheus as shipped  # noqa: E402
from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.agent_config import agent_config  # noqa: E402
from hotplugger_lab.fleet_case import SETTLE_SECONDS, FleetCase  # noqa: E402
from hotplugger_lab.kernel_devices import KernelDevices  # noqa: E402
from hotplugger_lab.ports import free_port  # noqa: E402
from hotplugger_lab.prometheus import SCRAPE_SECONDS, Prometheus, quick  # noqa: E402

# The one with a limit and a full disk, the one with a rogue, the one that will be gone.
TROUBLED, PARKED, GONE = "lab-1", "lab-2", "other"
ALERT_SECONDS = 240.0
# More than HotpluggerDriftRepeated lets pass. Each is undone more slowly than the one before.
DRIFTS = 7
BALLAST = "/var/lib/hotplugger/ballast"
# What each trouble makes fire: half of the pool's CPUs, a limit, a rogue, a full disk. Nothing here has a
# day before, which HotpluggerFleetCapacityLow compares with.
TROUBLES = {"HotpluggerDomainCapacityLow", "HotpluggerNodeOutOfSync", "HotpluggerApplyFailed",
            "HotpluggerLimitRefusals", "HotpluggerDriftRepeated", "HotpluggerStateNotSaved"}
# Counted over a while that a test can't wait for once the controller has begun anew.
TAKE_THEIR_TIME = {"HotpluggerDriftRepeated", "HotpluggerLimitRefusals"}
# May fire or not: they are about how fast this machine is.
BY_CHANCE = {"HotpluggerStoreSlow", "HotpluggerConvergenceSlow", "HotpluggerScrapeSlow"}
# Dashboards of nodes, which must show as much where only agents tell of them; but for what says that
# it comes from the controller alone.
BOTH_WAYS = {"hotplugger-fleet", "hotplugger-node"}
CONTROLLERS = "What the controller alone tells"
Object = dict[str, Any]


def policy(name: str, selector: str, *lines: str) -> str:
    return "\n".join(("apiVersion: hotplugger/v1", "kind: Policy", f"name: {name}",
                      f"selector: {{{selector}}}", *lines, ""))


class MetricsTest(FleetCase):
    wanted = {
        # SMT, and a limit that its policy will hit.
        TROUBLED: GuestOptions(cpu_model="Haswell-noTSX", smp="4,sockets=1,cores=2,threads=2",
                               labels={"pool": "lab", "zone": "a"},
                               agent_config=agent_config(cpus={"min_online": 2})),
        PARKED: GuestOptions(labels={"pool": "lab", "zone": "a"}),
        GONE: GuestOptions(labels={"pool": "spare", "zone": "b"}),
    }
    # What agents count comes with their answers to pings.
    controller_arguments = ("--ping-interval", "3s")
    ports: ClassVar[dict[str, int]]
    prometheus: ClassVar[Prometheus]
    begun: ClassVar[float]

    @classmethod
    def setUpClass(cls) -> None:
        program = shipped.program("prometheus")  # before guests wait for it
        cls.ports = {name: free_port() for name in cls.wanted}
        cls.wanted = {name: replace(options, metrics_port=cls.ports[name])
                      for name, options in cls.wanted.items()}
        super().setUpClass()
        cls.prometheus = Prometheus(program, cls.folder / "prometheus")
        cls.addClassCleanup(cls.prometheus.stop)
        config = quick(shipped.FOLDER, cls.folder / "config", cls.controller.metrics_address)
        cls.prometheus.start(config)
        cls.begun = time.monotonic()

    def setUp(self) -> None:
        """Not as other fleets: each test begins with what the one before has left."""

    # 1: all is well.

    def test_1_targets_are_found_through_the_controller(self) -> None:
        self.wait_in_sync()
        targets = self.wait_targets({"up"})
        self.assertEqual(set(targets), {"", *self.wanted})
        for name, options in self.wanted.items():
            labels = targets[name]["labels"]
            self.assertEqual(labels, {"job": "hotplugger-agent", "node": name,
                                      "instance": f"127.0.0.1:{self.ports[name]}",
                                      **{f"label_{key}": value for key, value in options.labels.items()}})
        self.assertEqual(targets[""]["labels"]["job"], "hotplugger-controller")
        self.assertEqual({series["value"][1] for series in self.prometheus.query("up")}, {"1"})

    def wait_targets(self, health: set[str]) -> dict[str, Object]:
        """All targets, by node, once each has one of these states."""
        def all_so() -> dict[str, Object] | None:
            found = {target["labels"].get("node", ""): target
                     for target in self.prometheus.api("targets")["activeTargets"]}
            known = set(found) == {"", *self.wanted}
            return found if known and {target["health"] for target in found.values()} <= health else None

        return self.guest(TROUBLED).wait_until(all_so, SETTLE_SECONDS * 2, f"all targets are {health}")

    def test_2_promtool_finds_nothing_to_say(self) -> None:
        texts = {"controller": self.controller.metrics()}
        for name in self.wanted:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=60) as answer:
                texts[name] = answer.read().decode()
        for name, text in texts.items():
            with self.subTest(program=name):
                self.assertEqual(shipped.promtool("check", "metrics", stdin=text), (0, ""))

    def test_3_nothing_fires_while_all_is_well(self) -> None:
        self.prometheus.wait_firing(set(), BY_CHANCE, ALERT_SECONDS)

    # 2: troubles.

    def test_4_troubles_fire_and_nothing_else(self) -> None:
        self.park()
        self.meddle()
        self.fail_a_driver()
        self.fill_disk()
        self.end(GONE)
        firing = self.prometheus.wait_firing(TROUBLES | {"HotpluggerNodeDisconnected"}, BY_CHANCE,
                                             ALERT_SECONDS)
        for alert, nodes in (("HotpluggerNodeDisconnected", {GONE}), ("HotpluggerNodeOutOfSync", {TROUBLED}),
                             ("HotpluggerDriftRepeated", {PARKED})):
            self.assertEqual({labels["node"] for labels in firing[alert]}, nodes, alert)
        self.assertEqual({(labels["domain"], labels["value"])
                          for labels in firing["HotpluggerDomainCapacityLow"]},
                         {("pool", "lab"), ("zone", "a")})

    def park(self) -> None:
        """Three of the two nodes' eight CPUs stay online; the limit of one node keeps it from a part."""
        self.control.apply(policy("parks", "matchLabels: {pool: lab}", 'cpu: {offline: "1-3"}'))
        self.control.apply(policy("drives", f"nodes: [{TROUBLED}]", "drivers: {active: [alucard]}"))
        self.wait_in_sync(PARKED)
        self.wait_report(TROUBLED, "FAILED")
        self.wait_running(TROUBLED, {"alucard"})

    def meddle(self) -> None:
        """Somebody brings a CPU online again and again, until he loses interest. Not where the limit
        is: there his CPU would be left on, and another one be taken for it.
        """
        guest = self.guest(PARKED)
        devices = KernelDevices(guest)
        devices.rogue("/sys/devices/system/cpu/cpu3/online", "1", every_ms=500)
        try:
            guest.wait_until(
                lambda: int(self.control.node(PARKED)["report"].get("driftCount", "0")) >= DRIFTS,
                ALERT_SECONDS, "the rogue has been undone often enough")
        finally:
            devices.stop_background()
        guest.wait_until(lambda: guest.cpus_online() == {0}, SETTLE_SECONDS * 2, "it is off again")

    def fail_a_driver(self) -> None:
        """Once: a driver of the lab's module that does not start."""
        self.drivers(PARKED).set("faulty_fails", "1")
        answer = self.control.run("enable", "faulty", "--node", PARKED)
        self.assertNotEqual(answer.status, 0, answer.out)

    def fill_disk(self) -> None:
        """The agent notices when it has something to save."""
        guest = self.guest(TROUBLED)
        guest.check(f"dd if=/dev/zero of={BALLAST} bs=64k 2>/dev/null; sync; "
                    f"dd if=/dev/zero of={BALLAST}.last bs=1k 2>/dev/null; sync; true")
        self.control.check("online", TROUBLED, "cpu3", "--reason", "needed")
        guest.wait_until(
            lambda: "STATE_NOT_SAVED" in str(self.control.node(TROUBLED).get("conditions")),
            SETTLE_SECONDS, "the full disk is told of")

    def end(self, name: str) -> None:
        guest = self.guest(name)
        guest.hold_agent(True)
        guest.kill_agent()
        guest.wait_until(lambda: not self.control.node(name)["connected"], SETTLE_SECONDS,
                         "the controller misses it")

    # 3: what people see of it.

    def test_5_every_panel_shows_something(self) -> None:
        self.scrapes(4)
        for board in dashboards.load():
            for _, panel, target, shown in self.shown(board, self.begun):
                with self.subTest(dashboard=board["title"], panel=panel, target=target["refId"]):
                    self.assertTrue(shown, target["expr"])

    def shown(self, board: Object, begun: float) -> Iterator[tuple[str, str, Object, bool]]:
        """Section, panel, and whether a target shows something, by whatever choice."""
        choices = list(self.choices(board))
        section = ""
        for panel in board["panels"]:
            if panel["type"] == "row":
                section = panel["title"]
                continue
            for target in panel["targets"]:
                yield section, panel["title"], target, any(self.ask(target, values, begun)
                                                           for values in choices)

    def scrapes(self, times: int) -> None:
        """So many more scrapes of the controller have come."""
        metric = f"count_over_time(up{{job='hotplugger-controller'}}[10m])"

        def count() -> int:
            return max((int(series["value"][1]) for series in self.prometheus.query(metric)), default=0)

        wanted = count() + times
        self.guest(TROUBLED).wait_until(lambda: count() >= wanted, SETTLE_SECONDS * 2, "it was scraped")

    def choices(self, board: Object) -> Iterator[dict[str, str]]:
        """What the variables can be: of those that have "All" that, of the others each value."""
        fixed = {"datasource": "lab", "__rate_interval": f"{4 * SCRAPE_SECONDS}s"}
        single = []
        for name, variable in dashboards.variables(board).items():
            if variable["type"] == "datasource":
                continue
            selector, label = dashboards.label_values(variable["query"]["query"])
            values = [value for value in self.prometheus.label_values(
                dashboards.substituted(selector, {**fixed, "domain": "pool"}), label) if value]
            self.assertNotEqual(values, [], f"{board['title']}: {name}")
            if variable["includeAll"]:
                fixed[name] = variable["allValue"]
            else:
                single.append((name, values))
        self.assertLessEqual(len(single), 1, board["title"])
        for name, values in single or [("", [""])]:
            for value in values:
                yield {**fixed, name: value}

    def ask(self, target: Object, values: dict[str, str], begun: float) -> list[Object]:
        text = dashboards.substituted(target["expr"], values)
        self.assertNotIn("$", text)
        if target["instant"]:
            return self.prometheus.query(text)
        return self.prometheus.query_range(text, time.monotonic() - begun)

    def test_6_every_rule_is_evaluated(self) -> None:
        rules = [rule for group in self.prometheus.api("rules")["groups"] for rule in group["rules"]]
        self.assertEqual(len(rules), len(list(shipped.rules())))
        self.assertEqual({rule["name"]: rule.get("lastError", "") for rule in rules
                          if rule["health"] != "ok"}, {})
        for rule in shipped.rules():
            self.prometheus.query(rule["expr"])
        for name in shipped.records():
            self.assertNotEqual(self.prometheus.query(name), [], name)

    # 4: the other way, where only agents tell of nodes.

    def test_7_agents_tell_where_the_controller_does_not(self) -> None:
        self.controller.stop()
        self.controller.start("--node-metrics=off")
        self.wait_in_sync_or_known()
        firing = self.prometheus.wait_firing(
            # The node that is gone has an alert as a target that is down, since nobody tells whether it is
            # connected. This start's sums begin at nothing: the limit's alert fires when it has refused
            # often enough, and drift is of half an hour.
            (TROUBLES | {"HotpluggerAgentTargetDown"}) - TAKE_THEIR_TIME, BY_CHANCE | TAKE_THEIR_TIME,
            ALERT_SECONDS)
        self.assertEqual({labels["node"] for labels in firing["HotpluggerAgentTargetDown"]}, {GONE})
        self.assertEqual({labels["node"] for labels in firing["HotpluggerNodeOutOfSync"]}, {TROUBLED})

    def test_8_dashboards_of_nodes_show_as_much(self) -> None:
        begun = time.monotonic()
        self.scrapes(4)
        for board in dashboards.load():
            if board["uid"] not in BOTH_WAYS:
                continue
            for section, panel, target, shown in self.shown(board, begun):
                with self.subTest(dashboard=board["title"], panel=panel, target=target["refId"]):
                    self.assertEqual(shown, section != CONTROLLERS, target["expr"])

    def test_9_a_controller_that_is_away_is_one_alert(self) -> None:
        """Its agents say, each of itself, that they are connected to none."""
        self.controller.stop()
        self.guest(TROUBLED).wait_until(
            lambda: {series["metric"]["node"] for series in self.prometheus.query(
                "hotplugger_agent_connected == 0")} == {TROUBLED, PARKED},
            SETTLE_SECONDS * 2, "agents miss the controller")
        # What rates are made of was counted in the quarter of an hour before.
        self.prometheus.wait_firing({"HotpluggerControllerDown", "HotpluggerAgentTargetDown"},
                                    BY_CHANCE | TAKE_THEIR_TIME, ALERT_SECONDS)

    def wait_in_sync_or_known(self) -> None:
        """The two that are left are back at the new start."""
        for name in (TROUBLED, PARKED):
            self.guest(name).wait_until(lambda name=name: self.control.node(name)["connected"],
                                        SETTLE_SECONDS * 2, "it is connected again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
