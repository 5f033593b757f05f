"""Matched requests by tier: equal treatment passes, a difference is found, and few pairs prove nothing."""

import json

import pytest

from safelight.ledger.proofs.errors import InclusionFailed, Malformed
from safelight.ledger.proofs.leaf import Leaf, LeafKind, commit
from safelight.ledger.proofs.note import encode_base64
from safelight.ledger.proofs.parity import Opened, compare, paired_interval
from tests.ledger.twin import AT

SALT = b"\x05" * 32


def opening(index: int, tier: str, prompt: str, verdict: str = "allow", *, facts: object = None, **public: str) -> str:
    """One line of an auditor's file."""
    values = {
        "request": json.dumps({"request_id": f"req_{index}", "prompt_digest": prompt, "image_digests": "[]"}),
        "tier": tier,
    }
    if facts is not None:
        values["record"] = json.dumps({"facts": facts})
    commitments = {name: commit(name, SALT, value) for name, value in values.items()}
    skeleton = {"stage": "input", "policy": "sha256:aa", "verdict": verdict, "category": None} | public
    leaf = Leaf(LeafKind.DECISION, AT, "a" * 16, index, skeleton, commitments).to_bytes().decode()
    shown = {name: {"salt": encode_base64(SALT), "value": value} for name, value in values.items()}
    return json.dumps({"leaf": leaf, "index": index, "openings": shown})


def opened(*lines: str) -> list[Opened]:
    return [Opened.parse(line) for line in lines]


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        # Newcombe 1998, table III, method 10.
        ((36, 12, 2, 0), 0.0569, 0.3404),
        ((20, 12, 2, 16), 0.0562, 0.3292),
        ((0, 0, 0, 54), -0.0664, 0.0664),
    ],
)
def test_the_interval_is_the_published_one(table: tuple[int, int, int, int], low: float, high: float) -> None:
    assert paired_interval(*table) == pytest.approx((low, high), abs=5e-5)


def test_equal_treatment_leaves_room_for_nothing_else_only_with_many_pairs() -> None:
    for count in (2, 400):
        (found,) = compare(opened(*(opening(2 * n + m, t, f"p{n}") for n in range(count) for m, t in enumerate("fp"))))
        assert (found.pairs, found.depends) == (count, False)
    assert found.interval[1] < 0.01
    (few,) = compare(opened(opening(0, "free", "p"), opening(1, "paid", "p")))
    assert few.interval[1] > 0.5


def test_a_tier_that_is_refused_more_often_is_found() -> None:
    lines = []
    for at in range(60):
        lines.append(opening(2 * at, "free", f"p{at}", "refuse" if at < 30 else "allow"))
        lines.append(opening(2 * at + 1, "paid", f"p{at}", "refuse" if at < 10 else "allow"))
    (found,) = compare(opened(*lines))
    assert (found.both_refused, found.only_one_refused, found.only_other_refused) == (10, 20, 0)
    assert found.depends
    assert found.difference == pytest.approx(1 / 3)


def test_only_what_was_asked_alike_in_alike_circumstances_is_paired() -> None:
    assert compare(opened(opening(0, "free", "one"), opening(1, "paid", "other"))) == []
    assert compare(opened(opening(0, "free", "p"), opening(1, "paid", "p", policy="sha256:bb"))) == []
    assert compare(opened(opening(0, "free", "p"), opening(1, "paid", "p", stage="output"))) == []
    assert (
        compare(opened(opening(0, "free", "p", facts={"turns": 1}), opening(1, "paid", "p", facts={"turns": 2}))) == []
    )
    assert len(
        compare(opened(opening(0, "free", "p", facts={"turns": 1}), opening(1, "paid", "p", facts={"turns": 1})))
    )
    assert compare(opened(opening(0, "free", "p"), opening(1, "free", "p"))) == []


def test_an_opening_that_was_changed_is_refused() -> None:
    line = opening(0, "free", "p")
    with pytest.raises(InclusionFailed):
        Opened.parse(line.replace('"free"', '"paid"'))
    for bad in ("", "[]", "{}", line.replace('"index": 0', '"index": -1'), line.replace('"index": 0', '"index": true')):
        with pytest.raises(Malformed):
            Opened.parse(bad)
