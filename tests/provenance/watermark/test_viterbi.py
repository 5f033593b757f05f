"""The convolutional code: what goes in comes out, through noise, and the list finds what the first guess misses."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from safelight.provenance.watermark.viterbi import RATE, Bits, coded, likeliest, likely

BITS = 88
messages = st.lists(st.integers(0, 1), min_size=BITS, max_size=BITS).map(lambda bits: np.array(bits, np.uint8))


def noisy(message: Bits, seed: int, decibels: float) -> NDArray[np.float32]:
    """Its code bits in white noise; so many decibels stand between a bit's energy and the noise's density."""
    deviation = np.sqrt(RATE / 2 / 10 ** (decibels / 10))
    return np.asarray(coded(message) + np.random.default_rng(seed).normal(0, deviation, RATE * BITS), np.float32)


@given(messages, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_message_survives_noise_as_strong_as_half_its_bits(message: Bits, seed: int) -> None:
    assert np.array_equal(likeliest(noisy(message, seed, decibels=6)[None])[0], message)


@given(messages)
@settings(max_examples=20, deadline=None)
def test_the_code_is_a_ring_so_its_first_bits_are_as_safe_as_the_others(message: Bits) -> None:
    soft = coded(message)
    soft[: 3 * RATE] = 0
    soft[-3 * RATE :] = 0
    assert np.array_equal(likeliest(soft[None])[0], message)


def test_rows_are_decoded_by_themselves() -> None:
    message = np.arange(BITS, dtype=np.uint8) % 3 % 2
    soft = np.stack([np.zeros(RATE * BITS, np.float32), coded(message)])
    assert np.array_equal(likeliest(soft)[1], message)


@given(messages, st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_list_begins_with_the_likeliest_and_names_each_message_once(message: Bits, seed: int) -> None:
    soft = noisy(message, seed, decibels=1)
    listed = likely(soft, 32)
    assert np.array_equal(listed[0], likeliest(soft[None])[0])
    assert 1 < len(listed) == len(np.unique(listed, axis=0)) <= 32


def test_in_strong_noise_the_list_finds_twice_as_many_of_what_the_likeliest_misses() -> None:
    message = np.arange(BITS, dtype=np.uint8) % 5 % 2
    missed = found = 0
    for seed in range(60):
        soft = noisy(message, seed, decibels=0)
        if not np.array_equal(likeliest(soft[None])[0], message):
            missed += 1
            found += any(np.array_equal(one, message) for one in likely(soft, 64))
    assert missed >= 10
    assert found >= missed / 2


def test_the_list_holds_the_second_best_message_of_all() -> None:
    """Against every message that differs in one short burst, which is where the second best one is."""
    rng = np.random.default_rng(4)
    message = rng.integers(0, 2, BITS).astype(np.uint8)
    soft = noisy(message, 4, decibels=3)
    best = likeliest(soft[None])[0]
    bursts = np.array([best ^ np.roll(_burst(pattern), at) for pattern in range(1, 256, 2) for at in range(BITS)])
    second = bursts[int((coded(bursts) @ soft).argmax())]
    assert any(np.array_equal(one, second) for one in likely(soft, 8))


def _burst(pattern: int) -> Bits:
    return np.array([pattern >> place & 1 if place < 8 else 0 for place in range(BITS)], np.uint8)
