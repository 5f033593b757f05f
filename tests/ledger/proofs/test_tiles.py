"""C2SP tlog-tiles: the specification's own examples, round trips, and what is malformed is refused."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.merkle import consistency_proof, inclusion_proof, root
from safelight.ledger.proofs.tiles import (
    ENTRIES,
    Tile,
    TileReader,
    count_at,
    parse_bundle,
    parse_tile,
    tile_at,
    tiles_between,
    write_bundle,
)
from tests.ledger.twin import naive_path, naive_root, naive_subproof, naive_tile


def test_paths_are_spelt_as_in_the_specification() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(1, 0, 17).path == "tile/1/000.p/17"
    assert Tile(ENTRIES, 5).path == "tile/entries/005"


def test_a_tree_of_seventy_thousand_has_the_tiles_that_the_specification_counts() -> None:
    tiles = tiles_between(0, 70_000)
    by_level = {level: [tile for tile in tiles if tile.level == level] for level in (0, 1, 2)}
    assert [len(by_level[0]), by_level[0][-1].width] == [274, 112]
    assert [(tile.index, tile.width) for tile in by_level[1]] == [(0, 256), (1, 17)]
    assert [(tile.index, tile.width) for tile in by_level[2]] == [(0, 1)]
    assert {tile.level for tile in tiles_between(0, 256)} == {ENTRIES, 0, 1}


@settings(deadline=None)
@given(st.integers(-1, 63), st.integers(0, 1 << 55), st.integers(1, 256))
def test_a_path_reads_back(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/../000",
        "tile/0/" + "x001/" * 7 + "000",
    ],
)
def test_no_other_spelling_is_a_path(path: str) -> None:
    with pytest.raises(Malformed):
        Tile.parse(path)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_path_or_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        assert Tile.parse(text).path == text


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    content = write_bundle(entries)
    assert parse_bundle(content, len(entries)) == entries
    for broken in (content[:-1], content + b"\x00", content + b"\x00\x00"):
        with pytest.raises(Malformed):
            parse_bundle(broken, len(entries))


@settings(deadline=None)
@given(st.binary(max_size=600), st.integers(1, 256))
def test_any_bytes_are_a_bundle_or_malformed(content: bytes, width: int) -> None:
    with contextlib.suppress(Malformed):
        assert write_bundle(parse_bundle(content, width)) == content


def test_an_entry_that_is_too_long_is_not_written() -> None:
    with pytest.raises(ValueError, match="65535"):
        write_bundle([b"\x00" * 65536])


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(1, 6))
def test_a_tile_has_exactly_its_hashes(content: bytes, width: int) -> None:
    try:
        assert b"".join(parse_tile(content, width)) == content
    except Malformed:
        assert len(content) != 32 * width


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 700), st.data())
def test_proofs_from_tiles_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    entries = [str(number).encode() for number in range(size)]
    reader = TileReader(size, lambda tile: naive_tile(entries, tile))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert root(size, reader.subtree) == naive_root(entries)
    assert inclusion_proof(index, size, reader.subtree) == naive_path(index, entries)
    assert consistency_proof(old, size, reader.subtree) == naive_subproof(old, entries, True)


@settings(deadline=None)
@given(st.integers(0, 1 << 20), st.integers(0, 1 << 20))
def test_what_is_new_between_two_sizes_is_what_was_not_there(one: int, other: int) -> None:
    old, new = sorted((one % 3000, other % 3000))
    fresh = set(tiles_between(0, new)) - set(tiles_between(0, old))
    assert fresh == set(tiles_between(old, new))
    assert all(tile.is_within(new) for tile in fresh)
    assert not any(Tile(tile.level, tile.index, tile.width).is_within(old) for tile in fresh)


def test_a_partial_tile_is_as_wide_as_the_tree_makes_it() -> None:
    assert tile_at(0, 273, 70_000) == Tile(0, 273, 112)
    assert count_at(2, 70_000) == 1
