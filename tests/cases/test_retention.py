"""What people wrote is destroyed at its time and not before; what happened, when, and every figure stays."""

import json
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import skimage.data
from sqlalchemy import func, select, text

from safelight.cases.draft import Addition, Contact, ContactKind, Fingerprint, Matter
from safelight.cases.errors import CaseError
from safelight.cases.model import CaseState, Outcome, Visibility
from safelight.cases.records import Book
from safelight.cases.reporter_model import Receipt
from safelight.cases.retention import Retention, free, preserve
from safelight.cases.rules import load_rules, parse_rules
from safelight.cases.staff_model import Choice
from safelight.core.errors import NotStartable, StoreFailed
from safelight.ledger.proofs.leaf import LeafKind
from safelight.matching.fingerprints import HashKind
from safelight.matching.pdq import Pdq, pdq
from safelight.store.cases_tables import (
    case_additions,
    case_events,
    case_letters,
    case_places,
    case_prints,
    case_receipts,
    case_reports,
    case_sources,
)
from safelight.store.tables import ledger_leaves, ledger_subject_keys
from tests.cases.house import KEEP, MODERATOR, REMOVE, SENIOR, START, House, house, post, report
from tests.cases.test_accounts import refuse

KEPT_DAYS = 365
WORDS = "what nobody else has to know"
SEALED = {
    "texts": case_reports.c.sealed,
    "additions": case_additions.c.sealed,
    "contacts": case_receipts.c.contact,
    "letters": case_letters.c.sealed,
    "notes": case_events.c.words,
    "places": case_places.c.sealed,
}
CONTACT = Contact(ContactKind.EMAIL, "a.person@example.org")


def print_of_astronaut() -> Fingerprint:
    hashed = pdq(skimage.data.astronaut())
    assert isinstance(hashed, Pdq)
    return Fingerprint(HashKind.PDQ, hashed.hex, hashed.quality)


def send(home: House, **changes: object) -> Receipt:
    whole = {"explanation": WORDS, "contact": CONTACT, "fingerprints": (print_of_astronaut(),)} | changes
    receipt = home.run(home.cases.receive(report(**whole), "here"))
    home.tick()
    return receipt


def left(home: House) -> dict[str, int]:
    """How many sealed texts there still are, of each kind."""
    return {
        name: home.sql(
            lambda c, column=column: c.execute(select(func.count()).where(func.length(column) > 0)).scalar_one()
        )
        for name, column in SEALED.items()
    }


def leaves(home: House, kind: LeafKind) -> int:
    contents = home.sql(lambda c: c.execute(select(ledger_leaves.c.content)).scalars().all())
    return sum(json.loads(content)["kind"] == kind for content in contents)


def steps(home: House, case_id: str) -> list[str]:
    query = select(case_events.c.step).where(case_events.c.case_id == case_id).order_by(case_events.c.seq)
    return list(home.sql(lambda c: c.execute(query).scalars().all()))


def decided(home: House, choice: Choice = REMOVE) -> Receipt:
    """A case with something of everything, decided."""
    receipt = send(home)
    home.run(home.cases.add(receipt.code, receipt.pin, "here", Addition(explanation=WORDS)))
    home.run(home.cases.note(MODERATOR, receipt.case_id, WORDS))
    home.decide(receipt.case_id, choice)
    return receipt


@pytest.mark.parametrize("choice", [REMOVE, KEEP])
def test_at_its_time_every_text_is_destroyed_and_every_figure_stays(home: House, choice: Choice) -> None:
    receipt = decided(home, choice)
    home.travel(days=KEPT_DAYS, seconds=-5)
    before, figures = left(home), home.run(home.cases.figures(START, home.now))
    assert all(before.values())
    home.travel(seconds=10)
    assert set(left(home).values()) == {0}
    assert home.run(home.cases.figures(START, figures.until)) == figures
    assert steps(home, receipt.case_id)[-1] == "destroyed"
    assert leaves(home, LeafKind.EVIDENCE_DESTROYED) == leaves(home, LeafKind.ERASURE) == 1
    # Nothing of the log's leaves on this case opens any more, but the certificate's.
    subjects = home.sql(lambda c: c.execute(select(ledger_subject_keys.c.subject_id)).scalars().all())
    assert [one for one in subjects if one and one.startswith("case_")] == [f"{receipt.case_id}/{row_version(home)}"]
    # Once: nothing is left to be done.
    home.travel(days=KEPT_DAYS)
    assert steps(home, receipt.case_id).count("destroyed") == 1


