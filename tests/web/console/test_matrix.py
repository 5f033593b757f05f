"""Every role × every action × every state, through the door: what the table says is done, and nothing else.

The table below is written by hand from the roles (`accounts/permissions.py`) and the states of a case. A button that is
shown and one that works are the same: both are asked here.
"""

import re
from collections.abc import Callable, Iterator

import pytest

from safelight.accounts.permissions import Role
from safelight.accounts.staff import Member
from safelight.cases.draft import Declarations, Matter
from safelight.cases.model import CaseState
from safelight.cases.staff_model import Staff
from tests.web.console.studio import Browser, Studio, studio

R, S = Role, CaseState
ACTIONS = ("open", "show", "claim", "release", "hide", "note", "place", "decide", "second", "undo")
WORKS = {R.MODERATOR, R.SENIOR}
WAITING = {S.OPEN, S.PROPOSED, S.CONTESTED}

ALLOWED: dict[str, Callable[[Role, CaseState], bool]] = {
    "open": lambda role, _state: role is not R.ADMIN,
    "show": lambda role, _state: role in WORKS,
    # Whoever may not decide there would only keep others from it.
    "claim": lambda role, state: (role in WORKS and state is S.OPEN) or (role is R.SENIOR and state in WAITING),
    # Held by somebody else in this walk: only who may free it takes it away.
    "release": lambda role, state: role in {R.SENIOR, R.LEAD} and state in WAITING,
    # Whoever may decide it may hide it before they do.
    "hide": lambda role, state: (role in WORKS and state is S.OPEN) or (role is R.SENIOR and state is S.CONTESTED),
    "note": lambda role, _state: role in WORKS,
    # In this walk what is decided was left up: nobody takes it down anywhere else.
    "place": lambda role, state: role in WORKS and state in WAITING,
    "decide": lambda role, state: (role in WORKS and state is S.OPEN) or (role is R.SENIOR and state is S.CONTESTED),
    "second": lambda role, state: role is R.SENIOR and state is S.PROPOSED,
    # Decided by somebody else in this walk: only who may be a second takes it back.
    "undo": lambda role, state: role is R.SENIOR and state is S.DECIDED,
}
_FORM = re.compile(r'action="/console/cases/[^"/]+/(claim|release|hide|note|place|preview|second|undo|show)"')


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with studio(tmp_path_factory.mktemp("matrix")) as opened:
        yield opened


@pytest.fixture(scope="module")
def hands(house: Studio) -> tuple[Member, Browser]:
    """A senior who brings cases into their states, and takes no part afterwards."""
    member = house.member("Hands", R.SENIOR)
    return member, house.browser(member)


def case_in(house: Studio, hands: tuple[Member, Browser], state: CaseState, picture: bytes) -> str:
    """A case in this state, held by nobody, its picture still to be seen where that can be."""
    member, browser = hands
    staff = Staff(member.id, member.role)
    # A case that nobody may hide at once, so that hiding by hand is possible.
    matter = Matter.CHILD if state is S.PROPOSED else Matter.OTHER
    said = Declarations(true_and_in_good_faith=True)
    case_id = house.report(picture=picture, matter=matter, declarations=said)
    if state is S.OPEN:
        return case_id
    if state is S.WITHDRAWN:
        code, pin = house.receipts[case_id]
        house.run(house.cases.withdraw(code, pin, "test"))
        return case_id
    choice = "remove/child_sexualised" if state is S.PROPOSED else "keep/within_terms"
    browser.press(f"/cases/{case_id}/decide", choice=choice, version=str(house.row(case_id).version))
    if state is S.CONTESTED:
        code, pin = house.receipts[case_id]
        house.run(house.cases.contest(code, pin, "test", "It is me."))
    assert house.row(case_id).state is state, staff
    return case_id


