"""QEMU's unix sockets in a guest's folder: one user at a time, whatever the folder's path is."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .deadline import Deadline
from .errors import DeadlineExceeded, LabError


@contextmanager
def exclusive(path: Path, deadline: Deadline) -> Iterator[socket.socket]:
    """Connects to the socket alone: QEMU serves one connection, a second would just hang."""
    with _locked(path.with_suffix(".lock"), deadline), _connected(path, deadline) as connection:
        yield connection


@contextmanager
def _locked(path: Path, deadline: Deadline) -> Iterator[None]:
    """Excludes threads as well as processes: each has its own open file."""
    with open(path, "w", encoding="ascii") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if deadline.passed():
                    raise DeadlineExceeded(f"{path}: in use for {deadline.seconds:g} s") from None
                time.sleep(0.01)
        yield


@contextmanager
def _connected(path: Path, deadline: Deadline) -> Iterator[socket.socket]:
    # A socket's address has 108 bytes; through the folder's descriptor any path fits.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(max(deadline.left(), 0.01))
            try:
                connection.connect(f"/proc/self/fd/{folder}/{path.name}")
            except OSError as error:
                raise LabError(f"{path}: {error.strerror or error}; is the guest running?") from error
            yield connection
    finally:
        os.close(folder)


class LineReader:
    """Reads lines from a socket until a deadline."""

    def __init__(self, connection: socket.socket, deadline: Deadline, what: str):
        self._connection = connection
        self._deadline = deadline
        self._what = what
        self._buffer = bytearray()
        self._searched = 0

    def line(self) -> str:
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            self._buffer += self._receive()
        line = self._buffer[:end].decode(errors="replace")
        del self._buffer[:end + 1]
        self._searched = 0
        return line.rstrip("\r")

    def _receive(self) -> bytes:
        if self._deadline.passed():
            raise DeadlineExceeded(f"{self._what}: no answer within {self._deadline.seconds:g} s")
        self._connection.settimeout(self._deadline.left())
        try:
            data = self._connection.recv(65536)
        except TimeoutError as late:
            raise DeadlineExceeded(
                f"{self._what}: no answer within {self._deadline.seconds:g} s") from late
        except ConnectionError as error:
            raise LabError(f"{self._what}: {error}") from error
        if not data:
            raise LabError(f"{self._what}: QEMU closed the connection")
        return data
