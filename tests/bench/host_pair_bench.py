#!/usr/bin/env python3
"""Runs host_pair_bench where it may: in a lab guest, whose CPUs really go off and on."""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from hotplugger_lab import GuestOptions, Lab, LabError  # noqa: E402

NAME = "bench"
# A pair under TCG takes some tens of milliseconds; three pauses and two pairs a round.
SECONDS_PER_PAIR = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=Path, required=True, metavar="B")
    parser.add_argument("--pairs", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hotplugger-lab-") as run_dir, \
            Lab(arguments.build_dir, run_dir) as lab:
        [guest] = lab.start([NAME], GuestOptions())
        guest.wait_until(lambda: guest.run("hotplugctl --host devices")[0] == 0, 60, "the agent serves")
        status, output = guest.run(f"host_pair_bench --pairs {arguments.pairs}",
                                   60 + SECONDS_PER_PAIR * arguments.pairs)
        print(output, end="")
        return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(125)
