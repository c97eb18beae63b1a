"""The programs under test, and the shared libraries that they need in a guest."""

import re
from pathlib import Path

from . import tools
from .cpio import Archive
from .errors import LabError

NAMES = ("hotplugger-agent", "hotplugger-writer", "hotplugctl")
# In a guest too, where they have been built.
BENCHMARKS = ("host_pair_bench",)
TESTS = ("real_kernel_contract_test",)


def built_programs(build_dir: Path) -> list[Path]:
    """Those of the programs that have been built."""
    wanted = [build_dir / "bin" / name for name in NAMES]
    wanted += [build_dir / "bench" / name for name in BENCHMARKS]
    wanted += [build_dir / "guest" / name for name in TESTS]
    return [path for path in wanted if path.exists()]


def program_archive(programs: list[Path], scratch: Path) -> bytes:
    archive = Archive()
    needed: set[Path] = set()
    scratch.mkdir(exist_ok=True)
    for program in programs:
        stripped = scratch / program.name
        # Debug information would be most of the image, and unpacking it most of the boot.
        tools.run("strip", "--strip-debug", "-o", stripped, program)
        archive.copy(f"usr/bin/{program.name}", stripped)
        needed |= libraries(program)
    for library in sorted(needed):
        archive.copy(str(library).lstrip("/"), library)
    return archive.finish()


def libraries(program: Path) -> set[Path]:
    """Every file that the loader would map, the loader included."""
    listing = tools.run("ldd", program, accept=(0, 1))  # 1: a static program
    if missing := re.findall(r"(\S+) => not found", listing):
        raise LabError(f"{program}: the machine has no {', '.join(missing)}")
    return {Path(path) for path in re.findall(r"(?:^\s*|=> )(/\S+) \(0x", listing, re.MULTILINE)}
