"""To take a decision back weighs as much as to make it."""

from datetime import timedelta

import pytest

from safelight.cases.draft import Matter
from safelight.cases.errors import CaseCode
from safelight.cases.model import CaseState, Visibility
from safelight.cases.staff_model import Action
from safelight.core.errors import PermissionLacking, SafelightError
from tests.cases.house import KEEP, MODERATOR, OTHER_MODERATOR, OTHER_SENIOR, REMOVE, SENIOR, House, post, report
from tests.cases.test_anew import BARE
from tests.cases.test_decisions import CHILD, GREY, account_receipt


def test_only_one_of_those_who_decided_or_a_senior_takes_a_decision_back(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id)
    assert Action.UNDO not in home.run(home.cases.open(OTHER_MODERATOR, receipt.case_id)).actions
    with pytest.raises(PermissionLacking):
        home.undo(OTHER_MODERATOR, receipt.case_id, "")
    assert home.row(receipt.case_id).state is CaseState.DECIDED
    for staff in (MODERATOR, SENIOR):
        assert Action.UNDO in home.run(home.cases.open(staff, receipt.case_id)).actions
        home.undo(staff, receipt.case_id, "the wrong key")
        home.decide(receipt.case_id)


def test_what_two_decided_is_taken_back_by_who_may_be_a_second_only(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(matter=Matter.CHILD), "here"))
    home.decide(receipt.case_id, CHILD)
    home.run(home.cases.second(SENIOR, receipt.case_id, home.row(receipt.case_id).version, agrees=True))
    for staff in (MODERATOR, OTHER_MODERATOR):
        assert Action.UNDO not in home.run(home.cases.open(staff, receipt.case_id)).actions
        with pytest.raises(PermissionLacking):
            home.undo(staff, receipt.case_id, "")
    home.undo(OTHER_SENIOR, receipt.case_id, "the wrong key")
    assert (home.row(receipt.case_id).state, home.platform.shows("p1")) == (CaseState.OPEN, False)


def test_a_decision_on_a_contest_is_taken_back_by_who_could_have_made_it_only(home: House) -> None:
    """A moderator's key must not show again what a senior has removed; nor is whoever was contested the last to say."""
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id, KEEP, SENIOR)
    home.run(home.cases.contest(receipt.code, receipt.pin, "here", "It is me."))
    home.decide(receipt.case_id, REMOVE, OTHER_SENIOR)
    for staff in (MODERATOR, SENIOR):
        assert Action.UNDO not in home.run(home.cases.open(staff, receipt.case_id)).actions
        with pytest.raises(SafelightError) as caught:
            home.undo(staff, receipt.case_id, "")
        assert caught.value.code == (PermissionLacking.code if staff is MODERATOR else CaseCode.SAME_PERSON)
    home.tick()
    assert not home.platform.shows("p1")
    preview = home.run(home.cases.preview(OTHER_SENIOR, receipt.case_id, None))
    assert (preview.before, preview.after) == (Visibility.REMOVED, Visibility.VISIBLE)
    assert {letter.kind for letter in preview.letters} == {"undone"}
    assert home.row(receipt.case_id).state is CaseState.DECIDED, "a preview changes nothing"
    home.undo(OTHER_SENIOR, receipt.case_id, "the wrong key")
    assert home.row(receipt.case_id).state is CaseState.CONTESTED


def told(home: House, case_id: str, kind: str) -> str:
    """The last letter of a kind in this case."""
    letters = home.run(home.cases.open(SENIOR, case_id)).letters
    return [letter.body for letter in letters if letter.kind == kind][-1]


def test_a_letter_says_what_becomes_of_the_picture_when_a_decision_is_taken_back(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(declarations=BARE), "a"))
    home.decide(receipt.case_id)
    home.undo(MODERATOR, receipt.case_id)
    assert "Until then the picture is shown again." in told(home, receipt.case_id, "undone")
    home.decide(receipt.case_id)
    home.run(home.cases.contest(*account_receipt(home), "there", "It is mine."))
    home.decide(receipt.case_id, KEEP, SENIOR)
    home.tick()
    assert home.platform.shows("p1")
    home.now += timedelta(seconds=1)
    home.undo(OTHER_SENIOR, receipt.case_id)
    home.tick()
    assert not home.platform.shows("p1")
    for letter in home.run(home.cases.open(SENIOR, receipt.case_id)).letters[-2:]:
        assert letter.kind == "undone"
        assert "Until then the picture is taken down again." in letter.body


def test_who_was_told_that_somebody_decides_again_hears_what_they_decided(home: House) -> None:
    receipt = home.run(home.cases.receive(report(declarations=BARE), "a"))
    home.decide(receipt.case_id)
    home.undo(MODERATOR, receipt.case_id)
    home.decide(receipt.case_id, KEEP)
    assert "a picture in a post of yours stays" in told(home, receipt.case_id, "stays")
    other = home.run(home.cases.receive(report(places=(post("p2"),), declarations=BARE), "b"))
    home.decide(other.case_id, KEEP)
    kinds = {letter.kind for letter in home.run(home.cases.open(SENIOR, other.case_id)).letters}
    assert kinds == {"received", "kept"}, "whoever was told of nothing is told nothing"


def test_whose_removal_is_reversed_reads_that_it_was_decided_otherwise_before(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "a"))
    home.decide(receipt.case_id)
    home.run(home.cases.contest(*account_receipt(home), "there", "It is mine."))
    home.decide(receipt.case_id, KEEP, SENIOR)
    assert "Before, we had decided that it comes down." in told(home, receipt.case_id, "kept")
    other = home.run(home.cases.receive(report(places=(post("p2"),)), "b"))
    home.decide(other.case_id, KEEP)
    assert "Before," not in told(home, other.case_id, "kept")
