"""Strangers at the public pages: what they type stays text, guesses stay guesses, and what is forged is not taken."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest

from safelight.core.limits import DEFAULT_LIMITS
from safelight.web.public.reports.words import load_words
from tests.service import Service
from tests.web.public.conftest import MovableClock, settle
from tests.web.public.person import from_elsewhere

ATTACK = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>javascript:alert(3)"
FREE_TEXT = ("links", "place_words", "account", "explanation", "signature", "contact")
COMPLETE = {
    "matter": "intimate",
    "reporter": "subject",
    "person_age": "over",
    "links": "https://images.example/h1",
    "shows": "yes",
    "no_consent": "yes",
    "good_faith": "yes",
    "signature": "A. Person",
    "contact_kind": "receipt",
}
FORM, STATUS, CONTEST = "/report/en/form", "/report/en/status", "/report/en/contest"
WORDS = load_words()["en"]


class Tags(HTMLParser):
    """What a browser would make of a page: its tags, attributes and hidden fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def value(self, name: str) -> str:
        return next(str(attrs["value"]) for _, attrs in self.tags if attrs.get("name") == name)


def assert_harmless(html: str) -> None:
    """No script but ours, none in the page, no handler and no address that runs."""
    for tag, attrs in Tags(html).tags:
        assert tag not in ("iframe", "object", "embed", "style", "base", "img")
        assert not any(name.startswith("on") or name == "style" for name in attrs)
        assert not any(str(attrs.get(name, "")).lower().startswith("javascript:") for name in ("href", "action", "src"))
        if tag == "script":
            assert attrs == {"type": "module", "src": "/static/report.mjs"}


def post(service: Service, path: str, fields: dict[str, str], **headers: str) -> httpx2.Response:
    with service.http() as http:
        return http.post(path, data=fields, headers=from_elsewhere() | headers)


def mark(service: Service, path: str) -> str:
    with service.http() as http:
        return Tags(http.get(path).text).value("mark")


def send(service: Service, **fields: str) -> tuple[str, str]:
    """Report without a browser; the code and the PIN."""
    check = post(service, FORM, COMPLETE | fields | {"at": "contact", "go": "next"})
    sent = post(service, FORM, COMPLETE | fields | {"go": "send", "mark": Tags(check.text).value("mark")})
    assert sent.status_code == 200, sent.text
    found = re.search(r'id="code"[^>]*>([^<]+)<.*?id="pin"[^>]*>([0-9]{6})<', sent.text, re.DOTALL)
    assert found
    return found[1], found[2]


def look(service: Service, code: str, pin: str, **more: str) -> httpx2.Response:
    settle(service)
    return post(service, STATUS, {"mark": mark(service, STATUS), "do": "show", "code": code, "pin": pin} | more)


@pytest.mark.parametrize("name", FREE_TEXT)
def test_what_is_typed_into_any_field_stays_text_on_every_page(service: Service, name: str) -> None:
    fields = COMPLETE | {name: ATTACK} | ({"contact_kind": "account"} if name == "contact" else {})
    for step in ("matter", "who", "age", "child", "place", "more", "say", "contact", "check"):
        page = post(service, FORM, fields | {"go": f"to-{step}"})
        assert page.status_code == 200
        assert_harmless(page.text)
    code, pin = send(service, **fields)
    status = look(service, code, pin)
    assert "onerror" not in status.text
    assert_harmless(status.text)


def test_codes_words_and_hidden_fields_that_are_no_such_thing_stay_text_too(service: Service) -> None:
    for name in ("code", "pin", "words", "do", "mark"):
        fields = {"mark": mark(service, CONTEST), "do": "contest_here", "code": "x", "pin": "x"} | {name: ATTACK}
        assert_harmless(post(service, CONTEST, fields).text)
    for name in ("matter", "reporter", "person_age", "pdq", "sha256", "contact_kind", "at", "go", "mark"):
        assert_harmless(post(service, FORM, COMPLETE | {name: ATTACK}).text)
    with service.http() as http:
        assert_harmless(http.get(f"/report/{ATTACK}/form").text)


