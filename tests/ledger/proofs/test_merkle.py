"""RFC 6962 and 9162: published vectors, the definition itself as the oracle, and every tampering is found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.ledger.proofs.errors import ConsistencyFailed, InclusionFailed
from safelight.ledger.proofs.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    perfect_root,
    root,
    verify_consistency,
    verify_inclusion,
)
from tests.ledger.twin import naive_path, naive_root, naive_subproof, naive_subtree

# The test data of Certificate Transparency (RFC 6962): eight entries, and the roots of the trees of 1 to 8 of them.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def many(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def roots(entries: list[bytes], size: int) -> bytes:
    return root(size, lambda level, index: naive_subtree(entries, level, index))


def test_the_empty_tree_has_the_published_root() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert roots([], 0) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_the_published_roots_come_out(size: int) -> None:
    assert roots(ENTRIES, size).hex() == ROOTS[size - 1]


def test_the_published_paths_come_out() -> None:
    proof = inclusion_proof(0, 8, lambda level, index: naive_subtree(ENTRIES, level, index))
    assert [one.hex() for one in proof] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    proof = consistency_proof(6, 8, lambda level, index: naive_subtree(ENTRIES, level, index))
    assert [one.hex() for one in proof] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@settings(deadline=None)
@given(st.integers(1, 70), st.data())
def test_a_path_is_what_the_definition_says_and_verifies(size: int, data: st.DataObject) -> None:
    entries, index = many(size), data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, lambda level, at: naive_subtree(entries, level, at))
    assert proof == naive_path(index, entries)
    verify_inclusion(index, size, leaf_hash(entries[index]), proof, naive_root(entries))


@settings(deadline=None)
@given(st.integers(0, 70), st.data())
def test_a_consistency_proof_is_what_the_definition_says_and_verifies(new: int, data: st.DataObject) -> None:
    entries, old = many(new), data.draw(st.integers(0, new))
    proof = consistency_proof(old, new, lambda level, at: naive_subtree(entries, level, at))
    assert proof == (naive_subproof(old, entries, True) if 0 < old < new else [])
    verify_consistency(old, new, naive_root(entries[:old]), naive_root(entries), proof)


@settings(deadline=None)
@given(st.integers(1, 70), st.data())
def test_inclusion_fails_when_anything_is_tampered_with(size: int, data: st.DataObject) -> None:
    entries, index = many(size), data.draw(st.integers(0, size - 1))
    proof, head, hashed = naive_path(index, entries), naive_root(entries), leaf_hash(entries[index])
    flip = data.draw(st.integers(0, 255))
    attempts = [
        (index, size, flipped(hashed, flip), proof, head),
        (index, size, hashed, proof, flipped(head, flip)),
        (index, size, hashed, [*proof, head], head),
        (size, size, hashed, proof, head),
        (-1, size, hashed, proof, head),
        *(
            (index, size, hashed, [*proof[:at], flipped(one, flip), *proof[at + 1 :]], head)
            for at, one in enumerate(proof)
        ),
        *((other, size, hashed, proof, head) for other in range(size) if other != index),
    ]
    if proof:
        attempts.append((index, size, hashed, proof[:-1], head))
    for attempt in attempts:
        with pytest.raises(InclusionFailed):
            verify_inclusion(*attempt)


@settings(deadline=None)
@given(st.integers(2, 70), st.data())
def test_consistency_fails_when_anything_is_tampered_with(new: int, data: st.DataObject) -> None:
    entries, old = many(new), data.draw(st.integers(1, new - 1))
    proof = naive_subproof(old, entries, True)
    first, second = naive_root(entries[:old]), naive_root(entries)
    flip = data.draw(st.integers(0, 255))
    attempts = [
        (old, new, flipped(first, flip), second, proof),
        (old, new, first, flipped(second, flip), proof),
        (old, new, first, second, [*proof, first]),
        (old, new, first, second, proof[:-1]),
        (new, old, second, first, proof),
        (new, new, first, second, []),
        (0, new, first, second, []),
        (0, new, EMPTY_ROOT, second, proof),
        *(
            (old, new, first, second, [*proof[:at], flipped(one, flip), *proof[at + 1 :]])
            for at, one in enumerate(proof)
        ),
    ]
    for attempt in attempts:
        with pytest.raises(ConsistencyFailed):
            verify_consistency(*attempt)


def test_a_forked_tree_is_not_consistent() -> None:
    entries = many(20)
    forked = [*entries[:7], b"another", *entries[8:]]
    proof = naive_subproof(9, forked, True)
    with pytest.raises(ConsistencyFailed):
        verify_consistency(9, 20, naive_root(entries[:9]), naive_root(forked), proof)


@pytest.mark.parametrize("count", [0, 3, 6])
def test_only_a_power_of_two_makes_a_perfect_subtree(count: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        perfect_root([b"\x00" * 32] * count)


@pytest.mark.parametrize(("old", "new"), [(5, 4), (-1, 4)])
def test_no_proof_leads_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="smaller"):
        consistency_proof(old, new, lambda _level, _index: b"")


def flipped(hashed: bytes, bit: int) -> bytes:
    """One bit of a hash, the other way round."""
    changed = bytearray(hashed)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
