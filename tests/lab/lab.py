#!/usr/bin/env python3
"""Hotplugger's lab; see README.md."""

import sys

from hotplugger_lab.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
