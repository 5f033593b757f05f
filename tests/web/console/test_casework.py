"""A case from the queue to the letters, at the console; what is written is shown as text and stands in the history."""

import hashlib
import html
import io
import json
import re
import time

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy import Connection, insert, select

from safelight.accounts.permissions import Role
from safelight.accounts.staff_reviews import is_drawn
from safelight.cases.draft import Fingerprint, Matter, Place, PlaceKind
from safelight.cases.model import CaseState, Visibility
from safelight.cases.staff_model import Staff
from safelight.matching.banks import create_bank
from safelight.matching.fingerprints import HashKind
from safelight.matching.model import Bank, BankCategory, BankState
from safelight.store.cases_tables import cases
from safelight.store.matching_tables import past_matches
from safelight.store.tables import banks
from tests.cases.house import START, print_of
from tests.matching import pictures
from tests.web.console.studio import TIGHT, Browser, Studio, studio

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def decide(desk: Studio, browser: Browser, case_id: str, choice: str, **fields: str) -> httpx2.Response:
    version = str(desk.row(case_id).version)
    return browser.press(f"/cases/{case_id}/decide", choice=choice, version=version, **fields)


def take_back(desk: Studio, browser: Browser, case_id: str, **fields: str) -> httpx2.Response:
    version = str(desk.row(case_id).version)
    return browser.press(f"/cases/{case_id}/undo", then="undo", version=version, **fields)


def test_a_case_is_taken_decided_told_and_taken_back(desk: Studio, flat: bytes) -> None:
    case_id = desk.report(picture=flat)
    member = desk.member("Ines", Role.MODERATOR)
    browser = desk.browser(member)
    page = browser.press("/next")
    assert case_id in str(page.url)
    assert desk.row(case_id).held_by == member.id
    version = str(desk.row(case_id).version)
    preview = browser.press(
        f"/cases/{case_id}/preview", choice="remove/intimate_without_consent", version=version, words="Plain."
    )
    assert "A picture of yours is being removed" in preview.text
    assert desk.row(case_id).state is CaseState.OPEN, "a preview changes nothing"
    browser.press(f"/cases/{case_id}/decide", choice="remove/intimate_without_consent", version=version, words="Plain.")
    assert (desk.row(case_id).state, desk.row(case_id).visibility) == (CaseState.DECIDED, Visibility.REMOVED)
    shown = browser.see(f"/cases/{case_id}").text
    assert "Decided: Remove it" in shown
    assert "Ines" in shown
    assert "Plain." in shown
    asked = browser.press(f"/cases/{case_id}/undo")
    assert desk.row(case_id).state is CaseState.DECIDED, "one key shows nothing again: it asks first"
    assert "The picture is hidden until somebody has decided anew." in asked.text
    take_back(desk, browser, case_id, words="The wrong key.")
    assert desk.row(case_id).state is CaseState.OPEN
    assert "Decision taken back" in browser.see(f"/cases/{case_id}").text


def test_submit_and_next_leads_to_another_case_from_which_the_last_can_be_undone(desk: Studio) -> None:
    first, second = desk.report(), desk.report()
    browser = desk.signed_in(Role.MODERATOR)
    page = decide(desk, browser, first, "remove/intimate_without_consent", then="next")
    here = str(page.url)
    assert f"done={first}" in here
    assert "/cases/" in here
    assert f"/cases/{first}/undo" in page.text
    assert second


def test_another_case_is_another_than_the_one_that_is_held(desk: Studio) -> None:
    for _ in range(2):
        desk.report()
    browser = desk.signed_in(Role.MODERATOR)
    page = browser.press("/next")
    here = str(page.url).rpartition("/")[2]
    assert f'name="besides" value="{here}"' in page.text
    assert browser.press("/next").url == page.url, "what one holds comes first"
    assert "/cases/" in (there := str(browser.press("/next", besides=here).url))
    assert here not in there


