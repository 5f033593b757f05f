"""A little server that speaks as an exchange does, and misbehaves when told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Said:
    """One answer."""

    body: bytes = b""
    status: int = 200
    dies_after: int | None = None
    """Break the connection after so many bytes of the body."""
    endless: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Exchange:
    """What the test and the server share: `answer` speaks, unless there are `faults` to be had first."""

    answer: Callable[[Asked], Said]
    faults: list[Said] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    address: str = ""


@contextmanager
def speaking(answer: Callable[[Asked], Said]) -> Iterator[Exchange]:
    """The server, on loopback, until the block ends."""
    exchange = Exchange(answer)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_words: object) -> None:
            """Keep still."""

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(self.command, parts.path, query, {k.lower(): v for k, v in self.headers.items()}, body)
            exchange.asked.append(asked)
            said = exchange.faults.pop(0) if exchange.faults else exchange.answer(asked)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if not said.endless:
                self.send_header("content-length", str(len(said.body)))
            self.end_headers()
            try:
                if said.endless:
                    while True:
                        self.wfile.write(b"x" * 65_536)
                self.wfile.write(said.body[: said.dies_after])
            except OSError:
                pass
            self.close_connection = True

        do_GET = do_POST = _serve  # noqa: N815 (the names that http.server calls)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    exchange.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield exchange
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
