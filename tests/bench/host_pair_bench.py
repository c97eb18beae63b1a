#!/usr/bin/env python3
"""Runs host_pair_bench where it may: on a tree that stands for a host, and in a lab guest, whose CPUs
really go off and on."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from hotplugger_lab import GuestOptions, Lab, LabError  # noqa: E402
from idle_agent import running_agent  # noqa: E402

NAME = "bench"
# As host_pair_bench says it.
MISSED = 1
# A pair under TCG takes some tens of milliseconds; three pauses and two pairs a round.
SECONDS_PER_PAIR = 3.0


def in_a_tree(build_dir: Path, pairs: int) -> int:
    """The agent's own part of a pair, at this machine's speed: a tree stands for the host."""
    bench = build_dir / "bench"
    with tempfile.TemporaryDirectory(prefix="hotplugger-bench-") as name:
        folder = Path(name) / "agent"
        with running_agent("bench", build_dir, folder, "--writer", str(bench / "modelled_writer")):
            print("in a tree that stands for a host of 64 CPUs, on this machine:", flush=True)
            return subprocess.run([str(bench / "host_pair_bench"), "--socket", str(folder / "agent.sock"),
                                   "--root", str(folder / "host"), "--pairs", str(pairs)],
                                  timeout=60 + pairs, check=False).returncode


def in_a_guest(build_dir: Path, pairs: int) -> int:
    """A real kernel's CPU; everything takes some twenty times as long as outside, since QEMU emulates."""
    with tempfile.TemporaryDirectory(prefix="hotplugger-lab-") as run_dir, \
            Lab(build_dir, run_dir) as lab:
        [guest] = lab.start([NAME], GuestOptions())
        guest.wait_until(lambda: guest.run("hotplugctl --host devices")[0] == 0, 60, "the agent serves")
        status, output = guest.run(f"host_pair_bench --pairs {pairs}", 60 + SECONDS_PER_PAIR * pairs)
        print(f"in a guest, emulated:\n{output}"
              "its milliseconds are those of an emulated CPU: the ratio counts", flush=True)
        return 0 if status == MISSED else status


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=Path, required=True, metavar="B")
    parser.add_argument("--pairs", type=int, default=200)
    arguments = parser.parse_args()
    return max([in_a_tree(arguments.build_dir, arguments.pairs),
                in_a_guest(arguments.build_dir, arguments.pairs)])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(125)
