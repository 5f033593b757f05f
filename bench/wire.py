"""HTTP/1.1 with as little processor time as Python allows, so that the client of a benchmark is not what it measures.

Each connection sends one request at a time and reads one answer with a `content-length`. Nothing else is understood.
"""

import socket
from asyncio import StreamReader, StreamWriter, open_connection
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from work import Ask

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes


def written(ask: Ask) -> bytes:
    """The whole request."""
    head = (
        f"POST {ask.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {ask.content_type}\r\n"
        f"content-length: {len(ask.body)}\r\n\r\n"
    )
    return head.encode() + ask.body


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


def _status(head: bytes) -> int:
    return int(head[9:12])


class Wire:
    """A blocking connection to `origin`."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> Answer:
        """Send `request` and read its answer. Raises OSError."""
        self._socket.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head, body = bytes(received[:end]), received[end + 4 :]
        due = _length(head)
        while len(body) < due:
            body += self._more()
        return Answer(_status(head), bytes(body))

    def _more(self) -> bytes:
        chunk = self._socket.recv(_CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError("the server hung up")
        return chunk


class Wires:
    """Connections of an event loop to `origin`, opened as needed and used again."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._address = parts.hostname or "", parts.port or 80
        self._idle: list[tuple[StreamReader, StreamWriter]] = []

    async def ask(self, request: bytes) -> Answer:
        """Send `request` on a free connection and read its answer. Raises OSError or EOFError."""
        reader, writer = self._idle.pop() if self._idle else await open_connection(*self._address, limit=_CHUNK_BYTES)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            answer = Answer(_status(head), await reader.readexactly(_length(head)))
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return answer

    def close(self) -> None:
        """Every connection that is not in use."""
        for _, writer in self._idle:
            writer.close()
