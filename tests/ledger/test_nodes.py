"""What never changes is read once; what may still grow, and what hardly anybody asks for again, each time."""

import hashlib

import pytest

from safelight.ledger.nodes import KnownNodes, from_middle, middle_of
from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.tiles import Tile, TileReader

OWN = Tile(0, 3, 256)


def test_full_tiles_above_the_lowest_are_fetched_once_and_others_each_time() -> None:
    fetched: list[Tile] = []

    def fetch(tile: Tile) -> bytes:
        fetched.append(tile)
        return bytes([tile.level, tile.index, tile.width % 256])

    ask = KnownNodes().before_tiles(fetch)
    full, growing, lowest = Tile(1, 0, 256), Tile(1, 1, 9), Tile(0, 7, 256)
    for tile in (full, growing, lowest) * 3:
        assert ask(tile) == bytes([tile.level, tile.index, tile.width % 256])
    assert [fetched.count(tile) for tile in (full, growing, lowest)] == [1, 3, 3]
    for index in range(200):
        ask(Tile(1, index, 256))
    ask(full)
    assert fetched.count(full) == 2, "as many are kept as there is room for"


def test_what_is_inside_a_leafs_own_tile_is_not_kept_and_all_else_is() -> None:
    asked: list[tuple[int, int]] = []

    def subtree(level: int, index: int) -> bytes:
        asked.append((level, index))
        return f"{level} {index}".encode()

    ask = KnownNodes().before(subtree, OWN)
    inside, beside, above = (7, 6), (7, 8), (8, 3)
    for level, index in (inside, beside, above) * 2:
        assert ask(level, index) == f"{level} {index}".encode()
    assert [asked.count(place) for place in (inside, beside, above)] == [2, 1, 1]


def test_every_subtree_of_a_full_tile_follows_from_its_middle_and_no_other_does() -> None:
    tile = b"".join(hashlib.sha256(bytes([OWN.index, at])).digest() for at in range(256))
    read = TileReader(256 * (OWN.index + 1), {OWN: tile}.__getitem__).subtree
    asked: list[int] = []

    def subtree(level: int, index: int) -> bytes:
        asked.append(level)
        return read(level, index) if index >> (8 - level) == OWN.index else b"elsewhere"

    ask = from_middle(subtree, OWN, middle_of(tile))
    for level in range(8):
        first = OWN.index << (8 - level)
        for index in range(first, first + (1 << (8 - level))):
            assert ask(level, index) == read(level, index)
    assert set(asked) == {0, 1, 2, 3}
    assert ask(7, 2 * OWN.index - 1) == b"elsewhere"
    assert ask(7, 2 * OWN.index + 2) == b"elsewhere"


def test_a_tile_that_is_not_full_has_no_middle() -> None:
    with pytest.raises(Malformed):
        middle_of(bytes(255 * 32))
