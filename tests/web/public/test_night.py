"""The night test: a person at a phone, in a real browser, from the front page to a receipt, and back again."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from safelight.web.public.reports.words import load_words
from tests.service import Service
from tests.web.public.browser import browsing, needs_chromium
from tests.web.public.conftest import settle
from tests.web.public.person import Person, from_elsewhere

pytestmark = needs_chromium

PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "phone": ("en", PHONE),
    "phone, Arabic, scripts off": ("ar", PHONE | {"java_script_enabled": False}),
    "desktop, Hindi, in India": ("hi", {"timezone_id": "Asia/Kolkata"}),
}
WORDS = load_words()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(**PHONE, extra_http_headers=from_elsewhere()) as context:
        yield context.new_page()


@pytest.mark.parametrize("way", WAYS)
def test_from_the_front_page_to_a_receipt_its_status_and_back(service: Service, browser: Browser, way: str) -> None:
    language, device = WAYS[way]
    words = WORDS[language]
    with browser.new_context(**device, extra_http_headers=from_elsewhere()) as context:
        person = Person(context.new_page(), service.address, language)
        code, pin = person.report()
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", code)
        assert re.fullmatch(r"[0-9]{6}", pin)
        assert person.pressed <= 24, "two minutes of ordinary pressing, at five seconds each"
        html = person.page.locator("html")
        assert (html.get_attribute("lang"), html.get_attribute("dir")) == (language, words.direction)
        expect(person.page.locator("main")).to_contain_text(words("receipt_hidden"))

        settle(service)
        person.look(code, pin)
        expect(person.page.locator("#now")).to_contain_text(words("status_open_hidden"))
        expect(person.page.locator(".steps")).to_contain_text(words("step_hidden"))
        told = person.page.locator(".steps time").first
        received = datetime.fromisoformat(told.get_attribute("datetime") or "")
        ahead = timedelta(hours=5, minutes=30) if "timezone_id" in device else timedelta()
        expect(told).to_contain_text(f"{received + ahead:%H:%M}")
        person.press(".quiet-form button")
        person.press("[value=withdraw]")
        expect(person.page.locator("[role=status]").first).to_contain_text(words("withdraw_done"))
        expect(person.page.locator("#now")).to_contain_text(words("status_withdrawn"))
        assert not context.cookies()


def test_somebody_under_18_is_shown_help_first_and_is_heard_without_a_name(service: Service, page: Page) -> None:
    words = WORDS["en"]
    person = Person(page, service.address).visit("/form")
    person.choose("matter", "child")
    for _ in range(2):
        person.go_on()
    person.choose("my_age", "under")
    person.go_on()
    main = page.locator("main")
    for said in (
        words("child_lead"),
        words("child_hidden"),
        words("child_no_picture"),
        "Report Remove",
        "Take It Down (NCMEC)",
        "0800 1111",
    ):
        expect(main).to_contain_text(said)
    expect(page.locator("a[href='tel:08001111']")).to_be_visible()
    person.go_on()
    person.type("links", "https://images.example/p3")
    for _ in range(2):
        person.go_on()
    expect(page.locator("[name=signature]")).to_have_count(0)
    person.choose("good_faith", "yes")
    for _ in range(2):
        person.go_on()
    expect(page.locator("#missing")).to_have_count(0)
    person.press("[name=go][value=send]")
    code, pin = person.receipt()
    settle(service)
    person.look(code, pin)
    expect(page.locator("#now")).to_contain_text(words("status_open_hidden"))


def test_what_is_missing_is_named_before_and_after_and_can_be_added(service: Service, page: Page) -> None:
    words = WORDS["en"]
    person = Person(page, service.address).visit("/form")
    person.go_on()
    expect(page.locator("#problem")).to_contain_text(words("matter_error"))
    person.choose("matter", "intimate")
    for _ in range(3):
        person.go_on()
    person.go_on()
    expect(page.locator("#problem")).to_contain_text(words("place_error"))
    person.type("links", "https://images.example/p2")
    for _ in range(4):
        person.go_on()
    missing = page.locator("#missing")
    for key in ("reporter", "shows_intimate_content", "no_consent", "true_and_in_good_faith", "signature", "contact"):
        expect(missing).to_contain_text(words(f"missing_{key}"))
    person.press("[name=go][value=send]")
    code, pin = person.receipt()
    expect(page.locator("main")).to_contain_text(words("missing_signature"))

    person.look(code, pin)
    expect(page.locator("#now")).to_contain_text(words("status_open_visible"))
    person.choose("reporter", "subject")
    for name in ("shows", "no_consent", "good_faith"):
        person.choose(name, "yes")
    person.type("signature", "A. Person")
    person.choose("contact_kind", "receipt")
    person.press("details[open] button[type=submit]")
    expect(page.locator("[role=status]").first).to_contain_text(words("add_done"))
    expect(page.locator("#missing")).to_have_count(0)
    expect(page.locator("#now")).to_contain_text(re.compile("is hidden|is being hidden"))


def test_the_picture_never_leaves_and_its_fingerprint_does(service: Service, page: Page, portrait: bytes) -> None:
    person = Person(page, service.address).visit("/form")
    sent: list[bytes] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    person.choose("matter", "other")
    for _ in range(3):
        person.go_on()
    page.set_input_files("#picture", {"name": "photo.png", "mimeType": "image/png", "buffer": portrait})
    expect(page.locator("[data-told]")).to_have_text(WORDS["en"]("place_made"))
    person.go_on()
    carried = page.locator("[name=pdq]").input_value()
    assert re.fullmatch(r"[0-9a-f]{64}:100", carried)
    expect(page).to_have_title(re.compile(re.escape(WORDS["en"]("more_title"))))
    assert all(len(body) < 1_000 and portrait[100:130] not in body for body in sent)


@pytest.mark.parametrize("how", ["key", "button"])
def test_one_key_or_one_button_leaves_and_empties_the_page(service: Service, page: Page, how: str) -> None:
    page.route("https://www.wikipedia.org/**", lambda route: route.fulfill(body="elsewhere", content_type="text/html"))
    person = Person(page, service.address).visit("/form")
    before = page.evaluate("history.length")
    if how == "key":
        page.keyboard.press("Escape")
    else:
        person.press("#leave")
    page.wait_for_url("https://www.wikipedia.org/")
    assert page.evaluate("history.length") == before, "the page left is not in the history"


def test_the_browsers_back_goes_one_question_back_and_keeps_every_answer(service: Service, page: Page) -> None:
    words = WORDS["en"]
    person = Person(page, service.address).visit("/form")
    person.choose("matter", "other")
    person.go_on()
    person.choose("reporter", "other")
    person.go_on()
    expect(page.locator("h1")).to_have_text(words("age_title"))
    for key, chosen in (("who_title", "[name=reporter][value=other]"), ("matter_title", "[name=matter][value=other]")):
        page.evaluate("history.back()")
        expect(page.locator("h1")).to_have_text(words(key))
        expect(page.locator(chosen)).to_be_checked()
    assert page.evaluate("history.length") <= 3


def go_back(page: Page) -> None:
    """With the browser's button; where it asks whether to send a form again, somebody lets it."""
    try:
        page.go_back()
    except Error as error:
        if "ERR_CACHE_MISS" not in error.message:
            raise
        page.reload()


