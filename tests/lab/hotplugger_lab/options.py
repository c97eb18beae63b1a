"""What a guest is to be, kept in its folder so that every later command finds it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .agent_config import agent_config

FILE = "guest.json"
# In the guest; the one that docs/metrics.md names.
METRICS_PORT = 9416


@dataclass(frozen=True)
class GuestOptions:
    """A guest as asked for. The defaults are a machine of 4 CPUs with an agent and no controller."""

    cpus: int = 4
    memory: str = "768"                 # QEMU's -m, so "1G,slots=4,maxmem=4G" too
    smp: str | None = None              # QEMU's -smp in full; outranks cpus
    cpu_model: str | None = None        # QEMU's -cpu; "Haswell-noTSX" has SMT under TCG
    kernel_arguments: tuple[str, ...] = ()
    qemu_arguments: tuple[str, ...] = ()
    agent: bool = True
    controller_port: int | None = None  # on this machine's loopback
    metrics_port: int | None = None     # on this machine's loopback, leads to the agent's /metrics
    labels: dict[str, str] = field(default_factory=dict)
    agent_arguments: tuple[str, ...] = ()
    agent_config: str | None = agent_config()  # of agent.yaml; None: no file, the agent's own limits

    def agent_command(self, node: str) -> list[str]:
        """The agent's command line in the guest; empty where none is wanted."""
        if not self.agent:
            return []
        command = ["hotplugger-agent", "--node", node]
        if self.controller_port is not None:
            # 10.0.2.2 is what QEMU's user-mode network calls this machine's loopback.
            command += ["--controller", f"10.0.2.2:{self.controller_port}", "--insecure"]
        if self.metrics_port is not None:
            command += [f"--metrics-listen=0.0.0.0:{METRICS_PORT}",
                        f"--metrics-address=127.0.0.1:{self.metrics_port}"]
        for key, value in self.labels.items():
            command += ["--label", f"{key}={value}"]
        command += ["--state-dir", "/var/lib/hotplugger", "--socket", "/run/hotplugger/agent.sock"]
        return command + list(self.agent_arguments)

    def network(self) -> str:
        """QEMU's user-mode network, with what leads into the guest."""
        network = "user,id=user0,ipv6=off"
        if self.metrics_port is not None:
            network += f",hostfwd=tcp:127.0.0.1:{self.metrics_port}-:{METRICS_PORT}"
        return network

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n")

    @staticmethod
    def load(folder: Path) -> "GuestOptions":
        values = json.loads((folder / FILE).read_text())
        for name in ("kernel_arguments", "qemu_arguments", "agent_arguments"):
            values[name] = tuple(values[name])
        return GuestOptions(**values)
