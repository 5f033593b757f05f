"""In a real browser: passkeys with a virtual authenticator, a whole case by keyboard alone, and axe on every page."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page
from sqlalchemy import select, update

from safelight.accounts.permissions import Role
from safelight.accounts.staff import Member, latest_events, make_enrolment
from safelight.cases.model import CaseState, Outcome
from safelight.store.staff_tables import staff_passkeys
from safelight.web.console.door import PREFIX
from tests.web.console.studio import Studio, studio
from tests.web.public.browser import browsing, needs_chromium

pytestmark = needs_chromium

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio(tmp_path_factory.mktemp("browser"), second_look_share=1.0) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 800})
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


def authenticator(page: Page, *, verifies: bool = True) -> CDPSession:
    """A platform authenticator in the browser, whose owner agrees to everything."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def enrolled(house: Studio, page: Page, name: str, role: Role) -> Member:
    """A member who has just enrolled in this page and is signed in."""
    member = house.member(name, role)
    token = house.sql(lambda c: make_enrolment(c, member, by="machine", now=house.now))
    page.goto(f"{house.address}{PREFIX}/enrol#{token}")
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url(f"{house.address}{PREFIX}/queue")
    return member


def kinds(house: Studio, member: Member) -> list[str]:
    return [event.kind for event in house.sql(lambda c: latest_events(c, 50)) if event.member_id == member.id]


def test_a_passkey_is_enrolled_once_and_signs_in_with_a_new_session(house: Studio, context: BrowserContext) -> None:
    page = context.new_page()
    authenticator(page)
    member = house.member("Ada", Role.MODERATOR)
    token = house.sql(lambda c: make_enrolment(c, member, by="machine", now=house.now))
    page.goto(f"{house.address}{PREFIX}/enrol#{token}")
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url(f"{house.address}{PREFIX}/queue")
    first = context.cookies()[0]
    assert (first["httpOnly"], first["sameSite"]) == (True, "Strict")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{house.address}{PREFIX}/queue")
    assert context.cookies()[0]["value"] != first["value"]
    assert "Ada" in page.inner_text("header")
    page.goto(f"{house.address}{PREFIX}/enrol#{token}")
    page.get_by_role("button", name="Make a passkey").click()
    assert "does not work" in page.locator("[data-trouble]:visible").inner_text()
    assert sorted(kinds(house, member)) == ["added", "link_made", "passkey_added", "signed_in", "signed_in"]


