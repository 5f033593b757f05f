"""What colleagues do at the same time, or did before: told truly, and nobody decides on what is so no more."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from safelight.accounts.permissions import Role
from safelight.accounts.staff_welfare import WelfareRules
from safelight.cases.draft import Declarations, Matter
from safelight.cases.model import CaseState, Outcome, Visibility
from safelight.cases.staff_model import Staff
from tests.web.console.studio import Studio, studio
from tests.web.console.test_casework import decide, photo, take_back


def test_a_decision_is_told_with_whoever_made_it(desk: Studio) -> None:
    case_id = desk.report()
    decide(desk, desk.signed_in(Role.MODERATOR, "Mo"), case_id, "keep/not_entitled")
    desk.run(desk.cases.contest(*desk.receipts[case_id], "there", "It is me."))
    senior = desk.signed_in(Role.SENIOR, "Sy")
    decide(desk, senior, case_id, "remove/intimate_without_consent")
    decided = senior.see(f"/cases/{case_id}").text.split("<dt>Decided</dt>")[1].split("</dd>")[0]
    assert decided.endswith("by Sy"), "Mo had left it up"


def test_two_who_agreed_are_both_told(desk: Studio) -> None:
    case_id = desk.report(matter=Matter.CHILD)
    decide(desk, desk.signed_in(Role.MODERATOR, "Abe"), case_id, "remove/child_sexualised")
    senior = desk.signed_in(Role.SENIOR, "Zoe")
    senior.press(f"/cases/{case_id}/second", agrees="yes", version=str(desk.row(case_id).version))
    decided = senior.see(f"/cases/{case_id}").text.split("<dt>Decided</dt>")[1].split("</dd>")[0]
    assert set(decided.rpartition(" by ")[2].split(" and ")) == {"Abe", "Zoe"}


def test_a_hold_that_ran_out_is_told_as_none_and_can_be_renewed(desk: Studio) -> None:
    case_id = desk.report()
    members = desk.member("Holder", Role.MODERATOR), desk.member("Freer", Role.SENIOR)
    mo, senior = (desk.browser(member) for member in members)
    mo.press(f"/cases/{case_id}/claim")
    until = desk.row(case_id).held_until
    assert until is not None
    page = senior.see(f"/cases/{case_id}").text
    assert f"Holder works on it until {until:%H:%M} UTC" in page
    assert "Free it of Holder" in page
    assert case_id in mo.see("/queue?held=mine").text
    refused = decide(desk, senior, case_id, "keep/not_entitled")
    assert refused.status_code == 409
    assert "Somebody else works on this case now" in refused.text
    assert "staff_" not in refused.text
    desk.travel(minutes=31)
    mo, senior = (desk.browser(member) for member in members)  # without a request, a session ends sooner
    page = senior.see(f"/cases/{case_id}").text
    assert "works on it" not in page
    assert "Free it" not in page
    assert "/release" not in mo.see(f"/cases/{case_id}").text
    assert case_id not in mo.see("/queue?held=mine").text
    assert f"/cases/{case_id}/claim" in mo.see(f"/cases/{case_id}").text
    mo.press(f"/cases/{case_id}/claim")
    assert desk.row(case_id).is_held(desk.now)


def test_what_was_decided_anew_is_not_taken_back_for_what_was_seen(desk: Studio) -> None:
    """Bo leaves it up; Ada asks to take that back; Bo removes it instead: Ada's key must not show the picture."""
    case_id = desk.report(declarations=Declarations(true_and_in_good_faith=True))
    assert desk.row(case_id).visibility is Visibility.VISIBLE
    bo, ada = desk.signed_in(Role.MODERATOR, "Bo"), desk.signed_in(Role.SENIOR, "Ada")
    decide(desk, bo, case_id, "keep/not_entitled")
    version = ada.press(f"/cases/{case_id}/undo").text.split('name="version" value="')[1].split('"')[0]
    take_back(desk, bo, case_id)
    decide(desk, bo, case_id, "remove/intimate_without_consent")
    answer = ada.press(f"/cases/{case_id}/undo", then="undo", version=version)
    assert answer.status_code == 409
    assert "has changed since you looked at it" in answer.text
    row = desk.row(case_id)
    assert (row.state, row.outcome, row.visibility) == (CaseState.DECIDED, Outcome.REMOVE, Visibility.REMOVED)
    assert ada.press(f"/cases/{case_id}/undo", then="undo").status_code == 400, "and not without saying what was seen"


def test_of_two_showings_at_once_only_what_is_shown_is_written(tmp_path_factory: pytest.TempPathFactory) -> None:
    rules = WelfareRules(cap_points=2, break_after_points=30)
    with studio(tmp_path_factory.mktemp("race"), welfare=rules) as desk:
        case_id, member = desk.report(picture=photo()), desk.member("Twice", Role.MODERATOR)
        browsers = [desk.browser(member), desk.browser(member)]
        desk.pictures.meeting = asyncio.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            path = f"/cases/{case_id}/show"
            answers = list(pool.map(lambda one: one.send_form(path, detail="grey", number="0").status_code, browsers))
        assert sorted(answers) == [303, 403]
        steps = [entry.kind for entry in desk.run(desk.cases.open(Staff("x", Role.SENIOR), case_id)).history]
        assert steps.count("viewed") == 1


def test_a_second_look_is_for_nobody_who_had_a_part(tmp_path_factory: pytest.TempPathFactory) -> None:
    with studio(tmp_path_factory.mktemp("parts"), second_look_share=1.0) as desk:
        case_id = desk.report()
        decide(desk, desk.signed_in(Role.MODERATOR), case_id, "keep/not_entitled")
        desk.run(desk.cases.contest(*desk.receipts[case_id], "there", "It is me."))
        senior, other = desk.signed_in(Role.SENIOR), desk.signed_in(Role.SENIOR)
        assert case_id in senior.see("/review").text
        decide(desk, senior, case_id, "remove/intimate_without_consent")
        assert "No second look waits" in senior.see("/review").text
        assert case_id in other.see("/review").text
        other.press("/me/opt-out", matter="intimate")
        assert "No second look waits" in other.see("/review").text


def test_the_queue_tells_of_no_case_that_the_address_makes_up(desk: Studio) -> None:
    for made_up in ("nonsense", "case_1", "staff_" + "0" * 26):
        page = desk.signed_in(Role.MODERATOR).see(f"/queue?done={made_up}").text
        assert "Done:" not in page
        assert "Take it back" not in page
