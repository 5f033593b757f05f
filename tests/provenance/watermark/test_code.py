"""The message: a payload comes back with its own key, and what was not written with this key fails its check."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.provenance.watermark.code import CODE_BITS, MESSAGE_BITS, encode, payload_of
from safelight.provenance.watermark.viterbi import likeliest
from tests.provenance.watermark.pictures import KEY, OTHER, PAYLOAD

payloads = st.binary(min_size=8, max_size=8)


@given(payloads)
@settings(max_examples=40, deadline=None)
def test_every_payload_comes_back(payload: bytes) -> None:
    assert payload_of(likeliest(encode(payload, KEY)[None])[0], KEY) == payload


@given(payloads)
@settings(max_examples=20, deadline=None)
def test_a_payload_of_another_key_fails_its_check(payload: bytes) -> None:
    assert payload_of(likeliest(encode(payload, OTHER)[None])[0], KEY) is None


def test_chance_fails_the_check() -> None:
    messages = np.random.default_rng(1).integers(0, 2, (64, MESSAGE_BITS)).astype(np.uint8)
    assert [payload_of(message, KEY) for message in messages] == [None] * 64


def test_payloads_that_differ_in_one_bit_differ_in_many_code_bits() -> None:
    changed = bytes([PAYLOAD[0] ^ 1]) + PAYLOAD[1:]
    assert encode(PAYLOAD, KEY).shape == (CODE_BITS,)
    assert int(np.sum(encode(PAYLOAD, KEY) != encode(changed, KEY))) >= 24  # the free distance of the code
