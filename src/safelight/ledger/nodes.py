"""Inner hashes of the tree that were worked out before: a perfect subtree that is whole never changes, so a proof need
neither read nor hash it a second time.

What lies inside the lowest tile of a proof's own leaf is not kept in memory: that tile is read with the leaf, other
proofs hardly ever ask for the same of it, and there is so much of it that it would crowd out what every proof asks for.
Half-way up, 16 of its hashes stand beside it in the database: with them a proof hashes 22 times in there, not 247.

A wrong hash in here could deceive nobody: whoever is given a proof verifies it against a signed head.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from safelight.ledger.proofs.merkle import HASH_BYTES, Subtree, perfect_root
from safelight.ledger.proofs.tiles import TILE_HEIGHT, TILE_WIDTH, Fetch, Tile, parse_tile

NODES_MAX_COUNT = 16_384
"""Some 4 MB. Twice what stands above the lowest tiles of a log of a million leaves, so that those stay."""
_TILES_MAX_COUNT = 64
"""Half a megabyte: what stands right above four million leaves."""
_MIDDLE_HEIGHT = TILE_HEIGHT // 2
_MIDDLE_WIDTH = TILE_WIDTH >> _MIDDLE_HEIGHT
K = TypeVar("K")


def middle_of(tile: bytes) -> bytes:
    """The 16 hashes four levels above the 256 of a full lowest tile, as one."""
    hashes = parse_tile(tile, TILE_WIDTH)
    step = 1 << _MIDDLE_HEIGHT
    return b"".join(perfect_root(hashes[at : at + step]) for at in range(0, TILE_WIDTH, step))


def from_middle(subtree: Subtree, own: Tile, middle: bytes) -> Subtree:
    """`subtree`, not asked for what follows from the middle of the full lowest tile `own`."""

    def found(level: int, index: int) -> bytes:
        if not _MIDDLE_HEIGHT <= level < TILE_HEIGHT or index >> (TILE_HEIGHT - level) != own.index:
            return subtree(level, index)
        count = 1 << (level - _MIDDLE_HEIGHT)
        first = index * count % _MIDDLE_WIDTH
        return perfect_root(parse_tile(middle[first * HASH_BYTES : (first + count) * HASH_BYTES], count))

    return found


class KnownNodes:
    """Of one log; several threads may ask."""

    def __init__(self, max_count: int = NODES_MAX_COUNT) -> None:
        self._max_count = max_count
        self._hashes: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._tiles: OrderedDict[Tile, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def before(self, subtree: Subtree, own: Tile) -> Subtree:
        """`subtree`, asked only for what is not known. `own`: the lowest tile of the leaf that is proved."""

        def known_or_read(level: int, index: int) -> bytes:
            if level < TILE_HEIGHT and index >> (TILE_HEIGHT - level) == own.index:
                return subtree(level, index)
            return self._kept(self._hashes, self._max_count, (level, index), lambda: subtree(level, index))

        return known_or_read

    def before_tiles(self, fetch: Fetch) -> Fetch:
        """`fetch`, asked only for what is not known of the full tiles above the lowest ones."""

        def known_or_fetched(tile: Tile) -> bytes:
            if tile.level < 1 or tile.width < TILE_WIDTH:
                return fetch(tile)
            return self._kept(self._tiles, _TILES_MAX_COUNT, tile, lambda: fetch(tile))

        return known_or_fetched

    def _kept(self, kept: OrderedDict[K, bytes], max_count: int, place: K, read: Callable[[], bytes]) -> bytes:
        with self._lock:
            if place in kept:
                kept.move_to_end(place)
                return kept[place]
        found = read()
        with self._lock:
            kept[place] = found
            if len(kept) > max_count:
                kept.popitem(last=False)
        return found
