"""What banks, consent register and staff record becomes leaves, once each, whoever recorded it and whoever looks."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from safelight.accounts.permissions import Role
from safelight.accounts.staff import AT_THE_MACHINE, add_member, change_role, end_member, make_enrolment, opt_out
from safelight.consent.register import enrol
from safelight.ledger.append import Ledger
from safelight.ledger.disclose import open_leaf
from safelight.ledger.follow import OVERLAP, Follower
from safelight.ledger.proofs.leaf import Leaf
from safelight.matching.banks import create_bank, note, set_state
from safelight.matching.model import BankCategory, BankState
from safelight.store.staff_tables import staff_events
from safelight.store.tables import bank_events
from tests.ledger.store_log import NOW, StoreLog, store_log
from tests.ledger.twin import KEY


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StoreLog]:
    with store_log(tmp_path / "log.db") as opened:
        opened.begin()
        yield opened


def make_bank(connection: Connection, at: Any = NOW) -> None:
    create_bank(connection, name="a-bank", owner="somebody", source="file", category=BankCategory.NCII, now=at)


def followed(log: StoreLog, follower: Follower) -> list[dict[str, Any]]:
    """The public part of each new leaf."""
    before = log.integrate().size
    while log.run(follower.is_behind):
        log.run(follower.catch_up)
    log.integrate()
    leaves = [Leaf.parse(entry) for entry in log.entries()[before:]]
    return [{"kind": leaf.kind, **leaf.public} for leaf in leaves if leaf.kind in {"bank_update", "consent", "staff"}]


def test_events_of_banks_and_consent_become_leaves_once(log: StoreLog) -> None:
    follower = Follower(log.ledger, lambda: NOW)
    log.run(make_bank)
    log.run(lambda c: note(c, 1, "taken_in", {"added": 7, "withdrawn": 2, "held_back": "a reason"}, NOW))
    log.run(lambda c: set_state(c, "a-bank", BankState.REMOVED, "asked by its owner", NOW))
    log.run(
        lambda c: enrol(c, public_key=b"k" * 32, platform="shop", reference="file 7", checked_by="a person", now=NOW)
    )
    found = followed(log, follower)
    assert {"kind": "bank_update", "bank": 1, "change": "made"} in found
    assert {"kind": "bank_update", "bank": 1, "change": "taken_in", "added": 7, "withdrawn": 2} in found
    assert {"kind": "bank_update", "bank": 1, "change": "removed"} in found
    assert {"kind": "consent", "change": "enrolled"} in found
    assert len(found) == 4
    assert followed(log, follower) == []
    assert followed(log, Follower(log.ledger, lambda: NOW)) == []  # a process that starts later finds them all logged
    assert b"somebody" not in b"".join(log.entries())


def test_whoever_may_do_more_or_less_than_before_is_a_leaf_that_names_nobody(log: StoreLog) -> None:
    def staff(connection: Connection) -> None:
        member = add_member(connection, "Ada Example", Role.MODERATOR, by=AT_THE_MACHINE, now=NOW)
        change_role(connection, member, Role.ADMIN, by=AT_THE_MACHINE, now=NOW)
        make_enrolment(connection, member, by=member.id, now=NOW)
        opt_out(connection, member, frozenset({"ncii"}), now=NOW)
        end_member(connection, member, by=AT_THE_MACHINE, now=NOW)

    log.run(staff)
    found = followed(log, Follower(log.ledger, lambda: NOW))
    assert sorted(found, key=str) == [
        {"kind": "staff", "change": "added", "roles": ["moderator"]},
        {"kind": "staff", "change": "ended", "roles": []},
        {"kind": "staff", "change": "link_made", "roles": []},
        {"kind": "staff", "change": "role", "roles": ["moderator", "admin"]},
    ]
    (event,) = log.run(lambda c: c.execute(select(staff_events).where(staff_events.c.kind == "role")).all())
    opened = log.run(lambda c: open_leaf(c, None, event.id)).openings["event"][1]
    assert event.member_id in opened
    assert event.member_id.encode() not in b"".join(log.entries())


def test_an_event_opens_to_what_was_recorded(log: StoreLog) -> None:
    log.run(make_bank)
    followed(log, Follower(log.ledger, lambda: NOW))
    (event_id,) = log.run(lambda c: c.execute(select(bank_events.c.id)).scalars().all())
    opened = log.run(lambda c: open_leaf(c, None, event_id))
    assert '"bank":"a-bank"' in opened.openings["event"][1]
    assert '"owner":"somebody"' in opened.openings["event"][1]


def test_an_event_that_is_committed_late_is_still_found(log: StoreLog) -> None:
    now = NOW
    follower = Follower(log.ledger, lambda: now)
    assert followed(log, follower) == []
    now = NOW + OVERLAP / 2
    log.run(make_bank)  # its moment lies before the last look
    assert len(followed(log, follower)) == 1
    now = NOW + timedelta(days=1)
    assert followed(log, follower) == []
    log.run(lambda c: note(c, 1, "taken_in", {"added": 1}, now))
    assert len(followed(log, follower)) == 1


def test_two_processes_write_each_leaf_once(log: StoreLog) -> None:
    other = Ledger(KEY, lambda: NOW)
    log.run(lambda c: other.begin(c, release="1"))
    log.run(make_bank)
    assert log.run(Follower(log.ledger, lambda: NOW).catch_up) == 1
    assert log.run(Follower(other, lambda: NOW).catch_up) == 0