def row_version(home: House) -> int:
    return int(home.sql(lambda c: c.execute(select(func.max(case_events.c.seq))).scalar_one()))


def test_a_receipt_still_says_what_was_done_and_the_console_still_opens_the_case(home: House) -> None:
    receipt = decided(home)
    home.travel(days=KEPT_DAYS + 1)
    status = home.run(home.cases.status(receipt.code, receipt.pin, "here"))
    assert (status.outcome, status.visibility, status.missing) == (Outcome.REMOVE, Visibility.REMOVED, ())
    assert status.letters == ()
    assert len(status.steps) >= 2
    seen = home.run(home.cases.open(SENIOR, receipt.case_id))
    assert [one.draft.explanation for one in seen.reports] == [""]
    assert all(not entry.words for entry in seen.history)
    assert (seen.places, seen.letters) == ((), ())


def test_what_was_removed_stays_down_and_what_was_kept_is_forgotten(home: House) -> None:
    removed = decided(home)
    kept = send(home, places=(post("p2"),), fingerprints=(Fingerprint(HashKind.SHA256, "ab" * 32),))
    home.decide(kept.case_id, KEEP)
    home.travel(days=KEPT_DAYS + 1)
    assert not home.run(home.cases.is_visible(post("p1")))
    assert not home.run(home.cases.is_visible(fingerprint=print_of_astronaut()))
    assert home.run(home.cases.is_visible(post("p2")))
    prints = home.sql(lambda c: c.execute(select(case_prints.c.case_id)).scalars().all())
    assert set(prints) == {removed.case_id}
    assert home.copies.find([Fingerprint(HashKind.SHA256, "ab" * 32)]) == []
    # Whoever finds it again sends its address with the old code, as the letter said.
    home.run(home.cases.add(removed.code, removed.pin, "here", Addition(places=(post("p9"),))))
    home.tick()
    assert not home.run(home.cases.is_visible(post("p9")))


def test_another_report_of_what_was_removed_is_kept_as_long_and_the_first_no_longer(home: House) -> None:
    first = decided(home)
    home.travel(days=200)
    second = send(home, places=(post("p2"),))
    assert second.case_id == first.case_id
    home.travel(days=KEPT_DAYS - 200 + 1)
    assert left(home)["texts"] == 1
    assert left(home)["contacts"] == 1
    home.travel(days=200)
    assert set(left(home).values()) == {0}
    assert steps(home, first.case_id).count("destroyed") == 2


def test_nothing_that_waits_or_can_be_contested_or_is_preserved_is_touched(home: House) -> None:
    waiting = send(home, matter=Matter.CHILD, places=(post("p1"),), fingerprints=())
    contested = send(home, places=(post("p2"),), fingerprints=())
    home.decide(contested.case_id, KEEP)
    preserved = send(home, places=(post("p3"),), fingerprints=())
    home.decide(preserved.case_id)
    home.sql(lambda c: preserve(c, book(home), preserved.case_id, "on-call", "a court"))
    home.travel(days=182)
    home.run(home.cases.contest(contested.code, contested.pin, "here", WORDS))
    before = left(home)
    home.travel(days=3 * KEPT_DAYS)
    assert left(home) == before
    assert home.row(waiting.case_id).state is CaseState.OPEN
    home.sql(lambda c: free(c, book(home), preserved.case_id, "on-call"))
    home.tick()
    assert steps(home, preserved.case_id)[-1] == "destroyed"
    assert left(home)["texts"] == before["texts"] - 1
    with pytest.raises(CaseError):
        home.sql(lambda c: preserve(c, book(home), waiting.case_id, "on-call", " "))


def book(home: House) -> Book:
    return Book(load_rules(), home.key, home.clock, home.ledger.append)


@pytest.mark.parametrize("table", ["case_receipts", "case_places", "case_events", "ledger_leaves"])
def test_what_fails_in_the_middle_leaves_everything_and_is_done_later(home: House, table: str) -> None:
    receipt = decided(home)
    before = left(home)
    home.travel(days=KEPT_DAYS, seconds=-5)
    change = "INSERT" if table in ("case_events", "ledger_leaves") else "UPDATE"
    trip = f"CREATE TRIGGER trip BEFORE {change} ON {table} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
    home.sql(lambda c: c.execute(text(trip)))
    home.now += timedelta(seconds=10)
    with pytest.raises(StoreFailed):
        home.tick()
    assert left(home) == before
    assert "destroyed" not in steps(home, receipt.case_id)
    home.sql(lambda c: c.execute(text("DROP TRIGGER trip")))
    home.tick()
    assert set(left(home).values()) == {0}


