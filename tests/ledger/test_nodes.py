"""What never changes is read once; what may still grow, and what hardly anybody asks for again, each time."""

from safelight.ledger.nodes import KnownNodes
from safelight.ledger.proofs.tiles import Tile

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
