"""To take a decision back weighs as much as to make it."""

import pytest

from safelight.cases.draft import Matter
from safelight.cases.errors import CaseCode
from safelight.cases.model import CaseState, Visibility
from safelight.cases.staff_model import Action
from safelight.core.errors import PermissionLacking, SafelightError
from tests.cases.house import KEEP, MODERATOR, OTHER_MODERATOR, OTHER_SENIOR, REMOVE, SENIOR, House, report
from tests.cases.test_decisions import CHILD, GREY


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