def test_a_crash_after_it_was_destroyed_leaves_the_index_to_the_next_start(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        decided(home, KEEP)
        retention, now = Retention(book(home)), home.now + timedelta(days=KEPT_DAYS + 1)
        home.now = now
        assert home.sql(retention.run) == 1
        assert home.copies.find([print_of_astronaut()])
    with house(tmp_path, begin=False, now=now) as home:
        home.tick()
        assert home.copies.find([print_of_astronaut()]) == []


def test_the_old_bytes_are_overwritten_in_the_file(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        decided(home)
        sealed = home.sql(lambda c: c.execute(select(case_letters.c.sealed)).scalars().all())
        home.travel(days=KEPT_DAYS + 1)
    file = (tmp_path / "cases.db").read_bytes()
    assert sealed
    assert not [one for one in sealed if one in file]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_letters SET sealed = x'00'",
        "UPDATE case_letters SET sealed = x'', at = '2026'",
        "UPDATE case_letters SET sealed = NULL",
        "UPDATE case_events SET words = x'', body = '{}'",
        "UPDATE case_additions SET sealed = x'', at = '2026'",
        "DELETE FROM case_additions",
    ],
)
def test_a_text_can_be_emptied_and_nothing_else_of_its_row_changed(home: House, statement: str) -> None:
    decided(home)
    with pytest.raises(StoreFailed) as caught:
        home.sql(lambda c: c.execute(text(statement)))
    assert "append only" in str(caught.value.__cause__)


def test_a_measure_that_nobody_contested_keeps_neither_its_letter_nor_its_code(home: House) -> None:
    refuse(home, "ncii")
    home.tick()
    assert left(home)["letters"] == left(home)["contacts"] == 1
    home.travel(days=KEPT_DAYS - 1)
    assert left(home)["letters"] == left(home)["contacts"] == 1
    home.travel(days=2)
    assert left(home)["letters"] == left(home)["contacts"] == 0


def test_who_sent_how_many_is_remembered_for_a_day(home: House) -> None:
    send(home)
    count = select(func.count()).select_from(case_sources)
    assert home.sql(lambda c: c.execute(count).scalar_one()) == 1
    home.travel(days=1, hours=1)
    assert home.sql(lambda c: c.execute(count).scalar_one()) == 0


@pytest.mark.parametrize(
    ("matter", "days", "starts"), [("child", 364, False), ("other", 182, False), ("other", 183, True)]
)
def test_rules_keep_what_the_law_wants_kept(matter: str, days: int, *, starts: bool) -> None:
    rules = files("safelight.cases").joinpath("rules.toml").read_text("utf-8")
    before, _, after = rules.partition(f"[matter.{matter}]")
    changed = f"{before}[matter.{matter}]{after.replace('keep_days = 365', f'keep_days = {days}', 1)}"
    if starts:
        assert parse_rules(changed).matter[Matter(matter)].keep_days == days
        return
    with pytest.raises(NotStartable, match="at least"):
        parse_rules(changed)


def test_other_rules_count_for_what_is_kept_already_and_a_row_without_its_time_is_looked_at(tmp_path: Path) -> None:
    rules = (
        files("safelight.cases").joinpath("rules.toml").read_text("utf-8").replace("keep_days = 365", "keep_days = 500")
    )
    with house(tmp_path) as home:
        decided(home)
        now = home.now + timedelta(days=KEPT_DAYS + 1)
    with house(tmp_path, begin=False, now=now, rules=parse_rules(rules)) as home:
        home.tick()
        assert left(home)["texts"] == 1
        home.travel(days=135)
        assert left(home)["texts"] == 0
    # As a database is found that was made before there was a time.
    with house(tmp_path, begin=False, now=now) as home:
        receipt = send(home, places=(post("p5"),), fingerprints=())
        home.decide(receipt.case_id)
        home.sql(lambda c: c.execute(text("UPDATE cases SET keep_until = received_at")))
        home.tick()
        assert left(home)["texts"] == 1
        home.travel(days=KEPT_DAYS)
        assert left(home)["texts"] == 0
