"""QEMU's machine protocol: one command a connection."""

import json
from pathlib import Path
from typing import Any

from .deadline import Deadline
from .errors import LabError
from .sockets import LineReader, exclusive


def execute(path: Path, command: str, arguments: dict[str, Any] | None = None,
            seconds: float = 30) -> Any:
    """Runs one command and returns what it returned; QEMU's own words when it refuses."""
    deadline = Deadline(seconds)
    with exclusive(path, deadline) as connection:
        reader = LineReader(connection, deadline, f"QMP {command}")
        reader.line()  # the greeting
        answer = None
        for name, values in (("qmp_capabilities", {}), (command, arguments or {})):
            connection.sendall(json.dumps({"execute": name, "arguments": values}).encode() + b"\n")
            answer = _answer(reader)
            if "error" in answer:
                raise LabError(f"QMP {name}: {answer['error']['desc']}")
        return answer["return"]


def _answer(reader: LineReader) -> dict[str, Any]:
    """The next reply; events come between."""
    while "event" in (message := json.loads(reader.line())):
        pass
    return message
