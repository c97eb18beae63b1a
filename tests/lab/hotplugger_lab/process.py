"""A guest's QEMU as a process: started, found again by another process, ended.

It is only ever ended by its own pid file, after a look whether that pid is still this QEMU.
"""

import os
import signal
import subprocess
from pathlib import Path

from . import tools
from .deadline import wait_until
from .errors import DeadlineExceeded, LabError

QEMU = "qemu-system-x86_64"
PID_FILE = "qemu.pid"
LOG_FILE = "qemu.log"
# Those that this process started, to be reaped by it.
_children: dict[int, "subprocess.Popen[bytes]"] = {}


def spawn(folder: Path, arguments: list[str], outlive_us: bool) -> None:
    """Starts QEMU in the background, in a session of its own, with the guest's folder as its own.

    Unless it is to outlive us, the kernel ends it when the thread that called this ends: a test
    that is killed for being late can't tidy up.
    """
    (folder / PID_FILE).unlink(missing_ok=True)
    command = [tools.find(QEMU), *arguments]
    if not outlive_us:
        command = [tools.find("setpriv"), "--pdeathsig", "KILL", *command]
    with open(folder / LOG_FILE, "wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   start_new_session=True)
    _children[process.pid] = process
    (folder / PID_FILE).write_text(f"{process.pid}\n")
    # Until setpriv has asked the kernel for it, nobody ends QEMU with us.
    wait_until(lambda: process.poll() is not None or _runs_qemu(process.pid), 10, "QEMU starts",
               pause=0.01)


def _runs_qemu(pid: int) -> bool:
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == QEMU
    except OSError:
        return False


def running_pid(folder: Path) -> int | None:
    """The pid of this guest's QEMU; None when it does not run."""
    try:
        pid = int((folder / PID_FILE).read_text())
        _reap(pid)
        exe = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        ours = os.path.samefile(f"/proc/{pid}/cwd", folder)
    except (OSError, ValueError):
        return None
    # setpriv is about to become QEMU, under the same pid.
    return pid if ours and exe in (QEMU, "setpriv") else None


def stop(folder: Path) -> bool:
    """Ends QEMU and waits until it is gone; False when it did not run."""
    stopped = False
    for kind, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 10)):
        pid = running_pid(folder)
        if pid is None:
            break
        stopped = True
        os.kill(pid, kind)
        try:
            wait_until(lambda: running_pid(folder) is None, seconds, f"QEMU {pid} is gone", pause=0.02)
        except DeadlineExceeded:
            if kind == signal.SIGKILL:
                raise
    (folder / PID_FILE).unlink(missing_ok=True)
    return stopped


def check_alive(folder: Path, name: str) -> None:
    if running_pid(folder) is None:
        log = folder / LOG_FILE
        words = log.read_text(errors="replace").splitlines()[-3:] if log.exists() else []
        raise LabError(f"{name} does not run. QEMU's last words: {' / '.join(words) or '(none)'}")


def _reap(pid: int) -> None:
    """A child of ours that ended stays as a zombie until it is asked for."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