def press(house: Studio, browser: Browser, case_id: str, action: str) -> int:
    version = str(house.row(case_id).version)
    choice = "remove/against_terms"
    fields: dict[str, dict[str, str]] = {
        "show": {"detail": "reduced", "number": "0"},
        "note": {"words": "a note"},
        "place": {"address": "https://images.example/found"},
        "decide": {"choice": choice, "version": version},
        "second": {"agrees": "no", "version": version},
        "undo": {"then": "undo", "version": version},
    }
    return browser.send_form(f"/cases/{case_id}/{action}", **fields.get(action, {})).status_code


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("role", Role)
def test_what_the_table_says_is_done_and_nothing_else(
    house: Studio, hands: tuple[Member, Browser], flat: bytes, role: Role, state: CaseState
) -> None:
    browser = house.signed_in(role)
    case_id = ""
    for action in ACTIONS:
        case_id = case_id or case_in(house, hands, state, flat)
        if action == "release" and state in WAITING:
            holder = house.member(f"holder of {case_id}", R.SENIOR)
            house.browser(holder).press(f"/cases/{case_id}/claim")
            assert house.row(case_id).held_by == holder.id
        allowed = ALLOWED[action](role, state)
        page = browser.see(f"/cases/{case_id}")
        shown = {"decide" if name == "preview" else name for name in _FORM.findall(page.text)}
        before = house.row(case_id)
        status = page.status_code if action == "open" else press(house, browser, case_id, action)
        if allowed:
            assert status in (200, 303), (role, action, state, status)
            assert action == "open" or action in shown, (role, action, state, shown)
            case_id = case_id if action == "open" else ""
        else:
            assert status in (401, 403, 409), (role, action, state, status)
            assert house.row(case_id) == before, "a refused action changed something"
            assert action not in shown, (role, action, state)
        if action == "release":
            case_id = ""


def test_a_moderator_does_not_second_their_own_proposal(house: Studio, flat: bytes) -> None:
    senior = house.signed_in(R.SENIOR)
    case_id = house.report(picture=flat, matter=Matter.CHILD)
    choice = {"choice": "remove/child_sexualised", "version": str(house.row(case_id).version)}
    assert "Two people decided and agreed" in senior.press(f"/cases/{case_id}/preview", **choice).text
    proposed = senior.press(f"/cases/{case_id}/decide", **choice)
    assert house.row(case_id).state is S.PROPOSED
    assert case_id in proposed.text
    assert "/undo" not in proposed.text, "a proposal is no decision that could be taken back"
    assert "/second" not in senior.see(f"/cases/{case_id}").text
    version = str(house.row(case_id).version)
    answer = senior.press(f"/cases/{case_id}/second", agrees="yes", version=version)
    assert (answer.status_code, house.row(case_id).state) == (409, S.PROPOSED)
    other = house.signed_in(R.SENIOR)
    letter = "Two people decided and agreed, on the report and on what is known."
    assert other.see(f"/cases/{case_id}").text.count(letter) == 1, "who agrees sees the letters first"
    assert other.press(f"/cases/{case_id}/second", agrees="yes", version=version).status_code == 200
    assert house.row(case_id).state is S.DECIDED
    assert letter in other.see(f"/cases/{case_id}").text


def test_pages_are_for_those_whose_role_has_them(house: Studio) -> None:
    table = {
        "/queue": {R.MODERATOR, R.SENIOR, R.LEAD, R.AUDITOR},
        "/review": {R.MODERATOR, R.SENIOR},
        "/figures": {R.MODERATOR, R.SENIOR, R.LEAD, R.AUDITOR},
        "/figures.json": {R.MODERATOR, R.SENIOR, R.LEAD, R.AUDITOR},
        "/undelivered": {R.SENIOR, R.LEAD},
        "/staff": {R.LEAD, R.AUDITOR, R.ADMIN},
        "/me": set(Role),
    }
    for role in Role:
        browser = house.signed_in(role)
        for path, holders in table.items():
            assert browser.see(path).status_code == (200 if role in holders else 403), (role, path)
        wanted = 200 if role is R.ADMIN else 403
        assert browser.press("/staff/add", name=f"New {role.value}", role="auditor").status_code == wanted
        assert ("figures:staff" in browser.see("/figures.json").text) is False
        has_staff = '"staff"' in browser.see("/figures.json").text
        assert has_staff is (role in {R.LEAD, R.AUDITOR})


def test_an_admin_changes_everybody_but_themselves(house: Studio) -> None:
    admin = house.member("Self", R.ADMIN)
    browser, other = house.browser(admin), house.member("Other", R.MODERATOR)
    assert browser.press(f"/staff/{admin.id}/role", role="senior").status_code == 401
    assert browser.press(f"/staff/{admin.id}/end").status_code == 401
    assert browser.press(f"/staff/{other.id}/role", role="senior").status_code == 200
    assert "/console/enrol#" in browser.press(f"/staff/{other.id}/link").text
    assert browser.press(f"/staff/{other.id}/end").status_code == 200
    assert browser.press("/staff/staff_none/end").status_code == 400
