"""What the console tells of a case to those who decide it, and why there is nothing to decide for others."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from safelight.accounts.permissions import Role
from safelight.cases.draft import Declarations, Matter
from safelight.cases.model import CaseKind, CaseState
from safelight.cases.staff_model import Staff
from safelight.store.tables import decisions
from tests.cases.house import post
from tests.cases.test_accounts import account, refuse
from tests.cases.test_decisions import account_receipt
from tests.web.console.studio import Browser, Studio, studio
from tests.web.console.test_casework import decide

PLAIN = Declarations(true_and_in_good_faith=True)
REFUSAL = {
    "reasons": [{"code": "known_image", "rule": "r1", "text": "It is known.", "signals": ["photo_known_csam"]}],
    "signals": [
        {"name": "photo_known_csam", "value": True, "where": "photo 1", "understood": ""},
        {"name": "photo_people", "value": 1, "where": "photo 1", "understood": ""},
    ],
}


def test_a_contested_measure_is_told_of_an_account_and_of_no_picture(desk: Studio) -> None:
    refuse(desk, "csam", body=json.dumps(REFUSAL))
    decision = desk.sql(lambda c: c.execute(select(decisions)).one())
    body = desk.run(desk.cases.account_letters(account(desk)))[0].body
    code, pin = body.split("your code ")[1].split(" ")[0], body.split("your PIN ")[1][:6]
    desk.run(desk.cases.contest(code, pin, "there", "It was my brother."))
    rows = desk.run(desk.cases.queue(Staff("x", Role.SENIOR))).rows
    case_id = next(row.id for row in rows if row.kind is CaseKind.ACCOUNT)
    browser = desk.signed_in(Role.SENIOR)
    page = browser.see(f"/cases/{case_id}").text
    assert "<h1>Account</h1>" in page
    assert "The account is suspended" in page
    assert "Lift the measure" in page
    for said in ("No address to fetch", "known by its fingerprint", "no bank knows it", "Visible", "published it"):
        assert said not in page
    for said in (decision.id, decision.request_id, "It is known.", "photo_known_csam", "It was my brother."):
        assert said in page
    assert "photo_people" not in page, "the rule did not rest on it"
    assert "Came by" not in page
    queue = browser.see("/queue").text
    assert "<td>Account" in queue
    for said in ("Something else</td>", "Visible</td>", "Found here</td>"):
        assert said not in queue


def test_the_account_that_a_report_names_is_read_by_whoever_decides(desk: Studio) -> None:
    page = desk.signed_in(Role.MODERATOR).see(f"/cases/{desk.report(about_account='night_owl')}").text
    assert "<dt>Account it names</dt><dd><bdi>night_owl</bdi></dd>" in page


def test_whoever_may_not_decide_what_is_contested_reads_why(desk: Studio) -> None:
    case_id = desk.report()
    senior = desk.signed_in(Role.SENIOR)
    decide(desk, senior, case_id, "keep/not_entitled")
    desk.run(desk.cases.contest(*desk.receipts[case_id], "there", "It is me."))
    assert "You had a part in what is contested" in senior.see(f"/cases/{case_id}").text
    assert "is decided by a senior" in desk.signed_in(Role.MODERATOR).see(f"/cases/{case_id}").text
    other = desk.signed_in(Role.SENIOR).see(f"/cases/{case_id}").text
    assert "Decide what is contested" in other
    assert "You had a part" not in other


def test_a_filter_that_there_is_not_is_named_in_words(desk: Studio) -> None:
    page = desk.signed_in(Role.MODERATOR).see("/queue?state=foo")
    assert page.status_code == 400
    assert "There is no such state." in page.text


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Studio]:
    """A console whose staff are those of one test."""
    with studio(tmp_path) as opened:
        yield opened


def test_a_contest_that_nobody_may_decide_says_how_many_to_appoint(fresh: Studio) -> None:
    desk, case_id = fresh, fresh.report(matter=Matter.CHILD, places=(post("p1"),))
    first, ada, ben, hal = (desk.signed_in(role) for role in (Role.MODERATOR, Role.SENIOR, Role.SENIOR, Role.SENIOR))

    def agree(one: Browser, other: Browser, choice: str) -> None:
        decide(desk, one, case_id, choice)
        other.press(f"/cases/{case_id}/second", agrees="yes", version=str(desk.row(case_id).version))
        assert desk.row(case_id).state is CaseState.DECIDED

    agree(first, ada, "remove/child_sexualised")
    desk.run(desk.cases.contest(*account_receipt(desk), "there", "No."))
    assert "Appoint" not in ada.see(f"/cases/{case_id}").text, "two are left"
    agree(ben, hal, "keep/no_child_sexualised")
    desk.run(desk.cases.contest(*desk.receipts[case_id], "there", "It is me."))
    for browser in (ada, ben, hal):
        page = browser.see(f"/cases/{case_id}").text
        assert "Appoint 2 more seniors." in page
        assert "/claim" not in page
        assert browser.press(f"/cases/{case_id}/claim").status_code == 409
    assert "Appoint 2 more seniors." in desk.signed_in(Role.LEAD).see(f"/cases/{case_id}").text
    page = desk.signed_in(Role.SENIOR).see(f"/cases/{case_id}").text
    assert "Appoint 1 more senior." in page
    assert "/claim" in page, "they may propose"
    desk.signed_in(Role.SENIOR)
    assert "Appoint" not in ada.see(f"/cases/{case_id}").text


def test_whoever_opts_out_gives_back_what_they_hold_of_it(desk: Studio) -> None:
    mine, other = desk.report(), desk.report(matter=Matter.OTHER, declarations=PLAIN)
    browser = desk.signed_in(Role.MODERATOR)
    for case_id in (mine, other):
        browser.press(f"/cases/{case_id}/claim")
    browser.press("/me/opt-out", matter="intimate")
    assert not desk.row(mine).held_by
    assert desk.row(other).held_by, "of other matters nothing changes"
    assert "Given back" in desk.signed_in(Role.SENIOR).see(f"/cases/{mine}").text


def test_the_history_says_in_its_own_words_why_something_was_hidden(desk: Studio) -> None:
    case_id = desk.report(matter=Matter.OTHER, declarations=PLAIN)
    browser = desk.signed_in(Role.MODERATOR)
    browser.press(f"/cases/{case_id}/hide")
    assert "Hidden for the time being (by hand)" in browser.see(f"/cases/{case_id}").text


def test_what_was_tried_again_already_says_so_and_leads_back(desk: Studio) -> None:
    page = desk.signed_in(Role.SENIOR).press("/undelivered/eff_done")
    assert page.status_code == 409
    assert "This was tried again already" in page.text
    assert 'href="/console/undelivered" data-key="enter"' in page.text