def test_who_does_not_agree_goes_on_to_another_case(desk: Studio) -> None:
    case_id = desk.report(matter=Matter.CHILD, in_danger=True)
    decide(desk, desk.signed_in(Role.MODERATOR), case_id, "remove/child_sexualised")
    version = str(desk.row(case_id).version)
    page = desk.signed_in(Role.SENIOR).press(f"/cases/{case_id}/second", agrees="no", version=version, then="next")
    assert f"done={case_id}" in str(page.url)
    assert f"/cases/{case_id}" not in str(page.url)


def test_back_from_the_letters_keeps_what_was_chosen_and_written(desk: Studio) -> None:
    case_id = desk.report()
    browser = desk.signed_in(Role.MODERATOR)
    typed = {"choice": "keep/not_entitled", "version": str(desk.row(case_id).version), "words": f"Not {MARKUP}"}
    page = browser.press(f"/cases/{case_id}/preview", then="back", **typed).text
    assert 'value="keep/not_entitled" required checked' in page
    assert f">{html.escape(typed['words'], quote=False)}</textarea>".replace('"', "&#34;") in page
    assert page.count(" checked") == 1


def test_what_another_holds_or_has_changed_is_not_decided(desk: Studio) -> None:
    case_id = desk.report()
    one, two = desk.signed_in(Role.MODERATOR), desk.signed_in(Role.MODERATOR)
    seen = str(desk.row(case_id).version)
    one.press(f"/cases/{case_id}/claim")
    answer = two.press(f"/cases/{case_id}/decide", choice="remove/intimate_without_consent", version=seen)
    assert answer.status_code == 409
    one.press(f"/cases/{case_id}/decide", choice="remove/intimate_without_consent", version=seen)
    again = two.press(f"/cases/{case_id}/decide", choice="keep/not_entitled", version=seen, words="A long thought.")
    assert again.status_code == 409
    assert "There is nothing to decide in this case." in again.text or "has changed" in again.text
    assert "A long thought." in again.text, "what was typed is not lost"


def test_what_was_typed_is_still_there_where_the_case_has_changed(desk: Studio) -> None:
    case_id = desk.report()
    browser = desk.signed_in(Role.MODERATOR)
    browser.press(f"/cases/{case_id}/claim")
    answer = browser.press(f"/cases/{case_id}/decide", choice="keep/not_entitled", version="0", words="A long thought.")
    assert answer.status_code == 409
    assert "This case has changed since you looked at it" in answer.text
    assert re.search(r'value="keep/not_entitled" required checked', answer.text)
    assert re.search(r"<textarea[^>]*>A long thought.</textarea>", answer.text)
    browser.press(f"/cases/{case_id}/decide", choice="keep/not_entitled", version=str(desk.row(case_id).version))
    undone = browser.press(f"/cases/{case_id}/undo", then="undo", version="0", words="The wrong key.")
    assert (undone.status_code, "The wrong key." in undone.text) == (409, True)
    assert desk.row(case_id).state is CaseState.DECIDED


@pytest.mark.parametrize("choice", ["", "remove", "remove/within_terms", "burn/it", "keep/" + "x" * 500])
def test_a_decision_without_a_reason_that_goes_with_it_is_refused(desk: Studio, choice: str) -> None:
    case_id = desk.report()
    browser = desk.signed_in(Role.MODERATOR)
    assert decide(desk, browser, case_id, choice).status_code in (400, 409)
    assert desk.row(case_id).state is CaseState.OPEN


def test_an_address_that_somebody_found_is_added_on_the_page(desk: Studio) -> None:
    case_id = desk.report(places=(Place(PlaceKind.WORDS, "in a group, last week"),))
    browser = desk.signed_in(Role.MODERATOR)
    assert 'action="/console/cases/' + case_id + '/place"' in browser.see(f"/cases/{case_id}").text
    assert browser.press(f"/cases/{case_id}/place", address="in a group").status_code == 400
    browser.press(f"/cases/{case_id}/place", address="https://images.example/found")
    page = browser.see(f"/cases/{case_id}").text
    assert "https://images.example/found" in page
    assert "An address was named where it is" in page


