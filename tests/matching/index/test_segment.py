"""A segment finds every neighbour, whatever the data look like; a brute-force comparison says which those are."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.matching.at_rest.sealed import Seal
from safelight.matching.at_rest.shared import SharedMemory
from safelight.matching.index.layout import FLAT, LARGE, MAX_RADIUS, SMALL, Hashes, Layout, layout_for
from safelight.matching.index.segment import Segment
from tests.matching.index.words import SECRET, clustered, flipped, numbers, uniform

Pairs = set[tuple[int, int, int]]
DATA = {
    "uniform": uniform(30_000),
    "clustered": clustered(6, 5_000),
    "all equal": np.repeat(uniform(1), 17_000, axis=0),
}


def brute(hashes: Hashes, queries: Hashes, radius: int) -> Pairs:
    distances = np.bitwise_count(hashes[None] ^ queries[:, None]).sum(axis=2, dtype=int)
    return {(int(q), int(r), int(distances[q, r])) for q, r in zip(*np.nonzero(distances <= radius), strict=True)}


def found(segment: Segment, queries: Hashes, radius: int) -> Pairs:
    near = segment.near(queries, radius)
    return {(int(q), int(r), int(d)) for q, r, d in zip(near.query, near.row, near.distance, strict=True)}


@pytest.mark.parametrize("name", DATA)
def test_every_neighbour_is_found_and_nothing_else(name: str) -> None:
    hashes = DATA[name]
    segment = Segment.build(hashes, numbers(len(hashes)))
    assert segment.layout == SMALL
    for bits in (0, 1, 15, 30, 31, 32):
        queries = flipped(hashes[:: len(hashes) // 3][:3], bits, seed=bits)
        assert found(segment, queries, MAX_RADIUS) == brute(hashes, queries, MAX_RADIUS)
        assert found(segment, queries[:1], 12) == brute(hashes, queries[:1], 12)


def differing(places: list[int]) -> Hashes:
    """The pattern with these bits set."""
    pattern = np.zeros(256, np.uint8)
    pattern[places] = 1
    return np.packbits(pattern).view(">u8").astype(np.uint64)


def is_looked_for(layout: Layout, hash_: Hashes, places: list[int]) -> bool:
    """Whether a query that differs in these places looks into a bucket in which the hash stands."""
    near = layout.buckets_near(layout.keys(hash_ ^ differing(places)))
    return bool(np.isin(layout.keys(hash_) + layout.first_buckets, near).any())


def begins(layout: Layout) -> list[int]:
    return [sum(layout.widths[:band]) for band in range(layout.bands)]


@pytest.mark.parametrize("layout", [SMALL, LARGE])
def test_the_bands_are_all_of_the_hash_and_looked_at_as_far_as_must_be(layout: Layout) -> None:
    assert sum(layout.widths) == 256
    assert sum(flips + 1 for flips in layout.flips) == MAX_RADIUS + 1
    assert list(layout.widths) == sorted(layout.widths, reverse=True)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 255), min_size=MAX_RADIUS, max_size=MAX_RADIUS, unique=True))
def test_no_choice_of_thirty_one_bits_hides_a_neighbour(seed: int, bits: list[int]) -> None:
    assert all(is_looked_for(layout, uniform(1, seed), bits) for layout in (SMALL, LARGE))


@given(st.sampled_from([SMALL, LARGE]), st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_no_share_of_thirty_one_bits_among_the_bands_hides_a_neighbour(
    layout: Layout, seed: int, draw: random.Random
) -> None:
    """The pigeonhole holds for the worst an adversary can do: as many bits as can be where they are not looked for."""
    places = [
        place
        for begin, width, flips in zip(begins(layout), layout.widths, layout.flips, strict=True)
        for place in draw.sample(range(begin, begin + width), flips + 1)
    ]
    assert len(places) == MAX_RADIUS + 1
    assert not is_looked_for(layout, uniform(1, seed), places)
    places.remove(draw.choice(places))
    assert is_looked_for(layout, uniform(1, seed), places)


def adverse(layout: Layout, draw: random.Random) -> list[int]:
    """Thirty-one bits shared out among the bands as an adversary would, each band's from its first on: those stand
    beside the rows of the band before it, and leave out whatever differs in too many."""
    left, shares = MAX_RADIUS, [0] * layout.bands
    while left:
        band = draw.randrange(layout.bands)
        more = min(left, draw.randint(1, layout.flips[band] + 2))
        if shares[band] + more <= layout.widths[band]:
            shares[band], left = shares[band] + more, left - more
    return [begin + bit for begin, share in zip(begins(layout), shares, strict=True) for bit in range(share)]


@pytest.mark.parametrize("layout", [SMALL, LARGE])
def test_what_stands_beside_a_row_never_leaves_out_a_neighbour(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(4)
    centre = uniform(1, 3)
    near = np.concatenate([centre ^ differing(adverse(layout, draw)) for _ in range(4_000)])
    hashes = np.concatenate([near, uniform(2_000), clustered(3, 400)])
    monkeypatch.setattr("safelight.matching.index.segment.layout_for", lambda _rows: layout)
    segment = Segment.build(hashes, numbers(len(hashes)))
    assert segment.layout == layout
    queries = np.concatenate([centre, flipped(hashes[4_000::1_400], 31)])
    assert found(segment, queries, MAX_RADIUS) == brute(hashes, queries, MAX_RADIUS)
    assert {row for _, row, _ in found(segment, centre, MAX_RADIUS)} >= set(range(4_000))


def test_most_rows_that_share_a_bucket_by_chance_are_left_out() -> None:
    hashes = uniform(200_000)
    segment = Segment.build(hashes, numbers(len(hashes)))
    _, likely = segment._likely(uniform(1, 9))
    entries, _ = segment._in_buckets(SMALL.buckets_near(SMALL.keys(uniform(1, 9))))
    assert len(likely) < len(entries) / 10


@pytest.mark.parametrize("rows", [0, 1, 50, 20_000])
def test_a_saved_segment_answers_as_before(tmp_path: Path, rows: int) -> None:
    hashes = uniform(rows)
    segment = Segment.build(hashes, numbers(rows))
    seal = Seal(SECRET)
    segment.save(tmp_path / "one", seal)
    opened = Segment.open(seal.file(tmp_path / "one"), SharedMemory("test", tmp_path))
    queries = flipped(np.concatenate([hashes[:2], uniform(1, 9)]), 25)
    assert found(opened, queries, MAX_RADIUS) == found(segment, queries, MAX_RADIUS)
    assert opened.layout == layout_for(rows)


@pytest.mark.parametrize("rows", [50, 20_000])
def test_equal_rows_are_found_without_probing(rows: int) -> None:
    hashes = np.concatenate([uniform(rows), uniform(rows // 2)])
    segment = Segment.build(hashes, numbers(len(hashes)))
    same = segment.same(np.concatenate([hashes[:3], uniform(2, 9)]))
    assert sorted(zip(same.query, same.row, strict=True)) == [
        (query, query + half) for query in range(3) for half in (0, rows)
    ]


def test_a_revoked_row_is_not_found() -> None:
    hashes = uniform(20_000)
    segment = Segment.build(hashes, numbers(len(hashes)))
    segment.revoke(np.array([7]))
    assert found(segment, hashes[[7, 8]], 5) == {(1, 8, 0)}
    assert len(segment.same(hashes[[7]]).row) == 0
    assert 7 not in segment.living()[1]


def test_a_segment_with_a_table_of_another_size_is_not_opened(tmp_path: Path) -> None:
    seal, segment = Seal(SECRET), Segment.build(uniform(20_000), numbers(20_000))
    segment.entries = np.zeros(5, np.uint32)
    segment.save(tmp_path / "one", seal)
    with pytest.raises(ValueError, match="another size"):
        Segment.open(seal.file(tmp_path / "one"), SharedMemory("test", tmp_path))


def test_flat_is_for_few_rows() -> None:
    assert [layout_for(rows) for rows in (0, 16_384, 16_385, 10_000_000)] == [FLAT, FLAT, SMALL, LARGE]
