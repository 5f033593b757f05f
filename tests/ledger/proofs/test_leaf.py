"""A leaf holds codes, counts and commitments, in one spelling; what it commits to can be shown and not guessed."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.canonical import canonical_json
from safelight.ledger.proofs.errors import InclusionFailed, Malformed
from safelight.ledger.proofs.leaf import Leaf, LeafKind, PublicValue, commit
from tests.ledger.twin import AT

CODES = st.from_regex(r"[A-Za-z0-9_.:/@+-]{0,40}", fullmatch=True)
FIELDS = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(
    lambda name: name not in {"at", "commit", "kind", "process", "seq", "v"}
)
VALUES: st.SearchStrategy[PublicValue] = st.one_of(
    st.none(),
    st.integers(-(1 << 52), 1 << 52),
    CODES,
    st.lists(CODES, max_size=4),
    st.dictionaries(CODES, st.integers(0, 1 << 52), max_size=4),
)
LEAVES = st.builds(
    Leaf,
    kind=st.sampled_from([kind.value for kind in LeafKind]),
    at=st.just(AT),
    process=st.from_regex(r"[0-9a-f]{16}", fullmatch=True),
    seq=st.integers(0, 1 << 50),
    public=st.dictionaries(FIELDS, VALUES, max_size=5),
    commitments=st.dictionaries(FIELDS, st.binary(min_size=32, max_size=32), max_size=4),
)


@settings(deadline=None)
@given(LEAVES)
def test_a_leaf_reads_back_and_is_spelt_as_rfc_8785_says(leaf: Leaf) -> None:
    content = leaf.to_bytes()
    assert Leaf.parse(content) == leaf
    own: dict[str, Any] = {
        "at": leaf.at,
        "commit": json.loads(content)["commit"],
        "kind": leaf.kind,
        "process": leaf.process,
        "seq": leaf.seq,
        "v": 1,
    }
    assert canonical_json({**own, **leaf.public}) == content


@pytest.mark.parametrize(
    "value",
    [
        "put her in red",
        "a@b c",
        "naïve",
        "x" * 121,
        1.5,
        True,
        ["two words"],
        {"a": -1},
        {"a b": 1},
        {"a": {}},
        b"x",
        1 << 60,
    ],
)
def test_a_public_field_holds_no_sentence(value: object) -> None:
    with pytest.raises(Malformed):
        Leaf("decision", AT, "a" * 16, 0, {"stage": value}).to_bytes()  # type: ignore[dict-item]


@pytest.mark.parametrize("name", ["seq", "v", "Stage", "", "a-b", "1a"])
def test_a_public_field_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(Malformed):
        Leaf("decision", AT, "a" * 16, 0, {name: 1}).to_bytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seq":7', '"seq":07'),
        ('"seq":7', '"seq":7.0'),
        ('"seq":7', '"seq":true'),
        ('"seq":7', '"seq":-1'),
        ('"seq":7', '"seq": 7'),
        ('"v":1', '"v":2'),
        ('"v":1', '"v":true'),
        ('"v":1', '"v":1,"v":1'),
        ('"at":"2026', '"at":"26'),
        ('"process":"a', '"process":"G'),
        ('"kind":"decision"', '"kind":"a decision"'),
        ('"kind":"decision"', '"kind":null'),
        ('"commit":{}', '"commit":{"tier":"AAAA"}'),
        ('"commit":{}', '"commit":{"tier":7}'),
        ('"commit":{}', '"commit":[]'),
        ('"stage":"input"', '"stage":"in put"'),
        ('"stage":"input"', '"stage":NaN'),
        ('"stage":"input"', '"stage":"\\ud800"'),
    ],
)
def test_a_leaf_with_a_defect_is_malformed(old: str, new: str) -> None:
    content = Leaf("decision", AT, "a" * 16, 7, {"stage": "input"}).to_bytes().decode()
    assert old in content
    with pytest.raises(Malformed):
        Leaf.parse(content.replace(old, new).encode())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_leaf_or_malformed(content: bytes) -> None:
    with contextlib.suppress(Malformed):
        Leaf.parse(content)


def test_a_leaf_that_is_too_large_is_neither_read_nor_written() -> None:
    with pytest.raises(Malformed):
        Leaf("decision", AT, "a" * 16, 0, {"answered": ["x" * 100] * 50}).to_bytes()
    with pytest.raises(Malformed):
        Leaf.parse(b"[" * 5000)


@settings(deadline=None)
@given(st.text(max_size=20), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_commitment_opens_to_its_own_value_only(value: str, salt: bytes, other: bytes) -> None:
    leaf = Leaf("decision", AT, "a" * 16, 0, {}, {"tier": commit("tier", salt, value)})
    leaf.check_opening("tier", salt, value)
    for name, key, text in (("tier", salt, value + "x"), ("account", salt, value), ("tier", salt[:31], value)):
        with pytest.raises(InclusionFailed):
            leaf.check_opening(name, key, text)
    if other != salt:
        with pytest.raises(InclusionFailed):
            leaf.check_opening("tier", other, value)
