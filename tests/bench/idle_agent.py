#!/usr/bin/env python3
"""What an idle agent costs: memory and wake-ups, with a controller connected and without, and where it
serves /metrics that nobody scrapes.

The agents look at a tree that stands for a host of 64 CPUs (--sysroot), so nothing of this machine
is changed. Exit status 1 where a goal is missed.

Threads of libraries that wake by themselves are counted apart, since no setting changes that: those of
gRPC 1.51 once or twice a second even in a program that has nothing but an empty server (its timers are
sorted anew every second), and where /metrics is served the one of civetweb 1.15 that accepts connections
every 2 s, to see whether it is to end.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from hotplugger_lab import LabError, wait_until  # noqa: E402
from hotplugger_lab.agent_config import agent_config  # noqa: E402
from hotplugger_lab.controller import Controller  # noqa: E402

CPUS = 64
BLOCKS = 64
BLOCK_BYTES = 2 << 30
SETTLE_SECONDS = 15
RSS_GOAL_MIB = 25
# "No timers faster than 30 s": a thread with one wakes at most every 30 s, and now and then for what
# others send.
TIMER_GOAL_SECONDS = 30
# By the beginnings of their names.
LIBRARY_THREADS = {
    "gRPC": ("grpc", "nexting_thread", "timer_manager", "default-executo", "resolver-execu", "event_engine"),
    "civetweb": ("civetweb-master",),
}


def library_of(thread: str) -> str:
    """Whose the thread is; empty: ours."""
    return next((name for name, beginnings in LIBRARY_THREADS.items() if thread.startswith(beginnings)), "")


def write(root: Path, path: str, content: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def make_host(root: Path) -> None:
    """Two sockets of 16 cores with two threads each, a NUMA node a socket, 128 GiB."""
    cpu_folder = "sys/devices/system/cpu"
    everything = f"0-{CPUS - 1}\n"
    for mask in ("possible", "present", "online"):
        write(root, f"{cpu_folder}/{mask}", everything)
    for mask in ("offline", "isolated"):
        write(root, f"{cpu_folder}/{mask}", "\n")
    write(root, f"{cpu_folder}/nohz_full", "  (null)\n")
    write(root, f"{cpu_folder}/smt/control", "on\n")
    write(root, f"{cpu_folder}/smt/active", "1\n")
    for cpu in range(CPUS):
        make_cpu(root, f"{cpu_folder}/cpu{cpu}", cpu)
    make_memory(root)


def make_cpu(root: Path, folder: str, cpu: int) -> None:
    core = cpu % (CPUS // 2)
    package = core // (CPUS // 4)
    siblings = f"{core},{core + CPUS // 2}\n"
    if cpu > 0:
        write(root, f"{folder}/online", "1\n")
    for name, value in {"physical_package_id": package, "die_id": 0, "core_id": core % (CPUS // 4)}.items():
        write(root, f"{folder}/topology/{name}", f"{value}\n")
    for name in ("core_cpus_list", "thread_siblings_list"):
        write(root, f"{folder}/topology/{name}", siblings)
    for index, (level, kind) in enumerate([(1, "Data"), (1, "Instruction"), (2, "Unified"), (3, "Unified")]):
        cache = {"level": level, "type": kind, "id": core if level < 3 else package,
                 "size": "32K", "shared_cpu_list": siblings.strip()}
        for name, value in cache.items():
            write(root, f"{folder}/cache/index{index}/{name}", f"{value}\n")
    node = root / f"sys/devices/system/node/node{package}"
    node.mkdir(parents=True, exist_ok=True)
    (root / folder / f"node{package}").symlink_to(f"../../node/node{package}")


def make_memory(root: Path) -> None:
    folder = "sys/devices/system/memory"
    write(root, f"{folder}/block_size_bytes", f"{BLOCK_BYTES:x}\n")
    write(root, f"{folder}/auto_online_blocks", "offline\n")
    for block in range(BLOCKS):
        node = block // (BLOCKS // 2)
        write(root, f"{folder}/memory{block}/state", "online\n")
        write(root, f"{folder}/memory{block}/valid_zones", "Normal\n" if block % 2 else "Movable\n")
        (root / f"{folder}/memory{block}/node{node}").symlink_to(f"../../node/node{node}")
    total = BLOCKS * BLOCK_BYTES // 1024
    write(root, "proc/meminfo", f"MemTotal: {total} kB\nMemFree: {total} kB\nMemAvailable: {total} kB\n")
    pages = BLOCKS * BLOCK_BYTES // 4096 // 4
    zones = "".join(f"Node {node}, zone {zone:>8}\n  pages free     {pages}\n        spanned  {pages}\n"
                    f"        present  {pages}\n        managed  {pages}\n"
                    for node in (0, 1) for zone in ("Normal", "Movable"))
    write(root, "proc/zoneinfo", zones)
    for node in (0, 1):
        cpus = f"{node * 16}-{node * 16 + 15},{node * 16 + 32}-{node * 16 + 47}\n"
        write(root, f"sys/devices/system/node/node{node}/cpulist", cpus)
    write(root, "sys/devices/system/node/online", "0-1\n")


@dataclass
class Agent:
    """One agent under measurement."""

    name: str
    process: "subprocess.Popen[bytes]"

    def rss_mib(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise LabError(f"{self.name}: has no VmRSS; has it ended?")

    def switches(self) -> dict[str, int]:
        """Context switches so far of each thread, own and forced ones, by "NAME/TID"."""
        counts = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            fields = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
            counts[f"{fields['Name'].strip()}/{task.name}"] = (
                int(fields["voluntary_ctxt_switches"]) + int(fields["nonvoluntary_ctxt_switches"]))
        return counts

    def cpu_ms(self) -> float:
        """CPU time so far of all threads."""
        nanoseconds = sum(int(path.read_text().split()[0])
                          for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"))
        return nanoseconds / 1e6


@contextmanager
def running_agent(name: str, build_dir: Path, folder: Path, *arguments: str) -> Iterator[Agent]:
    folder.mkdir()
    make_host(folder / "host")
    config = folder / "agent.yaml"
    config.write_text(agent_config())
    socket = folder / "agent.sock"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [str(build_dir / "bin/hotplugger-agent"), "--node", name, "--sysroot", str(folder / "host"),
             "--state-dir", str(folder / "state"), "--socket", str(socket), "--config", str(config),
             *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: socket.exists() or process.poll() is not None, 30, f"{name} serves")
        if process.poll() is not None:
            raise LabError(f"{name} ended with status {process.returncode}:\n{(folder / 'log').read_text()}")
        yield Agent(name, process)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)


class Awake:
    """In how many seconds each thread of an agent ran."""

    def __init__(self, agent: Agent):
        self._agent = agent
        self._before = agent.switches()
        self.switches = 0
        self.seconds: dict[str, int] = {}

    def sample(self) -> None:
        """To be called once a second: a look at a host is one wake-up, however often it blocks."""
        now = self._agent.switches()
        for thread, count in now.items():
            new = count - self._before.get(thread, 0)
            if new > 0:
                self.switches += new
                self.seconds[thread] = self.seconds.get(thread, 0) + 1
        self._before = now


def measure(agents: list[Agent], seconds: int) -> bool:
    """Prints what each costs; whether all goals are met."""
    time.sleep(SETTLE_SECONDS)
    awake = {agent.name: Awake(agent) for agent in agents}
    cpu = {agent.name: agent.cpu_ms() for agent in agents}
    begun = time.monotonic()
    for second in range(1, seconds + 1):
        time.sleep(max(0.0, begun + second - time.monotonic()))
        for agent in agents:
            awake[agent.name].sample()
    return all([show(agent, awake[agent.name], agent.cpu_ms() - cpu[agent.name], seconds)
                for agent in agents])


def show(agent: Agent, awake: Awake, cpu_ms: float, seconds: int) -> bool:
    """Whether this agent meets the goals."""
    rss = agent.rss_mib()
    threads = len(agent.switches())
    print(f"{agent.name}: RSS {rss:.1f} MiB, {threads} threads, in {seconds} s {awake.switches} context "
          f"switches and {cpu_ms:.1f} ms of CPU; seconds in which each thread ran:")
    for thread, count in sorted(awake.seconds.items(), key=lambda item: -item[1]):
        library = library_of(thread)
        print(f"  {thread}: {count}{f' ({library})' if library else ''}")
    print(f"  goal, RSS below {RSS_GOAL_MIB} MiB: {'met' if rss < RSS_GOAL_MIB else 'MISSED'}")
    # A wake-up at either end of the time, and one that takes into the next second, are no timers.
    allowed = seconds // TIMER_GOAL_SECONDS + 2
    fast = [thread for thread, count in awake.seconds.items()
            if count > allowed and not library_of(thread)]
    print(f"  goal, no timer of ours faster than {TIMER_GOAL_SECONDS} s (at most {allowed} of these "
          f"seconds): {'MISSED by ' + ', '.join(fast) if fast else 'met'}")
    return rss < RSS_GOAL_MIB and not fast


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=Path, required=True, metavar="B")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hotplugger-bench-")))
        controller = Controller(arguments.build_dir, folder / "controller")
        stack.callback(controller.stop)
        controller.start()
        agents = [
            stack.enter_context(running_agent("alone", arguments.build_dir, folder / "alone")),
            stack.enter_context(running_agent("connected", arguments.build_dir, folder / "connected",
                                              "--controller", f"127.0.0.1:{controller.port}")),
            stack.enter_context(running_agent("serving", arguments.build_dir, folder / "serving",
                                              "--metrics-listen", "127.0.0.1:0")),
        ]
        return 0 if measure(agents, arguments.seconds) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(125)
