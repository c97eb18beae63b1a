"""The host's own limits, /etc/hotplugger/agent.yaml, as a guest gets it before its agent starts."""

from collections.abc import Mapping
from typing import Any

# A guest is small: the limits of a real host would stop what a test is about. Those that a test is
# about it sets itself.
PERMISSIVE: dict[str, dict[str, Any]] = {
    "cpus": {"min_online": 1, "min_online_percent": 1, "min_online_per_node": 0},
    "memory": {"min_online_percent": 1, "min_available_bytes": "16Mi", "min_available_percent": 1,
               "max_movable_percent": 100000},
}


def agent_config(cpus: Mapping[str, Any] | None = None, memory: Mapping[str, Any] | None = None,
                 load: Mapping[str, Any] | None = None, **others: Any) -> str:
    """The text of a config: the permissive limits, but for what is given. `load` are the settings of
    the driver of that name; `others` are keys of `limits` beside cpus and memory, e.g.
    protected_devices.
    """
    limits = {"cpus": {**PERMISSIVE["cpus"], **(cpus or {})},
              "memory": {**PERMISSIVE["memory"], **(memory or {})}, **others}
    lines = ["limits:"]
    for key, value in limits.items():
        if isinstance(value, Mapping):
            lines.append(f"  {key}:")
            lines += [f"    {name}: {_scalar(setting)}" for name, setting in value.items()]
        else:
            lines.append(f"  {key}: {_scalar(value)}")
    if load is not None:
        lines += ["drivers:", "  load:"]
        lines += [f"    {name}: {_scalar(setting)}" for name, setting in load.items()]
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_scalar, value))}]"
    return str(value)
