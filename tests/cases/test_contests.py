"""A contest: promised where it is allowed, decided in time, answered to whoever made it; letters to nobody else."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from safelight.cases.draft import Addition, Matter, Reporter
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.model import Outcome, Party, ReasonCode, Visibility
from safelight.cases.staff_model import Choice, Staff
from tests.cases.house import KEEP, MODERATOR, OTHER_MODERATOR, OTHER_SENIOR, REMOVE, SENIOR, House, post, report
from tests.cases.test_decisions import account_receipt

THIRD_SENIOR = Staff("gina", SENIOR.role)
LAW = Choice(Outcome.REMOVE, ReasonCode.OTHER_ILLEGAL)
PROMISE = "How to contest it"


def letters(home: House, code: str, pin: str) -> list[tuple[str, str]]:
    return [(letter.kind, letter.body) for letter in home.run(home.cases.status(code, pin, "")).letters]


@pytest.mark.parametrize("first", [KEEP, REMOVE])
def test_whoever_a_decision_turns_against_may_contest_it_whatever_they_contested_before(
    home: House, first: Choice
) -> None:
    mine = home.run(home.cases.receive(report(), ""))
    home.tick()
    sides = {Party.REPORTER: (mine.code, mine.pin), Party.ACCOUNT: account_receipt(home)}
    home.decide(mine.case_id, first)
    loser, other = (Party.REPORTER, Party.ACCOUNT) if first is KEEP else (Party.ACCOUNT, Party.REPORTER)
    second, third = (REMOVE, KEEP) if first is KEEP else (KEEP, REMOVE)
    home.run(home.cases.contest(*sides[loser], "", "No."))
    home.decide(mine.case_id, second, SENIOR)
    home.run(home.cases.contest(*sides[other], "", "Nor that."))
    figures = home.run(home.cases.figures(home.now - timedelta(days=1), home.now + timedelta(days=1)))
    assert (figures.overturned, figures.overturn_rate) == (1, 1.0), "a reversal stays one while it is contested"
    home.decide(mine.case_id, third, OTHER_SENIOR)
    assert PROMISE in letters(home, *sides[loser])[-1][1]
    assert home.run(home.cases.status(*sides[loser], "")).can_contest
    home.run(home.cases.contest(*sides[loser], "", "Still no."))
    home.decide(mine.case_id, third, THIRD_SENIOR)
    assert not home.run(home.cases.status(*sides[loser], "")).can_contest, "it was upheld"


def test_only_who_objected_is_answered_and_nobody_is_promised_what_is_refused(home: House) -> None:
    one, two = (home.run(home.cases.receive(report(), "")) for _ in range(2))
    assert one.case_id == two.case_id
    home.decide(one.case_id, KEEP)
    home.run(home.cases.contest(one.code, one.pin, "", "It is me."))
    home.decide(one.case_id, KEEP, SENIOR)
    assert letters(home, one.code, one.pin)[-1][0] == "appeal_upheld"
    kind, body = letters(home, two.code, two.pin)[-1]
    assert kind == "kept"
    assert PROMISE not in body
    assert "here it cannot be contested once more" in body
    with pytest.raises(CaseError):
        home.run(home.cases.contest(two.code, two.pin, "", "It is me too."))


def test_who_objected_to_nothing_is_told_of_the_removal_only(home: House) -> None:
    one, two = (home.run(home.cases.receive(report(), "")) for _ in range(2))
    home.decide(one.case_id, KEEP)
    home.run(home.cases.contest(two.code, two.pin, "", "It is me."))
    home.decide(one.case_id, REMOVE, SENIOR)
    assert letters(home, one.code, one.pin)[-1][0] == "removed"
    assert letters(home, two.code, two.pin)[-1][0] == "appeal_reversed"


def test_that_a_decision_is_taken_back_is_told_to_those_who_were_told_of_it(home: House) -> None:
    told, gone = (home.run(home.cases.receive(report(), "")) for _ in range(2))
    home.tick()
    account = account_receipt(home)
    home.decide(told.case_id)
    home.run(home.cases.withdraw(gone.code, gone.pin, ""))
    home.run(home.cases.contest(*account, "", "mine"))
    home.decide(told.case_id, REMOVE, SENIOR)
    home.now += timedelta(seconds=1)
    home.undo(SENIOR, told.case_id, "the wrong key")
    assert letters(home, *account)[-1][0] == "undone"
    for code, pin in ((told.code, told.pin), (gone.code, gone.pin)):
        assert "undone" not in [kind for kind, _ in letters(home, code, pin)], "nobody wrote of the second decision"


def test_who_took_a_report_back_is_not_told_that_somebody_decides_again(home: House) -> None:
    stays, gone = (home.run(home.cases.receive(report(), "")) for _ in range(2))
    home.decide(stays.case_id)
    home.run(home.cases.withdraw(gone.code, gone.pin, ""))
    home.now += timedelta(seconds=1)
    home.undo(MODERATOR, stays.case_id, "the wrong key")
    assert letters(home, stays.code, stays.pin)[-1][0] == "undone"
    assert letters(home, gone.code, gone.pin)[-1][0] == "removed"


def test_an_account_is_told_that_its_picture_is_hidden_again(home: House) -> None:
    mine = home.run(home.cases.receive(report(), ""))
    home.tick()
    account = account_receipt(home)
    home.decide(mine.case_id, KEEP)
    home.now += timedelta(seconds=1)
    home.undo(MODERATOR, mine.case_id, "the wrong key")
    assert home.row(mine.case_id).visibility is Visibility.HIDDEN
    told = letters(home, *account)
    assert [kind for kind, _ in told[:2]] == ["hidden", "restored"]
    again = dict(told[2:])
    assert again.keys() == {"undone", "hidden"}
    assert "A person decided" in again["hidden"]


def test_a_removal_under_another_law_names_it_in_the_record(home: House) -> None:
    mine = home.run(home.cases.receive(report(), ""))
    for words in ("", " \n"):
        empty = Choice(LAW.outcome, LAW.reason, words)
        version = home.row(mine.case_id).version
        for attempt in (
            home.cases.preview(MODERATOR, mine.case_id, empty),
            home.cases.decide(MODERATOR, mine.case_id, empty, version),
        ):
            with pytest.raises(CaseError) as caught:
                home.run(attempt)
            assert caught.value.code == CaseCode.WORDS_MISSING
    home.decide(mine.case_id, Choice(LAW.outcome, LAW.reason, "Some Act 1999 s.1"))
    assert home.row(mine.case_id).visibility is Visibility.REMOVED


def test_a_contest_that_is_late_is_said_to_its_people_and_to_whoever_is_on_call(home: House) -> None:
    mine = home.run(home.cases.receive(report(), ""))
    home.tick()
    account = account_receipt(home)
    home.decide(mine.case_id)
    status = home.run(home.cases.contest(*account, "", "mine"))
    assert status.clock is not None
    assert status.clock.due_at == home.now + timedelta(hours=72)
    with capture_logs() as logs:
        home.travel(hours=71)
        assert [one["event"] for one in logs] == []
        home.travel(hours=2)
        home.travel(hours=2)
    assert [(one["event"], one["contested"]) for one in logs] == [("case_undecided", True)], "once"
    clock = home.run(home.cases.status(mine.code, mine.pin, "")).clock
    assert clock is not None
    assert clock.remaining_s(home.now) < 0
    home.decide(mine.case_id, REMOVE, SENIOR)
    clock = home.run(home.cases.status(mine.code, mine.pin, "")).clock
    assert clock is not None
    assert clock.started_at == status.received_at, "the report's again"


def test_a_report_of_an_intimate_image_is_refused_for_the_two_reasons_only_whatever_the_age(home: House) -> None:
    draft = report(reporter=Reporter.OTHER, person_is_child=True)
    mine = home.run(home.cases.receive(draft, ""))
    view = home.run(home.cases.open(MODERATOR, mine.case_id))
    assert view.row.matter is Matter.CHILD
    assert view.allowed_reasons[Outcome.KEEP] == (ReasonCode.NOT_INTIMATE_CONTENT, ReasonCode.NOT_ENTITLED)
    alone = home.run(home.cases.receive(report(matter=Matter.CHILD, places=(post("p2"),)), ""))
    view = home.run(home.cases.open(OTHER_MODERATOR, alone.case_id))
    assert view.allowed_reasons[Outcome.KEEP] == (ReasonCode.NO_CHILD_SEXUALISED,)


def test_what_was_of_an_intimate_image_stays_so_when_it_turns_out_to_show_a_child(home: House) -> None:
    mine = home.run(home.cases.receive(report(), ""))
    home.run(home.cases.add(mine.code, mine.pin, "", Addition(person_is_child=True)))
    view = home.run(home.cases.open(MODERATOR, mine.case_id))
    assert view.row.matter is Matter.CHILD
    assert ReasonCode.NO_CHILD_SEXUALISED not in view.allowed_reasons[Outcome.KEEP]
