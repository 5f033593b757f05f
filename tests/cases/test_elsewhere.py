"""What another case keeps down is neither shown nor said to be; what a proposal does at once is said before."""

import pytest

from safelight.cases.draft import Fingerprint, Place, PlaceKind
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.letters.compose import LetterKind
from safelight.cases.model import CaseState, Outcome, ReasonCode, Visibility
from safelight.cases.reporter_model import Delivery
from safelight.cases.staff_model import Choice
from safelight.matching.fingerprints import HashKind
from tests.cases.house import KEEP, MODERATOR, OTHER_SENIOR, REMOVE, SENIOR, House, report
from tests.cases.test_anew import BARE
from tests.cases.test_decisions import GREY

ON_A_CHILD = Choice(Outcome.REMOVE, ReasonCode.CHILD_SEXUALISED)


ACCOUNTS = (LetterKind.HIDDEN, LetterKind.REASONS, LetterKind.RESTORED, LetterKind.CLEARED)


def kinds(home: House, case_id: str) -> list[str]:
    """Of the letters to the account about its picture."""
    return [letter.kind for letter in home.run(home.cases.open(SENIOR, case_id)).letters if letter.kind in ACCOUNTS]


def held_twice(home: House) -> tuple[str, str]:
    """A case that was left up and is contested, and another of the same post, which hides it."""
    home.platform.publish("p1", GREY)
    first = home.run(home.cases.receive(report(), "a"))
    home.decide(first.case_id, KEEP)
    home.travel(days=3)
    home.run(home.cases.contest(first.code, first.pin, "a", "It is me."))
    second = home.run(home.cases.receive(report(), "b"))
    home.tick()
    assert second.case_id != first.case_id
    return first.case_id, second.case_id


def test_a_picture_that_another_case_keeps_down_is_not_said_to_be_shown(home: House) -> None:
    first, second = held_twice(home)
    home.run(home.cases.hide(SENIOR, first))
    home.tick()
    preview = home.run(home.cases.preview(SENIOR, first, KEEP))
    assert preview.after is Visibility.VISIBLE
    assert preview.elsewhere.is_whole
    assert [letter.kind for letter in preview.letters if letter.kind in ACCOUNTS] == [LetterKind.CLEARED]
    home.decide(first, KEEP, SENIOR)
    home.tick()
    assert not home.platform.shows("p1")
    assert kinds(home, first)[-1] == LetterKind.CLEARED
    told = [one.state for one in home.run(home.cases.open(SENIOR, first)).effects if one.kind == "places"]
    assert told[-1] == "overtaken", "nothing was told, so nothing is done"
    home.decide(second, KEEP)
    home.tick()
    assert home.platform.shows("p1")
    assert kinds(home, second)[-1] == LetterKind.RESTORED


def test_nor_where_a_decision_is_taken_back(home: House) -> None:
    first, _ = held_twice(home)
    home.decide(first, REMOVE, SENIOR)
    home.tick()
    preview = home.run(home.cases.preview(OTHER_SENIOR, first, None))
    assert preview.elsewhere.held
    home.undo(OTHER_SENIOR, first)
    home.tick()
    assert not home.platform.shows("p1")


def test_a_proposal_says_what_it_does_at_once(home: House) -> None:
    first = home.run(home.cases.receive(report(declarations=BARE), "a"))
    assert home.row(first.case_id).visibility is Visibility.VISIBLE
    preview = home.run(home.cases.preview(MODERATOR, first.case_id, ON_A_CHILD))
    assert [letter.kind for letter in preview.hidden_at_once] == [LetterKind.HIDDEN]
    assert kinds(home, first.case_id) == [], "a preview changes nothing"
    home.decide(first.case_id, ON_A_CHILD)
    home.tick()
    assert kinds(home, first.case_id) == [LetterKind.HIDDEN]
    assert home.row(first.case_id).visibility is Visibility.HIDDEN


def test_to_find_that_a_child_is_sexualised_takes_two_whatever_was_reported(home: House) -> None:
    first = home.run(home.cases.receive(report(), "a"))
    assert home.run(home.cases.preview(MODERATOR, first.case_id, ON_A_CHILD)).needs_second
    home.decide(first.case_id, ON_A_CHILD)
    assert home.row(first.case_id).state is CaseState.PROPOSED
    version = home.row(first.case_id).version
    home.run(home.cases.second(SENIOR, first.case_id, version, agrees=True))
    assert home.row(first.case_id).outcome is Outcome.REMOVE


def test_the_same_words_of_two_people_are_two_cases(home: House) -> None:
    words = (Place(PlaceKind.WORDS, "On Telegram, in a group"),)
    first = home.run(home.cases.receive(report(places=words), "a"))
    home.decide(first.case_id)
    second = home.run(home.cases.receive(report(places=words), "b"))
    assert second.case_id != first.case_id
    assert second.removed_at is None


def test_what_the_platform_has_named_no_place_of_is_not_said_to_be_gone(home: House) -> None:
    only_file = (Fingerprint(HashKind.SHA256, "11" * 32),)
    first = home.run(home.cases.receive(report(places=(), fingerprints=only_file), "a"))
    home.tick()
    home.decide(first.case_id)
    home.tick()
    status = home.run(home.cases.status(first.code, first.pin, "a"))
    assert status.visibility is Visibility.REMOVED
    assert (status.is_confirmed, status.delivery) == (False, Delivery.NOT_FOUND)


def test_a_report_that_was_taken_back_is_not_contested(home: House) -> None:
    first = home.run(home.cases.receive(report(), "a"))
    home.decide(first.case_id, KEEP)
    home.run(home.cases.withdraw(first.code, first.pin, "a"))
    with pytest.raises(CaseError) as refused:
        home.run(home.cases.contest(first.code, first.pin, "a", "After all."))
    assert refused.value.code == CaseCode.STEP_FORBIDDEN
