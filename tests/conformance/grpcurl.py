#!/usr/bin/env python3
"""docs/api.md, by grpcurl: every call of that page is made as it stands there, to a controller and to an
agent whose host is made up of files, and is answered as the page shows it. A method without a call is an
error.

`grpcurl.py --write` writes the answers into the page; "…" stays where it was.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(SOURCE / "tests/lab"))

from hotplugger_conformance import page  # noqa: E402
from hotplugger_conformance.made_up_host import MadeUpHost  # noqa: E402
from hotplugger_lab.controller import Controller  # noqa: E402
from hotplugger_lab.deadline import wait_until  # noqa: E402
from hotplugger_lab.ports import free_port  # noqa: E402

TOOLS = SOURCE / "build/conformance"
BUILD = Path(os.environ.get("HOTPLUGGER_BUILD_DIR", SOURCE / "build/dev"))
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"
PAGE = SOURCE / "docs/api.md"
# What the page calls the places where the programs serve.
CONTROLLER, CONTROLLER_HEALTH = "127.0.0.1:7443", "127.0.0.1:7444"
AGENT, AGENT_HEALTH = "/run/hotplugger/agent.sock", "127.0.0.1:7445"
# The page's nodes: one that is there, one that has gone, and a host that no controller has.
HERE_NODE, GONE_NODE, LONE_HOST = "web-1", "old-1", "lone"
SECONDS = 60.0
# `grpcurl list` and `describe` call it.
IMPLIED = "ServerReflection"
# What reflection doesn't describe has its proto here.
HEALTH = "grpc.health.v1.Health"
HEALTH_PROTO = "-import-path proto -proto grpc/health/v1/health.proto"


def install_grpcurl() -> Path | None:
    """The folder of the program; None where it can't be had."""
    folder = TOOLS / "bin"
    if not (folder / "grpcurl").exists():
        try:
            subprocess.run(["go", "install", GRPCURL], env={**os.environ, "GOBIN": str(folder)}, check=True,
                           capture_output=True, text=True, timeout=600)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"could not get {GRPCURL}: {getattr(error, 'stderr', '') or error}")
            return None
    return folder


class Agent:
    """One with a host of its own. It ends with its starter."""

    def __init__(self, folder: Path, node: str, *arguments: str):
        folder.mkdir()
        root = folder / "root"
        MadeUpHost(root).make()
        self.socket = folder / "agent.sock"
        self._log = folder / "agent.log"
        config = folder / "agent.yaml"
        config.write_text("limits: {cpus: {min_online: 1, min_online_percent: 1}}\n", encoding="utf-8")
        command = [
            "setpriv", "--pdeathsig", "KILL", BUILD / "bin/hotplugger-agent", "--node", node, "--sysroot", root,
            "--state-dir", folder / "state", "--socket", self.socket, "--config", config,
            "--drivers-dir", SOURCE / "deploy/drivers.d",
            "--writer", HERE / "hotplugger_conformance/made_up_writer.py", *arguments]
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


