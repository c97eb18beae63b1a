"""hotplugctl, as an operator runs it: for the fleet from here, for a host within its guest."""

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .controller import Controller
from .errors import LabError
from .guest import Guest

PROGRAM = "hotplugctl"
CALL_SECONDS = 90.0
WAIT_SECONDS = 60
# Tells stdout from stderr where the channel gives both as one.
MARK = "--- standard error ---"


@dataclass(frozen=True)
class Answer:
    """What hotplugctl said and how it ended."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Host:
    """hotplugctl --host in a guest."""

    def __init__(self, guest: Guest):
        self._guest = guest

    def run(self, *words: str) -> Answer:
        command = shlex.join([PROGRAM, "--host", *words])
        errors = "/tmp/hotplugctl.$$"  # the shell's: several commands may run at once
        status, output = self._guest.run(
            f"{command} 2>{errors}; status=$?; echo '{MARK}'; cat {errors}; rm {errors}; exit $status",
            CALL_SECONDS)
        out, _, err = output.partition(f"{MARK}\n")
        return Answer(status, out, err)

    def check(self, *words: str) -> str:
        """As run, for what must succeed: its standard output."""
        return _checked(f"{self._guest.name}: --host", words, self.run(*words)).out

    def results(self, answer: Answer) -> dict[str, dict[str, Any]]:
        """The results of an answer in JSON, by subject."""
        return by_subject(answer.json()["results"])


class Control:
    """hotplugctl against a controller."""

    def __init__(self, build_dir: Path | str, controller: Controller):
        self._program = Path(build_dir) / "bin" / PROGRAM
        self._controller = controller

    def run(self, *words: str, stdin: str = "") -> Answer:
        environment = {**os.environ,
                       "HOTPLUGGER_CONTROLLER": f"127.0.0.1:{self._controller.port}"}
        done = subprocess.run([str(self._program), *words], input=stdin, text=True, check=False,
                              capture_output=True, timeout=CALL_SECONDS, env=environment)
        return Answer(done.returncode, done.stdout, done.stderr)

    def check(self, *words: str, stdin: str = "") -> str:
        """As run, for what must succeed: its standard output."""
        return _checked("hotplugctl", words, self.run(*words, stdin=stdin)).out

    def json(self, *words: str, stdin: str = "") -> Any:
        return json.loads(self.check(*words, "-o", "json", stdin=stdin))

    def apply(self, policy: str) -> dict[str, Any]:
        """Applies the YAML of one policy: the controller's answer."""
        [answer] = self.json("apply", "-f", "-", stdin=policy)
        return answer

    def policies(self) -> dict[str, dict[str, Any]]:
        return {policy["name"]: policy for policy in self.json("get", "policies")["policies"]}

    def holds(self) -> list[dict[str, Any]]:
        return self.json("get", "holds")["holds"]

    def node(self, name: str) -> dict[str, Any]:
        return self.json("describe", "node", name)["node"]

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["name"]: node for node in self.json("get", "nodes")["nodes"]}

    def wait_nodes(self, names: Sequence[str], seconds: int = WAIT_SECONDS) -> None:
        """Waits until these nodes are in sync; the error says which is not, and why."""
        self.check("wait", "nodes", *names, "--timeout", f"{seconds}s")

    def delete_all(self) -> None:
        """Deletes every policy and releases every hold."""
        for name in self.policies():
            self.check("delete", "policy", name)
        for hold in self.holds():
            self.check("release", hold["node"], hold["subject"])


def by_subject(items: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {item["subject"]: item for item in items}


def _checked(who: str, words: Sequence[str], answer: Answer) -> Answer:
    if answer.status != 0:
        raise LabError(f"{who} {shlex.join(words)}: exit status {answer.status}\n"
                       f"{answer.out}{answer.err}")
    return answer