def test_no_text_of_a_stranger_or_a_colleague_becomes_markup(desk: Studio) -> None:
    """Stored XSS: each free-text field is put on every page where it is shown."""
    address = Place(PlaceKind.WORDS, MARKUP)
    case_id = desk.report(explanation=MARKUP, places=(address,), about_account=MARKUP)
    member = desk.member(MARKUP[:40], Role.SENIOR)
    browser = desk.browser(member)
    browser.press(f"/cases/{case_id}/note", words=MARKUP)
    decide(desk, browser, case_id, "remove/intimate_without_consent", words=MARKUP)
    admin = desk.signed_in(Role.ADMIN)
    pages = [browser.see(path) for path in (f"/cases/{case_id}", "/queue", "/me", "/figures", "/review")]
    pages += [browser.get("/console/queue", params={"done": MARKUP, "after": MARKUP, "sort": MARKUP})]
    pages += [browser.get("/console/figures", params={"days": MARKUP}), admin.see("/staff")]
    pages += [browser.press(f"/cases/{case_id}/preview", choice=MARKUP, version="1")]
    pages += [admin.press("/staff/add", name=MARKUP, role="lead")]
    shown = 0
    for page in pages:
        assert "<script>alert" not in page.text, page.url
        assert "<img src=x" not in page.text, page.url
        shown += page.text.count("&lt;script&gt;")
    assert shown > 4, "the texts are shown, as text"


def test_a_case_that_there_is_not_is_a_page_in_words(desk: Studio) -> None:
    browser = desk.signed_in(Role.MODERATOR)
    for case_id in ("case_" + "0" * 26, "x", "..%2f..", "%00"):
        assert browser.see(f"/cases/{case_id}").status_code in (400, 404, 409)
    nowhere = browser.see("/nowhere")
    assert nowhere.status_code == 404
    assert 'href="/console/"' in nowhere.text


