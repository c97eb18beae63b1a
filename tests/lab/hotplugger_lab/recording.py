"""Records what Hotplugger reads of a host: files of a real guest for tests that need no guest.

A line a file, its path below the host's root, a tab, and its content as a C string without quotes;
"-> TARGET" instead for a symbolic link. Lines that begin with # are comments.
"""

import io
import tarfile

from .errors import LabError
from .guest import Guest

# Shell patterns, below the root. What the inventory doesn't read is left out.
CPU = "sys/devices/system/cpu"
MEMORY = "sys/devices/system/memory"
NODE = "sys/devices/system/node"
PATTERNS = (
    *(f"{CPU}/{mask}" for mask in ("possible", "present", "online", "offline", "isolated",
                                   "nohz_full", "kernel_max")),
    f"{CPU}/smt/*",
    f"{CPU}/cpu[0-9]*/online",
    f"{CPU}/cpu[0-9]*/node[0-9]*",
    *(f"{CPU}/cpu[0-9]*/topology/{name}" for name in (
        "physical_package_id", "die_id", "core_id", "core_cpus_list", "thread_siblings_list", "ppin")),
    *(f"{CPU}/cpu[0-9]*/cache/index*/{name}" for name in (
        "level", "type", "size", "id", "shared_cpu_list")),
    *(f"{CPU}/cpu[0-9]*/hotplug/{name}" for name in ("state", "target")),
    f"{MEMORY}/block_size_bytes", f"{MEMORY}/auto_online_blocks",
    *(f"{MEMORY}/memory[0-9]*/{name}" for name in (
        "state", "online", "valid_zones", "removable", "phys_index", "node[0-9]*")),
    *(f"{NODE}/{name}" for name in ("possible", "online", "has_cpu", "has_memory")),
    *(f"{NODE}/node[0-9]*/{name}" for name in ("cpulist", "meminfo", "memory[0-9]*")),
    "sys/devices/system/container/*/online",
    "proc/meminfo", "proc/zoneinfo",
    *(f"sys/fs/cgroup/{depth}{name}" for depth in ("", "*/", "*/*/") for name in (
        "cgroup.controllers", "cgroup.subtree_control", "cpuset.*")),
)
# The devices of any bus that have an `online` file are links; these are taken by them.
ONLINE_FILES = "sys/bus/*/devices/*/online"

SCRIPT = f"""
cd / && rm -rf /tmp/record && mkdir /tmp/record || exit 1
{{
  for path in {" ".join(PATTERNS)}; do
    if [ -L "$path" ] || [ -f "$path" ]; then echo "$path"; fi
  done
  for path in {ONLINE_FILES}; do
    [ ! -e "$path" ] || echo "${{path%/online}}"
  done
}} >/tmp/record.list
sed 's,/[^/]*$,,; s,^,/tmp/record/,' /tmp/record.list | sort -u | xargs mkdir -p || exit 1
while read -r path; do
  cp -P "$path" "/tmp/record/$path" || exit 1
done </tmp/record.list
tar -c -C /tmp/record .
"""
SECONDS = 120.0


def record(guest: Guest, comments: list[str]) -> str:
    """The text of a recording of this guest as it is now."""
    status, output = guest.run_bytes(SCRIPT, SECONDS)
    if status != 0:
        raise LabError(f"{guest.name}: could not be recorded:\n{output[-2000:].decode(errors='replace')}")
    with tarfile.open(fileobj=io.BytesIO(output)) as archive:
        lines = [_line(archive, member) for member in archive if not member.isdir()]
    return "".join(f"# {line}\n" for line in comments) + "".join(sorted(lines))


def _line(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    path = member.name.removeprefix("./")
    if member.issym():
        return f"{path}\t-> {member.linkname}\n"
    file = archive.extractfile(member)
    if file is None:
        raise LabError(f"/{path} is neither a file nor a symbolic link")
    return f"{path}\t{escape(file.read())}\n"


def escape(content: bytes) -> str:
    """As a C string without its quotes, on one line and in ASCII."""
    named = {ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r", ord("\\"): "\\\\", ord('"'): '\\"'}
    return "".join(named.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}")
                   for byte in content)
