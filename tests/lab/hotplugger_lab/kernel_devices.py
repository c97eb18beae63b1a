"""A guest's own devices: what the kernel says of them, past every program of ours, and who meddles."""

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import LabError
from .guest import Guest

CPU = "/sys/devices/system/cpu"
MEMORY = "/sys/devices/system/memory"
BACKGROUND = "/tmp/background"
INJECTION = "/sys/kernel/debug/notifier-error-inject/memory/actions"


class KernelDevices:
    """The kernel's word on a guest's CPUs and memory."""

    def __init__(self, guest: Guest):
        self._guest = guest

    # Reading.

    def cpu_file(self, cpu: int) -> str:
        """What cpuN/online itself says; the mask is Guest.cpus_online()."""
        return self._guest.check(f"cat {CPU}/cpu{cpu}/online")

    def smt(self) -> str:
        return self._guest.check(f"cat {CPU}/smt/control")

    def blocks(self) -> list[int]:
        folders = self._guest.check(f"ls -d {MEMORY}/memory[0-9]*").split()
        return sorted(int(folder.rpartition("/memory")[2]) for folder in folders)

    def state(self, block: int) -> str:
        return self._guest.check(f"cat {MEMORY}/memory{block}/state")

    def states(self, *blocks: int) -> list[str]:
        return [self.state(block) for block in blocks]

    def zones(self, block: int) -> list[str]:
        return self._guest.check(f"cat {MEMORY}/memory{block}/valid_zones").split()

    # Writing, as somebody else would.

    def write_cpu(self, cpu: int, online: bool) -> None:
        self._guest.check(f"echo {int(online)} >{CPU}/cpu{cpu}/online")

    def write_smt(self, word: str) -> None:
        self._guest.check(f"echo {word} >{CPU}/smt/control")

    def write_state(self, block: int, word: str) -> None:
        self._guest.check(f"echo {word} >{MEMORY}/memory{block}/state")

    def reset(self) -> None:
        """Everything online that can be, movable where it was; nobody meddles any more."""
        self.stop_background()
        self._guest.check(
            f"control={CPU}/smt/control; case $(cat $control) in off) echo on >$control;; esac; "
            f"for cpu in $(ls {CPU}/cpu[0-9]*/online 2>/dev/null); do "
            "[ $(cat $cpu) = 1 ] || echo 1 >$cpu || exit 1; done; "
            f"for block in {MEMORY}/memory*; do [ $(cat $block/state) = online ] || "
            f"echo online_movable >$block/state || exit 1; done")

    # Meddling in the background.

    def background(self, script: str) -> None:
        """Runs a shell script until it ends or stop_background; its words go to BACKGROUND/output."""
        self._guest.check(f"mkdir -p {BACKGROUND}/pids; "
                          f"( {script} ) </dev/null >{BACKGROUND}/output 2>&1 & "
                          f"echo >{BACKGROUND}/pids/$!")

    def stop_background(self) -> None:
        """Ends what background started, and waits until it is gone."""
        self._guest.check(
            f"for pid in $(ls {BACKGROUND}/pids 2>/dev/null); do kill -9 $pid 2>/dev/null; "
            f"while [ -e /proc/$pid ]; do usleep 20000; done; done; rm -rf {BACKGROUND}")

    def _said(self) -> str:
        """The first words of the script in the background."""
        return self._guest.wait_until(
            lambda: self._guest.check(f"cat {BACKGROUND}/output").strip(), 60, "the script speaks")

    def rogue(self, file: str, word: str, every_ms: int = 200) -> None:
        """Somebody who writes `word` to a file again and again."""
        self.background(f"while true; do echo {word} >{file}; usleep {every_ms * 1000}; done")

    @contextmanager
    def pinned(self, *blocks: int) -> Iterator[int]:
        """While inside, offlining the block that this gives (one of `blocks`) never ends."""
        self.background(f"exec pin-memory {' '.join(map(str, blocks))}")
        try:
            said = self._said()
            if not said.startswith("memory"):
                raise LabError(f"{self._guest.name}: {said}")
            yield int(said.removeprefix("memory"))
        finally:
            self.stop_background()

    @contextmanager
    def kernel_memory(self, mib: int) -> Iterator[None]:
        """While inside, the kernel itself uses so much more memory, which can't be moved."""
        self.background(f"exec hold-kernel-memory {mib}")
        try:
            if (said := self._said()) != str(mib):
                raise LabError(f"{self._guest.name}: {said}")
            yield
        finally:
            self.stop_background()

    @contextmanager
    def refusing(self, action: str, errno: int) -> Iterator[None]:
        """While inside, somebody in the kernel objects: MEM_GOING_OFFLINE or MEM_GOING_ONLINE."""
        self._guest.check(
            f"[ -e {INJECTION} ] || {{ insmod /lib/modules/notifier-error-inject.ko && "
            "insmod /lib/modules/memory-notifier-error-inject.ko && "
            "mount -t debugfs debugfs /sys/kernel/debug; }")
        self._guest.check(f"echo -{errno} >{INJECTION}/{action}/error")
        try:
            yield
        finally:
            self._guest.check(f"echo 0 >{INJECTION}/{action}/error")
