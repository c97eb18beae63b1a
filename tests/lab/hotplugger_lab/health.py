"""gRPC's health service, asked as a kubelet's probe asks it, where there is no gRPC: the bytes of one call,
and the answer's frames. In a guest busybox's nc sends them.
"""

import base64
import socket
import struct
from collections.abc import Iterator

from .guest import Guest

METHOD = "/grpc.health.v1.Health/Check"
# HTTP/2: frame types, flags, and the connection's preface.
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Of HPACK's static table, so that a field is that number and its value.
POST, HTTP, AUTHORITY, PATH, CONTENT_TYPE = 3, 6, 1, 4, 31
# HealthCheckResponse{status: SERVING} as gRPC frames it.
SERVING = b"\0\0\0\0\2\x08\x01"
SECONDS = 5.0


def serves(guest: Guest, port: int) -> bool:
    """Whether the program as a whole is said to serve on that port of the guest."""
    # Who closes the connection gets no answer, so both ends are told when to end.
    _, answer = guest.run_bytes(f"{{ base64 -d <<'END'; sleep {SECONDS:g}; }} | timeout {SECONDS:g} "
                                f"nc 127.0.0.1 {port} 2>/dev/null\n"
                                f"{base64.b64encode(request()).decode()}\nEND")
    return (DATA, SERVING) in frames(answer)


def serves_here(port: int) -> bool:
    """The same on this machine's loopback."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
            connection.sendall(request())
            while (DATA, SERVING) not in frames(answer) and (more := connection.recv(4096)):
                answer += more
    except OSError:
        pass  # nobody is there yet, or says no more
    return (DATA, SERVING) in frames(answer)


def request() -> bytes:
    fields = b"".join((_indexed(POST), _indexed(HTTP), _field(PATH, METHOD), _field(AUTHORITY, "guest"),
                       _field(CONTENT_TYPE, "application/grpc"), _named("te", "trailers")))
    return (PREFACE + _frame(SETTINGS, 0, 0, b"") + _frame(HEADERS, END_HEADERS, 1, fields)
            # An empty HealthCheckRequest.
            + _frame(DATA, END_STREAM, 1, b"\0\0\0\0\0"))


def frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and payload of each whole one."""
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        if len(data) < 9 + size:
            return
        yield data[3], data[9:9 + size]
        data = data[9 + size:]


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def _indexed(number: int) -> bytes:
    return bytes([0x80 | number])


def _text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


def _field(number: int, value: str) -> bytes:
    """A value without indexing; numbers of 15 and more take a second byte."""
    return (bytes([number]) if number < 15 else bytes([15, number - 15])) + _text(value)


def _named(name: str, value: str) -> bytes:
    return b"\0" + _text(name) + _text(value)

