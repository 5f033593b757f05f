"""The console's door: who is not signed in sees nothing, and no other site's page can do anything."""

from datetime import timedelta

import pytest
from starlette.routing import Route

from safelight.accounts.permissions import Role
from safelight.accounts.staff import end_member
from safelight.accounts.staff_sessions import begin
from safelight.web.console.door import PREFIX, SIGN_IN
from tests.web.console.studio import Studio

OPEN_PATHS = {SIGN_IN, f"{PREFIX}/enrol", f"{SIGN_IN}/oidc", f"{SIGN_IN}/oidc/back", f"{SIGN_IN}/oidc/finish"}


def routes(desk: Studio, method: str) -> list[str]:
    """Every path of the console with this method, its parameters filled in."""
    found = [route for route in desk.console.routes() if isinstance(route, Route) and method in (route.methods or ())]
    ids = {"{case_id}": "case_" + "0" * 26, "{number:int}": "0", "{review_id}": "rev_1", "{effect_id}": "eff_1"}
    paths = []
    for route in found:
        path = route.path.replace("{member_id}", "staff_1")
        for name, value in ids.items():
            path = path.replace(name, value)
        paths.append(path)
    return paths


def test_who_is_not_signed_in_is_sent_to_sign_in_whatever_they_ask_for(desk: Studio) -> None:
    browser = desk.browser()
    asked = [path for path in routes(desk, "GET") if path not in OPEN_PATHS]
    assert len(asked) > 8
    for path in asked:
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, SIGN_IN), path


def test_every_form_from_elsewhere_is_refused(desk: Studio) -> None:
    """CSRF: another origin, none, or `null` is refused before anything is looked at, whatever else is right."""
    browser = desk.signed_in(Role.SENIOR)
    token = browser.csrf
    for path in routes(desk, "POST"):
        for origin in ("https://elsewhere.example", "null", ""):
            answer = browser.post(path, data={"csrf": token}, headers={"origin": origin})
            assert answer.status_code == 401, (path, origin)
    assert browser.see("/queue").status_code == 200


def test_every_form_without_the_sessions_own_token_is_refused(desk: Studio) -> None:
    """CSRF: the cookie alone does nothing, nor does a token of somebody else's session."""
    browser, other = desk.signed_in(Role.SENIOR), desk.signed_in(Role.SENIOR)
    asked = [path for path in routes(desk, "POST") if not path.startswith((SIGN_IN, f"{PREFIX}/enrol"))]
    assert len(asked) > 15
    for path in asked:
        for fields in ({}, {"csrf": other.csrf}):
            assert browser.post(path, data=fields).status_code == 401, (path, fields)
        assert browser.post(path, json={"csrf": browser.csrf}).status_code == 401, path
    assert browser.see("/queue").status_code == 200


def test_no_page_may_be_kept_framed_or_run_a_strangers_script(desk: Studio) -> None:
    browser = desk.signed_in(Role.SENIOR)
    for path in ["/sign-in", "/enrol", "/queue", "/figures", "/me", "/review", "/nowhere", "/cases/case_x"]:
        headers = browser.see(path).headers
        if path == "/nowhere":
            continue
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_no_template_holds_a_script_or_a_style_of_its_own(desk: Studio) -> None:
    """The policy would refuse them, and a page would then quietly lack something."""
    browser = desk.signed_in(Role.SENIOR)
    case_id = desk.report()
    for path in ["/sign-in", "/enrol", "/queue", "/figures", "/me", "/review", f"/cases/{case_id}"]:
        text = browser.see(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert all("src=" in part.split(">", 1)[0] for part in text.split("<script")[1:])


def test_the_cookie_cannot_be_read_by_scripts_nor_come_from_elsewhere(desk: Studio) -> None:
    answer = desk.browser().post(f"{SIGN_IN}/begin", json={})
    cookie = answer.headers["set-cookie"].lower()
    assert answer.status_code == 200
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


def test_a_session_that_was_planted_opens_nothing(desk: Studio) -> None:
    """Session fixation: a name that the server never gave out, or gave out before sign-in, is nobody's."""
    browser = desk.browser()
    begun = desk.sql(lambda c: begin(c, {"kind": "sign_in"}, desk.now))
    for token in ("x" * 43, begun.token):
        browser.cookies.set("safelight_console", token, domain="localhost.local")
        assert browser.see("/queue").status_code == 303


def test_a_session_ends_by_itself_and_with_the_membership(desk: Studio) -> None:
    member = desk.member("Passing", Role.MODERATOR)
    browser = desk.browser(member)
    desk.now += timedelta(minutes=29)
    assert browser.see("/queue").status_code == 200
    desk.now += timedelta(minutes=29)
    assert browser.see("/queue").status_code == 200
    desk.now += timedelta(minutes=31)
    assert browser.see("/queue").status_code == 303
    browser = desk.browser(member)
    desk.sql(lambda c: end_member(c, member, by="machine", now=desk.now))
    assert browser.see("/queue").status_code == 303


def test_signing_out_ends_the_session_on_the_server(desk: Studio) -> None:
    browser = desk.signed_in(Role.MODERATOR)
    token = browser.cookies["safelight_console"]
    assert browser.send_form("/sign-out").status_code == 303
    browser.cookies.set("safelight_console", token, domain="localhost.local")
    assert browser.see("/queue").status_code == 303


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/console/\\evil", "/ledger", "/console/sign-in", "\x00"]
)
def test_after_sign_in_nobody_is_sent_elsewhere(desk: Studio, wanted: str) -> None:
    page = desk.browser().get(SIGN_IN, params={"next": wanted})
    assert f'data-next="{PREFIX}/"' in page.text


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"credential": 1}', b"{" * 5000, b'{"credential": {"id": "AA"}}', b"\xff"]
)
def test_an_answer_that_is_no_passkeys_is_refused_without_a_fault(desk: Studio, body: bytes) -> None:
    browser = desk.browser()
    assert browser.post(f"{SIGN_IN}/begin", json={}).status_code == 200
    answer = browser.post(f"{SIGN_IN}/finish", content=body, headers={"accept": "application/json"})
    assert answer.status_code in (400, 401)
    assert answer.json()["message"]


def test_a_body_without_end_is_cut_short(desk: Studio) -> None:
    browser = desk.signed_in(Role.MODERATOR)
    assert browser.press("/me/opt-out", matter="x" * 70_000).status_code == 413


def test_a_form_of_too_many_fields_is_refused(desk: Studio) -> None:
    browser = desk.signed_in(Role.MODERATOR)
    fields = {f"f{number}": "1" for number in range(100)}
    assert browser.press("/me/opt-out", **fields).status_code == 400


def test_plain_http_is_for_one_machine_only(desk: Studio) -> None:
    from safelight.core.errors import NotStartable
    from safelight.web.console.door import Door

    for address in ("http://console.example", "http://10.0.0.1:8484"):
        with pytest.raises(NotStartable):
            Door(desk.database, desk.clock, address, desk.rules.sessions)
    Door(desk.database, desk.clock, "https://console.example", desk.rules.sessions)
