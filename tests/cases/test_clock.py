"""Nothing that was reported is visible at 48:00:00, whatever is out of order; where it is, everybody hears of it."""

import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select, text
from structlog.testing import capture_logs

from safelight.cases.draft import Addition, Declarations, Matter, Route
from safelight.cases.model import CaseState, Visibility
from safelight.core.clock import to_rfc3339
from safelight.core.errors import StoreFailed
from safelight.store.cases_tables import case_events, cases
from safelight.store.matching_tables import past_matches
from safelight.store.tables import banks, ledger_leaves
from tests.cases.house import KEEP, MODERATOR, REMOVE, SENIOR, START, House, house, post, print_of, report
from tests.matching.pictures import hash_of, photo

GREY = np.full((64, 64, 3), 128, np.uint8)
NOT_DECLARED = Declarations(shows_intimate_content=True)
BOUND = START + timedelta(hours=48)


def execute(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


def number_of(connection: Connection, case_id: str) -> int:
    return connection.execute(select(cases.c.number).where(cases.c.id == case_id)).scalar_one()


def note_made_here(connection: Connection, case_id: str, at: str) -> None:
    """As `matching/past.py` does when it finds an output near the picture of a case."""
    bank = connection.execute(select(banks.c.number).where(banks.c.name == "taken-down")).scalar_one()
    row = {"id": "pst_1", "at": at, "bank": bank, "item": number_of(connection, case_id), "output_id": "out_1"}
    connection.execute(insert(past_matches).values(row | {"made_at": at, "distance": 7}))


def test_a_complete_report_hides_the_picture_at_once(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(), "here"))
    home.tick()
    assert receipt.hidden_at == home.now
    assert not home.platform.shows("p1")


@pytest.mark.parametrize("route", Route)
def test_by_every_route_what_is_undecided_is_hidden_an_hour_before_the_bound(home: House, route: Route) -> None:
    home.platform.publish("p1", GREY)
    # Without the declarations its word alone hides nothing; the clock runs all the same.
    home.run(home.cases.receive(report(route=route, declarations=NOT_DECLARED), "here"))
    home.tick()
    assert home.platform.shows("p1")
    home.travel(hours=46, minutes=59)
    assert home.platform.shows("p1")
    home.travel(minutes=1)
    assert not home.platform.shows("p1")


def test_an_intimate_image_by_the_copyright_form_has_the_same_clock(home: House) -> None:
    draft = report(matter=Matter.OTHER, route=Route.COPYRIGHT)
    receipt = home.run(home.cases.receive(draft, "here"))
    assert receipt.due_at == BOUND
    assert home.row(receipt.case_id).matter is Matter.INTIMATE


def test_what_may_show_a_child_is_hidden_at_once_whatever_is_missing(home: House) -> None:
    home.platform.publish("p1", GREY)
    draft = report(matter=Matter.CHILD, declarations=Declarations(), contact=None, reporter=None)
    receipt = home.run(home.cases.receive(draft, "here"))
    home.tick()
    assert receipt.due_at == START
    assert not home.platform.shows("p1")


def test_people_are_told_after_24_36_and_44_hours(home: House) -> None:
    receipt = home.run(home.cases.receive(report(declarations=NOT_DECLARED), "here"))
    told = []
    with capture_logs() as lines:
        for hour in range(1, 49):
            home.travel(hours=1)
            told += [hour for line in lines if line["event"] == "case_undecided"]
            lines.clear()
    assert told == [24, 36, 44]
    assert home.row(receipt.case_id).visibility is Visibility.HIDDEN


def test_a_decision_to_keep_stops_the_clock(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(), "here"))
    home.tick()
    home.decide(receipt.case_id, KEEP)
    home.travel(hours=72)
    assert home.platform.shows("p1")
    assert home.run(home.cases.figures(START, home.now)).breaches == 0


def test_a_service_that_was_down_hides_when_it_comes_back(tmp_path: Path) -> None:
    with house(tmp_path) as before:
        before.run(before.cases.receive(report(declarations=NOT_DECLARED), "here"))
    with house(tmp_path, now=START + timedelta(hours=47, minutes=30), begin=False) as after:
        after.platform.publish("p1", GREY)
        after.tick()
        assert not after.platform.shows("p1")


def test_a_platform_that_hears_nothing_more_hides_by_itself(home: House) -> None:
    home.platform.publish("p1", GREY)
    home.run(home.cases.receive(report(declarations=NOT_DECLARED), "here"))
    home.tick()
    home.platform.is_dead = True  # and Safelight is gone as well: nothing ticks any more
    home.now = BOUND
    assert not home.platform.shows("p1")


def test_a_dead_connector_is_no_way_round_for_a_platform_that_asks_before_it_shows(home: House) -> None:
    home.platform.is_dead = True
    home.run(home.cases.receive(report(declarations=NOT_DECLARED), "here"))
    assert home.run(home.cases.is_visible(post("p1")))
    home.travel(hours=47)
    assert not home.run(home.cases.is_visible(post("p1")))
    assert home.run(home.cases.is_visible(post("p2")))


def test_a_connector_that_comes_back_is_told_everything(home: House) -> None:
    home.platform.publish("p1", GREY)
    home.platform.is_dead = True
    home.run(home.cases.receive(report(), "here"))
    for _ in range(3):
        home.travel(hours=2)
    home.platform.is_dead = False
    home.travel(hours=2)
    assert not home.platform.shows("p1")


