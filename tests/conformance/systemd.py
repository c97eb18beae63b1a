#!/usr/bin/env python3
"""The units of deploy/systemd under a real systemd: a guest with Debian in it, where `cmake --install` has
put the programs, starts both; a CPU goes off and stays so; of /sys nothing else can be written.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/deploy"))
sys.path.insert(0, str(SOURCE / "tests/lab"))

from hotplugger_deploy.dockerfile import read_stages  # noqa: E402
from hotplugger_lab import GuestOptions, LabError, prepare, wait_until  # noqa: E402
from hotplugger_lab.cpio import Archive  # noqa: E402
from hotplugger_lab.guest import Guest  # noqa: E402

HERE = Path(__file__).resolve().parent
TOOLS = SOURCE / "build/conformance"
BUILD = Path(os.environ.get("HOTPLUGGER_BUILD_DIR", SOURCE / "build/dev"))
DEBIAN = TOOLS / "debian.tar"
BASE = ("systemd", "systemd-sysv", "udev", "dbus")
BOOT_SECONDS = 300.0
# What the script in the guest says, in order: one line each.
WANTED = [
    "controller active", "agent active", "node in sync", "ports open", "cpu3 0", "capabilities 0",
    "elsewhere read-only", "stopped, cpu3 0", "started, cpu3 0", "released, cpu3 1", "over",
]


def run(*command: str | Path, **more: object) -> None:
    subprocess.run([str(word) for word in command], check=True, timeout=600, **more)


def libraries() -> set[str]:
    """What the images install, all of it."""
    stages = read_stages((SOURCE / "deploy/container/Dockerfile").read_text(encoding="utf-8"))
    return set().union(*(stage.installed for stage in stages.values()))


def make_disk(folder: Path) -> Path:
    packages = ",".join([*BASE, *sorted(libraries())])
    if not DEBIAN.exists():
        new = DEBIAN.with_suffix(".new")
        run("mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", f"--include={packages}",
            "bookworm", new)
        new.rename(DEBIAN)
    root = folder / "root"
    root.mkdir()
    run("tar", "-x", "-p", "-f", DEBIAN, "-C", root)
    run("cmake", "--install", BUILD, "--prefix", "/usr", "--strip",
        env={**os.environ, "DESTDIR": str(root)}, stdout=subprocess.DEVNULL)
    shutil.copytree(HERE / "systemd_guest", root, dirs_exist_ok=True)
    for name in ("hotplugger-controller", "hotplugger-agent", "conformance"):
        run("systemctl", f"--root={root}", "--quiet", "enable", name)
    # A login there would take the console from the test's script.
    run("systemctl", f"--root={root}", "--quiet", "mask", "serial-getty@ttyS0.service",
        "systemd-networkd-wait-online.service")
    disk = folder / "root.img"
    run("mke2fs", "-q", "-t", "ext4", "-F", "-d", root, disk, "700M")
    shutil.rmtree(root)
    return disk


def make_initrd(lab: Path, folder: Path) -> Path:
    """The lab's, and a first program that goes over to Debian's systemd."""
    archive = Archive()
    archive.copy("lab/to-systemd", HERE / "to_systemd")
    initrd = folder / "initrd"
    initrd.write_bytes(lab.read_bytes() + archive.finish())
    return initrd


def main() -> int:
    for program in ("mmdebstrap", "qemu-system-x86_64", "systemctl"):
        if shutil.which(program) is None:
            print(f"could not get {program}: install Debian's package of it")
            return 77
    if os.geteuid() != 0:
        print("could not get root's rights, which mmdebstrap's files need")
        return 77
    TOOLS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hotplugger-systemd-", dir=TOOLS) as name:
        folder = Path(name)
        prepared = prepare(BUILD)
        disk = make_disk(folder)
        guest = Guest(folder, "systemd")
        options = GuestOptions(agent=False, kernel_arguments=("rdinit=/lab/to-systemd",), qemu_arguments=(
            "-drive", f"file={disk},format=raw,if=none,id=root,cache=unsafe",
            "-device", "virtio-blk-pci,drive=root", "-no-reboot"))
        guest.launch(prepared.kernel, make_initrd(prepared.initrd, folder), options)
        try:
            wait_until(lambda: re.search(r"^conformance: over", guest.console(), re.MULTILINE),
                       BOOT_SECONDS, "the guest's script is done")
        except LabError as late:
            print(late)
        finally:
            guest.stop()
        said = re.findall(r"^conformance: (.*)$", guest.console(), re.MULTILINE)
        if said == WANTED:
            print("the units run under systemd: " + "; ".join(said))
            return 0
        print(f"the guest said {said}, not {WANTED}\n{guest.console_tail(90)}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
