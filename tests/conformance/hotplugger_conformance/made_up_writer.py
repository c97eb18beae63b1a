#!/usr/bin/env python3
"""In hotplugger-writer's place where the host is a made-up one: takes the agent's requests and does what the
kernel would do about them. agent/writer/protocol.h has what is said on descriptor 3.

  made_up_writer.py ROOT [KNOB...]
"""

import errno
import fnmatch
import signal
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hotplugger_conformance.made_up_host import CPU, MadeUpHost  # noqa: E402

# WriteRequest and WriteReply.
REQUEST = struct.Struct("@QIiI72s40s192s64s4x")
REPLY = struct.Struct("@Qi4x")
CPU_ONLINE, MEMORY_STATE, SMT_CONTROL, KNOB = 1, 3, 4, 6
MEMORY_WORDS = ("offline", "online", "online_kernel", "online_movable")
SMT_WORDS = ("off", "on", "forceoff")


def text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode()


def carry_out(host: MadeUpHost, knobs: list[str], request: tuple) -> int:
    """0, or the kernel's errno."""
    _, act, number, value, _, _, path, word = request
    if act == CPU_ONLINE:
        if not (host.root / CPU / f"cpu{number}/online").exists():
            return errno.ENOENT
        host.write(f"{CPU}/cpu{number}/online", f"{value}")
        host.follow()
    elif act == MEMORY_STATE:
        host.set_memory(number, MEMORY_WORDS[value])
    elif act == SMT_CONTROL and value < len(SMT_WORDS):
        host.set_smt(SMT_WORDS[value])
    elif act == KNOB and any(fnmatch.fnmatch(text(path), knob) for knob in knobs):
        host.write(text(path), text(word))
    else:
        return errno.EINVAL
    return 0


def main(root: str, *knobs: str) -> int:
    # The agent's way to end a write that lasts; none does here.
    signal.signal(signal.SIGUSR1, lambda number, frame: None)
    host = MadeUpHost(Path(root))
    with socket.socket(fileno=3) as agent:
        while data := agent.recv(REQUEST.size):
            request = REQUEST.unpack(data)
            agent.send(REPLY.pack(request[0], carry_out(host, list(knobs), request)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
