"""What can go wrong in the lab."""


class LabError(Exception):
    """Something that a person can mend or must know; its text is the whole story."""


class DeadlineExceeded(LabError):
    """A wait reached its end first."""
