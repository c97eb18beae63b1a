"""The hosts that tests/testdata/hosts has recordings of: how each is made."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError
from .guest import Guest
from .lab import Lab
from .options import GuestOptions
from .recording import record

FOLDER = Path(__file__).resolve().parents[2] / "testdata/hosts"


@dataclass(frozen=True)
class RecordedHost:
    """A machine, and what is done to it before it is recorded."""

    what: str
    options: GuestOptions
    before: str = ""


def _node(number: int, cpus: str, mib: int = 256) -> tuple[str, ...]:
    place = f"cpus={cpus}," if cpus else ""
    return ("-object", f"memory-backend-ram,id=ram{number},size={mib}M",
            "-numa", f"node,nodeid={number},{place}memdev=ram{number}")


HOSTS = {
    "smt-one-socket": RecordedHost(
        "one socket of two cores with two threads each, everything online",
        GuestOptions(cpu_model="Haswell-noTSX", smp="4,sockets=1,cores=2,threads=2", agent=False)),
    "two-sockets-smt-guest": RecordedHost(
        "two sockets of two cores with two threads each, a NUMA node a socket; cpu5 is offline, so "
        "that its topology is gone",
        GuestOptions(cpu_model="Haswell-noTSX", smp="8,sockets=2,cores=2,threads=2", memory="1G",
                     qemu_arguments=(*_node(0, "0-3", 512), *_node(1, "4-7", 512)), agent=False),
        "echo 0 >/sys/devices/system/cpu/cpu5/online"),
    "four-nodes": RecordedHost(
        "four NUMA nodes of 256 MiB: 0 to 2 with two CPUs each, node 3 with memory alone",
        GuestOptions(smp="6,sockets=3,cores=2,threads=1", memory="1G",
                     qemu_arguments=(*_node(0, "0-1"), *_node(1, "2-3"), *_node(2, "4-5"),
                                     *_node(3, "")), agent=False)),
    "nohz-full": RecordedHost(
        "CPUs 1 to 3 run without a tick; CPUs 2 and 3 are a cpuset partition, /pinned; in the other "
        "recordings, where nohz_full is not used, its file reads (null), padded on the left to as many "
        "characters as there are possible CPUs",
        GuestOptions(kernel_arguments=("nohz_full=1-3",), agent=False),
        "cd /sys/fs/cgroup && echo +cpuset >cgroup.subtree_control && mkdir pinned && "
        "echo 2-3 >pinned/cpuset.cpus && echo root >pinned/cpuset.cpus.partition"),
    "movable-memory": RecordedHost(
        "8 blocks of 128 MiB, the upper four in the movable zone; memory4 is offline",
        GuestOptions(memory="1G", kernel_arguments=("movablecore=512M",), agent=False),
        "echo offline >/sys/devices/system/memory/memory4/state"),
    "read-only-sys": RecordedHost(
        "as in a container without privileges /sys is read-only: the same files, but every write to "
        "them answers EROFS",
        GuestOptions(cpus=2, memory="512", agent=False), "mount -o remount,ro /sys"),
}


def record_hosts(build_dir: Path, names: Sequence[str], folder: Path,
                 say: Callable[[str], None]) -> None:
    """Boots each of these (all where none is named), one after the other, and records it."""
    unknown = sorted(set(names) - set(HOSTS))
    if unknown:
        raise LabError(f"no such host: {', '.join(unknown)}; there are {', '.join(HOSTS)}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or HOSTS:
        host = HOSTS[name]
        with tempfile.TemporaryDirectory(prefix="hotplugger-lab-") as run_dir, \
                Lab(build_dir, run_dir) as lab:
            [guest] = lab.start([name], host.options)
            if host.before:
                guest.check(host.before)
            text = record(guest, _comments(guest, host))
        (folder / f"{name}.txt").write_text(text, encoding="ascii")
        say(f"{folder / name}.txt: {len(text.splitlines())} lines, {len(text)} bytes")


def _comments(guest: Guest, host: RecordedHost) -> list[str]:
    options = host.options
    version = guest.qmp("query-version")["qemu"]
    machine = [f"-smp {options.smp or options.cpus}", f"-m {options.memory}", *options.qemu_arguments]
    if options.cpu_model:
        machine.insert(0, f"-cpu {options.cpu_model}")
    comments = [
        f"A guest: {host.what}.",
        f"Linux {guest.check('uname -r')} under QEMU {version['major']}.{version['minor']} (-accel tcg): "
        + " ".join(machine),
    ]
    if options.kernel_arguments:
        comments.append(f"Kernel arguments: {' '.join(options.kernel_arguments)}")
    if host.before:
        comments.append(f"Before: {host.before}")
    return [*comments, f"Made by tests/lab/lab.py record {guest.name}"]
