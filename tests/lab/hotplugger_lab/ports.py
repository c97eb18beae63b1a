"""TCP ports of this machine's loopback."""

import socket


def free_port() -> int:
    """One that nobody has at this moment; for programs that can't take any and say which."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
