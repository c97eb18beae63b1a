#!/usr/bin/env python3
"""How long a person waits for hotplugctl: its help, and a list of nodes from a local controller.

The controller has three agents, on trees that stand for hosts of 64 CPUs (--sysroot). Each command
runs in turns with a program that does nothing, and medians count. Exit status 1 where the goal is
missed.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from hotplugger_lab import wait_until  # noqa: E402
from hotplugger_lab.controller import Controller  # noqa: E402
from idle_agent import running_agent  # noqa: E402

NODES = 3
GOAL_MS = 50.0


def seconds_of(command: list[str]) -> float:
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def measure(commands: dict[str, list[str]], rounds: int) -> bool:
    """Prints the medians; whether all meet the goal."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            times[name].append(1000 * seconds_of(command))
    medians = {name: statistics.median(values) for name, values in times.items()}
    nothing = medians["a program that does nothing"]
    for name, median in medians.items():
        print(f"{name}: {median:.1f} ms, {median / nothing:.1f} times a program that does nothing")
    met = all(median <= GOAL_MS for median in medians.values())
    print(f"goal, at most {GOAL_MS:g} ms each: {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    program = str(arguments.build_dir / "bin/hotplugctl")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        controller = Controller(arguments.build_dir, folder / "controller")
        controller.start()
        stack.callback(controller.kill)
        address = f"127.0.0.1:{controller.port}"
        for number in range(NODES):
            stack.enter_context(running_agent(f"n{number}", arguments.build_dir, folder / f"n{number}",
                                              "--controller", address))
        nodes = [program, "--controller", address, "get", "nodes"]
        wait_until(lambda: subprocess.run(nodes, capture_output=True, text=True,
                                          check=False).stdout.count("\n") > NODES, 30,
                   "all nodes are listed")
        met = measure({"a program that does nothing": ["/bin/true"],
                       "hotplugctl --help": [program, "--help"],
                       "hotplugctl get nodes": nodes}, arguments.rounds)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
