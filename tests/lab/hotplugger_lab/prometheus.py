"""A real Prometheus on this machine's loopback, with the project's own config and rules made quick."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from . import tools
from .deadline import wait_until
from .errors import DeadlineExceeded, LabError
from .ports import free_port

# A guest under TCG may take seconds for an answer.
SCRAPE_SECONDS = 5
EVALUATION_SECONDS = 3
# What `for` of every alert becomes.
PENDING_SECONDS = 10
# For how long what fires must be so: as long as whatever has begun by then takes until it fires.
HOLD_SECONDS = PENDING_SECONDS + SCRAPE_SECONDS + 5 * EVALUATION_SECONDS
START_SECONDS = 60.0
CALL_SECONDS = 30.0
LOG_LINES = 20


def quick(source: Path, target: Path, controller: str) -> Path:
    """Writes prometheus.yml and its rules into `target`: other addresses, intervals and `for`, and no
    other change; ranges in expressions are kept. Prometheus's config file there.
    """
    config = yaml.safe_load((source / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": f"{SCRAPE_SECONDS}s",
                        "evaluation_interval": f"{EVALUATION_SECONDS}s"}
    for job in config["scrape_configs"]:
        job["scrape_interval"] = job["scrape_timeout"] = f"{SCRAPE_SECONDS}s"
        for static in job.get("static_configs", []):
            static["targets"] = [controller]
        for discovery in job.get("http_sd_configs", []):
            address = urllib.parse.urlsplit(discovery["url"])
            discovery["url"] = address._replace(netloc=controller).geturl()
            discovery["refresh_interval"] = f"{SCRAPE_SECONDS}s"
    for pattern in config["rule_files"]:
        for file in sorted(source.glob(pattern)):
            rules = yaml.safe_load(file.read_text(encoding="utf-8"))
            for group in rules["groups"]:
                for rule in group["rules"]:
                    if "alert" in rule:
                        rule["for"] = f"{PENDING_SECONDS}s"
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(yaml.safe_dump(rules, width=1000), encoding="utf-8")
    made = target / "prometheus.yml"
    made.write_text(yaml.safe_dump(config), encoding="utf-8")
    return made


class Prometheus:
    """One, by its folder. It ends with its starter."""

    def __init__(self, program: Path, folder: Path):
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self, config: Path) -> None:
        """Waits until it serves. Of a port that somebody takes in between, another is tried."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for attempt in (1, 2, 3):
            self._port = free_port()
            with open(self._folder / "prometheus.log", "ab") as log:
                self._process = subprocess.Popen(
                    [tools.find("setpriv"), "--pdeathsig", "KILL", str(self._program),
                     f"--config.file={config}", f"--storage.tsdb.path={self._folder / 'data'}",
                     f"--web.listen-address=127.0.0.1:{self._port}"],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            try:
                wait_until(self._ready, START_SECONDS, "Prometheus serves", pause=0.2)
                return
            except LabError:
                taken = "address already in use" in self.log_tail()
                self.stop()
                if not taken or attempt == 3:
                    raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_SECONDS)
            self._process = None

    def log_tail(self) -> str:
        words = (self._folder / "prometheus.log").read_text(errors="replace")
        return "\n".join(words.splitlines()[-LOG_LINES:])

    def _ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise LabError(f"Prometheus ended with status {self._process.returncode}; its last "
                           f"words:\n{self.log_tail()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/-/ready", timeout=CALL_SECONDS):
                return True
        except OSError:
            return False

    # Asking.

    def api(self, path: str, values: Mapping[str, str] | None = None) -> Any:
        """The data of an answer; an error of Prometheus's is one here."""
        query = urllib.parse.urlencode(values or {}, doseq=True)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/{path}?{query}",
                                        timeout=CALL_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise LabError(f"{path}?{query}: {error.read().decode(errors='replace')}") from error

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What is so now: {metric, value} each."""
        return self.api("query", {"query": expression})["result"]

    def query_range(self, expression: str, seconds: float) -> list[dict[str, Any]]:
        """What was so in the last `seconds`, as a chart asks for it."""
        now = time.time()
        return self.api("query_range", {"query": expression, "start": f"{now - seconds:.3f}",
                                        "end": f"{now:.3f}", "step": str(SCRAPE_SECONDS)})["result"]

    def label_values(self, selector: str, label: str) -> list[str]:
        """As a variable of a dashboard asks for them."""
        return self.api(f"label/{label}/values", {"match[]": selector})

    def firing(self) -> dict[str, list[dict[str, str]]]:
        """The labels of each alert that fires, by its name."""
        found: dict[str, list[dict[str, str]]] = {}
        for alert in self.api("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found

    def fired(self, seconds: int) -> set[str]:
        """The names of alerts that fired at any time of the last `seconds`."""
        return {series["metric"]["alertname"] for series in self.query(
            f'max_over_time(ALERTS{{alertstate="firing"}}[{seconds}s])')}

    def wait_firing(self, wanted: set[str], others: set[str],
                    seconds: float) -> dict[str, list[dict[str, str]]]:
        """Waits until those fire and nothing else does, for HOLD_SECONDS on end; `others` may. What is
        only so for a while, as while a host comes up, ends by itself.
        """
        firing: dict[str, list[dict[str, str]]] = {}
        since: float | None = None

        def as_wanted() -> bool:
            nonlocal firing, since
            firing = self.firing()
            if set(firing) - others != wanted:
                since = None
            elif since is None:
                since = time.monotonic()
            if since is None or time.monotonic() - since < HOLD_SECONDS:
                return False
            # What came and went between two looks is in the records.
            return self.fired(HOLD_SECONDS) - others == wanted

        try:
            wait_until(as_wanted, seconds, "alerts are as they should be", pause=1.0)
        except DeadlineExceeded as late:
            raise DeadlineExceeded(
                f"{late}: missing {sorted(wanted - set(firing))}, too many "
                f"{ {name: firing[name] for name in sorted(set(firing) - others - wanted)} }, of late "
                f"{sorted(self.fired(HOLD_SECONDS) - others - wanted)}") from late
        return firing
