"""Where a published log is read from: a base address or a folder, with a bound on everything that comes back."""

import contextlib
import gzip
import http.client
import io
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Protocol

from ..proofs.errors import Malformed, Unavailable
from ..proofs.merkle import HASH_BYTES
from ..proofs.note import NOTE_MAX_BYTES
from ..proofs.tiles import BUNDLE_MAX_BYTES, ENTRIES, TILE_WIDTH, Tile
from ..proofs.timestamp import STAMP_MAX_BYTES
from ..proofs.tlog_proof import PROOF_MAX_BYTES

TIMEOUT_S = 20.0


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
    """A log on the web."""

    def __init__(self, base_url: str) -> None:
        """`base_url` begins with http:// or https://. Raises Malformed."""
        if urllib.parse.urlsplit(base_url).scheme not in {"http", "https"}:
            raise Malformed("The log's address begins with https:// or http://.")
        self._base_url = base_url.rstrip("/")

    def read(self, path: str, max_bytes: int) -> bytes:
        """See Source."""
        headers = {"Accept-Encoding": "gzip, identity", "User-Agent": "safelight-verify"}
        # The scheme was checked above: no file: or ftp: address comes this far.
        request = urllib.request.Request(f"{self._base_url}/{path}", headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                content = _bounded(answer.read(max_bytes + 1), max_bytes)
                if answer.headers.get("Content-Encoding") != "gzip":
                    return content
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
                return _bounded(file.read(max_bytes + 1), max_bytes)
        except (OSError, EOFError, http.client.HTTPException, urllib.error.URLError) as error:
            raise Unavailable(f"{path} could not be fetched from the log ({error}).") from error


def open_source(where: str) -> Source:
    """A base address or a folder. Raises Malformed or Unavailable."""
    if "://" in where:
        return HttpSource(where)
    if not Path(where).is_dir():
        raise Unavailable(f"{where} is neither an address nor a folder.")
    return FolderSource(Path(where))


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
