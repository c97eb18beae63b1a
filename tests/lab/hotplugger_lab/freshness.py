"""Is a built file newer than what it is made of?"""

import json
from collections.abc import Iterable
from pathlib import Path


class Stamp:
    """A file that remembers the size and time of every input of something built.

    A list rather than a comparison of times: an input that went away, came back older, or
    appeared for the first time counts as a change too.
    """

    def __init__(self, path: Path, inputs: Iterable[Path], *facts: str):
        self._path = path
        self._inputs = list(inputs)
        self._facts = list(facts)

    def is_fresh(self) -> bool:
        return self._path.exists() and self._path.read_text() == self._state()

    def write(self) -> None:
        self._path.write_text(self._state())

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)

    def _state(self) -> str:
        files = {}
        for path in self._inputs:
            status = path.stat() if path.exists() else None
            files[str(path)] = [status.st_size, status.st_mtime_ns] if status else None
        return json.dumps({"facts": self._facts, "files": files}, indent=1)
