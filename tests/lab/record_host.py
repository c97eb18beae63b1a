#!/usr/bin/env python3
"""Records guests for tests/testdata/hosts: `lab.py record` by a name of its own."""

import sys

from hotplugger_lab.cli import main

if __name__ == "__main__":
    sys.exit(main(["record", *sys.argv[1:]]))
