"""The host's end of the command channel (the guest's is guest/channel, with the protocol).

Each exchange is short and holds the socket for itself only that long, so several processes can
have commands under way in one guest, and one that hangs in the kernel blocks no other.
"""

import base64
import itertools
import os
import secrets
import time
from pathlib import Path

from .deadline import Deadline
from .errors import DeadlineExceeded, LabError
from .sockets import LineReader, exclusive

# What the guest's terminal takes at once without losing any of it.
PIECE = 1500
# A guest that has not said anything for so long is not busy, it is gone. Where this machine builds
# something, a guest may get a tenth of a CPU for all of its own.
SILENCE = 120.0
# On a very busy machine an exchange gets lost now and then; after so long it is made again.
ONE_EXCHANGE = 15.0


class Channel:
    """Runs commands in a guest over its second serial port."""

    def __init__(self, path: Path, guest: str):
        self._path = path
        self._guest = guest
        self._prefix = f"{os.getpid()}.{secrets.token_hex(4)}"
        self._numbers = itertools.count()

    def boot_id(self, seconds: float = SILENCE) -> str:
        """Answers when the guest is up, and tells one boot from the next."""
        return self._exchange("ping", self._job(), "", Deadline(seconds))[0].split()[1]

    def run(self, command: str, seconds: float) -> tuple[int, bytes]:
        """Runs a shell command; (status, stdout and stderr as they came)."""
        deadline = Deadline(seconds)
        job = self._job()
        text = base64.b64encode(command.encode()).decode()
        for start in range(0, len(text), PIECE):
            self._exchange("put", job, text[start:start + PIECE], self._patience(deadline))
        try:
            return self._collect(job, command, deadline)
        except BaseException:
            self._kill(job)
            raise

    def _collect(self, job: str, command: str, deadline: Deadline) -> tuple[int, bytes]:
        verb = "run"
        while True:
            lines = self._insist(verb, job, self._patience(deadline))
            word, *rest = lines[0].split()
            if word == "done":
                return int(rest[0]), self._decode(lines[1:], int(rest[1]))
            if word != "running":
                raise LabError(f"{self._guest}: lost track of a command (did it reboot?): {command}")
            if deadline.passed():
                raise DeadlineExceeded(
                    f"{self._guest}: no end after {deadline.seconds:g} s: {command}")
            verb = "poll"
            time.sleep(0.05)  # lets another user of the channel in

    def _insist(self, verb: str, job: str, deadline: Deadline) -> list[str]:
        """An exchange of a verb that does no harm when it comes twice."""
        while True:
            try:
                return self._exchange(verb, job, "", Deadline(min(ONE_EXCHANGE, deadline.left())))
            except DeadlineExceeded:
                if deadline.passed():
                    raise

    def _decode(self, lines: list[str], size: int) -> bytes:
        output = base64.b64decode("".join(lines))
        if len(output) != size:
            raise LabError(f"{self._guest}: {len(output)} bytes came of an output of {size}")
        return output

    def _kill(self, job: str) -> None:
        try:
            self._exchange("kill", job, "", Deadline(5))
        except LabError:
            pass  # the guest is gone, and the command with it

    def _job(self) -> str:
        return f"{self._prefix}.{next(self._numbers)}"

    @staticmethod
    def _patience(deadline: Deadline) -> Deadline:
        """A reply may be a little late where the command's own time is up: it says so itself."""
        return Deadline(min(SILENCE, deadline.left() + 5))

    def _exchange(self, verb: str, job: str, argument: str, deadline: Deadline) -> list[str]:
        """Sends one request; the reply's lines, the first without the job's name."""
        with exclusive(self._path, deadline) as connection:
            # The first newline ends what an earlier, broken off user may have begun.
            connection.sendall(f"\n{verb} {job} {argument}\n".encode())
            reader = LineReader(connection, deadline, f"{self._guest}: command channel")
            while not (line := reader.line()).startswith(f"{job} "):
                pass
            lines = [line.removeprefix(f"{job} ")]
            if lines[0].startswith("done "):
                while (line := reader.line()) != f"{job} end":
                    lines.append(line)
            return lines
