"""Waiting, with an end to it: nothing in the lab waits without one of these."""

import time
from collections.abc import Callable
from typing import TypeVar

from .errors import DeadlineExceeded

Value = TypeVar("Value")


class Deadline:
    """A point in time by which something must be over."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; 0 when it has passed."""
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return self.left() == 0.0


def wait_until(predicate: Callable[[], Value], seconds: float, what: str,
               pause: float = 0.1) -> Value:
    """Asks until the answer is true and returns it; DeadlineExceeded says what never came."""
    deadline = Deadline(seconds)
    while True:
        answer = predicate()
        if answer:
            return answer
        if deadline.passed():
            raise DeadlineExceeded(f"after {seconds:g} s still not so: {what} (last answer: {answer!r})")
        time.sleep(min(pause, deadline.left()))
