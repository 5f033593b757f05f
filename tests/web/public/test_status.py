"""What the holder of a receipt sees as their case goes on, and what they can do about a decision."""

import asyncio
import re
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from safelight.accounts.measures import suspend
from safelight.cases.staff_model import Choice, QueueFilter, QueueSort, Staff
from safelight.cases.takedown.memory import MemoryPlatform
from safelight.core.errors import NotStartable
from safelight.web.public.reports.hotlines import HelpFor, load_hotlines
from safelight.web.public.reports.words import LANGUAGES, load_words
from tests.cases.house import KEEP, MODERATOR, REMOVE, SENIOR, report
from tests.cases.house import post as place
from tests.service import Service
from tests.web.public.conftest import MovableClock
from tests.web.public.person import from_elsewhere
from tests.web.public.test_hostile_pages import (
    COMPLETE,
    CONTEST,
    FORM,
    STATUS,
    WORDS,
    Tags,
    look,
    mark,
    mark_of_check,
    post,
    send,
)
from tests.web.test_reports import COMPLETE as REPORT

T = TypeVar("T")


def run(service: Service, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, service.loop).result(20)


def decide(service: Service, choice: Choice, staff: Staff = MODERATOR) -> None:
    """Somebody decides the newest case."""
    cases = service.safelight.cases

    async def work() -> None:
        page = await cases.queue(staff, QueueFilter(), QueueSort.NEWEST, 1)
        case = await cases.claim(staff, page.rows[0].id)
        opened = await cases.open(staff, case.id)
        await cases.decide(staff, case.id, choice, opened.row.version)
        await cases.tick()

    run(service, work())


