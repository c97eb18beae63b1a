"""The real controller on this machine's loopback: started, killed, started again on its port."""

import json
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from . import tools
from .deadline import wait_until
from .errors import LabError

PROGRAM = "hotplugger-controller"
START_SECONDS = 30.0
STOP_SECONDS = 15.0
LOG_LINES = 20


class Controller:
    """One controller by its folder, where its store outlives it. It ends with its starter."""

    def __init__(self, build_dir: Path | str, folder: Path | str, *arguments: str):
        self._program = Path(build_dir) / "bin" / PROGRAM
        self._folder = Path(folder)
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0  # any free one at first, then always that: agents know no other
        self._metrics_port = 0  # the same of those who scrape it

    @property
    def port(self) -> int:
        if self._port == 0:
            raise LabError("the controller has not been started yet, so it has no port")
        return self._port

    def start(self, *once: str) -> None:
        """Starts it, this time with these arguments too, and waits until it serves."""
        if self._process is not None:
            raise LabError(f"{PROGRAM} runs already, as {self._process.pid}")
        self._folder.mkdir(parents=True, exist_ok=True)
        ports = self._folder / "ports"
        ports.unlink(missing_ok=True)
        # The kernel ends it when the thread that starts it ends: a killed test can't tidy up.
        command = [tools.find("setpriv"), "--pdeathsig", "KILL", str(self._program),
                   "--listen", f"127.0.0.1:{self._port}",
                   "--metrics-listen", f"127.0.0.1:{self._metrics_port}",
                   "--store", f"sqlite:{self._folder / 'controller.db'}",
                   "--port-file", str(ports), *self._arguments, *once]
        with open(self._folder / "controller.log", "ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, start_new_session=True)
        try:
            wait_until(lambda: self._serves(ports), START_SECONDS, f"{PROGRAM} serves", pause=0.02)
        except BaseException:
            self.kill()
            raise
        found = dict(line.split("=") for line in ports.read_text().split())
        self._port, self._metrics_port = int(found["grpc"]), int(found["metrics"])

    @property
    def metrics_address(self) -> str:
        return f"127.0.0.1:{self._metrics_port}"

    def metrics(self) -> str:
        """What a scrape gets."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics",
                                    timeout=START_SECONDS) as answer:
            return answer.read().decode()

    def targets(self) -> list[dict[str, Any]]:
        """What Prometheus is told of the agents that it is to scrape."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/sd",
                                    timeout=START_SECONDS) as answer:
            return json.load(answer)

    def kill(self) -> None:
        """SIGKILL: nothing in it gets a chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def stop(self) -> None:
        """Ends it in order, and says so when it does not end by itself."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"{PROGRAM} did not end within {STOP_SECONDS:g} s of SIGTERM; its last "
                           f"words:\n{self.log_tail()}") from None
        self._reap()

    def lose_store(self) -> None:
        """As a disk that was replaced; for one that is not running."""
        for file in self._folder.glob("controller.db*"):
            file.unlink()

    def log_tail(self) -> str:
        log = self._folder / "controller.log"
        words = log.read_text(errors="replace") if log.exists() else ""
        return "\n".join(words.splitlines()[-LOG_LINES:])

    def _serves(self, ports: Path) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise LabError(f"{PROGRAM} ended with status {self._process.returncode}; its last "
                           f"words:\n{self.log_tail()}")
        return ports.exists()

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait(STOP_SECONDS)
        self._process = None
