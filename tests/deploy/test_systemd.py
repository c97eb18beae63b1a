#!/usr/bin/env python3
"""The units of deploy/systemd: systemd takes them, they are closed off, and they suit the programs."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hotplugger_deploy import DEPLOY, SOURCE  # noqa: E402

BIN = Path(os.environ.get("HOTPLUGGER_BUILD_DIR", SOURCE / "build/dev")) / "bin"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PAGE = SOURCE / "docs/deployment.md"
# systemd's own measure, from 0 to 10, in tenths. What is left: the agent is root, and both speak
# to the network.
MOST_EXPOSED = {"hotplugger-agent": 20, "hotplugger-controller": 11}


def settings(text: str) -> dict[str, list[str]]:
    """Values by key, in order; a comment is none."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^([A-Za-z]+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


class UnitTest(unittest.TestCase):
    def setUp(self) -> None:
        """A root that holds the units and stand-ins for the programs that they start."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.units = self.root / "usr/lib/systemd/system"
        self.units.mkdir(parents=True)
        for target in ("multi-user", "local-fs", "network-online", "sysinit", "basic", "shutdown"):
            (self.units / f"{target}.target").write_text("[Unit]\n", encoding="utf-8")
        (self.units / "dbus.socket").write_text(
            "[Socket]\nListenStream=/run/dbus/system_bus_socket\n", encoding="utf-8")
        (self.units / "dbus.service").write_text(
            "[Service]\nExecStart=/usr/bin/hotplugger-agent\n", encoding="utf-8")
        for unit in UNITS:
            shutil.copy(unit, self.units)
            program = self.root / self.program(unit).lstrip("/")
            program.parent.mkdir(parents=True, exist_ok=True)
            program.touch(mode=0o755)

    @staticmethod
    def program(unit: Path) -> str:
        [start] = settings(unit.read_text(encoding="utf-8"))["ExecStart"]
        return start.split()[0]

    def analyze(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(["systemd-analyze", "--no-pager", *words], capture_output=True, text=True,
                              timeout=60, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"})
        return done.returncode, done.stdout + done.stderr

    def verify(self, unit: str) -> tuple[int, str]:
        return self.analyze("verify", f"--root={self.root}", "--man=no", unit)

    def test_there_is_one_for_each_program_that_runs_on(self) -> None:
        self.assertEqual([unit.stem for unit in UNITS],
                         ["hotplugger-agent", "hotplugger-controller"])

    def test_systemd_takes_them(self) -> None:
        for unit in UNITS:
            with self.subTest(unit=unit.name):
                self.assertEqual(self.verify(unit.name), (0, ""))

    def test_systemd_would_say_what_it_does_not_take(self) -> None:
        for wrong in ("ProtectSytem=strict", "Type=quick", "ExecStart=/usr/bin/not-there"):
            unit = self.units / UNITS[0].name
            text = UNITS[0].read_text(encoding="utf-8")
            unit.write_text(text.replace("[Service]\n", f"[Service]\n{wrong}\n"), encoding="utf-8")
            with self.subTest(wrong=wrong):
                self.assertNotEqual(self.verify(unit.name), (0, ""))

    def test_they_are_closed_off(self) -> None:
        for unit in UNITS:
            status, text = self.analyze("security", "--offline=true",
                                        f"--threshold={MOST_EXPOSED[unit.stem]}", str(unit))
            with self.subTest(unit=unit.name):
                self.assertEqual(status, 0, text)
                print(text.strip().splitlines()[-1])

    def test_the_agent_may_call_what_it_calls(self) -> None:
        """With RestrictSUIDSGID, openat2 answers ENOSYS (seen in `make conformance CHECKS=systemd`)."""
        agent = settings(UNITS[0].read_text(encoding="utf-8"))
        self.assertEqual(agent["RestrictSUIDSGID"], ["no"])
        self.assertNotIn("DynamicUser", agent)

    def test_an_open_one_would_be_told(self) -> None:
        text = UNITS[0].read_text(encoding="utf-8").replace("CapabilityBoundingSet=\n", "")
        unit = self.units / "open.service"
        unit.write_text(text, encoding="utf-8")
        status, _ = self.analyze("security", "--offline=true",
                                 f"--threshold={MOST_EXPOSED['hotplugger-agent']}", str(unit))
        self.assertNotEqual(status, 0)

    def test_the_agent_may_write_what_the_page_says(self) -> None:
        agent = settings(UNITS[0].read_text(encoding="utf-8"))
        self.assertEqual(agent["ProtectKernelTunables"], ["yes"])
        page = PAGE.read_text(encoding="utf-8")
        for path in agent["ReadWritePaths"]:
            self.assertIn(f"`{path.lstrip('-')}`", page)
        # One that not every kernel has must not keep the agent from starting.
        needed = [path for path in agent["ReadWritePaths"] if not path.startswith("-")]
        self.assertEqual(needed, ["/sys/devices/system/cpu"])

    def test_the_options_are_known_to_the_programs(self) -> None:
        for unit in UNITS:
            [start] = settings(unit.read_text(encoding="utf-8"))["ExecStart"]
            program, *words = start.split()
            done = subprocess.run([str(BIN / Path(program).name), "--help"], capture_output=True,
                                  text=True, timeout=30, check=True)
            known = set(re.findall(r"(?<!\S)--[a-z-]+", done.stdout))
            [variable] = [word.removeprefix("$") for word in words if word.startswith("$")]
            options = self.example(unit)[variable].split()
            self.assertGreater(len(options), 2)
            for word in words + options:
                if word.startswith("--"):
                    self.assertIn(word.partition("=")[0], known)

    @staticmethod
    def example(unit: Path) -> dict[str, str]:
        """What is set in the example of the file that the unit reads its options from."""
        [file] = settings(unit.read_text(encoding="utf-8"))["EnvironmentFile"]
        text = (DEPLOY / "systemd/default" / Path(file).name).read_text(encoding="utf-8")
        return dict(re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE))

    def test_the_page_tells_of_each_port(self) -> None:
        page = PAGE.read_text(encoding="utf-8")
        for unit in UNITS:
            options = " ".join(self.example(unit).values())
            for option, port in re.findall(r"(--[a-z-]*listen)=\S+:(\d+)", options):
                who = unit.stem.removeprefix("hotplugger-")
                self.assertIsNotNone(re.search(rf"^\| {port} \| {who}, `{option}` \|", page, re.MULTILINE),
                                     f"{who} {option} {port}")

    def test_folders_are_those_that_the_programs_use(self) -> None:
        agent, controller = (settings(unit.read_text(encoding="utf-8")) for unit in UNITS)
        for key in ("StateDirectory", "RuntimeDirectory", "ConfigurationDirectory"):
            self.assertEqual(agent[key], ["hotplugger"])
        # Another folder than the agent's: both may run on one host, as different users.
        self.assertEqual(controller["StateDirectory"], ["hotplugger-controller"])


if __name__ == "__main__":
    unittest.main()
