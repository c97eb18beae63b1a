#!/usr/bin/env python3
"""What a change would do, told before and seen after; why a CPU is as it is; a second try."""

import json
import sys
import unittest
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hotplugger_lab import GuestOptions  # noqa: E402
from hotplugger_lab.agent_config import agent_config  # noqa: E402
from hotplugger_lab.fleet_case import ALL_CPUS, SETTLE_SECONDS, FleetCase  # noqa: E402

NODES = ("lab-1", "lab-2")
# hotplugctl's exit status where a part would not be done, or has not answered.
PARTIAL = 64


def policy(name: str, *lines: str, priority: int = 0) -> str:
    return "\n".join(("apiVersion: hotplugger/v1", "kind: Policy", f"name: {name}",
                      f"priority: {priority}", "selector: {matchLabels: {pool: lab}}", *lines, ""))


class PlanTest(FleetCase):
    wanted = {"lab-1": GuestOptions(labels={"pool": "lab", "zone": "a"}),
              "lab-2": GuestOptions(labels={"pool": "lab", "zone": "b"})}

    def plan(self, policy: str, status: int = 0) -> list[dict[str, Any]]:
        """The answers, in order."""
        answer = self.control.run("plan", "-f", "-", "-o", "json", stdin=policy)
        self.assertEqual(answer.status, status, answer.err)
        return [json.loads(line) for line in answer.out.splitlines()]

    @staticmethod
    def steps(answers: list[dict[str, Any]], node: str) -> dict[str, str]:
        """What would come of each device of a node that has a step."""
        [plan] = [answer["node"] for answer in answers
                  if answer.get("node", {}).get("node") == node]
        return {step["subject"]: step["outcome"] for step in plan["plan"]["steps"]}

    def test_what_is_planned_is_what_is_done(self) -> None:
        wanted = policy("parks", "cpu: {online_count: 2}")
        answers = self.plan(wanted)
        for name in NODES:
            self.assertEqual(self.guest(name).cpus_online(), ALL_CPUS, "nothing is done yet")
        self.assertEqual(self.control.policies(), {})
        planned = {name: {int(device.removeprefix("cpu")) for device in self.steps(answers, name)}
                   for name in NODES}
        summary = answers[-1]["summary"]
        self.assertEqual((summary["before"]["cpus"], summary["after"]["cpus"]), (8, 4))
        self.assertEqual({domain["label"] for domain in summary["domains"]},
                         {"pool=lab", "zone=a", "zone=b"})
        self.control.apply(wanted)
        self.wait_in_sync()
        for name in NODES:
            self.assertEqual(ALL_CPUS - self.guest(name).cpus_online(), planned[name], name)

    def test_what_a_limit_would_refuse_is_said_before(self) -> None:
        limited = self.guest("lab-1")
        self.addCleanup(limited.set_agent_config, agent_config())
        limited.set_agent_config(agent_config(cpus={"min_online": 3}))
        self.wait_in_sync()
        greedy = policy("greedy", 'cpu: {offline: "1-3"}')
        answers = self.plan(greedy, status=PARTIAL)
        planned = {name: self.refused(self.steps(answers, name).items()) for name in NODES}
        self.assertEqual((len(planned["lab-1"]), len(planned["lab-2"])), (2, 0))
        self.assertEqual(int(answers[-1]["summary"]["refusals"]), 2)
        self.control.apply(greedy)
        for name in NODES:
            report = self.guest(name).wait_until(
                lambda name=name: self.finished(name), SETTLE_SECONDS, "the policy is carried out")
            told = self.refused((item["subject"], item["outcome"])
                                for item in report.get("items", []))
            self.assertEqual(told, planned[name], name)

    @staticmethod
    def refused(outcomes: Iterable[tuple[str, str]]) -> set[str]:
        return {subject for subject, outcome in outcomes if outcome == "OUTCOME_REFUSED"}

    def finished(self, name: str) -> dict[str, Any] | None:
        node = self.control.node(name)
        report = node.get("report", {})
        ended = report.get("state") in ("APPLY_STATE_APPLIED", "APPLY_STATE_FAILED")
        return report if ended and report["digest"] == node["desiredDigest"] else None

    def test_a_node_that_does_not_answer_is_named(self) -> None:
        guest = self.guest("lab-2")
        guest.hold_agent(True)
        self.addCleanup(guest.hold_agent, False)
        guest.kill_agent()
        guest.wait_until(lambda: not self.control.node("lab-2")["connected"], SETTLE_SECONDS,
                         "the controller misses it")
        answers = self.plan(policy("parks", 'cpu: {offline: "3"}'), status=PARTIAL)
        self.assertEqual(answers[-1]["summary"]["unansweredNodes"], ["lab-2"])

    def test_a_cpu_is_explained_by_all_that_has_a_say(self) -> None:
        self.control.apply(policy("parks", 'cpu: {offline: "3"}'))
        self.control.check("online", "lab-1", "cpu3", "--reason", "needed", "--ticket", "OPS-1")
        self.wait_in_sync()
        told = self.control.check("explain", "lab-1", "cpu3")
        for word in ("parks", "hold", "needed", "OPS-1", "online"):
            self.assertIn(word, told)
        self.assertIn("parks", self.control.check("explain", "lab-2", "cpu3"))
        self.assertEqual(self.guest("lab-1").cpus_online(), ALL_CPUS)
        self.assertEqual(self.guest("lab-2").cpus_online(), {0, 1, 2})


if __name__ == "__main__":
    unittest.main(verbosity=2)
