"""Where a published log is read from: a base address or a folder, with a bound on everything that comes back."""

import contextlib
import gzip
import http.client
import io
import threading
import urllib.error
import urllib.parse
import urllib.request
import zlib
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

from ..proofs.errors import Malformed, Unavailable
from ..proofs.merkle import HASH_BYTES
from ..proofs.note import NOTE_MAX_BYTES
from ..proofs.tiles import BUNDLE_MAX_BYTES, ENTRIES, TILE_WIDTH, Tile
from ..proofs.timestamp import STAMP_MAX_BYTES
from ..proofs.tlog_proof import PROOF_MAX_BYTES

TIMEOUT_S = 20.0
"""Of silence."""
READ_MAX_S = 120.0
"""From asking for one file to its last byte, however busily the log keeps sending."""


class Source(Protocol):
    """A published log."""

    def read(self, path: str, max_bytes: int) -> bytes:
        """The bytes at `path` below the log's prefix. Raises Unavailable; Malformed when there are too many."""


class FolderSource:
    """A copy of the log on this machine, as `safelight ledger export` writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, max_bytes: int) -> bytes:
        """See Source."""
        try:
            with (self._folder / path).open("rb") as file:
                return _bounded(file.read(max_bytes + 1), max_bytes)
        except OSError as error:
            raise Unavailable(f"{path} is not in this copy of the log ({error.strerror}).") from error


class HttpSource:
    """A log on the web, which may be a hostile one: whatever it sends, a read ends, in time, with bytes or an error."""

    def __init__(self, base_url: str, *, read_max_s: float = READ_MAX_S) -> None:
        """`base_url` begins with http:// or https://. Raises Malformed."""
        try:
            split = urllib.parse.urlsplit(base_url)
            named = (split.hostname or "").encode("idna") and split.port != 0 and split.path.isascii()
        except ValueError as error:
            raise Malformed(f"Not the address of a log: {error}.") from error
        if split.scheme not in {"http", "https"} or not named:
            raise Malformed("The log's address begins with https:// or http:// and a name; the rest of it is ASCII.")
        if split.query or split.fragment:
            raise Malformed("The log's address ends before any ? or #, such as https://images.example/ledger.")
        self._base_url = base_url.rstrip("/")
        self._read_max_s = read_max_s
        self._opener = _opener()

    def read(self, path: str, max_bytes: int) -> bytes:
        """See Source."""
        found: Future[bytes] = Future()

        def fetch() -> None:
            try:
                found.set_result(self._fetch(path, max_bytes))
            except BaseException as error:  # noqa: BLE001 (it is raised again, over there)
                found.set_exception(error)

        # A timeout of the socket begins anew with each byte; this one does not. A thread that hangs ends with us.
        threading.Thread(target=fetch, daemon=True).start()
        try:
            return found.result(self._read_max_s)
        except TimeoutError as error:
            raise Unavailable(f"{path} was not there after {self._read_max_s:.0f} s of sending.") from error

    def _fetch(self, path: str, max_bytes: int) -> bytes:
        headers = {"Accept-Encoding": "gzip, identity", "User-Agent": "safelight-verify"}
        request = urllib.request.Request(f"{self._base_url}/{path}", headers=headers)  # noqa: S310 (checked above)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                content = _bounded(answer.read(max_bytes + 1), max_bytes)
                if answer.headers.get("Content-Encoding") != "gzip":
                    return content
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                return _bounded(file.read(max_bytes + 1), max_bytes)
        except urllib.error.HTTPError as error:
            error.close()
            raise Unavailable(f"{path} could not be fetched from the log ({error}).") from error
        # ValueError: a redirection to what is no address, a length below nothing, and their like.
        except (OSError, EOFError, http.client.HTTPException, zlib.error, ValueError) as error:
            raise Unavailable(f"{path} could not be fetched from the log ({error}).") from error


def open_source(where: str) -> Source:
    """A base address or a folder. Raises Malformed or Unavailable."""
    if "://" in where:
        return HttpSource(where)
    with contextlib.suppress(OSError):  # such as a name that is too long for one
        if Path(where).is_dir():
            return FolderSource(Path(where))
    raise Unavailable(f"{where} is neither an address nor a folder.")


def read_checkpoint(source: Source, *, witnessed: bool = False) -> bytes:
    """The log's latest head; with `witnessed`, the latest that a witness has signed, where the log tells."""
    if witnessed:
        with contextlib.suppress(Unavailable):
            return source.read("witnessed", NOTE_MAX_BYTES)
    return source.read("checkpoint", NOTE_MAX_BYTES)


def read_stamped(source: Source) -> tuple[bytes, bytes]:
    """The latest head with a time stamp, and the time stamp."""
    return source.read("stamped", NOTE_MAX_BYTES), source.read("stamped.tsr", STAMP_MAX_BYTES)


def read_tile(source: Source, tile: Tile) -> bytes:
    """One tile or bundle; where a partial one is gone, what the full one begins with (C2SP tlog-tiles)."""
    max_bytes = BUNDLE_MAX_BYTES if tile.level == ENTRIES else TILE_WIDTH * HASH_BYTES
    try:
        return source.read(tile.path, max_bytes)
    except Unavailable:
        if tile.width == TILE_WIDTH:
            raise
        return _beginning(source.read(Tile(tile.level, tile.index).path, max_bytes), tile)


def read_proof(source: Source, leaf_hash: bytes) -> bytes:
    """The log's own proof for a leaf, where it makes them; a plain copy of the tiles does not."""
    return source.read(f"proof/{leaf_hash.hex()}", PROOF_MAX_BYTES)


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Follows them as ever, and closes the answer that leads to what is no address."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except (ValueError, urllib.error.HTTPError):
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _opener() -> urllib.request.OpenerDirector:
    """Knows http: and https: and nothing else, so that no redirection leads to a file: or ftp: address."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        _Redirections(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _beginning(content: bytes, tile: Tile) -> bytes:
    if tile.level != ENTRIES:
        return content[: tile.width * HASH_BYTES]
    at = 0
    for _ in range(tile.width):
        at += 2 + int.from_bytes(content[at : at + 2], "big")
    return content[:at]


def _bounded(content: bytes, max_bytes: int) -> bytes:
    if len(content) > max_bytes:
        raise Malformed(f"More than {max_bytes} bytes came back.")
    return content
