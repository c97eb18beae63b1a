"""Builds the lab's kernel module against the unpacked headers."""

import shutil
from collections.abc import Callable
from pathlib import Path

from . import tools
from .freshness import Stamp
from .packages import KernelTree

NAME = "hotplugger_lab.ko"


def build_module(source: Path, lab_dir: Path, tree: KernelTree, say: Callable[[str], None]) -> Path:
    """Returns the built module; builds only when a source or the kernel is another than last time."""
    sources = sorted(path for path in source.iterdir()
                     if path.suffix in (".c", ".h") or path.name == "Kbuild")
    build = lab_dir / "kmod"
    module = build / NAME
    stamp = Stamp(lab_dir / "kmod.json", sources, tree.release)
    if module.exists() and stamp.is_fresh():
        say(f"{NAME}: built already")
        return module

    stamp.clear()
    shutil.rmtree(build, ignore_errors=True)
    build.mkdir()
    for path in sources:
        shutil.copy2(path, build)
    _point_at_unpacked_tree(tree)
    tools.run("make", "-C", tree.headers, f"M={build}", "modules")
    stamp.write()
    say(f"{NAME}: built for {tree.release}")
    return module


def _point_at_unpacked_tree(tree: KernelTree) -> None:
    """The headers' Makefile includes the common one from /usr/src, where nothing is installed."""
    (tree.headers / "Makefile").write_text(f"include {tree.common_headers}/Makefile\n")
