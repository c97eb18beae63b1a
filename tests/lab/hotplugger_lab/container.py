"""A container in a guest: runc, and the agent's image as a disk.

The image is laid out as deploy/container/Dockerfile does it, of the programs that this build has and
the libraries that they link to. runc and the seccomp profile come from Debian's packages, unpacked and
never installed.
"""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

from . import tools
from .guest import Guest
from .packages import unpack
from .programs import libraries

RUNTIME_PACKAGES = ["runc", "libseccomp2", "golang-github-containers-common"]
PROGRAMS = ("hotplugger-agent", "hotplugger-writer", "hotplugctl")
DRIVERS = Path(__file__).resolve().parents[3] / "deploy" / "drivers.d"
# What a runtime mounts on must be there, for the image itself is read-only.
MOUNT_POINTS = ("proc", "sys", "dev", "run/hotplugger", "var/lib/hotplugger", "etc/hotplugger", "tmp")
DISK = "/run/lab/disk"
BUNDLE = "/run/lab/bundle"
LOG = "/var/log/agent.log"
PID = "/run/lab/container.pid"
NAME = "agent"
ENTRYPOINT = ["/usr/bin/hotplugger-agent"]
ROOTFS = f"{DISK}/rootfs"
RUNC_SECONDS = 150.0
MIB = 2**20


def prepare_runtime(lab_dir: Path) -> Path:
    """The folder where the runtime's packages are unpacked; downloaded once."""
    root = lab_dir / "runtime"
    done = lab_dir / "runtime.json"
    if not done.exists():
        files = unpack(RUNTIME_PACKAGES, lab_dir / "runtime-debs", root)
        done.write_text(json.dumps(files) + "\n")
    return root


def seccomp_profile(runtime: Path) -> Path:
    return runtime / "usr/share/containers/seccomp.json"


def make_disk(build_dir: Path, runtime: Path, disk: Path) -> None:
    """An ext4 with the image's files and, beside them, the runtime."""
    content = disk.with_suffix(".content")
    shutil.rmtree(content, ignore_errors=True)
    rootfs = content / "rootfs"
    for name in MOUNT_POINTS:
        (rootfs / name).mkdir(parents=True)
    for name in PROGRAMS:
        program = build_dir / "bin" / name
        stripped = rootfs / "usr/bin" / name
        stripped.parent.mkdir(parents=True, exist_ok=True)
        tools.run("strip", "--strip-debug", "-o", stripped, program)
        for library in libraries(program):
            _copy(library, rootfs / str(library).lstrip("/"))
    shutil.copytree(DRIVERS, rootfs / "usr/share/hotplugger/drivers.d")
    (rootfs / "etc/passwd").write_text("root:x:0:0:root:/root:/usr/sbin/nologin\n")
    _copy(runtime / "usr/sbin/runc", content / "runc")
    [library] = runtime.glob("usr/lib/*/libseccomp.so.2")
    _copy(library, content / "lib" / library.name)
    size = sum(path.stat().st_size for path in content.rglob("*") if path.is_file())
    tools.run("mke2fs", "-q", "-t", "ext4", "-F", "-O", "^has_journal", "-d", content, disk,
              f"{size * 5 // 4 // MIB + 16}M")
    shutil.rmtree(content)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def disk_arguments(disk: Path) -> tuple[str, ...]:
    """QEMU's, for GuestOptions."""
    return ("-drive", f"file={disk},format=raw,if=none,id=image,readonly=on",
            "-device", "virtio-blk-pci,drive=image")


class Container:
    """The one container of a guest.

    runc is asked for what only it can do: each of its starts is a second or more of a guest's time, and
    many where this machine is busy.
    """

    def __init__(self, guest: Guest):
        self._guest = guest

    def mount_disk(self) -> None:
        # runc starts itself again without an environment, so its library has to be where all are.
        self._guest.check(f"mkdir -p {DISK} {BUNDLE} /usr/lib && mount -t ext4 -o ro /dev/vdb {DISK} "
                          f"&& ln -s {DISK}/lib/* /usr/lib")

    def put_folder(self, path: str, files: dict[str, str]) -> None:
        self._guest.check(f"mkdir -p {path}")
        for name, text in files.items():
            self._guest.put_file(f"{path}/{name}", text.encode())

    def start(self, config: dict[str, Any]) -> None:
        """Starts it; it goes on by itself."""
        self._guest.put_file(f"{BUNDLE}/config.gz", gzip.compress(json.dumps(config).encode()))
        self._guest.check(f"gunzip -c {BUNDLE}/config.gz >{BUNDLE}/config.json")
        # No pivot: a guest's own root is an initramfs, which nothing can be moved away from.
        self._runc(f"run --no-pivot --detach --pid-file {PID} --bundle {BUNDLE} {NAME} </dev/null "
                   f">>{LOG} 2>&1", f" || {{ tail -n 20 {LOG}; false; }}")

    def stop(self, seconds: float = 120) -> None:
        """As the kubelet: SIGTERM, and only the runtime's own state is deleted."""
        pid = self.pid()
        self._guest.check(f"kill -TERM {pid}")
        self._guest.wait_until(lambda: not self._is_alive(pid), seconds, "the container ended")
        self._runc(f"delete {NAME}")

    def pid(self) -> int:
        """Of its first process, as the guest counts."""
        return int(self._guest.check(f"cat {PID}"))

    def run(self, *words: str) -> tuple[int, str]:
        """A command in it, as `kubectl exec` runs one."""
        return self._guest.run(self._command(f"exec {NAME} {' '.join(words)}"), RUNC_SECONDS)

    def log(self) -> str:
        return self._guest.check(f"cat {LOG}")

    def _is_alive(self, pid: int) -> bool:
        return self._guest.run(f"kill -0 {pid}")[0] == 0

    def _runc(self, words: str, otherwise: str = "") -> str:
        return self._guest.check(self._command(words) + otherwise, RUNC_SECONDS)

    @staticmethod
    def _command(words: str) -> str:
        return f"{DISK}/runc --root /run/lab/runc {words}"