def test_reload_and_back_show_nothing_of_a_report_to_whoever_is_next(service: Service, page: Page) -> None:
    person = Person(page, service.address)
    code, pin = person.report()
    page.reload()
    assert code not in page.content()
    person.look(code, pin)
    page.reload()
    expect(page.locator("#code")).to_have_value("")
    expect(page.locator("#now")).to_have_count(0)
    person.look(code, pin)
    person.visit()
    go_back(page)
    expect(page.locator("#code")).to_have_value("")
    assert pin not in page.content()


def test_without_scripts_too_an_answer_is_given_once(service: Service, browser: Browser) -> None:
    with browser.new_context(**PHONE, java_script_enabled=False, extra_http_headers=from_elsewhere()) as context:
        person = Person(context.new_page(), service.address)
        code, pin = person.report()
        person.look(code, pin)
        person.page.reload()  # sends the same form again
        expect(person.page.locator("#problem")).to_contain_text(WORDS["en"]("status_again"))
        assert pin not in person.page.content()


def test_the_language_can_be_changed_in_the_middle_and_nothing_is_lost(service: Service, browser: Browser) -> None:
    language = "ar"
    with browser.new_context(**PHONE, java_script_enabled=False, extra_http_headers=from_elsewhere()) as context:
        person = Person(context.new_page(), service.address, "de").visit("/form")
        person.choose("matter", "other")
        person.go_on()
        person.choose("reporter", "other")
        person.press(f"button[lang={language}]")
        expect(person.page.locator("h1")).to_have_text(WORDS[language]("who_title"))
        expect(person.page.locator("[name=reporter][value=other]")).to_be_checked()
        expect(person.page.locator("[name=matter]")).to_have_value("other")


def test_without_a_connection_the_page_stays_with_what_was_written(service: Service, page: Page) -> None:
    person = Person(page, service.address).visit("/form")
    person.choose("matter", "other")
    page.context.set_offline(True)
    person.go_on()
    expect(page.locator("#offline")).to_have_text(WORDS["en"]("error_offline"))
    expect(page.locator("[name=matter][value=other]")).to_be_checked()
    page.context.set_offline(False)
    person.go_on()
    expect(page.locator("[name=reporter]").first).to_be_visible()
    expect(page.locator("#offline")).to_be_hidden()


def test_moments_read_as_their_language_writes_them(service: Service, browser: Browser) -> None:
    with browser.new_context(timezone_id="Asia/Kolkata", extra_http_headers=from_elsewhere()) as context:
        person = Person(context.new_page(), service.address, "hi")
        code, pin = person.report()
        person.look(code, pin)
        for said in person.page.locator("time").all_inner_texts():
            assert not re.search("को|बजे", said), "the sentence around it has these"
            assert re.search(r"[0-9]{2}:[0-9]{2}", said)
