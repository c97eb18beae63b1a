"""The guests' initramfs: one archive with the system, one with the programs under test.

The kernel unpacks archives that follow one another, so a new agent costs only the second one.
It is not compressed: under TCG, unpacking would cost more than loading it.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from . import programs, tools
from .cpio import Archive
from .errors import LabError
from .freshness import Stamp
from .packages import KernelTree

# What the kernel package has as modules and a guest needs; modules.dep adds theirs, in order.
WANTED_MODULES = ("virtio_pci", "virtio_net", "virtio_blk", "qemu_fw_cfg")
GUEST_SCRIPTS = ("boot", "agent", "channel")
# Small programs of the lab's own, C.
GUEST_PROGRAMS = ("pin-memory", "hold-kernel-memory")
# The drivers that Hotplugger ships, where the agent looks for them.
SHIPPED_DRIVERS = Path(__file__).resolve().parents[3] / "deploy" / "drivers.d"
# These are there for a test to load.
SPARE_MODULES = ("memory_notifier_error_inject",)
NSSWITCH = b"passwd: files\ngroup: files\nhosts: files dns\n"


def build_image(build_dir: Path, lab_dir: Path, source: Path, tree: KernelTree, module: Path,
                say: Callable[[str], None]) -> Path:
    """Returns the initramfs, made anew when any input of it is another than last time."""
    image = lab_dir / "initrd.cpio"
    base = lab_dir / "base.cpio"
    extra = lab_dir / "programs.cpio"
    busybox = Path(tools.find("busybox"))
    found = programs.built_programs(build_dir)
    missing = [name for name in programs.NAMES if name not in {path.name for path in found}]
    if missing:
        say(f"image: not built yet, so left out: {', '.join(missing)}")

    own_code = [path for path in Path(__file__).parent.glob("*.py")
                if path.stem in ("image", "cpio", "programs")]
    shipped = sorted(SHIPPED_DRIVERS.glob("*.yaml"))
    base_stamp = Stamp(lab_dir / "base.json",
                       [*sorted(source.iterdir()), busybox, module, *own_code, *shipped],
                       tree.release)
    extra_stamp = Stamp(lab_dir / "programs.json", [*found, *own_code])
    changed = not image.exists()
    if not base.exists() or not base_stamp.is_fresh():
        helpers = [_build_program(source / f"{name}.c", lab_dir) for name in GUEST_PROGRAMS]
        _replace(base, _base_archive(source, tree, module, busybox, helpers))
        base_stamp.write()
        changed = True
    if not extra.exists() or not extra_stamp.is_fresh():
        _replace(extra, programs.program_archive(found, lab_dir / "stripped"))
        extra_stamp.write()
        changed = True
    if changed:
        # Rename, never overwrite: a running QEMU has the old file mapped.
        _replace(image, base.read_bytes() + extra.read_bytes())
    size = image.stat().st_size / 2**20
    say(f"image: {'made' if changed else 'up to date'}, {size:.0f} MiB, with "
        + (", ".join(path.name for path in found) or "none of the programs"))
    return image


def _replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def _build_program(source: Path, lab_dir: Path) -> Path:
    """A small program of the lab's own, static, since the guests' libraries are those of the agent."""
    program = lab_dir / source.stem
    tools.run("gcc-12", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-s",
              "-o", program, source)
    return program


def _base_archive(source: Path, tree: KernelTree, module: Path, busybox: Path,
                  helpers: list[Path]) -> bytes:
    archive = Archive()
    archive.console()
    for name in ("proc", "sys", "run", "tmp", "root", "var/log", "var/lib/hotplugger", "etc/hotplugger"):
        archive.folder(name)
    _add_busybox(archive, busybox)
    _add_modules(archive, tree, module)
    for name in GUEST_SCRIPTS:
        archive.copy(f"lab/{name}", source / name)
    for helper in helpers:
        archive.copy(f"usr/bin/{helper.name}", helper)
    for driver in sorted(SHIPPED_DRIVERS.glob("*.yaml")):
        archive.copy(f"usr/share/hotplugger/drivers.d/{driver.name}", driver, 0o644)
    archive.copy("etc/inittab", source / "inittab", 0o644)
    archive.file("etc/nsswitch.conf", NSSWITCH)
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    archive.file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    archive.link("init", "bin/busybox")
    return archive.finish()


def _add_busybox(archive: Archive, busybox: Path) -> None:
    if tools.run("ldd", busybox, accept=(0, 1)).count("=>"):
        raise LabError(f"{busybox} is not static: install Debian's busybox-static")
    archive.copy("bin/busybox", busybox)
    for applet in tools.run("busybox", "--list").split():
        if applet != "busybox":
            archive.link(f"bin/{applet}", "busybox")


def _add_modules(archive: Archive, tree: KernelTree, module: Path) -> None:
    modules_dep = (tree.modules / "modules.dep").read_text()
    order = load_order(modules_dep, WANTED_MODULES)
    paths = [f"lib/modules/{Path(relative).name}" for relative in order]
    for relative in load_order(modules_dep, WANTED_MODULES + SPARE_MODULES):
        archive.copy(f"lib/modules/{Path(relative).name}", tree.modules / relative, 0o644)
    paths.append(f"lib/modules/{module.name}")
    archive.copy(paths[-1], module, 0o644)
    archive.file("lab/modules", "".join(f"/{path}\n" for path in paths).encode())


def load_order(modules_dep: str, wanted: Iterable[str]) -> list[str]:
    """Paths in the order in which they load: depmod lists what a module needs last-first."""
    needs = dict(line.split(":", 1) for line in modules_dep.splitlines())
    by_name = {Path(path).stem.replace("-", "_"): path for path in needs}
    order: list[str] = []
    for name in wanted:
        if name not in by_name:
            raise LabError(f"the kernel has no module {name}")
        path = by_name[name]
        for item in [*reversed(needs[path].split()), path]:
            if item not in order:
                order.append(item)
    return order
