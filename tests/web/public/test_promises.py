"""What the pages promise holds: for what is refused, for who can be told, for letters, and when something fails."""

import re
from collections.abc import Iterator

import pytest

from tests.cases.house import KEEP, REMOVE
from tests.detectors import scripted_detectors
from tests.service import Service, serving
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
from tests.web.public.test_status import decide
from tests.web.test_reports import COMPLETE as REPORT

PRINT = "b5c1e8a72d4f93061c7ae5d80b92f64d3e71a8c50f69d2b47c18e39a5d06b2f4"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "status_blocked_not"),
        ({"sha256": "cd" * 32}, "status_blocked_file"),
        ({"pdq": f"{PRINT}:100"}, "status_blocked"),
    ],
)
def test_of_uploads_the_page_says_what_is_refused(service: Service, fields: dict[str, str], key: str) -> None:
    code, pin = send(service, links=f"https://images.example/{key}", **fields)
    decide(service, REMOVE)
    page = look(service, code, pin).text
    assert f"{WORDS('status_removed')} {WORDS(key)}" in page
    again = post(
        service,
        FORM,
        COMPLETE | {"links": f"https://images.example/{key}", "go": "send", "mark": mark_of_check(service)},
    ).text
    assert WORDS("receipt_removed") in again
    assert WORDS("receipt_hidden") not in again


def test_nobody_is_told_that_a_decided_report_is_looked_at_first(service: Service) -> None:
    code, pin = send(service, links="https://images.example/q1")
    assert 'name="danger"' in look(service, code, pin).text
    decide(service, KEEP)
    kept = look(service, code, pin).text
    assert 'name="danger"' not in kept
    assert WORDS("add_kept_contest") in kept
    assert WORDS("front_danger") in kept
    look(service, code, pin, do="contest", words="It is me.")
    assert 'name="danger"' in look(service, code, pin).text


def test_a_child_is_not_told_to_wait_for_this_very_minute(service: Service) -> None:
    said = COMPLETE | {"matter": "child", "links": "https://images.example/q2"}
    sent = post(service, FORM, said | {"go": "send", "mark": mark_of_check(service)})
    assert WORDS("receipt_hidden") in sent.text
    assert "<time" not in sent.text, "no moment by which it is dealt with"


@pytest.mark.parametrize(
    ("path", "step"),
    [
        (STATUS, {"do": "add", "explanation": "my own words"}),
        (STATUS, {"do": "withdraw"}),
        (STATUS, {"do": "contest", "words": "my own words"}),
        (CONTEST, {"do": "contest_here", "words": "my own words"}),
        (STATUS, {"do": "show"}),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else "",
)
def test_where_a_step_fails_its_form_is_shown_again_whole(service: Service, path: str, step: dict[str, str]) -> None:
    code, pin = send(service, links=f"https://images.example/q-{step['do']}")
    if "contest" in step["do"]:
        decide(service, KEEP)
    # What only shows, reads; a wrong PIN has to be written down.
    typed = pin if step["do"] != "show" else f"{(int(pin) + 1) % 10**6:06d}"
    table = "case_events" if step["do"] != "show" else "case_sources"
    with service.without(table):
        failed = post(service, path, {"mark": mark(service, path), "code": code, "pin": typed} | step)
    assert failed.status_code == 503
    assert WORDS("error_failed") in failed.text
    assert WORDS("error_store") not in failed.text
    tags = Tags(failed.text)
    filled = {name: tags.value(name) for name in ("mark", "do", "code", "pin")}
    words = {name: said for name, said in step.items() if name != "do"}
    assert all(said in failed.text for said in words.values())
    again = post(service, path, filled | words)
    assert again.status_code == (403 if step["do"] == "show" else 200)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without a platform, and without anybody who carries letters."""
    with serving(tmp_path_factory.mktemp("alone"), detectors=list(scripted_detectors().values())) as running:
        yield running


def test_without_a_platform_no_page_says_that_a_picture_is_hidden_or_gone(alone: Service) -> None:
    with alone.http() as http:
        assert WORDS("status_no_site") in http.get("/report/en").text
    child = post(alone, FORM, COMPLETE | {"matter": "child", "go": "to-child"}).text
    assert WORDS("child_hidden") not in child
    assert WORDS("child_no_name") in child
    said = COMPLETE | {
        "go": "send",
        "mark": mark_of_check(alone),
        "contact_kind": "telephone",
        "contact": "07700 900123",
    }
    receipt = post(alone, FORM, said).text
    assert WORDS("receipt_hidden") not in receipt
    assert WORDS("status_no_site") in receipt
    assert WORDS("no_letters") in receipt
    code, pin = re.findall(r'id="(?:code|pin)"[^>]*>([^<]+)<', receipt)

    def now() -> str:
        return post(alone, STATUS, {"mark": mark(alone, STATUS), "do": "show", "code": code, "pin": pin}).text

    assert f"{WORDS('status_open_visible')} {WORDS('status_no_site')}" in now()
    decide(alone, REMOVE)
    assert f"{WORDS('status_removing')} {WORDS('status_no_site')} {WORDS('status_blocked_not')}" in now()


def test_no_way_of_being_reached_is_offered_that_no_letter_goes(alone: Service, service: Service) -> None:
    for one, kinds in ((alone, {"receipt"}), (service, {"receipt", "email", "telephone", "account"})):
        page = post(one, FORM, COMPLETE | {"go": "to-contact"}).text
        offered = {attrs["value"] for _, attrs in Tags(page).tags if attrs.get("name") == "contact_kind"}
        assert offered == kinds
        assert (WORDS("no_letters") in page) is (one is alone)


def test_the_api_says_what_the_pages_say(service: Service) -> None:
    named = {"safelight-subject": "flood"}
    with service.http() as http:
        for number in range(21):
            place = {"kind": "post", "value": f"api-{number}"}
            sent = http.post("/v1/reports", json=REPORT | {"places": [place]}, headers=named).json()
            assert sent["is_flood"] is (number == 20)
        receipt = {"code": sent["code"], "pin": sent["pin"]}
        found = http.post("/v1/reports/status", json=receipt, headers=named).json()
    assert (found["is_flood"], found["letters_wait"], found["delivery"]) == (True, False, "trying")
    assert (sent["removed_at"], sent["letters_wait"], found["known_by"]) == (None, False, "place")
