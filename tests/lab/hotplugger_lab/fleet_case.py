"""A test case with a fleet: one controller and guests, booted once, clean before each test."""

import os
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from .control import Control, Host
from .controller import Controller
from .deadline import wait_until
from .errors import LabError
from .guest import Guest
from .kernel_drivers import KernelDrivers
from .lab import Lab
from .options import GuestOptions

# A node's answer on a busy machine; what is quick in truth is not waited for any longer.
SETTLE_SECONDS = 60.0
ALL_CPUS = {0, 1, 2, 3}


def build_dir() -> Path:
    try:
        return Path(os.environ["HOTPLUGGER_BUILD_DIR"])
    except KeyError:
        raise LabError("HOTPLUGGER_BUILD_DIR is not set; programs and kernel are there") from None


class FleetCase(unittest.TestCase):
    """Subclasses say in `wanted` which guests there are, and may add the controller's arguments."""

    wanted: ClassVar[dict[str, GuestOptions]] = {}
    controller_arguments: ClassVar[tuple[str, ...]] = ()
    # What is online before each test, on every guest.
    cpus: ClassVar[set[int]] = ALL_CPUS

    folder: ClassVar[Path]
    controller: ClassVar[Controller]
    control: ClassVar[Control]
    guests: ClassVar[dict[str, Guest]]

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="hotplugger-lab-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.controller = Controller(build_dir(), cls.folder / "controller",
                                    *cls.controller_arguments)
        cls.addClassCleanup(cls.controller.stop)
        cls.controller.start()
        cls.control = Control(build_dir(), cls.controller)
        lab = Lab(build_dir(), cls.folder / "guests")
        cls.addClassCleanup(lab.stop)
        guests = lab.start_each({name: replace(options, controller_port=cls.controller.port)
                                 for name, options in cls.wanted.items()})
        cls.guests = {guest.name: guest for guest in guests}

    def setUp(self) -> None:
        """What an earlier test left, even one that failed, is put right, and is seen to be."""
        self.control.delete_all()
        self.wait_in_sync()
        for name, guest in self.guests.items():
            self.drivers(name).reset()
            self.wait_cpus(guest, self.cpus)

    def guest(self, name: str) -> Guest:
        return self.guests[name]

    def drivers(self, name: str) -> KernelDrivers:
        return KernelDrivers(self.guests[name])

    def host(self, name: str) -> Host:
        return Host(self.guests[name])

    # Waiting for what is to come.

    def wait_in_sync(self, *names: str) -> None:
        """All of the fleet where none is named. A node may be about to connect for the first time.
        """
        wanted = names or tuple(self.guests)

        def connected() -> bool:
            nodes = self.control.nodes()
            return all(name in nodes and nodes[name]["connected"] for name in wanted)

        wait_until(connected, SETTLE_SECONDS, f"{', '.join(wanted)} are connected", pause=0.3)
        self.control.wait_nodes(wanted)

    def wait_cpus(self, guest: Guest, cpus: set[int]) -> None:
        """By the kernel's own mask."""
        guest.wait_until(lambda: guest.cpus_online() == cpus, SETTLE_SECONDS,
                         f"CPUs {sorted(cpus)} are online, and no other")

    def wait_running(self, name: str, drivers: set[str]) -> None:
        """By the kernel's own list."""
        kernel = self.drivers(name)
        self.guest(name).wait_until(lambda: kernel.running() == drivers, SETTLE_SECONDS,
                                    f"drivers {sorted(drivers)} run, and no other")

    def wait_report(self, name: str, state: str) -> dict[str, Any]:
        """The node's report on what it is to be now, once it is in that state."""
        def matching() -> dict[str, Any] | None:
            node = self.control.node(name)
            report = node.get("report", {})
            current = report.get("digest") == node["desiredDigest"]
            return report if current and report["state"] == f"APPLY_STATE_{state}" else None

        return wait_until(matching, SETTLE_SECONDS, f"{name} reports {state}", pause=0.3)

    # What must not have changed.

    def picture(self) -> dict[str, Any]:
        """All that an error must leave alone: masks, drivers, policies and holds."""
        return {
            "cpus": {name: guest.cpus_online() for name, guest in self.guests.items()},
            "drivers": {name: self.drivers(name).running() for name in self.guests},
            "policies": self.control.policies(),
            "holds": self.control.holds(),
        }
