"""The code: what goes in comes out, through noise; what was not written with this key fails its check."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.provenance.watermark.code import CODE_BITS, RATE, decode, encode
from tests.provenance.watermark.pictures import KEY, OTHER, PAYLOAD

payloads = st.binary(min_size=8, max_size=8)


@given(payloads)
@settings(max_examples=40, deadline=None)
def test_every_payload_comes_back(payload: bytes) -> None:
    assert decode(encode(payload, KEY)[None], KEY) == [payload]


@given(payloads, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_payload_survives_noise_twice_as_strong_as_its_bits_in_power(payload: bytes, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, np.sqrt(1 / 2 * RATE / 2), CODE_BITS).astype(np.float32)
    assert decode((encode(payload, KEY) + noise)[None], KEY) == [payload]


@given(payloads)
@settings(max_examples=20, deadline=None)
def test_the_code_is_a_ring_so_its_first_bits_are_as_safe_as_the_others(payload: bytes) -> None:
    bits = encode(payload, KEY)
    bits[: 3 * RATE] = 0
    bits[-3 * RATE :] = 0
    assert decode(bits[None], KEY) == [payload]


@given(payloads)
@settings(max_examples=20, deadline=None)
def test_a_payload_of_another_key_fails_its_check(payload: bytes) -> None:
    assert decode(encode(payload, OTHER)[None], KEY) == [None]


def test_noise_fails_its_check() -> None:
    noise = np.random.default_rng(1).normal(0, 1, (64, CODE_BITS)).astype(np.float32)
    assert decode(noise, KEY) == [None] * 64


def test_rows_are_decoded_by_themselves() -> None:
    soft = np.stack([np.zeros(CODE_BITS, np.float32), encode(PAYLOAD, KEY)])
    assert decode(soft, KEY)[1] == PAYLOAD


def test_payloads_that_differ_in_one_bit_differ_in_many_code_bits() -> None:
    changed = bytes([PAYLOAD[0] ^ 1]) + PAYLOAD[1:]
    assert int(np.sum(encode(PAYLOAD, KEY) != encode(changed, KEY))) >= 24  # the free distance of the code
