"""Debian's kernel and its headers, downloaded and unpacked in the build folder.

They are never installed: that would change the boot loader of whoever runs the lab.
"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import tools
from .errors import LabError

IMAGE = "linux-image-cloud-amd64"
HEADERS = "linux-headers-cloud-amd64"
# What the headers need to build a module with; their compiler package has no files.
HEADER_PARTS = re.compile(r"linux-(headers-.*-common|kbuild-.*)")
# As root, apt would drop to a user who can't write here, and warn about it.
APT_OPTIONS = ("-o", "APT::Sandbox::User=root", "-q")


@dataclass(frozen=True)
class KernelTree:
    """Where the unpacked kernel is."""

    root: Path
    release: str

    @property
    def vmlinuz(self) -> Path:
        return self.root / "boot" / f"vmlinuz-{self.release}"

    @property
    def modules(self) -> Path:
        return self.root / "lib/modules" / self.release

    @property
    def headers(self) -> Path:
        return self.root / "usr/src" / f"linux-headers-{self.release}"

    @property
    def common_headers(self) -> Path:
        return self.root / "usr/src" / f"linux-headers-{self.release.removesuffix('-cloud-amd64')}-common"


def prepare_kernel(lab_dir: Path, refresh: bool, say: Callable[[str], None]) -> KernelTree:
    """The unpacked kernel; downloaded only when it is not there, or when a refresh is asked for."""
    stamp = lab_dir / "kernel.json"
    root = lab_dir / "kernel"
    if stamp.exists() and not refresh:
        known = json.loads(stamp.read_text())
        say(f"kernel {known['release']}: unpacked already ({known['packages'][0]})")
        return KernelTree(root, known["release"])

    image = _resolve(IMAGE)
    headers = _resolve(HEADERS)
    parts = [name for name in _depends(headers) if HEADER_PARTS.fullmatch(name)]
    wanted = [image, headers, *parts]
    say(f"kernel: downloading {' '.join(wanted)}")
    stamp.unlink(missing_ok=True)
    packages = unpack(wanted, lab_dir / "debs", root)
    tree = KernelTree(root, image.removeprefix("linux-image-"))
    _check(tree)
    tools.run("depmod", "-b", root, tree.release)
    stamp.write_text(json.dumps({"release": tree.release, "packages": packages}, indent=2) + "\n")
    say(f"kernel {tree.release}: unpacked in {root}")
    return tree


def _depends(package: str) -> list[str]:
    answer = tools.run("apt-cache", "depends", "--important", package, accept=(0, 100))
    return re.findall(r"^\s*Depends: (\S+)$", answer, re.MULTILINE)


def _resolve(metapackage: str) -> str:
    """The package of a definite version that a metapackage stands for today."""
    names = [name for name in _depends(metapackage) if name.startswith("linux-")]
    if not names:
        raise LabError(f"apt does not know {metapackage}: run `apt-get update` on a Debian 12 machine")
    return names[0]


def unpack(names: list[str], debs: Path, root: Path) -> list[str]:
    """Downloads packages and unpacks them in `root`, which is made anew; the files that held them."""
    for folder in (debs, root):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    tools.run("apt-get", *APT_OPTIONS, "download", *names, cwd=debs, seconds=500)
    files = sorted(debs.glob("*.deb"))
    for file in files:
        tools.run("dpkg", "-x", file, root)
    shutil.rmtree(debs)
    return sorted((file.name for file in files), key=lambda name: "image" not in name)


def _check(tree: KernelTree) -> None:
    for path in (tree.vmlinuz, tree.modules, tree.headers / "Makefile", tree.common_headers / "Makefile"):
        if not path.exists():
            raise LabError(f"the downloaded packages have no {path.relative_to(tree.root)}")