def photo() -> bytes:
    """A picture with detail in it: bars and a disc, in colour."""
    y, x = np.mgrid[0:400, 0:600]
    disc = ((x - 300) ** 2 + (y - 200) ** 2 < 120**2)[..., None]
    pixels = np.where(disc, (230, 120, 40), np.where((x // 9 % 2)[..., None] == 0, (20, 60, 160), (250, 250, 240)))
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def shown_picture(browser: Browser, case_id: str, detail: str) -> Image.Image:
    page = browser.press(f"/cases/{case_id}/show", detail=detail, number="0")
    assert page.status_code == 200, page.text
    source = page.text.split('<img src="')[1].split('"')[0].replace("&amp;", "&")
    answer = browser.get(source)
    assert answer.headers["content-type"] == "image/jpeg"
    assert browser.get(source).status_code == 400, "a picture that was counted is shown once"
    return Image.open(io.BytesIO(answer.content))


def test_a_picture_is_veiled_until_asked_then_grey_and_small_then_full(desk: Studio) -> None:
    case_id = desk.report(picture=photo())
    browser = desk.signed_in(Role.MODERATOR)
    assert f"/cases/{case_id}/picture/0" in browser.see(f"/cases/{case_id}").text
    veil = np.asarray(Image.open(io.BytesIO(browser.see(f"/cases/{case_id}/picture/0").content)))
    reduced = np.asarray(shown_picture(browser, case_id, "reduced"))
    grey = np.asarray(shown_picture(browser, case_id, "grey"))
    colour = np.asarray(shown_picture(browser, case_id, "colour"))
    assert (veil.ndim, reduced.ndim, grey.ndim, colour.ndim) == (2, 2, 2, 3)

    def detail_of(pixels: NDArray[np.uint8]) -> float:
        return float(np.abs(np.diff(pixels.astype(float), axis=1)).mean())

    assert detail_of(veil) < detail_of(reduced) < detail_of(grey) / 3
    assert veil.std() < grey.std() / 2
    steps = [entry.kind for entry in desk.run(desk.cases.open(Staff("x", Role.SENIOR), case_id)).history]
    assert steps.count("viewed") == 3, "each showing is in the history, a veil is none"


def test_of_a_child_nothing_is_fetched_before_somebody_asks(desk: Studio) -> None:
    case_id = desk.report(picture=photo(), matter=Matter.CHILD)
    browser = desk.signed_in(Role.SENIOR)
    desk.pictures.fetched.clear()
    page = browser.see(f"/cases/{case_id}")
    assert "Nothing is loaded before you ask" in page.text
    assert "<img" not in page.text
    assert browser.see(f"/cases/{case_id}/picture/0").status_code == 400
    assert desk.pictures.fetched == []


def test_a_showing_that_was_counted_for_one_is_no_picture_for_another(desk: Studio) -> None:
    case_id = desk.report(picture=photo())
    one, two = desk.signed_in(Role.MODERATOR), desk.signed_in(Role.MODERATOR)
    where = one.send_form(f"/cases/{case_id}/show", detail="grey", number="0").headers["location"]
    name = where.split("name=")[1].split("#")[0]
    assert two.see(f"/cases/{case_id}/picture/0?name={name}").status_code == 400


def test_what_could_not_be_loaded_is_not_counted(desk: Studio) -> None:
    case_id = desk.report()
    browser = desk.signed_in(Role.MODERATOR)
    answer = browser.press(f"/cases/{case_id}/show", detail="grey", number="0")
    assert answer.status_code == 400
    assert "decide without" in answer.text
    assert browser.press(f"/cases/{case_id}/show", detail="grey", number="7").status_code == 400
    assert browser.press(f"/cases/{case_id}/show", detail="veil", number="0").status_code == 400
    assert "0 pictures in full" in browser.see("/me").text


def test_a_known_fingerprint_is_said_before_anything_is_opened(desk: Studio, flat: bytes) -> None:
    known = Fingerprint(HashKind.SHA256, hashlib.sha256(flat).hexdigest())

    def make(connection: Connection) -> Bank:
        return create_bank(
            connection,
            name="hotline",
            owner="a hotline",
            source="a list",
            category=BankCategory.NCII,
            state=BankState.ACTIVE,
            now=START,
        )

    bank = desk.sql(make)
    desk.known.hashes.add(bank.number, known.kind, [known.value], [1])
    time.sleep(0.6)  # which banks are active is looked at anew every half second
    case_id = desk.report(picture=flat, fingerprints=(known,))
    page = desk.signed_in(Role.MODERATOR).see(f"/cases/{case_id}").text
    assert "hotline" in page
    assert "can be decided without looking at it" in page


def test_breaks_caps_and_what_one_does_not_work_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    with studio(tmp_path_factory.mktemp("welfare"), welfare=TIGHT) as desk:
        case_id, child = desk.report(picture=photo()), desk.report(picture=photo(), matter=Matter.CHILD)
        browser = desk.signed_in(Role.SENIOR)

        def show() -> int:
            return browser.send_form(f"/cases/{case_id}/show", detail="grey", number="0").status_code

        assert [show(), show(), show()] == [303, 303, 403], "a break is due after four points"
        due = browser.send_form(f"/cases/{case_id}/show", detail="grey", number="0").text
        assert "Begin it here" in due
        assert 'action="/console/break/begin"' in due, "a break that nobody began counts for nothing"
        browser.press("/break/begin")
        assert "/break" in browser.see("/queue").headers["location"]
        assert "/break" in browser.see(f"/cases/{case_id}").headers["location"]
        assert 'data-key="enter"' in browser.see("/break").text
        desk.travel(minutes=11)
        browser.press("/break/end")
        assert [show(), show()] == [303, 403], "six points are the shift's"
        assert browser.see(f"/cases/{case_id}").status_code == 200, "it can still be decided"
        browser.press("/me/opt-out", matter="child")
        assert child not in browser.see("/queue").text
        nothing = browser.see("/queue?matter=child").text
        assert "Nothing waits here for you. What you do not work on is left out: a child." in nothing
        assert browser.press(f"/cases/{child}/claim").status_code == 409
        refused = browser.see(f"/cases/{child}")
        assert (refused.status_code, "change that under You" in refused.text) == (409, True), "nor are its words shown"
        assert browser.press("/me/opt-out", matter="everything").status_code == 400


def test_a_second_look_is_blind_and_counts_as_agreement(tmp_path_factory: pytest.TempPathFactory) -> None:
    with studio(tmp_path_factory.mktemp("blind"), second_look_share=0.5) as desk:
        secret = b"\x07" * 32
        first, second = desk.signed_in(Role.MODERATOR, "First"), desk.signed_in(Role.MODERATOR, "Second")
        cases = [desk.report(explanation=f"report {number}") for number in range(8)]
        drawn = [case_id for case_id in cases if is_drawn(secret, case_id, 0.5)]
        for case_id in cases:
            decide(desk, first, case_id, "remove/intimate_without_consent", words="secret words")
        assert "No second look waits" in first.see("/review").text
        seen = 0
        while "Submit and next" in (page := second.see("/review")).text:
            assert "secret words" not in page.text
            assert "First" not in page.text
            assert "Decided" not in page.text
            review = page.text.split('action="/console/review/')[1].split('"')[0]
            assert first.press(f"/review/{review}", choice="keep/not_entitled").status_code == 401
            assert second.press(f"/review/{review}", choice="keep/within_terms").status_code == 400
            answer = "keep/not_entitled" if seen == 0 else "remove/intimate_without_consent"
            assert second.press(f"/review/{review}", choice=answer).status_code == 200
            seen += 1
        assert seen == len(drawn) > 0
        while not is_drawn(secret, (mistake := desk.report()), 0.5):
            pass
        decide(desk, first, mistake, "remove/intimate_without_consent")
        assert mistake in second.see("/review").text
        take_back(desk, first, mistake)
        assert "No second look waits" in second.see("/review").text
        lead = desk.signed_in(Role.LEAD)
        figures = json.loads(lead.see("/figures.json").text)
        assert figures["agreement"]["count"] == seen
        assert figures["agreement"]["agreed"] == seen - 1
        assert f"{seen - 1} of {seen} agreed" in lead.see("/figures").text


def test_the_figures_tell_times_by_route(tmp_path_factory: pytest.TempPathFactory) -> None:
    with studio(tmp_path_factory.mktemp("figures")) as desk:
        case_id = desk.report()
        desk.travel(hours=3)
        browser = desk.signed_in(Role.MODERATOR)
        decide(desk, browser, case_id, "remove/intimate_without_consent")
        desk.travel(minutes=1)
        figures = browser.see("/figures.json").json()
        assert figures["all"]["removal"]["median_s"] == pytest.approx(3 * 3600)
        assert figures["by_route"]["page"]["within_48_h"] == 1.0
        assert "staff" not in figures
        page = browser.see("/figures?days=7").text
        assert page.count("<svg") == 6
        assert "3.0 h" in page


def test_a_case_tells_what_was_made_here_of_its_picture(desk: Studio) -> None:
    case_id = desk.report(fingerprints=(print_of(pictures.hash_of(pictures.photo("astronaut"))),))

    def find(connection: Connection) -> None:
        number = connection.execute(select(cases.c.number).where(cases.c.id == case_id)).scalar_one()
        bank = connection.execute(select(banks.c.number).where(banks.c.name == "taken-down")).scalar_one()
        row = {"id": f"pst_{number}", "at": "", "bank": bank, "item": number, "output_id": "out_1", "distance": 7}
        connection.execute(insert(past_matches).values(row | {"made_at": "2026-11-20T10:00:00.000000Z"}))

    desk.sql(find)
    page = desk.signed_in(Role.MODERATOR).see(f"/cases/{case_id}").text
    assert "Made here (1)" in page
    assert "2026-11-20 10:00" in page
    assert ">7<" in page
