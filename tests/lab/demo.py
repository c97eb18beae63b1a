#!/usr/bin/env python3
"""The demo: three real kernels under one controller, one policy, everything read back."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hotplugger_lab import GuestOptions, Lab, LabError, guests_of, wait_until  # noqa: E402

POLICY = Path("examples/park-and-switch.yaml")
SOURCE_ROOT = Path(__file__).resolve().parents[2]
# Host, pool, and the hotplug driver that somebody started there before Hotplugger came.
HOSTS = {"alpha": ("lab", "bricked"), "beta": ("lab", "thermal"), "gamma": ("spare", "bricked")}
METRICS = ("hotplugger_nodes{", "hotplugger_node_in_sync{", "hotplugger_node_cpus{",
           "hotplugger_node_driver_running{")


def title(text: str) -> None:
    """A heading, bold where a person looks on."""
    on, off = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"\n{on}== {text}{off}", flush=True)


class DemoController:
    """The controller of the demo: started here, found again by its pid file."""

    def __init__(self, build_dir: Path, folder: Path):
        self._program = build_dir / "bin" / "hotplugger-controller"
        self._folder = folder
        self._pid_file = folder / "controller.pid"

    def start(self) -> None:
        """Serves on free ports of loopback, with a fresh SQLite file."""
        ports = self._folder / "ports"
        command = [str(self._program), "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
                   "--store", f"sqlite:{self._folder / 'controller.db'}", "--port-file", str(ports)]
        with open(self._folder / "controller.log", "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        self._pid_file.write_text(f"{process.pid}\n")
        wait_until(lambda: ports.exists() or process.poll() is not None, 20, "the controller serves")
        if process.poll() is not None:
            raise LabError((self._folder / "controller.log").read_text())

    def ports(self) -> dict[str, str]:
        lines = (self._folder / "ports").read_text().split()
        return dict(line.split("=", 1) for line in lines)

    def pid(self) -> int | None:
        """Its process, if that pid is still this program."""
        try:
            pid = int(self._pid_file.read_text())
            ours = os.path.samefile(f"/proc/{pid}/exe", self._program)
        except (OSError, ValueError):
            return None
        return pid if ours else None

    def stop(self) -> None:
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: _gone(pid), 20, "the controller has ended")


def _gone(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
    return not Path(f"/proc/{pid}").exists()


class Demo:
    """The demo's steps; `run` is the story."""

    def __init__(self, build_dir: Path, keep: bool):
        self._build_dir = build_dir.absolute()
        self._folder = self._build_dir / "demo"
        self._keep = keep
        self._controller = DemoController(self._build_dir, self._folder)
        self._lab: Lab | None = None

    def run(self) -> None:
        begun = time.monotonic()
        if self._controller.pid() is not None:
            raise LabError("an earlier demo is still up; end it with: make demo-stop")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        try:
            self._start()
            self._before()
            self._apply()
            self._after()
            self._release()
            title(f"done after {time.monotonic() - begun:.0f} s")
            if self._keep:
                self._say_what_to_try()
        except BaseException:
            self._keep = False
            raise
        finally:
            if not self._keep:
                self.stop()

    def stop(self) -> None:
        for guest in guests_of(self._folder / "guests"):
            guest.stop()
        self._controller.stop()
        print("nothing is left running", flush=True)

    def _start(self) -> None:
        title("a controller (SQLite, loopback)")
        self._controller.start()
        print("serves gRPC on 127.0.0.1:{grpc} and /metrics on 127.0.0.1:{metrics}".format(
            **self._controller.ports()))
        title("three guests, each a real kernel with the agent and a hotplug-driver module")
        self._lab = Lab(self._build_dir, self._folder / "guests", outlive_us=True,
                        say=lambda text: print(f"   {text}", flush=True))
        port = int(self._controller.ports()["grpc"])
        self._guests = {guest.name: guest for guest in self._lab.start_each({
            name: GuestOptions(controller_port=port, labels={"pool": pool})
            for name, (pool, _) in HOSTS.items()})}
        for name, (_, driver) in HOSTS.items():
            self._wait_connected(name)
            self._guests[name].check(f"hotplugctl --host enable {driver} >/dev/null")

    def _wait_connected(self, node: str) -> None:
        """A guest is ready before its agent has said hello."""
        wait_until(lambda: node in self._ctl("get", "nodes", quiet=True), 60,
                   f"{node} has connected", pause=0.3)

    def _before(self) -> None:
        title("before")
        self._ctl("wait", "nodes", *HOSTS, "--timeout", "60s", quiet=True)
        self._ctl("get", "nodes")
        self._masks()

    def _apply(self) -> None:
        title(f"one policy: {POLICY}")
        for line in (SOURCE_ROOT / POLICY).read_text().splitlines():
            if line.strip() and not line.strip().startswith("#"):
                print(f"   {line}")
        self._ctl("apply", "-f", str(SOURCE_ROOT / POLICY), shown=f"apply -f {POLICY}")
        self._ctl("wait", "policy", "park-and-switch", "--timeout", "60s")

    def _after(self) -> None:
        title("after: pool=lab has parked two CPUs and runs alucard; gamma is as it was")
        self._ctl("get", "nodes")
        self._masks()
        title("what happened on each host (bricked was stopped, thermal spared: mutually whitelisted)")
        for name in ("alpha", "beta"):
            print(f"{name}:")
            print(_indent(self._section(name, "Last report:")))
        title("a few lines of /metrics")
        url = f"http://127.0.0.1:{self._controller.ports()['metrics']}/metrics"
        with urllib.request.urlopen(url, timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(METRICS) and not line.endswith(" 0"):
                    print(f"   {line}")

    def _release(self) -> None:
        if self._keep:
            return
        title("the policy is deleted: everything goes back")
        self._ctl("delete", "policy", "park-and-switch")
        self._ctl("wait", "nodes", *HOSTS, "--timeout", "60s")
        self._masks()

    def _masks(self) -> None:
        for name, guest in self._guests.items():
            cpus = guest.check("cat /sys/devices/system/cpu/online").strip()
            drivers = guest.check("cat /sys/kernel/hotplugger/available_drivers").strip()
            print(f"   {name}'s own kernel says: online {cpus:4} drivers {drivers}")

    def _section(self, node: str, heading: str) -> str:
        """One part of `describe node`, which ends at a blank line."""
        text = self._ctl("describe", "node", node, quiet=True)
        return text[text.index(heading):].split("\n\n")[0]

    def _ctl(self, *words: str, quiet: bool = False, shown: str | None = None) -> str:
        """Runs hotplugctl and shows the command with its answer; a failure ends the demo."""
        if not quiet:
            print(f"$ hotplugctl {shown or ' '.join(words)}", flush=True)
        done = subprocess.run([self._build_dir / "bin" / "hotplugctl", *words],
                              env={**os.environ, "HOTPLUGGER_CONTROLLER": self._address()},
                              capture_output=True, text=True, timeout=90, check=False)
        if done.returncode != 0:
            raise LabError(f"hotplugctl {' '.join(words)}: {done.stdout}{done.stderr}")
        if not quiet:
            print(_indent(done.stderr + done.stdout), flush=True)
        return done.stdout

    def _address(self) -> str:
        return f"127.0.0.1:{self._controller.ports()['grpc']}"

    def _say_what_to_try(self) -> None:
        build = os.path.relpath(self._build_dir)
        title("left up; try")
        print(f"""   export HOTPLUGGER_CONTROLLER={self._address()} PATH=$PWD/{build}/bin:$PATH
   hotplugctl describe node alpha
   hotplugctl offline gamma cpu1 --reason 'machine checks'; hotplugctl get holds
   hotplugctl online beta driver/intelli; hotplugctl wait nodes; hotplugctl release beta driver/intelli
   tests/lab/lab.py run --run-dir {build}/demo/guests alpha -- hotplugctl --host drivers
   tests/lab/lab.py run --run-dir {build}/demo/guests alpha -- 'echo 1 > /sys/devices/system/cpu/cpu2/online'
   tests/lab/lab.py reboot --run-dir {build}/demo/guests beta
   hotplugctl delete policy park-and-switch; hotplugctl wait nodes
   make demo-stop""")


def _indent(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.rstrip().splitlines())


def main() -> int:
    parser = argparse.ArgumentParser(description="Shows Hotplugger at work on three real kernels.")
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--keep", action="store_true", help="leave everything up in the end")
    parser.add_argument("--stop", action="store_true", help="end what an earlier demo left up")
    arguments = parser.parse_args()
    demo = Demo(arguments.build_dir, arguments.keep)
    try:
        demo.stop() if arguments.stop else demo.run()
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