def test_a_passkey_whose_owner_was_not_verified_signs_nobody_in(house: Studio, context: BrowserContext) -> None:
    page = context.new_page()
    session = authenticator(page)
    enrolled(house, page, "Bea", Role.MODERATOR)
    context.clear_cookies()
    session.send("WebAuthn.disable")
    authenticator(page, verifies=False)
    page.goto(f"{house.address}{PREFIX}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.locator("[data-trouble]:visible").wait_for()
    page.goto(f"{house.address}{PREFIX}/queue")
    assert "/sign-in" in page.url


def test_a_passkey_that_was_copied_is_refused_and_is_an_event(house: Studio, context: BrowserContext) -> None:
    page = context.new_page()
    authenticator(page)
    member = enrolled(house, page, "Cy", Role.MODERATOR)
    context.clear_cookies()
    ahead = update(staff_passkeys).where(staff_passkeys.c.member_id == member.id).values(sign_count=9_999)
    house.sql(lambda c: c.execute(ahead))
    page.goto(f"{house.address}{PREFIX}/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    assert "did not hold" in page.locator("[data-trouble]:visible").inner_text()
    assert "passkey_copied" in kinds(house, member)


def test_another_passkey_can_be_added_and_the_last_one_not_removed(house: Studio, context: BrowserContext) -> None:
    page = context.new_page()
    session = authenticator(page)
    member = enrolled(house, page, "Di", Role.MODERATOR)
    session.send("WebAuthn.disable")
    authenticator(page)
    page.goto(f"{house.address}{PREFIX}/me")
    with page.expect_navigation():
        page.get_by_role("button", name="Add another passkey").click()
    page.get_by_role("button", name="Remove").first.click()
    page.wait_for_load_state()
    assert page.get_by_role("button", name="Remove").count() == 0
    held = select(staff_passkeys.c.credential_id).where(staff_passkeys.c.member_id == member.id)
    assert len(house.sql(lambda c: c.execute(held).all())) == 1


def test_a_case_from_the_queue_to_the_next_by_keyboard_alone(
    house: Studio, context: BrowserContext, portrait: bytes
) -> None:
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    authenticator(page)
    cases = [house.report(picture=portrait) for _ in range(3)]
    enrolled(house, page, "Eve", Role.MODERATOR)
    page.keyboard.press("?")
    assert "Take the next case" in page.inner_text("dialog")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*")
    case_id = page.url.split("/cases/")[1]
    assert case_id in cases
    with page.expect_navigation():
        page.keyboard.press("c")
    assert house.row(case_id).held_by
    with page.expect_navigation():
        page.keyboard.press("v")
    page.locator("img[data-veil]").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("img[data-veil]").count() == 0, "escape veils it again"
    page.keyboard.press("/")
    page.keyboard.type("Seen, with j and k in it.")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "word for word" in page.inner_text("main")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert (house.row(case_id).state, house.row(case_id).outcome) == (CaseState.DECIDED, Outcome.REMOVE)
    assert f"done={case_id}" in page.url
    with page.expect_navigation():
        page.keyboard.press("u")
    assert house.row(case_id).state is CaseState.DECIDED
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert house.row(case_id).state is CaseState.OPEN
    page.keyboard.press("g")
    with page.expect_navigation():
        page.keyboard.press("q")
    assert page.url.endswith("/queue")
    assert faults == []


def test_a_picture_that_cannot_be_had_any_more_is_a_sentence_and_no_broken_image(
    house: Studio, context: BrowserContext, portrait: bytes
) -> None:
    page = context.new_page()
    authenticator(page)
    enrolled(house, page, "Mona", Role.MODERATOR)
    page.goto(f"{house.address}{PREFIX}/cases/{house.report()}")
    page.get_by_text("No picture can be fetched from this address.").wait_for()
    assert page.locator(".picture img").count() == 0
    page.goto(f"{house.address}{PREFIX}/cases/{house.report(picture=portrait)}")
    page.get_by_role("button", name="With less detail").click()
    page.locator("img[data-veil]").wait_for()
    page.reload()
    page.get_by_text("It is veiled again. Ask for it once more.").wait_for()
    assert page.locator(".picture img").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_fault_on_any_page(house: Studio, context: BrowserContext, portrait: bytes, width: int) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 844})
    case_id, decided = house.report(picture=portrait), house.report(picture=portrait)
    other = house.signed_in(Role.MODERATOR, f"other{width}".ljust(80, "w"))  # as long as a name may be, no blank
    other.press(f"/cases/{case_id}/claim")
    version = str(house.row(decided).version)
    other.press(f"/cases/{decided}/decide", choice="remove/intimate_without_consent", version=version)
    axe, faults = Axe(), list[str]()

    def look(path: str) -> None:
        page.goto(f"{house.address}{PREFIX}{path}")
        for found in axe.run(page, options=RULES).response["violations"]:
            faults.append(f"{path}: {found['id']}: {found['nodes'][0]['html']}")
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wider > 0:
            faults.append(f"{path} is {wider} px wider than the screen")

    look("/sign-in")
    look("/enrol")
    for role, paths in {
        Role.SENIOR: ["/queue", f"/cases/{case_id}", f"/cases/{decided}", "/review", "/me", "/undelivered"],
        Role.LEAD: ["/figures"],
        Role.ADMIN: ["/staff"],
    }.items():
        visitor = house.signed_in(role, f"{role.value}{width}".ljust(80, "w"))
        context.clear_cookies()
        cookie = {"name": "safelight_console", "value": visitor.cookies["safelight_console"], "url": house.address}
        context.add_cookies([cookie])  # type: ignore[list-item]
        for path in paths:
            look(path)
    assert faults == []
