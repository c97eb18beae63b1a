"""One guest: a folder with its disk, its console and its sockets, and the QEMU that uses them."""

import base64
import hashlib
import itertools
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import options as guest_options
from . import process, qmp, tools
from .channel import Channel
from .cpu_list import parse_cpu_list
from .deadline import wait_until
from .errors import DeadlineExceeded, LabError
from .options import GuestOptions

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# Everything that a guest is told comes in by QEMU's firmware configuration device.
SETTINGS = ("node", "machine-id", "agent-argv", "agent-config")
STATE_MIB = 64
BOOT_SECONDS = 180.0
COMMAND_SECONDS = 60.0
HOLD_FILE = "/run/lab/hold-agent"
AGENT_CONFIG = "/etc/hotplugger/agent.yaml"


class Guest:
    """A guest by its folder; it may have been started by another process."""

    def __init__(self, run_dir: Path, name: str):
        if not NAME.fullmatch(name):
            raise LabError(f"{name!r} is no host name (lower-case letters, digits, -; at most 63)")
        self.name = name
        self.folder = Path(run_dir).absolute() / name
        self._channel = Channel(self.folder / "channel.sock", name)

    @property
    def exists(self) -> bool:
        return (self.folder / guest_options.FILE).exists()

    @property
    def options(self) -> GuestOptions:
        self._must_exist()
        return GuestOptions.load(self.folder)

    def is_running(self) -> bool:
        return process.running_pid(self.folder) is not None

    # Life.

    def launch(self, kernel: Path, initrd: Path, options: GuestOptions, outlive_us: bool = False) -> None:
        """Starts QEMU and does not wait for the guest. The state disk is kept from the last time."""
        if self.is_running():
            raise LabError(f"{self.name} runs already")
        self.folder.mkdir(parents=True, exist_ok=True)
        options.save(self.folder)
        self._make_state_disk()
        self._write_settings(options)
        (self.folder / "console.log").write_bytes(b"")
        process.spawn(self.folder, self._qemu_arguments(kernel, initrd, options), outlive_us)

    def wait_ready(self, seconds: float = BOOT_SECONDS, not_boot: str | None = None) -> str:
        """Waits until the guest takes commands and returns its boot id (another than not_boot)."""
        # A request that comes too early is lost, so the first ones are not waited for long; a busy
        # machine gets longer and longer.
        patience = (min(5.0, 0.3 * 1.1**attempt) for attempt in itertools.count())

        def answers() -> str | None:
            process.check_alive(self.folder, self.name)
            try:
                boot_id = self._channel.boot_id(next(patience))
            except LabError:
                return None
            return boot_id if boot_id != not_boot else None

        try:
            boot_id = wait_until(answers, seconds, f"{self.name} takes commands")
        except LabError as error:
            raise type(error)(f"{error}\nThe console's end ({self.folder}/console.log):\n"
                              f"{self.console_tail()}") from error
        failures = [line for line in self.console().splitlines() if line.startswith("lab: FAILED")]
        if failures:
            raise LabError(f"{self.name}: " + "; ".join(failures))
        return boot_id

    def reboot(self, seconds: float = BOOT_SECONDS) -> None:
        """Pulls the plug and waits until the guest is back: nothing in it gets a chance to tidy up."""
        process.check_alive(self.folder, self.name)
        try:
            before = self._channel.boot_id(10)
        except LabError:
            before = None  # it hangs, so what answers after the reset is the next boot
        self.qmp("system_reset")
        self.wait_ready(seconds, not_boot=before)

    def stop(self) -> bool:
        """Ends QEMU; False when it did not run. The folder and the state disk stay."""
        return process.stop(self.folder)

    # Commands.

    def run(self, command: str, seconds: float = COMMAND_SECONDS) -> tuple[int, str]:
        """Runs a shell command in the guest: (exit status, stdout and stderr together)."""
        status, output = self.run_bytes(command, seconds)
        return status, output.decode(errors="replace")

    def run_bytes(self, command: str, seconds: float = COMMAND_SECONDS) -> tuple[int, bytes]:
        self._must_exist()
        process.check_alive(self.folder, self.name)
        return self._channel.run(command, seconds)

    def check(self, command: str, seconds: float = COMMAND_SECONDS) -> str:
        """As run, for a command that must succeed: its output without the last newline."""
        status, output = self.run(command, seconds)
        if status != 0:
            raise LabError(f"{self.name}: exit status {status}: {command}\n{output}")
        return output.rstrip("\n")

    def put_file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Writes a small file in the guest (some 100 KiB take seconds)."""
        text = base64.b64encode(content).decode()
        name = shlex.quote(path)
        self.check(f"base64 -d >{name} <<'END'\n{text}\nEND\nchmod {mode:o} {name}")

    def wait_until(self, predicate: Callable[[], Any], seconds: float, what: str) -> Any:
        """Waits for something in this guest; the error shows the console's end."""
        try:
            return wait_until(predicate, seconds, f"{self.name}: {what}")
        except DeadlineExceeded as late:
            raise DeadlineExceeded(f"{late}\nThe console's end:\n{self.console_tail()}") from late

    def cpus_online(self) -> set[int]:
        """The kernel's own mask, not what any program of ours says."""
        return parse_cpu_list(self.check("cat /sys/devices/system/cpu/online"))

    # The machine around it.

    def link(self, up: bool) -> None:
        """Plugs the network cable in or out; the command channel doesn't use it."""
        self.qmp("set_link", {"name": "net0", "up": up})

    def hot_add_cpu(self) -> None:
        """Plugs in the next CPU (start with smp "1,maxcpus=4,..."); it comes up offline or on by policy."""
        free = [slot for slot in self.qmp("query-hotpluggable-cpus") if "qom-path" not in slot]
        if not free:
            raise LabError(f"{self.name}: no free CPU slot (start with -smp N,maxcpus=M)")
        slot = min(free, key=lambda slot: sorted(slot["props"].items()))
        place = "-".join(str(number) for number in slot["props"].values())
        self.qmp("device_add", {"driver": slot["type"], "id": f"cpu-{place}", **slot["props"]})

    def hot_add_memory(self, mib: int) -> None:
        """Plugs in a DIMM (start with memory "1G,slots=4,maxmem=4G")."""
        number = len(self.qmp("query-memory-devices"))
        self.qmp("object-add", {"qom-type": "memory-backend-ram", "id": f"ram{number}", "size": mib * 2**20})
        self.qmp("device_add", {"driver": "pc-dimm", "id": f"dimm{number}", "memdev": f"ram{number}"})

    def qmp(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        self._must_exist()
        return qmp.execute(self.folder / "qmp.sock", command, arguments)

    def console(self) -> str:
        path = self.folder / "console.log"
        return path.read_text(errors="replace").replace("\r", "") if path.exists() else ""

    def console_tail(self, lines: int = 25) -> str:
        return "\n".join(self.console().splitlines()[-lines:])

    # The agent.

    def kill_agent(self, signal: str = "KILL") -> None:
        """The supervisor starts it again within a second or two, unless it is held."""
        self.check(f'kill -{signal} "$(cat /run/lab/agent.pid)"')

    def hold_agent(self, hold: bool) -> None:
        """Whether an agent that ends stays so. Holding does not end one that runs."""
        self.check(f"touch {HOLD_FILE}" if hold else f"rm -f {HOLD_FILE}")

    def set_agent_config(self, text: str) -> None:
        """Gives the agent another config and starts it with that; lasts until the guest reboots."""
        before = self.agent_pid()
        self.put_file(AGENT_CONFIG, text.encode())
        self.kill_agent("TERM")
        wait_until(lambda: self.agent_pid() not in (None, before) and self._agent_serves(), 60,
                   f"{self.name}: the agent has started again")

    def _agent_serves(self) -> bool:
        return self.run("hotplugctl --host drivers")[0] == 0

    def agent_pid(self) -> int | None:
        status, output = self.run("cat /run/lab/agent.pid")
        return int(output) if status == 0 else None

    # What it is made of.

    def _must_exist(self) -> None:
        if not self.exists:
            raise LabError(f"there is no guest {self.name} in {self.folder.parent}")

    def _make_state_disk(self) -> None:
        disk = self.folder / "state.img"
        if disk.exists():
            return
        new = disk.with_suffix(".new")
        new.unlink(missing_ok=True)
        tools.run("mke2fs", "-q", "-t", "ext4", "-F", new, f"{STATE_MIB}M")
        new.replace(disk)

    def _write_settings(self, options: GuestOptions) -> None:
        values = {
            "node": self.name,
            "machine-id": hashlib.md5(self.name.encode(), usedforsecurity=False).hexdigest(),
            "agent-argv": "\n".join(options.agent_command(self.name)),
            "agent-config": (options.agent_config or "").rstrip("\n"),
        }
        for name in SETTINGS:
            (self.folder / name).write_text(values[name] + "\n")

    def _qemu_arguments(self, kernel: Path, initrd: Path, options: GuestOptions) -> list[str]:
        command_line = ["console=ttyS0", "panic=-1", "quiet", *options.kernel_arguments]
        arguments = [
            # Never KVM: where the machine is itself a guest, /dev/kvm may open and then hang.
            "-accel", "tcg", "-name", self.name, "-nodefaults", "-no-user-config", "-display", "none",
            "-smp", options.smp or str(options.cpus), "-m", options.memory,
            "-kernel", str(kernel), "-initrd", str(initrd), "-append", " ".join(command_line),
            "-chardev", "file,id=console,path=console.log", "-serial", "chardev:console",
            "-chardev", "socket,id=channel,path=channel.sock,server=on,wait=off",
            "-serial", "chardev:channel",
            "-qmp", "unix:qmp.sock,server=on,wait=off",
            "-netdev", options.network(), "-device", "virtio-net-pci,id=net0,netdev=user0,romfile=",
            # Unsafe only for this machine's own crash: what a guest wrote outlives the guest.
            "-drive", "file=state.img,format=raw,if=none,id=state,cache=unsafe",
            "-device", "virtio-blk-pci,drive=state",
        ]
        for name in SETTINGS:
            arguments += ["-fw_cfg", f"name=opt/hotplugger/{name},file={name}"]
        if options.cpu_model:
            arguments += ["-cpu", options.cpu_model]
        return arguments + list(options.qemu_arguments)
