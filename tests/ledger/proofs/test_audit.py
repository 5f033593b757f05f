"""A whole log: integrity and completeness are two verdicts, and each way of leaving something out shows."""

import json
from collections.abc import Callable

import pytest

from safelight.ledger.proofs.audit import Audit, FindingCode, RootBuilder
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.errors import ConsistencyFailed, Malformed
from safelight.ledger.proofs.leaf import Leaf, LeafKind
from safelight.ledger.proofs.merkle import leaf_hash
from tests.ledger.twin import ORIGIN, honest_entries, leaf, naive_root


def audited(entries: list[bytes]) -> Audit:
    audit = Audit()
    for entry in entries:
        audit.add(entry)
    return audit


def head(entries: list[bytes]) -> Checkpoint:
    return Checkpoint(ORIGIN, len(entries), naive_root(entries))


def codes(entries: list[bytes]) -> list[FindingCode]:
    return [finding.code for finding in audited(entries).findings]


@pytest.mark.parametrize("decisions", [0, 1, 5, 300])
def test_an_honest_log_is_whole_and_complete(decisions: int) -> None:
    entries = honest_entries(decisions)
    audit = audited(entries)
    audit.check_root(head(entries))
    assert audit.is_complete
    assert audit.decisions == ({"input/allow/-": decisions} if decisions else {})
    assert audit.processes["a" * 16].ended


Change = Callable[[list[bytes]], list[bytes]]
CHANGES: dict[str, Change] = {
    "a flipped byte": lambda entries: [*entries[:3], entries[3].replace(b"allow", b"alloW"), *entries[4:]],
    "a dropped leaf": lambda entries: [*entries[:3], *entries[4:]],
    "a reordered pair": lambda entries: [*entries[:3], entries[4], entries[3], *entries[5:]],
    "a doubled leaf": lambda entries: [*entries[:4], entries[3], *entries[4:]],
    "a dropped first leaf": lambda entries: entries[1:],
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_log_does_not_give_the_signed_root(name: str) -> None:
    entries = honest_entries(6)
    audit = audited(CHANGES[name](entries))
    with pytest.raises(ConsistencyFailed):
        audit.check_root(head(entries))


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_was_signed_still_shows_as_incomplete(name: str) -> None:
    changed = CHANGES[name](honest_entries(6))
    audit = audited(changed)
    audit.check_root(head(changed))
    assert not audit.is_complete


def test_totals_that_do_not_add_up_are_found() -> None:
    entries = honest_entries(4)
    entries[5] = leaf(5, LeafKind.TOTALS, first_seq=0, last_seq=4, counts={"input/allow/-": 3})
    assert codes(entries) == [FindingCode.TOTALS_WRONG]
    entries[5] = leaf(5, LeafKind.TOTALS, first_seq=1, last_seq=4, counts={"input/allow/-": 4})
    assert codes(entries) == [FindingCode.TOTALS_WRONG]


def test_a_process_that_goes_on_after_its_end_is_found() -> None:
    assert codes([*honest_entries(1), leaf(4)]) == [FindingCode.AFTER_END]


def test_a_long_silence_is_found() -> None:
    entries = honest_entries(2)
    entries[2] = entries[2].replace(b"T12:00:00", b"T12:05:00")
    entries[3:] = [entry.replace(b"T12:00:00", b"T12:05:00") for entry in entries[3:]]
    assert codes(entries) == [FindingCode.SILENCE]


def test_what_is_no_leaf_and_no_moment_is_found_and_does_not_stop_the_audit() -> None:
    entries = honest_entries(2)
    late = entries[2].replace(b"11-22T12:00", b"02-30T12:00")
    Leaf.parse(late)
    assert codes([entries[0], entries[1], late]) == [FindingCode.LEAF_MALFORMED]
    assert codes([*entries, b"not a leaf"]) == [FindingCode.LEAF_MALFORMED]


def test_processes_are_counted_apart() -> None:
    one, other = honest_entries(3), [entry.replace(b"a" * 16, b"b" * 16) for entry in honest_entries(3)]
    mixed = [entry for pair in zip(one, other, strict=True) for entry in pair]
    assert audited(mixed).is_complete


@pytest.mark.parametrize("at", range(10))
def test_an_audit_goes_on_another_day_as_if_it_had_not_stopped(at: int) -> None:
    entries = honest_entries(6)
    audit = audited(entries[:at])
    audit = Audit.from_json(json.loads(json.dumps(audit.to_json())))
    for entry in entries[at:]:
        audit.add(entry)
    audit.check_root(head(entries))
    assert audit.to_json() == audited(entries).to_json()


@pytest.mark.parametrize("kept", [{}, {"size": "x"}, [], {"size": 1, "peaks": ["?"]}])
def test_a_state_that_cannot_be_read_says_so(kept: object) -> None:
    with pytest.raises(Malformed):
        Audit.from_json(kept)  # type: ignore[arg-type]


def test_the_root_grows_as_the_definition_says() -> None:
    builder, entries = RootBuilder(), [bytes([number]) for number in range(100)]
    assert builder.root() == naive_root([])
    for size, entry in enumerate(entries, start=1):
        builder.add(leaf_hash(entry))
        assert builder.root() == naive_root(entries[:size])
