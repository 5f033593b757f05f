"""What is read at a glance is what is read the long way, or it is not taken at a glance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.ledger.proofs.audit import Audit, sort_of
from safelight.ledger.proofs.errors import Malformed
from safelight.ledger.proofs.leaf import Leaf
from safelight.ledger.proofs.quick import read_decision
from tests.ledger.twin import AT

NAMES = ("account", "record", "request", "tier")
COMMITMENTS = {name: bytes([at]) * 32 for at, name in enumerate(NAMES)}
CODES = st.from_regex(r"[A-Za-z0-9_.:/@+-]{1,20}", fullmatch=True)


def decision(**public: object) -> bytes:
    skeleton = {
        "answered": ["one", "two"],
        "category": None,
        "missing": [],
        "policy": "sha256:aa",
        "stage": "input",
        "verdict": "allow",
    }
    return Leaf("decision", AT, "a" * 16, 7, skeleton | public, COMMITMENTS).to_bytes()  # type: ignore[arg-type]


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "answered": st.lists(CODES, max_size=4),
            "category": st.none() | CODES,
            "missing": st.lists(CODES, max_size=3),
            "policy": CODES,
            "stage": CODES,
            "verdict": CODES,
        }
    )
)
def test_an_ordinary_decision_is_read_at_a_glance_and_alike(public: dict[str, object]) -> None:
    spelt_out = decision(**public)
    # As decisions are written, which leave out what there is none of.
    short = spelt_out.replace(b'"category":null,', b"").replace(b'"missing":[],', b"")
    for content in (spelt_out, short):
        leaf = Leaf.parse(content)
        assert read_decision(content) == (leaf.process, leaf.seq, leaf.at, sort_of(leaf))


@settings(max_examples=500, deadline=None)
@given(at=st.integers(0, 600), byte=st.integers(0, 255), how=st.sampled_from(["change", "drop", "add"]))
def test_what_is_taken_at_a_glance_would_be_taken_the_long_way(at: int, byte: int, how: str) -> None:
    content = bytearray(decision(category="ncii", missing=["one:late"]))
    at %= len(content)
    if how == "change":
        content[at] = byte
    elif how == "drop":
        del content[at]
    else:
        content.insert(at, byte)
    quick = read_decision(bytes(content))
    if quick is not None:
        leaf = Leaf.parse(bytes(content))
        assert quick == (leaf.process, leaf.seq, leaf.at, sort_of(leaf))


@pytest.mark.parametrize("change", [(b"decision", b"totals"), (b'"seq":7', b'"seq":07'), (b'"v":1', b'"v":2')])
def test_any_other_entry_is_left_to_the_long_way(change: tuple[bytes, bytes]) -> None:
    assert read_decision(decision().replace(*change)) is None


def test_an_entry_that_is_too_large_is_neither_taken_nor_read() -> None:
    content = decision().replace(b'"one"', b",".join([b'"one"'] * 900))
    assert read_decision(content) is None
    with pytest.raises(Malformed):
        Leaf.parse(content)


@pytest.mark.parametrize("cut", [1, 3, 255, 256, 257, 700])
def test_an_audit_in_pieces_of_any_size_is_the_same(cut: int) -> None:
    start = Leaf("process_start", AT, "a" * 16, 0, {"heartbeat_s": 30}).to_bytes()
    entries = [start] + [decision().replace(b'"seq":7', b'"seq":%d' % seq) for seq in range(1, 700)]
    whole, parts = Audit(), Audit()
    for entry in entries:
        whole.add(entry)
    for at in range(0, len(entries), cut):
        parts.add_all(entries[at : at + cut])
    assert parts.to_json() == whole.to_json()
    assert parts.tree.root() == whole.tree.root()
    assert parts.decisions == {"input/allow/-": 699}
    assert parts.is_complete
