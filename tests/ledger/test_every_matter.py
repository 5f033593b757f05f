"""The list of what must be a leaf, walked: each has its kind, a place that writes it, and its line for outsiders."""

import re
from pathlib import Path

import pytest

from safelight.ledger.proofs.leaf import LeafKind

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/safelight"
MUST_BE_LEAVES = {
    "every decision": ({LeafKind.DECISION}, "gate/record.py", "decision_draft"),
    "policy change": ({LeafKind.POLICY_CHANGE}, "ledger/append.py", "LeafKind.POLICY_CHANGE"),
    "model change": ({LeafKind.MODEL_CHANGE}, "ledger/append.py", "LeafKind.MODEL_CHANGE"),
    "threshold change": ({LeafKind.THRESHOLD_CHANGE}, "ledger/append.py", "LeafKind.THRESHOLD_CHANGE"),
    "bank update": ({LeafKind.BANK_UPDATE}, "ledger/follow.py", "bank_update_draft"),
    "report": ({LeafKind.REPORT}, "cases/intake.py", "report_draft"),
    "takedown": ({LeafKind.TAKEDOWN}, "cases/records.py", "takedown_draft"),
    "appeal": ({LeafKind.APPEAL}, "cases/consequences.py", "appeal_draft"),
    "review of a refusal": ({LeafKind.REVIEW}, "cases/consequences.py", "review_draft"),
    "standing of an account": ({LeafKind.STANDING}, "cases/consequences.py", "standing_draft"),
    "outage": ({LeafKind.OUTAGE_START, LeafKind.OUTAGE_END}, "gate/record.py", "_ledger.outages"),
    "erasure": ({LeafKind.ERASURE}, "cli/ledger.py", "erase"),
    "end of what was kept": ({LeafKind.EVIDENCE_DESTROYED}, "cases/retention.py", "evidence_destroyed_draft"),
    "consent": ({LeafKind.CONSENT}, "ledger/follow.py", "consent_draft"),
    "staff and their roles": ({LeafKind.STAFF}, "ledger/follow.py", "staff_draft"),
    "keys of the marks": ({LeafKind.MARKS_CHANGE}, "wiring/running.py", "log_marks"),
    "trace": ({LeafKind.TRACE}, "wiring/marks.py", "trace_draft"),
    "that it runs": (
        {LeafKind.PROCESS_START, LeafKind.PROCESS_END, LeafKind.HEARTBEAT, LeafKind.TOTALS},
        "ledger/keeper.py",
        "_ledger.beat",
    ),
}
"""By matter: its kinds, and the file of the product that writes them, by what name."""
WAITING_FOR_THEIR_ROOM = {LeafKind.EVIDENCE_OPENED, LeafKind.REFERRAL}
"""Sealed evidence and referrals have their functions in `ledger/matters.py`, and no room yet that would call them."""


@pytest.mark.parametrize("matter", MUST_BE_LEAVES)
def test_a_matter_of_the_list_is_written_by_the_product(matter: str) -> None:
    _, file, name = MUST_BE_LEAVES[matter]
    assert name in _without_imports((SOURCE / file).read_text("utf-8")), f"{file} does not write {matter!r}"


def test_no_kind_of_leaf_is_forgotten_and_none_is_said_to_wait_that_is_written() -> None:
    written = {kind for kinds, _, _ in MUST_BE_LEAVES.values() for kind in kinds}
    assert written | WAITING_FOR_THEIR_ROOM == set(LeafKind)
    for kind in WAITING_FOR_THEIR_ROOM:
        callers = [
            path
            for path in SOURCE.rglob("*.py")
            if path.name != "matters.py" and f"{kind.value}_draft" in path.read_text("utf-8")
        ]
        assert callers == [], f"{kind} is written now: move it to the list"


def test_outsiders_are_told_of_every_kind() -> None:
    page = (ROOT / "docs/how-to/verify.md").read_text("utf-8")
    assert [kind.value for kind in LeafKind if f"`{kind.value}`" not in page] == []


def _without_imports(text: str) -> str:
    return re.sub(r"^from \S+ import (\([^)]*\)|.*)$", "", text, flags=re.MULTILINE)
