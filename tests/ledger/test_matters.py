"""Leaves of other matters: written with what they speak of, opened to the entitled, and telling nothing to others."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from safelight.ledger import matters
from safelight.ledger.append import Ledger
from safelight.ledger.disclose import erase, open_leaf
from safelight.ledger.draft import Draft
from safelight.ledger.proofs.errors import Unavailable
from safelight.ledger.proofs.leaf import Leaf, LeafKind, commit
from safelight.store.ledger_tables import ledger_values
from tests.ledger.store_log import NOW, StoreLog, store_log
from tests.ledger.twin import KEY

Make = Callable[[str, str], Draft]
MATTERS: dict[LeafKind, Make] = {
    LeafKind.REPORT: lambda who, text: matters.report_draft(NOW, case_id=who, ground="ncii", due_h=48, elements=text),
    LeafKind.TAKEDOWN: lambda who, text: matters.takedown_draft(
        NOW, case_id=who, outcome="removed", after_s=90, copies=2, automatic=True, reason=text
    ),
    LeafKind.REVIEW: lambda who, text: matters.review_draft(
        NOW, decision_id=who, subject_id=who, outcome="reversed", reviewer=text, reason=text
    ),
    LeafKind.APPEAL: lambda who, text: matters.appeal_draft(
        NOW, appeal_id=who, about="takedown", outcome="upheld", after_s=60, decider=text, reason=text
    ),
    LeafKind.STANDING: lambda who, text: matters.standing_draft(
        NOW, subject_id=who, change="strike", by=text, reason=text
    ),
    LeafKind.REFERRAL: lambda who, text: matters.referral_draft(
        NOW, case_id=who, authority="ncmec", outcome="filed", reference=text, digest=text
    ),
    LeafKind.TRACE: lambda who, text: matters.trace_draft(
        NOW, trace_id=who, purpose="police", found=1, by=text, reason=text, picture=text
    ),
    LeafKind.EVIDENCE_OPENED: lambda who, text: matters.evidence_opened_draft(
        NOW, exhibit_id=who, purpose="review", approvers=[text, text + "x"], reason=text
    ),
    LeafKind.EVIDENCE_DESTROYED: lambda who, text: matters.evidence_destroyed_draft(
        NOW, exhibit_id=who, certificate=text, reason=text
    ),
    LeafKind.STAFF: lambda who, text: matters.staff_draft(
        NOW, event_id=who, member_id=who, change="role", roles=["reviewer", "admin"], event={"id": who, "by": text}
    ),
    LeafKind.BANK_UPDATE: lambda who, text: matters.bank_update_draft(
        NOW, event_id=who, bank=3, change="taken_in", event={"added": 4, "withdrawn": 1, "note": text, "id": who}
    ),
    LeafKind.CONSENT: lambda who, text: matters.consent_draft(
        NOW, event_id=who, signer_id=who, change="revoked", event={"id": who, "by": text}
    ),
}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StoreLog]:
    with store_log(tmp_path / "log.db") as opened:
        opened.begin()
        yield opened


def written(log: StoreLog, draft: Draft) -> Leaf:
    (appended,) = log.run(lambda c: log.ledger.append(c, [draft]))
    log.integrate()
    return next(leaf for leaf in map(Leaf.parse, log.entries()) if leaf.seq == _last_seq(log) and appended)


def _last_seq(log: StoreLog) -> int:
    return max(Leaf.parse(entry).seq for entry in log.entries())


@pytest.mark.parametrize("kind", MATTERS)
def test_a_matter_is_written_and_opened_and_shut_by_erasure(log: StoreLog, kind: LeafKind) -> None:
    draft = MATTERS[kind]("case_1", "why it was done")
    leaf = written(log, draft)
    assert leaf.kind == kind
    opened = log.run(lambda c: open_leaf(c, None, draft.record_id or ""))
    assert {name: value for name, (_, value) in opened.openings.items()} == dict(draft.committed)
    for name, (salt, value) in opened.openings.items():
        assert commit(name, salt, value) == leaf.commitments[name]

    root = log.head().root
    log.run(lambda c: erase(c, log.ledger, draft.subject_id or "", lambda: NOW))
    with pytest.raises(Unavailable):
        log.run(lambda c: open_leaf(c, None, draft.record_id or ""))
    assert log.run(lambda c: c.execute(select(ledger_values)).all()) == []
    assert log.head().root == root


def test_what_is_public_of_a_takedown_is_codes_and_counts(log: StoreLog) -> None:
    leaf = written(log, MATTERS[LeafKind.TAKEDOWN]("case_1", "a reason"))
    assert leaf.public == {"after_s": 90, "automatic": 1, "copies": 2, "outcome": "removed"}
    assert leaf.commitments.keys() == {"case", "reason"}


def test_every_kind_that_other_rooms_write_has_its_function() -> None:
    of_the_log = {
        LeafKind.PROCESS_START,
        LeafKind.PROCESS_END,
        LeafKind.HEARTBEAT,
        LeafKind.TOTALS,
        LeafKind.DECISION,
        LeafKind.OUTAGE_START,
        LeafKind.OUTAGE_END,
        LeafKind.POLICY_CHANGE,
        LeafKind.THRESHOLD_CHANGE,
        LeafKind.MODEL_CHANGE,
        LeafKind.MARKS_CHANGE,
        LeafKind.ERASURE,
    }
    assert MATTERS.keys() == set(LeafKind) - of_the_log


@settings(deadline=None)
@given(
    kind=st.sampled_from(list(MATTERS)),
    who=st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=12, max_size=40),
    text=st.text(st.characters(exclude_categories=["C"]), min_size=8, max_size=60),
)
def test_nothing_private_is_in_a_leaf_in_any_encoding(kind: LeafKind, who: str, text: str) -> None:
    draft = MATTERS[kind](who, text)
    salt = hashlib.sha256(b"a salt that nobody else has").digest()
    commitments = {name: commit(name, salt, value) for name, value in draft.committed.items()}
    content = Leaf(draft.kind, "2026-11-22T12:00:00.000000Z", "a" * 16, 1, draft.public, commitments).to_bytes()
    for private in {who, text, *draft.committed.values()}:
        for form in _forms(private) if len(private) >= 8 else ():
            assert form not in content


def test_a_command_writes_its_leaf_and_nothing_is_left_open(log: StoreLog) -> None:
    command = Ledger(KEY, lambda: NOW)
    draft = MATTERS[LeafKind.REFERRAL]("case_9", "sent")
    log.run(lambda c: command.append_once(c, [draft], release="1"))
    log.integrate()
    audit = log.audit()
    assert audit.is_complete
    assert audit.processes[command.process].ended
    assert audit.kinds["referral"] == 1


def test_thresholds_that_moved_are_a_leaf_of_their_own(log: StoreLog) -> None:
    def start(policy: str, thresholds: dict[str, float]) -> list[dict[str, Any]]:
        ledger = Ledger(KEY, lambda: NOW)
        begin = partial(ledger.begin, release="1", policy=policy, models=["one@1"], thresholds=thresholds)
        log.run(lambda c: begin(c))
        log.integrate()
        leaves = [Leaf.parse(entry) for entry in log.entries()]
        return [
            dict(leaf.public) for leaf in leaves if leaf.process == ledger.process and leaf.kind == "threshold_change"
        ]

    assert start("sha256:bb", {"low": 0.2, "high": 0.5}) == [{"changed": ["high", "low"], "policy": "sha256:bb"}]
    assert start("sha256:bb", {"low": 0.2, "high": 0.5}) == []
    assert start("sha256:cc", {"low": 0.3, "high": 0.5}) == [{"changed": ["low"], "policy": "sha256:cc"}]
    assert start("sha256:dd", {"low": 0.3}) == [{"changed": ["high"], "policy": "sha256:dd"}]


def test_other_keys_of_the_marks_are_a_leaf_and_the_same_ones_are_none(log: StoreLog) -> None:
    def mark(watermark: str | None, credentials: str | None) -> int:
        log.run(lambda c: log.ledger.mark_with(c, watermark=watermark, credentials=credentials))
        log.integrate()
        return sum(Leaf.parse(entry).kind == "marks_change" for entry in log.entries())

    assert mark("wmk_00", "sha256:aa") == 1
    assert mark("wmk_00", "sha256:aa") == 1
    assert mark("wmk_01", "sha256:aa") == 2
    assert mark(None, None) == 3
    assert Leaf.parse(log.entries()[-1]).public == {"watermark": None, "credentials": None}


def _forms(text: str) -> list[bytes]:
    raw = text.encode()
    digests = [hashlib.new(name, raw).digest() for name in ("md5", "sha1", "sha256", "sha512")]
    found = [raw, json.dumps(text).encode()[1:-1]]
    for content in [raw, *digests]:
        found += [content, content.hex().encode(), base64.b64encode(content).rstrip(b"="), base64.b32encode(content)]
        found.append(base64.urlsafe_b64encode(content).rstrip(b"="))
    return found


def test_a_moment_is_the_makers(log: StoreLog) -> None:
    later = datetime.fromisoformat("2026-11-23T01:02:03.000004+00:00")
    leaf = written(log, matters.standing_draft(later, subject_id="sub_1", change="good"))
    assert leaf.at == "2026-11-23T01:02:03.000004Z"
