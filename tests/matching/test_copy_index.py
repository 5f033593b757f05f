"""The shortlist: a copy is named among any number of pictures, wherever it is filed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from safelight.matching.copy_index import TABLES, Keys, Part, candidates

FEATURES = 50
DIFFERENT = 4_096
"""Keys: so few that every picture shares some with every other by chance."""


def drawn(rng: np.random.Generator) -> Keys:
    return rng.integers(0, DIFFERENT, (FEATURES, TABLES), dtype=np.uint32)


def part(first: int, pictures: list[tuple[Keys, Keys]]) -> tuple[Part, NDArray[np.intp]]:
    return Part.build(range(first, first + len(pictures)), [0] * len(pictures), pictures), np.empty(0, np.intp)


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_what_meets_by_chance_in_a_small_part_does_not_stand_before_a_copy_in_a_large_one(is_mirrored: bool) -> None:
    """A key has few sides in a small part: counted there, each would seem rare."""
    rng = np.random.default_rng(1)
    asked = drawn(rng)
    copy = np.concatenate([asked[:6], drawn(rng)[6:]])
    large = [(drawn(rng), drawn(rng)) for _ in range(1_000)]
    large[700] = (drawn(rng), copy) if is_mirrored else (copy, drawn(rng))
    small = [(drawn(rng), drawn(rng)) for _ in range(30)]
    searched = [part(1, large), part(5_000, small), part(6_000, small[:1])]
    first, second = candidates(searched, asked, 2)
    assert (first.number, first.is_mirrored) == (701, is_mirrored)
    assert first.score > 2 * second.score


def test_a_copy_in_a_small_part_is_named_as_well_and_what_was_dropped_is_not() -> None:
    rng = np.random.default_rng(2)
    asked = drawn(rng)
    small, _ = part(5_000, [(drawn(rng), drawn(rng)), (np.concatenate([asked[:6], drawn(rng)[6:]]), drawn(rng))])
    large = part(1, [(drawn(rng), drawn(rng)) for _ in range(1_000)])
    assert candidates([large, (small, np.empty(0, np.intp))], asked, 1)[0].number == 5_001
    assert all(one.number < 5_000 for one in candidates([large, (small, np.array([0, 1]))], asked, 2_000))


def test_a_key_that_all_have_says_nothing() -> None:
    """As the corner of a letter, or of a box: however many an asked picture has."""
    rng = np.random.default_rng(3)
    common = np.full((FEATURES, TABLES), 7, np.uint32)
    pictures = [(np.concatenate([common, drawn(rng)]), drawn(rng)) for _ in range(200)]
    mine = drawn(rng)
    pictures[150] = (mine, drawn(rng))
    asked = np.concatenate([np.repeat(common, 4, axis=0), mine[:6]])
    assert candidates([part(0, pictures)], asked, 1)[0].number == 150