def test_the_words_of_a_contest_stay_text(service: Service) -> None:
    code, pin = send(service)
    page = look(service, code, pin, do="contest", words=ATTACK)
    assert_harmless(page.text)


@pytest.mark.parametrize("path", ["/report/en", FORM, STATUS, CONTEST, "/report/xx"])
def test_every_page_has_the_strict_headers_and_no_cookie(service: Service, path: str) -> None:
    with service.http() as http:
        answer = http.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in policy
    assert "set-cookie" not in answer.headers
    assert_harmless(answer.text)
    outside = [attrs for tag, attrs in Tags(answer.text).tags if tag in ("link", "script") and "//" in str(attrs)]
    assert not outside


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_a_form_on_another_website_is_not_taken(service: Service, headers: dict[str, str]) -> None:
    code, pin = send(service)
    for path, fields in ((FORM, COMPLETE | {"go": "next"}), (STATUS, {"do": "withdraw", "code": code, "pin": pin})):
        answer = post(service, path, {"mark": mark(service, STATUS)} | fields, **headers)
        assert answer.status_code == 403
        assert WORDS("error_elsewhere") in answer.text
    assert WORDS("status_open_hidden") in look(service, code, pin).text


def test_nothing_is_done_without_a_mark_of_ours_or_with_one_twice(service: Service) -> None:
    code, pin = send(service)
    withdraw = {"do": "withdraw", "code": code, "pin": pin}
    used = mark(service, STATUS)
    assert post(service, STATUS, {"mark": used, "do": "show", "code": code, "pin": pin}).status_code == 200
    for forged in ("", "1.x.y", used, mark(service, STATUS)[:-1] + "_"):
        answer = post(service, STATUS, withdraw | {"mark": forged})
        assert answer.status_code == 409
        assert pin not in answer.text
    assert WORDS("status_open_hidden") in look(service, code, pin).text


def test_pressing_send_twice_is_one_report_with_one_receipt(service: Service) -> None:
    check = post(service, FORM, COMPLETE | {"go": "to-check"})
    sending = COMPLETE | {"go": "send", "mark": Tags(check.text).value("mark")}
    first, second = post(service, FORM, sending), post(service, FORM, sending)
    codes = [re.findall(r'id="(?:code|pin)"[^>]*>([^<]+)<', answer.text) for answer in (first, second)]
    assert codes[0] == codes[1] != []
    assert WORDS("receipt_twice") in second.text


def test_whoever_reloads_the_receipt_later_sees_that_it_was_sent_and_neither_code_nor_pin(
    service: Service, clock: MovableClock
) -> None:
    check = post(service, FORM, COMPLETE | {"at": "contact", "go": "next"})
    sending = COMPLETE | {"go": "send", "mark": Tags(check.text).value("mark")}
    assert 'id="code"' in post(service, FORM, sending).text
    clock.ahead = timedelta(minutes=1)
    try:
        assert 'id="code"' in post(service, FORM, sending).text, "a lost answer is given again"
        for minutes in (3, 60, 700):
            clock.ahead = timedelta(minutes=minutes)
            later = post(service, FORM, sending)
            assert WORDS("receipt_twice") in later.text
            assert 'id="code"' not in later.text
            assert 'id="pin"' not in later.text
    finally:
        clock.ahead = timedelta()


