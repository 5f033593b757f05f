"""The picture that explains a copy: points where they agree, the known picture's outline where its edges would lie."""

import numpy as np
import pytest

from safelight.matching.copy_index import describe
from safelight.matching.overlay import overlay
from safelight.matching.pdq import Frame
from tests.matching.pictures import photo

EDGE = (0, 176, 255)


def edges(shown: Frame) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is drawn in the colour of the outline."""
    rows, columns = np.nonzero((np.abs(shown.astype(int) - EDGE) < 30).all(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_the_outline_lies_where_the_known_picture_does(is_mirrored: bool) -> None:
    whole = photo()
    page = np.full((900, 1_000, 3), 250, np.uint8)
    page[200 : 200 + whole.shape[0], 300 : 300 + whole.shape[1]] = whole[:, ::-1] if is_mirrored else whole
    shown = overlay(page, *describe(whole))
    assert shown is not None
    assert edges(shown) == pytest.approx((300, 200, 300 + whole.shape[1], 200 + whole.shape[0]), abs=6)


def test_nothing_is_drawn_where_nothing_agrees() -> None:
    assert overlay(photo("rocket"), *describe(photo())) is None


def test_the_picture_that_was_asked_for_is_left_as_it_was() -> None:
    frame = photo()
    before = frame.copy()
    assert overlay(frame, *describe(photo())) is not None
    assert np.array_equal(frame, before)
