"""A lab: the kernel, the image, and guests that are always stopped in the end."""

import fcntl
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .deadline import Deadline
from .errors import LabError
from .guest import BOOT_SECONDS, Guest
from .image import build_image
from .module import build_module
from .options import GuestOptions
from .packages import prepare_kernel

SOURCES = Path(__file__).resolve().parent.parent


def say_to_stderr(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Prepared:
    """What every guest of a build boots from."""

    kernel: Path
    initrd: Path


def prepare(build_dir: Path, refresh: bool = False, say: Callable[[str], None] = say_to_stderr) -> Prepared:
    """Downloads, builds and packs what is missing or old; nothing when all is there."""
    build_dir = build_dir.absolute()
    lab_dir = build_dir / "lab"
    if any(character.isspace() for character in str(lab_dir)):
        raise LabError(f"{lab_dir}: the kernel's makefiles take no path with a space in it")
    lab_dir.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(lab_dir):
        tree = prepare_kernel(lab_dir, refresh, say)
        module = build_module(SOURCES / "kmod", lab_dir, tree, say)
        initrd = build_image(build_dir, lab_dir, SOURCES / "guest", tree, module, say)
    return Prepared(tree.vmlinuz, initrd)


@contextmanager
def _one_at_a_time(lab_dir: Path) -> Iterator[None]:
    """Tests that run at once prepare one after the other; each step in it has its own deadline."""
    with open(lab_dir / "lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Lab:
    """Guests of one run folder. As a context manager it stops those that it started.

    They end with the thread that starts them, too, unless they are to outlive it.
    """

    def __init__(self, build_dir: Path | str, run_dir: Path | str,
                 say: Callable[[str], None] = say_to_stderr, outlive_us: bool = False):
        self._run_dir = Path(run_dir)
        self._outlive_us = outlive_us
        self._say = say
        self._prepared = prepare(Path(build_dir), say=say)
        self._started: list[Guest] = []

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()

    def start(self, names: Sequence[str], options: GuestOptions = GuestOptions(),
              seconds: float = BOOT_SECONDS) -> list[Guest]:
        """Boots guests of one kind side by side and waits for all of them."""
        return self.start_each({name: options for name in names}, seconds)

    def start_each(self, wanted: Mapping[str, GuestOptions], seconds: float = BOOT_SECONDS) -> list[Guest]:
        """As start, each guest with options of its own. On failure none of them is left."""
        guests = [Guest(self._run_dir, name) for name in wanted]
        running = [guest.name for guest in guests if guest.is_running()]
        if running:
            raise LabError(f"running already: {', '.join(running)}")
        deadline = Deadline(seconds)
        try:
            for guest in guests:
                guest.launch(self._prepared.kernel, self._prepared.initrd, wanted[guest.name],
                             self._outlive_us)
                self._started.append(guest)
                self._say(f"{guest.name}: booting")
            for guest in guests:
                guest.wait_ready(deadline.left())
                self._say(f"{guest.name}: ready after {seconds - deadline.left():.1f} s")
        except BaseException:
            for guest in guests:
                guest.stop()
            raise
        return guests

    def stop(self) -> None:
        for guest in self._started:
            guest.stop()
        self._started.clear()


def guests_of(run_dir: Path) -> list[Guest]:
    """Every guest that has a folder there, by name."""
    if not run_dir.is_dir():
        return []
    names = sorted(path.name for path in run_dir.iterdir() if (path / "guest.json").exists())
    return [Guest(run_dir, name) for name in names]
