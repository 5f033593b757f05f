"""Members: appointed once under a name, enrolled by a link that works once, ended for good; every change an event."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from safelight.accounts.permissions import Role
from safelight.accounts.staff import (
    ENROLMENT_VALID,
    add_member,
    change_role,
    check_enrolment,
    end_member,
    find_member,
    latest_events,
    list_members,
    make_enrolment,
    member_named,
    opt_out,
    use_enrolment,
)
from safelight.accounts.staff_sessions import SessionRules, resume, sign_in
from safelight.core.errors import BadInput, NotAllowed, StoreFailed
from safelight.store.staff_tables import staff_enrolments, staff_events
from tests.accounts.conftest import Run

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RULES = SessionRules()


def test_a_member_is_known_by_a_name_that_nobody_else_has(run: Run) -> None:
    ada = run(lambda c: add_member(c, " Ada  L. ", Role.MODERATOR, by="machine", now=NOW))
    assert run(lambda c: member_named(c, "Ada L.")) == ada
    assert run(list_members) == [ada]
    with pytest.raises(BadInput):
        run(lambda c: add_member(c, "Ada L.", Role.ADMIN, by="machine", now=NOW))


@pytest.mark.parametrize("name", ["", " ", "a" * 81, "line\x00", "turned\u202ename"])
def test_a_name_that_cannot_be_shown_is_not_taken(run: Run, name: str) -> None:
    with pytest.raises(BadInput):
        run(lambda c: add_member(c, name, Role.ADMIN, by="machine", now=NOW))


def test_an_enrolment_works_once_in_time_and_only_the_last_one(run: Run) -> None:
    ada = run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW))
    first = run(lambda c: make_enrolment(c, ada, by="machine", now=NOW))
    second = run(lambda c: make_enrolment(c, ada, by="machine", now=NOW))

    def refused(token: str) -> None:
        with pytest.raises(NotAllowed):
            run(lambda c: check_enrolment(c, token, NOW))

    for token in (first, "", second[:-1], second + "=", "x" * 43):
        refused(token)
    with pytest.raises(NotAllowed):
        run(lambda c: check_enrolment(c, second, NOW + ENROLMENT_VALID))
    assert run(lambda c: use_enrolment(c, second, NOW)) == ada
    with pytest.raises(NotAllowed):
        run(lambda c: use_enrolment(c, second, NOW))


def test_the_link_itself_is_not_kept(run: Run) -> None:
    ada = run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW))
    token = run(lambda c: make_enrolment(c, ada, by="machine", now=NOW))
    kept = run(lambda c: c.execute(select(staff_enrolments)).one())
    assert token.encode() not in b"".join(str(value).encode() for value in kept)


def test_who_is_ended_has_no_session_and_no_link_and_stays_named(run: Run) -> None:
    ada = run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW))
    session = run(lambda c: sign_in(c, None, ada, how="passkey", rules=RULES, now=NOW))
    token = run(lambda c: make_enrolment(c, ada, by="machine", now=NOW))
    run(lambda c: end_member(c, ada, by="machine", now=NOW))
    assert run(lambda c: resume(c, session.token, rules=RULES, now=NOW)) is None
    ended = run(lambda c: find_member(c, ada.id))
    assert ended
    assert (ended.name, ended.ended) == ("Ada", True)
    for attempt in (lambda c: check_enrolment(c, token, NOW), lambda c: make_enrolment(c, ended, by="m", now=NOW)):
        with pytest.raises(NotAllowed):
            run(attempt)


def test_a_new_role_signs_out(run: Run) -> None:
    ada = run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW))
    session = run(lambda c: sign_in(c, None, ada, how="passkey", rules=RULES, now=NOW))
    run(lambda c: change_role(c, ada, Role.ADMIN, by="machine", now=NOW))
    assert run(lambda c: resume(c, session.token, rules=RULES, now=NOW)) is None
    assert run(lambda c: find_member(c, ada.id)).role is Role.ADMIN  # type: ignore[union-attr]


def test_every_change_is_an_event_that_nobody_can_take_back(run: Run) -> None:
    ada = run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW))
    run(lambda c: change_role(c, ada, Role.SENIOR, by="staff_x", now=NOW + timedelta(seconds=1)))
    run(lambda c: opt_out(c, ada, frozenset({"child"}), now=NOW + timedelta(seconds=2)))
    events = run(lambda c: latest_events(c, 10))
    assert [(event.kind, event.detail, event.done_by) for event in events] == [
        ("opted_out", "child", ada.id),
        ("role", "moderator>senior", "staff_x"),
        ("added", "moderator", "machine"),
    ]
    with pytest.raises(StoreFailed):
        run(lambda c: c.execute(update(staff_events).values(detail="")))
    with pytest.raises(StoreFailed):
        run(lambda c: c.execute(delete(staff_events)))
    assert len(run(lambda c: latest_events(c, 10))) == 3
