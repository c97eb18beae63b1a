"""The machine's programs that the lab uses."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .errors import LabError

# Debian's package for each, so that the error says what to install.
PACKAGES = {
    "apt-cache": "apt", "apt-get": "apt", "dpkg": "dpkg", "make": "make", "gcc-12": "gcc-12",
    "depmod": "kmod", "ldd": "libc-bin", "strip": "binutils", "busybox": "busybox-static",
    "mke2fs": "e2fsprogs", "setpriv": "util-linux", "qemu-system-x86_64": "qemu-system-x86",
}


def find(name: str) -> str:
    """Full path of a program. /sbin is searched too: a user who is not root needs it here."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise LabError(f"{name} is not installed (Debian package {PACKAGES[name]})")
    return path


def run(name: str, *arguments: str | Path, cwd: Path | None = None, seconds: float = 300,
        accept: Sequence[int] = (0,)) -> str:
    """Runs a program to its end and returns what it printed; LabError with its words if it fails."""
    command = [find(name), *map(str, arguments)]
    try:
        done = subprocess.run(command, cwd=cwd, timeout=seconds, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{' '.join(command)}: no end after {seconds:g} s") from late
    if done.returncode not in accept:
        words = (done.stdout + done.stderr).strip()[-4000:]
        raise LabError(f"{' '.join(command)}: exit status {done.returncode}\n{words}")
    return done.stdout