class Fleet:
    """What the page's calls are made to."""

    def __init__(self, folder: Path, tools: Path, stack: ExitStack):
        self._path = f"{tools}:{os.environ['PATH']}"
        self._names = {name: f"127.0.0.1:{free_port()}" for name in (CONTROLLER_HEALTH, AGENT_HEALTH)}
        self._controller = Controller(BUILD, folder / "controller",
                                      f"--health-listen={self._names[CONTROLLER_HEALTH]}")
        self._controller.start()
        stack.callback(self._controller.stop)
        self._names[CONTROLLER] = f"127.0.0.1:{self._controller.port}"
        dial = f"--controller={self._names[CONTROLLER]}"
        gone = Agent(folder / GONE_NODE, GONE_NODE, dial)
        try:
            self._wait_for(GONE_NODE, True, gone)
        finally:
            gone.end()
        self._wait_for(GONE_NODE, False, gone)
        self._agent = Agent(folder / HERE_NODE, HERE_NODE, dial, "--label=pool=lab")
        stack.callback(self._agent.end)
        self._wait_for(HERE_NODE, True, self._agent)
        lone = Agent(folder / LONE_HOST, LONE_HOST, f"--health-listen={self._names[AGENT_HEALTH]}")
        stack.callback(lone.end)
        self._names[AGENT] = str(lone.socket)
        wait_until(lone.socket.exists, SECONDS, f"{LONE_HOST} serves")

    def settle(self) -> None:
        """The node is as it is to be: what was asked before is over."""
        self._wait_for(HERE_NODE, True, self._agent)

    def _wait_for(self, node: str, connected: bool, agent: Agent) -> None:
        def is_so() -> bool:
            answer = self.run(f"grpcurl -plaintext {CONTROLLER} hotplugger.v1.FleetService/ListNodes", 1)
            [nodes] = page.messages(answer) or [{}]
            return any(item["name"] == node and item.get("connected", False) is connected
                       and item.get("in_sync", False) is connected for item in nodes.get("nodes", []))

        try:
            wait_until(is_so, SECONDS, f"{node} is {'in sync' if connected else 'gone'}", pause=0.05)
        except BaseException:
            print(agent.log())
            raise

    def run(self, command: str, enough: int | None = None) -> str:
        """What the command prints, errors too, from where the project's sources are.

        With `enough` it is ended once it has printed so many messages: some streams have no end.
        """
        for name, place in self._names.items():
            command = command.replace(name, place)
        process = subprocess.Popen(["sh", "-c", command], cwd=SOURCE, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env={**os.environ, "PATH": self._path}, start_new_session=True)
        timer = threading.Timer(SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        try:
            return self._read(process, enough)
        finally:
            timer.cancel()
            process.stdout.close()
            process.wait()

    @staticmethod
    def _read(process: subprocess.Popen[str], enough: int | None) -> str:
        text = ""
        for line in process.stdout:
            text += line
            if enough is not None and len(page.messages(text)) >= enough:
                os.killpg(process.pid, signal.SIGKILL)
                return text
        return text

    def methods(self) -> tuple[set[str], list[str]]:
        """All that controller and agent answer, by their own word, and what they have no word for."""
        found: set[str] = set()
        problems = []
        for where in (CONTROLLER, f"-unix {AGENT}"):
            for service in self.run(f"grpcurl -plaintext {where} list").split():
                if IMPLIED in service:
                    continue
                source = HEALTH_PROTO if service == HEALTH else f"-plaintext {where}"
                answer = self.run(f"grpcurl {source} list {service}")
                names = re.findall(rf"^{re.escape(service)}\.(\w+)$", answer, re.MULTILINE)
                found |= {f"{service}/{name}" for name in names}
                if not names:
                    problems.append(answer.strip())
        return found, problems


def shown_messages(call: page.Call) -> list[Any]:
    return page.messages(call.answer or "")


def make_call(fleet: Fleet, call: page.Call) -> str:
    fleet.settle()
    wanted = [message for message in shown_messages(call) if message != page.ANY]
    return fleet.run(call.command, max(len(wanted), 1) if call.has_no_end else None)


def check(call: page.Call, text: str) -> str | None:
    """What is not as the page shows it."""
    if call.answer is None:
        return "the page shows no answer"
    shown = shown_messages(call)
    if not shown:
        return None if call.answer == text else f"the answer is\n{text}"
    got = page.messages(text)
    return page.difference(shown, got) if got else f"the answer is\n{text}"


def write_answers(text: str, answers: list[tuple[page.Call, str]]) -> str:
    """The page with these answers, the last first, so that places stay."""
    for call, got in reversed(answers):
        shown, new = shown_messages(call), page.messages(got)
        if shown and not new:
            continue  # an error where none is shown
        body = "\n".join(page.printed(item) for item in page.merged(shown or new, new))
        block = f"```json\n{body}\n```" if new else f"```text\n{got.rstrip()}\n```"
        if call.span is not None:
            text = text[:call.span[0]] + block + text[call.span[1]:]
        else:
            place = text.index(call.command, 0) + len(call.command) + len("```\n")
            text = f"{text[:place]}\n{block}\n{text[place:]}"
    return text


def main(words: list[str]) -> int:
    tools = install_grpcurl()
    if tools is None:
        return 77
    text = PAGE.read_text(encoding="utf-8")
    calls = page.read_calls(text)
    problems, answers = [], []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hotplugger-grpcurl-") as folder, ExitStack() as stack:
        fleet = Fleet(Path(folder), tools, stack)
        for call in calls:
            answer = make_call(fleet, call)
            answers.append((call, answer))
            if problem := check(call, answer):
                problems.append(f"{PAGE.name}, line {call.line}: "
                                f"{' '.join(call.methods) or shlex.join(call.command.split())}: {problem}")
        called = {method for call in calls for method in call.methods}
        methods, unknown = fleet.methods()
        problems += unknown
        problems += [f"{PAGE.name} shows no call of {method}" for method in sorted(methods - called)]
    if words == ["--write"]:
        PAGE.write_text(write_answers(text, answers), encoding="utf-8")
    print("\n".join(problems) or f"{len(calls)} calls of {len(called)} methods are answered as {PAGE.name} "
          f"shows it, in {time.monotonic() - began:.0f} s")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
