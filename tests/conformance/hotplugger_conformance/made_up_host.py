"""A host as files, below a folder that stands for its root: what the kernel shows there, and what it does
to these files when somebody writes to them. No machine's own /sys is touched.

Four cores of two threads each, of which only the first CPU is fixed; eight blocks of memory, half of them
movable; the switches of two drivers, both off.
"""

from pathlib import Path

CPUS = 8
THREADS = 2
BLOCKS = 8
MOVABLE = range(4, BLOCKS)
BLOCK_BYTES = 128 << 20
CPU = "sys/devices/system/cpu"
MEMORY = "sys/devices/system/memory"
NODE = "sys/devices/system/node/node0"
KNOBS = {"sys/kernel/alucard_hotplug/hotplug_enable": "0", "sys/module/blu_plug/parameters/enabled": "N"}


def cpu_list(cpus: list[int]) -> str:
    """As the kernel prints a set of numbers, "0-3,6"."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][1] == cpu - 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(f"{first}-{last}" if first < last else f"{first}" for first, last in runs)


class MadeUpHost:
    """One by its folder. The files are all that there is of it, so that another process can go on with it."""

    def __init__(self, root: Path):
        self.root = root

    def make(self) -> None:
        for cpu in range(CPUS):
            if cpu > 0:
                self.write(f"{CPU}/cpu{cpu}/online", "1")
            self._link(f"{CPU}/cpu{cpu}/node0", "../../node/node0")
        for mask in ("possible", "present"):
            self.write(f"{CPU}/{mask}", cpu_list(list(range(CPUS))))
        self.write(f"{CPU}/isolated", "")
        self.write(f"{CPU}/nohz_full", "  (null)")
        self.write(f"{CPU}/smt/control", "on")
        self.write(f"{MEMORY}/block_size_bytes", f"{BLOCK_BYTES:x}")
        for block in range(BLOCKS):
            folder = f"{MEMORY}/memory{block}"
            zone = "Movable" if block in MOVABLE else "Normal"
            for name, value in {"state": "online", "valid_zones": zone, "removable": "1",
                                "phys_index": f"{block:08x}"}.items():
                self.write(f"{folder}/{name}", value)
            self._link(f"{folder}/node0", "../../node/node0")
            self._link(f"{NODE}/memory{block}", f"../../memory/memory{block}")
        for path, value in KNOBS.items():
            self.write(path, value)
        self.follow()

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="ascii").strip()

    def write(self, path: str, value: str) -> None:
        """Renamed into place: sysfs never shows half a value."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.new")
        new.write_text(f"{value}\n", encoding="ascii")
        new.replace(file)

    # What is written to it, as the kernel would carry it out.

    def set_smt(self, word: str) -> None:
        self.write(f"{CPU}/smt/control", word)
        for cpu in range(CPUS):
            if cpu % THREADS > 0:
                self.write(f"{CPU}/cpu{cpu}/online", "1" if word == "on" else "0")
        self.follow()

    def set_memory(self, block: int, word: str) -> None:
        online = word != "offline"
        zone = "Movable" if word == "online_movable" or (word == "online" and block in MOVABLE) else "Normal"
        self.write(f"{MEMORY}/memory{block}/state", "online" if online else "offline")
        self.write(f"{MEMORY}/memory{block}/valid_zones", zone if online else "Normal Movable")
        self.follow()

    def online(self) -> list[int]:
        return [cpu for cpu in range(CPUS) if cpu == 0 or self.read(f"{CPU}/cpu{cpu}/online") == "1"]

    def follow(self) -> None:
        """Everything that follows from which CPUs and blocks are online."""
        online = self.online()
        self.write(f"{CPU}/online", cpu_list(online))
        self.write(f"{CPU}/offline", cpu_list([cpu for cpu in range(CPUS) if cpu not in online]))
        self.write(f"{CPU}/smt/active", "1" if any(cpu % THREADS for cpu in online) else "0")
        self.write(f"{NODE}/cpulist", cpu_list(online))
        for cpu in range(CPUS):
            self._place(cpu, online)
        self._count_memory()

    def _place(self, cpu: int, online: list[int]) -> None:
        """An offline CPU has neither topology nor caches."""
        siblings = cpu_list([other for other in online if other // THREADS == cpu // THREADS])
        files = {"topology/physical_package_id": "0", "topology/die_id": "0",
                 "topology/core_id": f"{cpu // THREADS}", "topology/thread_siblings_list": siblings,
                 "topology/core_cpus_list": siblings, "cache/index0/level": "1",
                 "cache/index0/type": "Data", "cache/index0/id": f"{cpu // THREADS}",
                 "cache/index0/shared_cpu_list": siblings}
        for name, value in files.items():
            path = f"{CPU}/cpu{cpu}/{name}"
            if cpu in online:
                self.write(path, value)
            else:
                (self.root / path).unlink(missing_ok=True)

    def _count_memory(self) -> None:
        zones = {"Normal": 0, "Movable": 0}
        for block in range(BLOCKS):
            folder = f"{MEMORY}/memory{block}"
            if self.read(f"{folder}/state") == "online":
                zones[self.read(f"{folder}/valid_zones")] += BLOCK_BYTES
        total = sum(zones.values()) // 1024
        self.write("proc/meminfo", f"MemTotal: {total} kB\nMemAvailable: {total * 9 // 10} kB")
        self.write("proc/zoneinfo", "\n".join(
            f"Node 0, zone {name}\n  pages free 1\n        present {size // 4096}\n"
            f"        managed {size // 4096}" for name, size in zones.items()))
        self.write("proc/stat", "cpu 0 0 0 0 0 0 0 0 0 0")

    def _link(self, path: str, target: str) -> None:
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
