"""What comes after a decision, and while it is contested: nobody's report is lost, and nothing is shown over it."""

from datetime import timedelta

import pytest

from safelight.accounts.permissions import Role
from safelight.cases.draft import Declarations, Matter
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.model import CaseState, Outcome, ReasonCode, Visibility
from safelight.cases.staff_model import Action, Choice, Staff
from tests.cases.house import KEEP, MODERATOR, OTHER_SENIOR, REMOVE, SENIOR, House, report
from tests.cases.test_decisions import CHILD, GREY

BARE = Declarations(true_and_in_good_faith=True)
NO_CHILD = Choice(Outcome.KEEP, ReasonCode.NO_CHILD_SEXUALISED)
THIRD = Staff("sen_3", Role.SENIOR)


def test_a_report_of_what_is_contested_has_its_own_case_and_clock(home: House) -> None:
    home.platform.publish("p1", GREY)
    first = home.run(home.cases.receive(report(), "a"))
    home.decide(first.case_id, KEEP)
    home.travel(days=3)
    home.run(home.cases.contest(first.code, first.pin, "a", "It is me."))
    again = home.run(home.cases.receive(report(), "b"))
    home.tick()
    assert again.case_id != first.case_id
    assert (again.hidden_at, again.due_at) == (home.now, home.now + timedelta(hours=48))
    assert not home.platform.shows("p1")
    home.decide(first.case_id, KEEP, SENIOR)
    assert not home.platform.shows("p1"), "the other decision shows nothing of what is undecided"
    home.decide(again.case_id, KEEP)
    assert home.platform.shows("p1")


def test_what_a_newer_report_hides_is_not_shown_by_taking_a_decision_back(home: House) -> None:
    first = home.run(home.cases.receive(report(declarations=BARE), "a"))
    home.decide(first.case_id)
    assert home.run(home.cases.receive(report(), "b")).case_id == first.case_id
    preview = home.run(home.cases.preview(MODERATOR, first.case_id, None))
    assert (preview.before, preview.after) == (Visibility.REMOVED, Visibility.HIDDEN)
    home.undo(MODERATOR, first.case_id)
    assert (home.row(first.case_id).state, home.row(first.case_id).visibility) == (CaseState.OPEN, Visibility.HIDDEN)


def test_nor_what_a_newer_report_says_shows_a_child(home: House) -> None:
    first = home.run(home.cases.receive(report(matter=Matter.OTHER), "a"))
    home.decide(first.case_id)
    home.run(home.cases.receive(report(matter=Matter.CHILD), "b"))
    home.undo(SENIOR, first.case_id)
    assert (home.row(first.case_id).matter, home.row(first.case_id).visibility) == (Matter.CHILD, Visibility.HIDDEN)


def test_nor_what_was_reported_again_before_a_contest_was_undone(home: House) -> None:
    first = home.run(home.cases.receive(report(), "a"))
    home.decide(first.case_id, KEEP)
    home.run(home.cases.contest(first.code, first.pin, "a", "It is me."))
    home.decide(first.case_id, REMOVE, SENIOR)
    home.undo(OTHER_SENIOR, first.case_id)
    assert home.row(first.case_id).visibility is Visibility.VISIBLE, "as it was: somebody had decided on that report"
    home.decide(first.case_id, REMOVE, SENIOR)
    assert home.run(home.cases.receive(report(), "b")).case_id == first.case_id
    home.undo(OTHER_SENIOR, first.case_id)
    row = home.row(first.case_id)
    assert (row.state, row.visibility) == (CaseState.CONTESTED, Visibility.HIDDEN)


def test_what_nobody_reports_any_more_is_not_hidden_by_taking_a_decision_back(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "a"))
    home.decide(receipt.case_id, KEEP)
    home.run(home.cases.withdraw(receipt.code, receipt.pin, "a"))
    assert Action.UNDO not in home.run(home.cases.open(SENIOR, receipt.case_id)).actions
    with pytest.raises(CaseError, match="Nobody reports this picture any more"):
        home.undo(SENIOR, receipt.case_id)
    assert home.row(receipt.case_id).visibility is Visibility.VISIBLE


def test_what_is_taken_back_is_what_was_seen(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "a"))
    home.decide(receipt.case_id, KEEP)
    seen = home.run(home.cases.preview(SENIOR, receipt.case_id, None)).version
    home.undo(MODERATOR, receipt.case_id)
    home.decide(receipt.case_id, REMOVE)
    with pytest.raises(CaseError) as caught:
        home.run(home.cases.undo(SENIOR, receipt.case_id, seen, ""))
    assert caught.value.code == CaseCode.CHANGED


def test_a_contest_about_a_child_is_decided_by_two_others(home: House) -> None:
    receipt = home.run(home.cases.receive(report(matter=Matter.CHILD), "a"))
    case_id = receipt.case_id

    def second(staff: Staff, *, agrees: bool = True) -> None:
        home.run(home.cases.second(staff, case_id, home.row(case_id).version, agrees=agrees))

    home.decide(case_id, NO_CHILD)
    second(SENIOR)
    home.run(home.cases.contest(receipt.code, receipt.pin, "a", "It is me."))
    assert home.run(home.cases.preview(OTHER_SENIOR, case_id, CHILD)).needs_second
    home.decide(case_id, CHILD, OTHER_SENIOR)
    row = home.row(case_id)
    assert (row.state, row.outcome, row.visibility) == (CaseState.CONTESTED, Outcome.KEEP, Visibility.HIDDEN)
    for staff in (MODERATOR, SENIOR, OTHER_SENIOR):
        actions = home.run(home.cases.open(staff, case_id)).actions
        assert not actions & {Action.DECIDE, Action.SECOND}, staff
    for staff in (SENIOR, OTHER_SENIOR):
        for agrees in (True, False):
            with pytest.raises(CaseError) as caught:
                second(staff, agrees=agrees)
            assert caught.value.code == CaseCode.SAME_PERSON
    second(THIRD, agrees=False)
    assert home.row(case_id).state is CaseState.CONTESTED
    home.decide(case_id, NO_CHILD, THIRD)
    assert home.row(case_id).visibility is Visibility.HIDDEN, "one alone does not show it"
    second(OTHER_SENIOR)
    row = home.row(case_id)
    assert (row.state, row.outcome, row.visibility) == (CaseState.DECIDED, Outcome.KEEP, Visibility.VISIBLE)
    assert set(home.run(home.cases.open(THIRD, case_id)).decided_by) == {THIRD.id, OTHER_SENIOR.id}
    home.undo(THIRD, case_id)
    row = home.row(case_id)
    assert (row.state, row.visibility) == (CaseState.CONTESTED, Visibility.HIDDEN)
    assert Action.DECIDE in home.run(home.cases.open(THIRD, case_id)).actions, "the proposal is gone with it"
