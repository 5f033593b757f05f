"""The bound on false readings: it follows the formula, and chance stays far on its safe side."""

import math

import numpy as np
import pytest

from safelight.provenance.watermark.confidence import LARGEST_FALSE_LOG10, false_log10

SIGNS = np.where(np.random.default_rng(1).random(900) < 0.5, -1, 1).astype(np.float32)


def test_it_is_the_bound_of_hoeffding_over_all_payloads_and_places() -> None:
    clarity = math.sqrt(900)  # all values alike, all signs right
    expected = (math.log(48) + 64 * math.log(2) - clarity**2 / 2) / math.log(10)
    assert false_log10(SIGNS, SIGNS, 48) == pytest.approx(expected)


def test_signs_that_do_not_fit_are_no_evidence() -> None:
    assert false_log10(-SIGNS, SIGNS, 1) == 0
    assert false_log10(np.zeros(900, np.float32), SIGNS, 1) == 0


def test_more_places_looked_at_make_it_less_sure() -> None:
    assert false_log10(SIGNS, SIGNS, 100) > false_log10(SIGNS, SIGNS, 10)


def test_loud_values_alone_do_not_make_it_surer() -> None:
    assert false_log10(SIGNS * 1000, SIGNS, 1) == pytest.approx(false_log10(SIGNS, SIGNS, 1))


def test_the_best_of_many_random_codewords_stays_far_from_a_reading() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, 900).astype(np.float32)
    codewords = np.where(rng.random((4_000, 900)) < 0.5, -1, 1).astype(np.float32)
    closest = codewords[int((codewords @ values).argmax())]
    assert false_log10(values, closest, 1) > LARGEST_FALSE_LOG10 + 5
