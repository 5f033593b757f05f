"""C2SP tlog-tiles: a tree as files of up to 256 hashes, and its leaves as bundles of up to 256 entries.

A tile at level L holds the hashes over 256**L leaves each. Partial tiles, at the right edge, carry their width in the
path; full ones never change.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .errors import Malformed
from .merkle import HASH_BYTES, perfect_root

TILE_WIDTH = 256
TILE_HEIGHT = 8
"""Binary levels of one tile."""
ENTRIES = -1
"""The level under which an entry bundle goes: it lies below the leaf hashes."""
ENTRY_MAX_BYTES = 65535
BUNDLE_MAX_BYTES = TILE_WIDTH * (ENTRY_MAX_BYTES + 2)

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")
_CACHED_TILES = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """The place of one tile or entry bundle. `level` is 0 to 63, or ENTRIES."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Below the log's prefix, such as `tile/0/x001/067` or `tile/entries/000.p/7`."""
        parts = [f"{self.index % 1000:03d}"]
        rest = self.index // 1000
        while rest:
            parts.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        suffix = f".p/{self.width}" if self.width != TILE_WIDTH else ""
        return f"tile/{level}/{'/'.join(reversed(parts))}{suffix}"

    @classmethod
    def parse(cls, path: str) -> "Tile":
        """Read a path back. Raises Malformed for anything that `path` would not have written."""
        if not (found := _PATH.fullmatch(path)):
            raise Malformed("Not the path of a tile.")
        level, digits, width = found.groups()
        index = int(digits.replace("x", "").replace("/", ""))
        tile = cls(ENTRIES if level == "entries" else int(level), index, int(width or TILE_WIDTH))
        if tile.path != path or tile.level > 63 or (width and tile.width >= TILE_WIDTH):
            raise Malformed("Not the path of a tile.")
        return tile

    def is_within(self, size: int) -> bool:
        """Whether a tree of `size` leaves has all of this tile's hashes or entries."""
        return self.index * TILE_WIDTH + self.width <= count_at(self.level, size)


Fetch = Callable[[Tile], bytes]
"""Gives the bytes of one tile or bundle. Raises Unavailable."""


def count_at(level: int, size: int) -> int:
    """How many hashes the tile level has in a tree of `size` leaves."""
    return size if level == ENTRIES else size >> (TILE_HEIGHT * level)


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile with that index, as wide as a tree of `size` leaves makes it."""
    return Tile(level, index, min(TILE_WIDTH, count_at(level, size) - index * TILE_WIDTH))


def tiles_between(old: int, new: int) -> list[Tile]:
    """Every tile and bundle that a log of `new` leaves has and one of `old` did not have, full or partial."""
    found = []
    for level in range(ENTRIES, 8):
        count = count_at(level, new)
        if count == 0 or count == count_at(level, old):
            continue
        first = count_at(level, old) // TILE_WIDTH
        found += [tile_at(level, index, new) for index in range(first, (count + TILE_WIDTH - 1) // TILE_WIDTH)]
    return found


def parse_tile(content: bytes, width: int) -> list[bytes]:
    """The `width` hashes of a tile. Raises Malformed for any other length."""
    if len(content) != width * HASH_BYTES:
        raise Malformed(_wrong_length(width, content))
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


def write_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each behind its length as two bytes, big-endian. Raises ValueError for one that is too long."""
    if any(len(entry) > ENTRY_MAX_BYTES for entry in entries):
        raise ValueError(f"an entry has at most {ENTRY_MAX_BYTES} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(content: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises Malformed when there are more, fewer, or half of one."""
    entries, at = [], 0
    for _ in range(width):
        length = int.from_bytes(content[at : at + 2], "big")
        entry = content[at + 2 : at + 2 + length]
        if at + 2 + length > len(content):
            raise Malformed("The bundle ends before its last entry does.")
        entries.append(entry)
        at += 2 + length
    if at != len(content):
        raise Malformed("The bundle goes on behind its last entry.")
    return entries


class TileReader:
    """Perfect subtrees of a tree of `size` leaves, read from its tiles. Nothing is trusted: proofs are verified."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size = size
        self._fetch = fetch
        self._cache: dict[Tile, bytes] = {}

    def subtree(self, level: int, index: int) -> bytes:
        """The hash over 2**level leaves. Raises Malformed or Unavailable."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        content = self._tile(tile_at(tile_level, first // TILE_WIDTH, self._size))
        start = first % TILE_WIDTH * HASH_BYTES
        return perfect_root(parse_tile(content[start : start + (HASH_BYTES << height)], 1 << height))

    def _tile(self, tile: Tile) -> bytes:
        # Kept as it came: most of what is asked for is a few of its hashes, and cutting all 256 costs more than those.
        if tile not in self._cache:
            if len(self._cache) >= _CACHED_TILES:
                self._cache.pop(next(iter(self._cache)))
            content = self._fetch(tile)
            if len(content) != tile.width * HASH_BYTES:
                raise Malformed(_wrong_length(tile.width, content))
            self._cache[tile] = content
        return self._cache[tile]


def _wrong_length(width: int, content: bytes) -> str:
    return f"A tile of {width} hashes has {width * HASH_BYTES} bytes, not {len(content)}."