def test_a_removal_is_seen_with_its_letter(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s1")
    decide(service, REMOVE)
    page = look(service, code, pin).text
    assert WORDS("status_removed") in page
    assert WORDS("step_looked_at") in page
    assert WORDS("step_removed") in page
    assert WORDS("status_letters") in page
    assert "s1" not in page, "a page about a report names no place"


def test_what_the_platform_has_not_confirmed_is_not_called_hidden_or_gone(
    service: Service, platform: MemoryPlatform, clock: MovableClock
) -> None:
    def now() -> str:
        fields = {"mark": mark(service, STATUS), "do": "show", "code": code, "pin": pin}
        return post(service, STATUS, fields).text

    platform.is_dead = True
    try:
        code, pin = send(service, links="https://images.example/s9")
        run(service, service.safelight.cases.tick())
        assert WORDS("status_open_hiding") in now()
        decide(service, REMOVE)
        assert WORDS("status_removing") in now()
        platform.is_dead = False
        clock.ahead = timedelta(minutes=1)  # when it is tried again
        run(service, service.safelight.cases.tick())
        assert WORDS("status_removed") in look(service, code, pin).text
    finally:
        platform.is_dead, clock.ahead = False, timedelta()


def test_a_receipt_stays_open_beside_a_hotline_for_whoever_is_under_18(service: Service) -> None:
    said = {"matter": "other", "my_age": "under", "danger": "yes"}
    page = post(service, FORM, COMPLETE | said | {"go": "send", "mark": mark_of_check(service)}).text
    assert WORDS("front_danger") in page
    assert WORDS("help_under_18") in page
    links = [attrs for tag, attrs in Tags(page).tags if tag == "a" and str(attrs["href"]).startswith("https:")]
    assert len(links) > 3
    assert all(attrs.get("target") == "_blank" for attrs in links if attrs.get("id") != "leave")


@pytest.mark.parametrize("matter", ["intimate", "child"])
def test_everything_that_was_said_stands_on_the_last_page(service: Service, matter: str) -> None:
    said = {"matter": matter, "my_age": "over", "made": "no", "go": "to-check"}
    page = post(service, FORM, COMPLETE | said).text
    for question in ("age_me", "more_made"):
        assert f"{WORDS(question)} {WORDS('no')}" in page
    assert WORDS("nothing_said") not in page


def test_whoever_is_under_18_reads_on_the_last_page_what_is_sent(service: Service) -> None:
    page = post(service, FORM, COMPLETE | {"my_age": "under", "go": "to-check"}).text
    assert WORDS("matter_child") in page
    assert WORDS("matter_intimate") not in page


def test_a_picture_that_stays_can_be_contested_on_the_same_page(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s2")
    decide(service, KEEP)
    kept = look(service, code, pin).text
    assert f"{WORDS('status_kept')} {WORDS('status_can_contest')}" in kept
    empty = look(service, code, pin, do="contest", words=" ")
    assert empty.status_code == 422
    assert WORDS("contest_empty") in empty.text
    assert "<details open>" in empty.text
    contested = look(service, code, pin, do="contest", words="It is me in the picture.")
    assert WORDS("contest_done") in contested.text
    assert "Time left: 71 hours" in contested.text or "Time left: 72 hours" in contested.text
    assert WORDS("status_contested") in contested.text
    decide(service, KEEP, SENIOR)
    upheld = look(service, code, pin).text
    assert WORDS("status_kept") in upheld
    assert WORDS("status_can_contest") not in upheld, "it was contested already"


def test_an_account_reads_the_standing_that_holds(service: Service) -> None:
    cases, at = service.safelight.cases, service.safelight.clock()

    def measure(connection: Connection) -> None:
        suspend(connection, "sub_1", reason="csam", reference="dec_1", by="rules", now=at)

    run(service, service.safelight.database.write(measure))
    run(service, cases.receive(report(places=(place("suspended-9"),)), "", subject_id="sub_1"))
    decide(service, REMOVE)
    told = run(service, cases.account_letters("sub_1"))[-1].body
    code, pin = told.split("your code ")[1][:14], told.split("your PIN ")[1][:6]
    assert WORDS("account_suspended_for_good") in look(service, code, pin).text


def test_a_decision_can_be_contested_on_its_own_page_with_code_and_pin(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s3")
    decide(service, KEEP)
    fields = {"do": "contest_here", "words": "It is me.", "code": code.lower().replace("-", " "), "pin": f" {pin} "}
    wrong = post(service, CONTEST, fields | {"mark": mark(service, CONTEST), "code": "7K2M-9QXR-4TBV"})
    assert wrong.status_code == 403
    assert "It is me." in wrong.text, "what was written is not lost"
    assert WORDS("status_contested") in post(service, CONTEST, fields | {"mark": mark(service, CONTEST)}).text


def test_an_account_reads_what_became_of_its_picture_and_of_no_measure(service: Service) -> None:
    said = {"about_account": "a-1", "places": [{"kind": "post", "value": "s9"}]}
    with service.http() as http:
        mine = http.post("/v1/reports", json=REPORT | said).json()
        letters = http.get("/v1/reports/letters", headers={"safelight-subject": "a-1"}).json()["letters"]
    found = re.search(r"([0-9A-Z]{4}(?:-[0-9A-Z]{4}){2})\D+([0-9]{6})", letters[0]["body"])
    assert found
    page = look(service, found[1], found[2]).text
    assert WORDS("status_open_hidden") in page
    assert f"<h1>{WORDS('status_account_title')}</h1>" in page
    look(service, mine["code"], mine["pin"], do="withdraw")
    assert f"<p>{WORDS('step_shown')}</p>" in look(service, found[1], found[2]).text


def test_what_is_not_possible_yet_or_any_more_is_said(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s4")
    answer = look(service, code, pin, do="contest", words="There is no decision yet.")
    assert answer.status_code == 422
    assert WORDS("not_decided") in answer.text
    decide(service, KEEP)
    look(service, code, pin, do="withdraw")
    answer = look(service, code, pin, do="contest", words="I took it back, and would like it to be decided again.")
    assert answer.status_code == 422
    assert WORDS("not_possible") in answer.text


def test_before_and_after_it_is_taken_back_a_report_says_what_becomes_of_the_picture(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s21")
    assert WORDS("withdraw_lead") in look(service, code, pin, do="withdraw_ask").text
    decide(service, REMOVE)
    assert WORDS("withdraw_lead_removed") in look(service, code, pin, do="withdraw_ask").text
    assert WORDS("stays_removed") in look(service, code, pin, do="withdraw").text


def test_while_it_is_contested_the_page_says_where_the_picture_is(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s22")
    decide(service, KEEP)
    page = look(service, code, pin, do="contest", words="It is me.").text
    assert WORDS("status_contested") in page
    assert WORDS("meanwhile_visible") in page
    assert WORDS("meanwhile_hidden") not in page
    assert WORDS("withdraw_lead_contested") in look(service, code, pin, do="withdraw_ask").text


def test_of_a_child_a_withdrawn_report_says_that_the_picture_stays_hidden(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s23", matter="child", person_age="under")
    page = look(service, code, pin, do="withdraw").text
    assert WORDS("status_withdrawn") in page
    assert WORDS("meanwhile_hidden") in page


def test_words_that_nobody_can_follow_keep_their_clock_on_the_page(service: Service) -> None:
    code, pin = send(service, links="", place_words="in a group, last week")
    decide(service, REMOVE)
    page = look(service, code, pin).text
    assert WORDS("status_removing") in page
    assert WORDS("status_not_found") in page
    assert "47 hours and 59 minutes" in page


def test_an_addition_of_nothing_is_none(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s10")
    answer = look(service, code, pin, do="add", explanation=" ")
    assert answer.status_code == 422
    assert WORDS("add_empty") in answer.text
    assert WORDS("add_done") not in answer.text
    assert WORDS("step_added") not in answer.text


def test_one_of_a_flood_reads_why_its_picture_is_not_hidden(service: Service) -> None:
    headers = from_elsewhere()
    for number in range(21):
        said = COMPLETE | {"links": f"https://images.example/f{number}"}
        checked = post(service, FORM, said | {"at": "contact", "go": "next"})
        page = post(service, FORM, said | {"go": "send", "mark": Tags(checked.text).value("mark")}, **headers).text
        assert (WORDS("receipt_flood") in page) is (number == 20)
        assert (WORDS("receipt_hidden") in page) is (number < 20)


def test_an_addition_that_cannot_be_used_is_shown_again(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s5")
    answer = look(service, code, pin, do="add", links="https://images.example/" + "x" * 2_000)
    assert answer.status_code == 422
    assert WORDS("place_error_invalid") in answer.text
    assert "<details open>" in answer.text, "what cannot be used is not folded away"
    assert "x" * 2_000 in answer.text
    assert WORDS("add_done") in look(service, code, pin, do="add", links="https://images.example/s6").text


def test_the_clock_is_shown_while_it_runs_and_lateness_is_said_plainly(service: Service, clock: MovableClock) -> None:
    code, pin = send(service, links="https://images.example/s7", signature="")
    assert "47 hours and 59 minutes" in look(service, code, pin).text
    clock.ahead = timedelta(hours=12)
    try:
        assert "35 hours and 59 minutes" in look(service, code, pin).text
    finally:
        clock.ahead = timedelta()


def test_the_packaged_hotlines_are_there_for_everybody() -> None:
    assert {hotline.whom for hotline in load_hotlines()} == set(HelpFor)


@pytest.mark.parametrize(
    "text",
    [
        "hotline = 1",
        "[[hotline]]\nname = 'A'",
        "[[hotline]]\nname = 'A'\nfor = 'adult'\nplace = 'UK'\naddress = 'javascript:alert(1)'",
        "[[hotline]]\nname = 'A'\nfor = 'nobody'\nplace = 'UK'\naddress = 'https://a.example'",
        "[[hotline]",
    ],
)
def test_hotlines_that_cannot_be_used_stop_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hotlines.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(NotStartable, match=r"hotlines\.toml"):
        load_hotlines(path)


def test_what_was_written_to_be_added_on_a_page_of_before_a_restart_is_kept(service: Service) -> None:
    code, pin = send(service, links="https://images.example/s77")
    body = mark(service, STATUS).rpartition(".")[0]
    old = f"{body}.{'0' * 64}"  # signed by another process
    fields = {"mark": old, "do": "add", "code": code, "pin": pin, "explanation": "my own words"}
    asked = post(service, STATUS, fields)
    assert asked.status_code == 409
    assert pin not in asked.text
    again = {name: Tags(asked.text).value(name) for name in ("mark", "do", "explanation")}
    added = post(service, STATUS, again | {"code": code, "pin": pin})
    assert WORDS("add_done") in added.text
    assert post(service, STATUS, again | {"code": code, "pin": pin}).status_code == 409, "added once"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(30, "1 minute"), (47 * 60, "47 minutes"), (3600, "1 hour"), (7260, "2 hours and 1 minute"), (86_400, "24 hours")],
)
def test_time_left_is_said_as_people_say_it(seconds: int, told: str) -> None:
    assert WORDS.span(seconds) == told


IN_WORDS = {
    "en": ["25 hours and 1 minute", "1 hour"],
    "cy": ["25 awr a 1 munud", "1 awr"],
    "fr": ["25\N{NO-BREAK SPACE}heures et 1 minute", "1\N{NO-BREAK SPACE}heure"],
    "de": ["25 Stunden und 1 Minute", "1 Stunde"],
    "es": ["25 horas y 1 minuto", "1 hora"],
    "pl": ["25 godzin i 1 minuta", "1 godzina"],
    "ar": ["25 ساعة ودقيقة", "ساعة"],
    "hi": ["25 घंटे और 1 मिनट", "1 घंटा"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_time_left_is_said_in_words_of_the_language(language: str) -> None:
    words = load_words()[language]
    assert [words.span(25 * 3600 + 60), words.span(3600)] == IN_WORDS[language]