def test_a_page_that_was_open_too_long_is_asked_again_and_nothing_is_lost(
    service: Service, clock: MovableClock
) -> None:
    check = post(service, FORM, COMPLETE | {"go": "to-check"})
    clock.ahead = timedelta(hours=13)
    try:
        late = post(service, FORM, COMPLETE | {"go": "send", "mark": Tags(check.text).value("mark")})
        assert late.status_code == 409
        assert WORDS("check_again") in late.text
        again = post(service, FORM, COMPLETE | {"go": "send", "mark": Tags(late.text).value("mark")})
        assert again.status_code == 200
    finally:
        clock.ahead = timedelta()


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "%0aBcc: x@y.example\n", "\u2028", "\x0b"])
def test_a_line_break_in_an_address_makes_no_second_header(service: Service, line_break: str) -> None:
    contact = f"person@mail.example{line_break}Bcc: other@mail.example"
    answer = post(service, FORM, COMPLETE | {"contact_kind": "email", "contact": contact, "at": "contact"})
    assert answer.status_code == 422
    assert WORDS("contact_error") in answer.text
    sending = COMPLETE | {"contact_kind": "email", "contact": contact, "go": "send", "mark": mark_of_check(service)}
    assert post(service, FORM, sending).status_code == 422


def mark_of_check(service: Service) -> str:
    return Tags(post(service, FORM, COMPLETE | {"go": "to-check"}).text).value("mark")


def test_no_header_is_made_of_what_was_asked(service: Service) -> None:
    with service.http() as http:
        answer = http.get("/report/en%0d%0aset-cookie:%20a=b")
        assert answer.status_code == 404
        assert "set-cookie" not in answer.headers
        chosen = http.get("/report", headers={"accept-language": "fr, x;evil=1"}, follow_redirects=False)
    assert chosen.headers["location"] == "/report/fr"


def test_a_database_that_fails_loses_nothing_that_was_written(service: Service) -> None:
    sending = COMPLETE | {"explanation": "my own words", "go": "send", "mark": mark_of_check(service)}
    with service.without("case_reports"):
        failed = post(service, FORM, sending)
    assert failed.status_code == 503
    assert WORDS("error_store") in failed.text
    assert "my own words" in failed.text
    assert post(service, FORM, sending).status_code == 200, "the same form can be sent again"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x=" + b"a" * DEFAULT_LIMITS.report_form_max_bytes, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % n for n in range(100)), "application/x-www-form-urlencoded", 400),
        (b"explanation=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"explanation=\xff", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 400),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 400),
    ],
    ids=["too long", "too many fields", "no UTF-8", "no ASCII", "JSON", "multipart"],
)
def test_a_form_that_is_none_is_answered_with_a_page(service: Service, content: bytes, kind: str, status: int) -> None:
    with service.http() as http:
        for path in (FORM, STATUS, CONTEST):
            answer = http.post(path, content=content, headers={"content-type": kind})
            assert answer.status_code == status
            assert "<h1>" in answer.text


def test_a_wrong_code_and_a_wrong_pin_have_the_same_words(service: Service) -> None:
    code, pin = send(service)
    wrong_pin = look(service, code, "000000" if pin != "000000" else "111111")
    wrong_code = look(service, "7K2M-9QXR-4TBV", pin)
    assert wrong_pin.status_code == wrong_code.status_code == 403
    same: list[Any] = [re.sub(r'name="mark" value="[^"]+"', "", answer.text) for answer in (wrong_pin, wrong_code)]
    assert same[0] == same[1]
    assert WORDS("status_unknown") in wrong_pin.text


def test_guessing_is_stopped_for_a_while_for_who_guesses(service: Service, clock: MovableClock) -> None:
    code, pin = send(service)
    guesser, owner = {"x-forwarded-for": "203.0.113.9"}, {"x-forwarded-for": "203.0.113.10"}

    def guess(pin: str, source: dict[str, str]) -> httpx2.Response:
        return post(service, STATUS, {"mark": mark(service, STATUS), "code": code, "pin": pin}, **source)

    answers = [guess(f"{number:06d}", guesser) for number in range(8)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429] * 3
    stopped = answers[-1]
    assert int(stopped.headers["retry-after"]) > 0
    assert WORDS("status_tries", left="15 minutes") in stopped.text
    assert guess(pin, guesser).status_code == 429, "the right one, too, has to wait"
    assert guess(pin, owner).status_code == 200, "whoever has seen the code cannot shut its owner out"
    clock.ahead = timedelta(hours=1)
    try:
        assert guess(pin, guesser).status_code == 200
    finally:
        clock.ahead = timedelta()
