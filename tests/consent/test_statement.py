"""A statement is taken exactly as it was signed, or not at all."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.consent.statement import Signed, Statement, read_signed, read_statement, sign
from safelight.core.consent import Use
from safelight.core.errors import BadInput
from tests.consent.people import START, key, statement

SIGNER = "csg_" + "0" * 26
ONE = statement(SIGNER, b"photo")
PUBLIC = key().public_key().public_bytes_raw()

statements = st.builds(
    Statement,
    signer=st.from_regex(r"csg_[0-9a-z]{26}", fullmatch=True),
    platform=st.text(alphabet="abc -é", min_size=1, max_size=20),
    uses=st.lists(st.sampled_from(Use), min_size=1, unique=True).map(tuple),
    photos=st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), min_size=1, max_size=4, unique=True).map(tuple),
    accounts=st.lists(st.from_regex(r"sub_[0-9a-f]{32}", fullmatch=True), max_size=3, unique=True).map(tuple),
    not_before=st.integers(0, 10**6).map(lambda s: START + timedelta(seconds=s)),
    expires_at=st.integers(10**6 + 1, 2 * 10**6).map(lambda s: START + timedelta(seconds=s)),
)


@given(statements)
def test_what_is_written_is_read_back_and_its_signature_holds(one: Statement) -> None:
    raw = json.dumps(sign(one, key()).to_json()).encode()
    again = read_signed(raw)
    assert again.statement == one
    assert again.is_by(PUBLIC)


@given(st.integers(0, 63), st.integers(0, 7))
def test_a_flipped_bit_of_the_signature_is_found(byte: int, bit: int) -> None:
    signature = bytearray(sign(ONE, key()).signature)
    signature[byte] ^= 1 << bit
    assert not Signed(ONE, bytes(signature)).is_by(PUBLIC)


@given(statements)
def test_a_signature_holds_for_nothing_but_what_was_signed(other: Statement) -> None:
    assert Signed(other, sign(ONE, key()).signature).is_by(PUBLIC) is (other == ONE)


def test_another_key_did_not_sign_it() -> None:
    assert not sign(ONE, key(2)).is_by(PUBLIC)
    assert not sign(ONE, key()).is_by(b"")


@pytest.mark.parametrize(
    "change",
    [
        {"uses": ["anything"]},
        {"uses": ["csam"]},
        {"uses": ["swimwear", "swimwear"]},
        {"uses": []},
        {"photos": []},
        {"photos": ["AB" * 32]},
        {"photos": ["ab" * 32 + "\n"]},
        {"accounts": ["studio-12"]},
        {"declaration": "I agree."},
        {"format": "safelight-consent/2"},
        {"signer": "csg_1"},
        {"platform": ""},
        {"platform": 1},
        {"not_before": "2026-07-01 12:00:00Z"},
        {"not_before": "2026-02-30T12:00:00Z"},
        {"expires_at": "2026-07-01T12:00:00Z"},
        {"expires_at": "2036-07-01T12:00:00Z"},
        {"adult": True},
    ],
    ids=str,
)
def test_each_defect_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        read_statement(ONE.to_json() | change)
    assert caught.value.code == "consent_invalid"


@pytest.mark.parametrize("name", list(ONE.to_json()))
def test_nothing_may_be_left_out(name: str) -> None:
    rest = {key: value for key, value in ONE.to_json().items() if key != name}
    with pytest.raises(BadInput):
        read_statement(rest)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"statement": {}, "statement": {}, "signature": ""}',
        b"[" * 100_000,
        b" " * 70_000,
        json.dumps({"statement": ONE.to_json(), "signature": "not base64"}).encode(),
        json.dumps({"statement": ONE.to_json(), "signature": base64.b64encode(b"short").decode()}).encode(),
    ],
    ids=lambda raw: str(raw[:40]),
)
def test_what_is_no_signed_statement_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput):
        read_signed(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(raw: bytes) -> None:
    with pytest.raises(BadInput):
        read_signed(raw)
