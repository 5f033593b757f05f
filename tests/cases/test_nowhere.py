"""What was found nowhere is not gone: words that no machine can follow, and fingerprints that nothing is near."""

import pytest

from safelight.cases.draft import Addition, Declarations, Fingerprint, Matter, Place, PlaceKind
from safelight.cases.errors import CaseError
from safelight.cases.model import Visibility
from safelight.cases.reporter_model import Delivery, Receipt
from safelight.cases.staff_model import Action
from safelight.matching.fingerprints import HashKind
from tests.cases.house import KEEP, MODERATOR, REMOVE, SENIOR, START, House, post, report
from tests.cases.test_decisions import GREY

WORDS = (Place(PlaceKind.WORDS, "in a group, last week"),)
FILE = (Fingerprint(HashKind.SHA256, "11" * 32),)


def steps(home: House, receipt: Receipt) -> list[str]:
    return [entry.kind for entry in home.run(home.cases.open(SENIOR, receipt.case_id)).history]


def test_words_that_no_machine_can_follow_are_not_gone_and_miss_their_clock_aloud(home: House) -> None:
    receipt = home.run(home.cases.receive(report(places=WORDS), "a"))
    home.tick()
    home.decide(receipt.case_id)
    status = home.run(home.cases.status(receipt.code, receipt.pin, "a"))
    assert (status.visibility, status.is_confirmed) == (Visibility.REMOVED, False)
    assert status.delivery is Delivery.NOT_FOUND
    assert "confirmed" not in steps(home, receipt)
    home.travel(hours=49)
    assert steps(home, receipt)[-1] == "breached"
    assert home.run(home.cases.status(receipt.code, receipt.pin, "a")).is_late
    found = home.run(home.cases.figures(START, home.now))
    assert (found.all.gone.count, found.breaches, found.all.within_48_h) == (0, 1, 0.0)


def test_they_are_gone_once_somebody_has_said_where_and_it_is_gone_there(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(places=WORDS), "a"))
    home.tick()
    assert home.platform.shows("p1")
    home.run(home.cases.add(receipt.code, receipt.pin, "a", Addition(places=(post("p1"),))))
    home.tick()
    assert not home.platform.shows("p1")
    assert steps(home, receipt)[-1] == "confirmed"
    home.travel(hours=49)
    assert steps(home, receipt)[-1] == "checked"
    assert home.run(home.cases.figures(START, home.now)).all.gone.count == 1


def test_what_was_looked_for_and_is_nowhere_is_neither_gone_nor_late(home: House) -> None:
    receipt = home.run(home.cases.receive(report(places=(), fingerprints=FILE), "a"))
    home.tick()
    home.decide(receipt.case_id, REMOVE)
    home.travel(hours=49)
    last = home.run(home.cases.open(SENIOR, receipt.case_id)).history[-1]
    assert (last.kind, last.body) == ("checked", {"found": False})
    status = home.run(home.cases.status(receipt.code, receipt.pin, "a"))
    assert (status.is_confirmed, status.is_late, status.delivery) == (False, False, Delivery.NOT_FOUND)
    found = home.run(home.cases.figures(START, home.now))
    assert (found.all.gone.count, found.breaches, found.all.within_48_h) == (0, 0, None)


def test_what_nobody_hides_and_nobody_decides_is_overdue(home: House) -> None:
    receipt = home.run(home.cases.receive(report(matter=Matter.OTHER, declarations=Declarations()), "a"))
    home.travel(hours=200)
    assert home.row(receipt.case_id).visibility is Visibility.VISIBLE
    assert home.run(home.cases.figures(START, home.now)).all.within_48_h == 0.0


def test_a_member_who_follows_the_words_names_where_it_is(home: House) -> None:
    receipt = home.run(home.cases.receive(report(places=WORDS), "a"))
    home.platform.publish("p1", GREY)
    assert Action.LOCATE in home.run(home.cases.open(MODERATOR, receipt.case_id)).actions
    home.run(home.cases.locate(MODERATOR, receipt.case_id, post("p1")))
    home.tick()
    assert not home.platform.shows("p1")
    assert home.run(home.cases.status(receipt.code, receipt.pin, "a")).is_confirmed
    with pytest.raises(CaseError, match="known already"):
        home.run(home.cases.locate(MODERATOR, receipt.case_id, post("p1")))
    assert steps(home, receipt).count("located") == 1
    home.decide(receipt.case_id, KEEP)
    assert Action.LOCATE not in home.run(home.cases.open(MODERATOR, receipt.case_id)).actions
    with pytest.raises(CaseError, match="to be taken down"):
        home.run(home.cases.locate(MODERATOR, receipt.case_id, post("p2")))
    home.tick()
    assert home.platform.shows("p1")


def test_what_is_found_later_at_another_place_goes_there_too_or_is_late_aloud(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "a"))
    home.decide(receipt.case_id, REMOVE)
    home.travel(hours=60)
    home.platform.publish("p2", GREY)
    home.platform.is_dead = True
    home.run(home.cases.locate(SENIOR, receipt.case_id, post("p2")))
    home.travel(hours=2)
    assert steps(home, receipt)[-1] == "breached"
    home.platform.is_dead = False
    home.travel(hours=1)
    assert not home.platform.shows("p2")
