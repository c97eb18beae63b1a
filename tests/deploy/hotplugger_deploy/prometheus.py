"""Debian's Prometheus and promtool, unpacked and not installed; and what deploy/prometheus says."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from . import DEPLOY, SOURCE

FOLDER = DEPLOY / "prometheus"
CONFIG = FOLDER / "prometheus.yml"
RULES = sorted((FOLDER / "rules").glob("*.yml"))
TESTS = sorted((FOLDER / "tests").glob("*.yml"))
UNPACK_SECONDS = 500
Object = dict[str, Any]


def build_dir() -> Path:
    return Path(os.environ.get("HOTPLUGGER_BUILD_DIR", SOURCE / "build/dev"))


def program(name: str) -> Path:
    """prometheus or promtool; fetched the first time. An error says what kept it."""
    folder = build_dir().absolute() / "packages/prometheus"
    done = subprocess.run([str(SOURCE / "scripts/unpack-package"), "prometheus", str(folder)],
                          capture_output=True, text=True, timeout=UNPACK_SECONDS, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{name} can't be had, so nothing can be said:\n{done.stderr}")
    return folder / "usr/bin" / name


def promtool(*words: str | Path, stdin: str = "") -> tuple[int, str]:
    """Exit status and all that it said."""
    done = subprocess.run([str(program("promtool")), *map(str, words)], input=stdin,
                          capture_output=True, text=True, timeout=500, check=False)
    return done.returncode, done.stdout + done.stderr


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def rules() -> Iterator[Object]:
    for file in RULES:
        for group in read(file)["groups"]:
            yield from group["rules"]


def records() -> dict[str, str]:
    """Expressions by name."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def alerts() -> dict[str, Object]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}
