"""A log's server that wants to hang, crash or fool whoever asks it: each time a verdict in words, and an exit code."""

import gzip
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from safelight.ledger.proofs.errors import Unavailable
from safelight.ledger.verify.main import main
from safelight.ledger.verify.source import HttpSource
from safelight.ledger.verify.words import visible
from tests.ledger.twin import KEY, honest_entries, write_log

OK = b"HTTP/1.1 200 OK\r\n"
TO = b"HTTP/1.1 302 Found\r\nLocation: "
ANSWERS: Mapping[str, bytes] = {
    "a stream that is not gzip": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x")[:10] + b"\xff" * 30,
    "gzip that is cut": OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 99)[:-9],
    "a redirection to no address": TO + b"http://[\r\n\r\n",
    "a redirection to an empty name": TO + b"http://a..b/\r\n\r\n",
    "a redirection to a name too long": TO + b"http://" + b"a" * 70 + b".example/\r\n\r\n",
    "a redirection to a file": TO + b"file:///etc/hostname\r\n\r\n",
    "a redirection to ftp": TO + b"ftp://127.0.0.1/checkpoint\r\n\r\n",
    "a redirection without end": TO + b"/x\r\n\r\n",
    "a chunk of less than nothing": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc",
    "headers without end": OK + b"X-A: b\r\n" * 2000 + b"\r\n",
    "nothing": b"",
    "no HTTP": b"\x00" * 70_000,
}
BUSY: Mapping[str, tuple[bytes, bytes]] = {
    "a body byte by byte": (OK + b"\r\n", b"x"),
    "a header byte by byte": (OK + b"X-A: ", b"x"),
    "one interim answer after another": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


class Hostile(http.server.BaseHTTPRequestHandler):
    """Sends what the server's `first` says, and then `again` every few milliseconds."""

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""

    def do_POST(self) -> None:
        """The same."""
        self.do_GET()

    def do_GET(self) -> None:
        """Whatever is asked."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        server = self.server
        assert isinstance(server, HostileServer)
        server.asked.set()
        self.close_connection = True
        try:
            self.wfile.write(server.first)
            while server.again:
                self.wfile.write(server.again)
                self.wfile.flush()
                time.sleep(0.005)
        except OSError:
            return  # whoever asked has gone


class HostileServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    first = again = b""
    asked = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer(("127.0.0.1", 0), Hostile) as running:
        thread = threading.Thread(target=lambda: running.serve_forever(poll_interval=0.01))
        thread.start()
        yield running
        running.again = b""
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_is_none_is_not_to_be_had(
    server: HostileServer, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.first = ANSWERS[what]
    code = main(["log", server.address, "--json", "--key", KEY.public().to_text()])
    assert (code, json.loads(capsys.readouterr().out)["code"]) == (4, "unavailable")


@pytest.mark.parametrize("what", BUSY)
def test_a_server_that_keeps_sending_is_left(server: HostileServer, what: str) -> None:
    server.first, server.again = BUSY[what]
    with pytest.raises(Unavailable, match="was not there after"):
        HttpSource(server.address, read_max_s=0.2).read("checkpoint", 1 << 20)
    server.again = b""


def test_who_interrupts_it_is_told_that_nothing_was_verified(server: HostileServer) -> None:
    server.first, server.again = BUSY["a body byte by byte"]
    server.asked.clear()
    # Tests that run in the background may have inherited that interruptions are ignored.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from safelight.ledger.verify.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["log", server.address, "--json", "--key", KEY.public().to_text()]
    # The command is this test's own; nothing in it comes from outside.
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE) as running:  # noqa: S603
        assert server.asked.wait(30)
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=30)
    assert (running.returncode, json.loads(said)["code"]) == (4, "unavailable")


def test_what_a_server_says_cannot_write_over_the_verdict(
    server: HostileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.first = b"HTTP/1.1 404 \x1b[2K\rVERIFIED: all is well\r\n\r\n"
    assert main(["log", server.address, "--key", KEY.public().to_text()]) == 4
    said = capsys.readouterr().out
    assert said.startswith("NOT VERIFIED (unavailable): ")
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()


def test_a_line_keeps_to_what_the_screen_can_show() -> None:
    assert visible("caf\u00e9 \u202eabc\ud800", "utf-8") == "caf\u00e9 \\u202eabc\\ud800"
    assert visible("caf\u00e9 \u4e16", "cp1252") == "caf\u00e9 \\u4e16"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://log.example",
        "http://[",
        "http://",
        "https://a..b/ledger",
        "https://log.example/l\u00e9dger",
        "https://log.example:port/ledger",
        "https://log.example/ledger?receipt=v1.x",
    ],
)
def test_an_address_that_is_none_is_not_the_logs_fault(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", address, "--json", "--key", KEY.public().to_text()]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "misused"


def test_what_is_no_folder_is_not_to_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    for where in ("nowhere-at-all", "v1." * 200):
        assert main(["log", where, "--key", KEY.public().to_text()]) == 4
    assert main(["checkpoint", "v1." * 200, "--key", KEY.public().to_text()]) == 4
    assert "is neither an address nor a folder" in capsys.readouterr().out


def test_a_copy_whose_tiles_are_cut_long_or_of_another_width_is_malformed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = honest_entries(300)
    write_log(tmp_path, entries)
    kept = tmp_path / "kept.checkpoint"
    kept.write_bytes((tmp_path / "checkpoint").read_bytes())
    write_log(tmp_path, [*entries, b"one more"])
    tile = tmp_path / "tile/0/001.p/48"
    content = tile.read_bytes()
    for wrong in (content[:-1], content + b"x", b"", content * 2):
        tile.write_bytes(wrong)
        code = main(["consistency", str(kept), str(tmp_path), "--json", "--key", KEY.public().to_text()])
        assert (code, json.loads(capsys.readouterr().out)["code"]) == (1, "malformed")
