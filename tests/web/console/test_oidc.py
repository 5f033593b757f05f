"""The organisation's sign-in: bound by a link, by `iss` and `sub` alone; one forged thing at a time is refused."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from safelight.accounts.permissions import Role
from safelight.accounts.staff import make_enrolment
from safelight.accounts.staff_oidc import Oidc
from safelight.core.errors import NotStartable
from safelight.web.console.door import PREFIX, SIGN_IN
from tests.cases.house import START
from tests.web.console.provider import CLIENT_ID, CLIENT_SECRET, ISSUER, Provider
from tests.web.console.studio import Browser, Studio, studio


@pytest.fixture(scope="module")
def provider() -> Provider:
    return Provider(now_s=int(START.timestamp()))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Studio]:
    def oidc(address: str) -> Oidc:
        transport = httpx2.ASGITransport(app=provider.app)
        return Oidc(ISSUER, CLIENT_ID, CLIENT_SECRET, f"{address}{SIGN_IN}/oidc/back", transport=transport)

    with studio(tmp_path_factory.mktemp("oidc"), oidc) as opened:
        yield opened


@pytest.fixture(autouse=True)
def faithful(provider: Provider) -> Iterator[None]:
    yield
    provider.faults.clear()
    provider.subject = "person-1"


def back(house: Studio, browser: Browser, address: str) -> httpx2.Response:
    """Come back from the provider: first the page that has no cookie, then the one that it leads to."""
    bounce = house.browser().get(address)
    assert bounce.status_code == 200
    assert 'http-equiv="refresh"' in bounce.text
    assert "set-cookie" not in bounce.headers
    return browser.get(address.replace("/oidc/back?", "/oidc/finish?"))


def bound(house: Studio, provider: Provider, name: str, subject: str) -> None:
    """A member whose account is `subject`, enrolled by link."""
    provider.subject = subject
    member = house.member(name, Role.MODERATOR)
    token = house.sql(lambda c: make_enrolment(c, member, by="machine", now=house.now))
    browser = house.browser()
    answer = browser.post(f"{PREFIX}/enrol/oidc", json={"token": token})
    assert answer.status_code == 200, answer.text
    assert back(house, browser, provider.consent(answer.json()["address"])).headers["location"] == f"{PREFIX}/"
    again = house.browser().post(f"{PREFIX}/enrol/oidc", json={"token": token})
    assert again.status_code == 401, "the link works once"


def try_sign_in(house: Studio, provider: Provider) -> tuple[Browser, httpx2.Response]:
    browser = house.browser()
    asked = browser.get(f"{SIGN_IN}/oidc")
    assert urlsplit(asked.headers["location"]).netloc == urlsplit(ISSUER).netloc
    return browser, back(house, browser, provider.consent(asked.headers["location"]))


def test_a_bound_account_signs_in_with_a_new_session(house: Studio, provider: Provider) -> None:
    bound(house, provider, "Bound", "person-1")
    browser = house.browser()
    asked = browser.get(f"{SIGN_IN}/oidc")
    before = browser.cookies["safelight_console"]
    answer = back(house, browser, provider.consent(asked.headers["location"]))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PREFIX}/")
    assert browser.cookies["safelight_console"] != before
    assert "Bound" in browser.see("/me").text


def test_an_account_that_nobody_bound_is_nobodys(house: Studio, provider: Provider) -> None:
    provider.subject = "stranger"
    browser, answer = try_sign_in(house, provider)
    assert answer.status_code == 401
    assert browser.see("/me").status_code == 303


def test_one_account_is_one_members(house: Studio, provider: Provider) -> None:
    bound(house, provider, "First", "shared")
    member = house.member("Second", Role.MODERATOR)
    token = house.sql(lambda c: make_enrolment(c, member, by="machine", now=house.now))
    browser = house.browser()
    address = browser.post(f"{PREFIX}/enrol/oidc", json={"token": token}).json()["address"]
    assert back(house, browser, provider.consent(address)).status_code == 401


FORGED: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another-client"},
    {"iss": "https://evil.example"},
    {"exp": int(START.timestamp()) - 3600},
    {"sub": ""},
    {"sub": None},
    {"sub": ["person-1"]},
    {"alg": "HS256"},
    {"alg": "none"},
    {"alg": "other_key"},
]


@pytest.mark.parametrize("fault", FORGED, ids=str)
def test_a_token_with_one_thing_wrong_signs_nobody_in(house: Studio, provider: Provider, fault: dict[str, Any]) -> None:
    provider.subject = "person-1"
    provider.faults.update(fault)
    browser, answer = try_sign_in(house, provider)
    assert answer.status_code == 401
    assert browser.see("/me").status_code == 303


def test_a_provider_that_calls_itself_another_is_not_asked(house: Studio, provider: Provider) -> None:
    provider.faults["metadata_issuer"] = "https://evil.example"
    assert house.browser().get(f"{SIGN_IN}/oidc").status_code == 401


def test_an_answer_counts_once_in_its_own_browser_and_with_its_own_state(house: Studio, provider: Provider) -> None:
    browser, other = house.browser(), house.browser()
    address = provider.consent(browser.get(f"{SIGN_IN}/oidc").headers["location"])
    finish = address.replace("/oidc/back?", "/oidc/finish?")
    assert house.browser().get(finish).status_code == 401, "no session"
    other.get(f"{SIGN_IN}/oidc")
    assert other.get(finish).status_code == 401, "another browser's state"
    assert browser.get(finish.replace("state=", "state=x")).status_code == 401
    assert browser.get(finish).status_code == 401, "the first answer, right or wrong, spent the challenge"


def test_the_way_back_leads_nowhere_else_and_shows_no_markup(house: Studio) -> None:
    page = house.browser().get(f"{SIGN_IN}/oidc/back", params={"code": '"><script>x</script>', "next": "//evil"})
    assert "<script>x" not in page.text
    assert "evil" not in page.text
    assert f"url={SIGN_IN}/oidc/finish?" in page.text


def test_an_issuer_over_plain_http_is_refused() -> None:
    with pytest.raises(NotStartable):
        Oidc("http://accounts.example", "a", "b", "https://c.example/back")