def test_a_breach_is_loud(home: House) -> None:
    home.platform.is_dead = True
    receipt = home.run(home.cases.receive(report(), "here"))
    with capture_logs() as lines:
        for _ in range(49):
            home.travel(hours=1)
    assert any(line["event"] == "case_effect_failed" and line["state"] == "dead" for line in lines)
    assert [line["case"] for line in lines if line["event"] == "case_clock_breached"] == [receipt.case_id]
    assert home.run(home.cases.figures(START, home.now)).breaches == 1
    leaves = home.sql(lambda c: c.execute(select(ledger_leaves.c.content)).scalars().all())
    assert "late" in [json.loads(leaf).get("outcome") for leaf in leaves]
    assert [one.kind for one in home.run(home.cases.dead_letters(MODERATOR))] == [
        "places",
        "letter",
    ] or home.post.parcels


def test_a_place_that_is_added_after_the_clock_has_run_out_is_confirmed_soon_or_missed_aloud(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.travel(hours=1)
    home.decide(receipt.case_id)
    home.travel(hours=59)
    home.platform.is_dead = True
    home.run(home.cases.add(receipt.code, receipt.pin, "here", Addition(places=(post("p2"),))))
    with capture_logs() as lines:
        home.travel(minutes=61)
    assert [line["case"] for line in lines if line["event"] == "case_clock_breached"] == [receipt.case_id]
    assert home.run(home.cases.status(receipt.code, receipt.pin, "here")).is_late


def test_a_picture_that_is_confirmed_to_be_hidden_misses_no_clock_while_its_removal_waits(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.travel(hours=1)
    home.platform.is_dead = True
    home.decide(receipt.case_id)
    with capture_logs() as lines:
        home.travel(hours=48)
    assert not [line for line in lines if line["event"] == "case_clock_breached"]
    status = home.run(home.cases.status(receipt.code, receipt.pin, "here"))
    assert (status.is_late, status.is_confirmed) == (False, False), "out of sight, and not yet removed"


@pytest.mark.parametrize("what", ["a fingerprint that was added", "shown again and removed", "more was made here"])
def test_an_order_that_says_more_than_was_confirmed_misses_the_clock_aloud(home: House, what: str) -> None:
    known = report(fingerprints=(print_of(hash_of(photo("coffee"))),))
    receipt = home.run(home.cases.receive(known, "here"))
    home.travel(hours=1)
    if what == "shown again and removed":
        home.decide(receipt.case_id, KEEP)
    home.platform.is_dead = True
    if what == "a fingerprint that was added":
        more = Addition(fingerprints=(print_of(hash_of(photo("astronaut"))),))
        home.run(home.cases.add(receipt.code, receipt.pin, "here", more))
    elif what == "more was made here":
        home.sql(lambda c: note_made_here(c, receipt.case_id, to_rfc3339(home.now)))
        home.sql(lambda c: home.cases.note_made_here(c, [number_of(c, receipt.case_id)]))
    else:
        home.now += timedelta(hours=1)
        home.run(home.cases.contest(receipt.code, receipt.pin, "here", "It is me."))
        home.decide(receipt.case_id, REMOVE, SENIOR)
    with capture_logs() as lines:
        home.travel(hours=48)
    assert [line["case"] for line in lines if line["event"] == "case_clock_breached"] == [receipt.case_id]


def test_a_database_from_a_backup_finds_its_clocks_again(tmp_path: Path) -> None:
    with house(tmp_path) as first:
        receipt = first.run(first.cases.receive(report(declarations=NOT_DECLARED), "here"))
    backup = (tmp_path / "cases.db").read_bytes()
    with house(tmp_path, now=START + timedelta(hours=47), begin=False) as second:
        second.tick()
        assert second.row(receipt.case_id).visibility is Visibility.HIDDEN
    for rest in ("cases.db-wal", "cases.db-shm"):
        (tmp_path / rest).unlink(missing_ok=True)
    (tmp_path / "cases.db").write_bytes(backup)
    with house(tmp_path, now=START + timedelta(hours=48), begin=False) as third:
        third.platform.publish("p1", GREY)
        third.tick()
        assert third.row(receipt.case_id).visibility is Visibility.HIDDEN
        assert not third.platform.shows("p1")


def test_more_cases_than_one_round_takes_are_all_hidden_in_time(home: House) -> None:
    for number in range(60):
        home.run(home.cases.receive(report(places=(post(f"p{number}"),), declarations=NOT_DECLARED), ""))
    home.travel(hours=47)
    home.tick()
    rows = home.run(home.cases.queue(MODERATOR, limit=200)).rows
    assert len(rows) == 60
    assert {(row.state, row.visibility) for row in rows} == {(CaseState.OPEN, Visibility.HIDDEN)}


def test_a_case_that_cannot_be_read_holds_up_nobody_elses_clock(home: House) -> None:
    broken = home.run(home.cases.receive(report(places=(post("p2"),), declarations=NOT_DECLARED), "here"))
    home.platform.publish("p1", GREY)
    home.run(home.cases.receive(report(declarations=NOT_DECLARED), "here"))
    row = {"case_id": broken.case_id, "seq": 99, "at": to_rfc3339(START), "step": "shown", "by": "nobody", "body": "{}"}
    home.sql(lambda c: c.execute(insert(case_events), [row]).close())
    with capture_logs() as lines:
        home.travel(hours=47)
    assert any(line["event"] == "case_unreadable" for line in lines)
    assert not home.platform.shows("p1")


def test_the_history_can_be_neither_changed_nor_removed(home: House) -> None:
    home.run(home.cases.receive(report(), "here"))
    for statement in ("UPDATE case_events SET at = '2026'", "DELETE FROM case_events", "DELETE FROM case_letters"):
        with pytest.raises(StoreFailed) as caught:
            home.sql(partial(execute, statement=statement))
        assert "append only" in str(caught.value.__cause__)
    assert home.sql(lambda c: len(c.execute(select(case_events)).all())) == 2
