"""Real Linux guests for Hotplugger's tests and demo."""

from .deadline import wait_until
from .errors import DeadlineExceeded, LabError
from .guest import Guest
from .lab import Lab, guests_of, prepare
from .options import GuestOptions

__all__ = ["DeadlineExceeded", "Guest", "GuestOptions", "Lab", "LabError", "guests_of", "prepare",
           "wait_until"]
