"""A session's name is random, new at each sign-in, known to the server as a hash, and ends by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from safelight.accounts import staff_sessions as sessions
from safelight.accounts.permissions import Role
from safelight.accounts.staff import Member, add_member
from safelight.core.errors import NotAllowed
from safelight.store.staff_tables import staff_sessions as table
from tests.accounts.conftest import Run

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RULES = sessions.SessionRules(idle=timedelta(minutes=30), longest=timedelta(hours=10))


@pytest.fixture
def ada(run: Run) -> Member:
    return run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW))


def test_signing_in_makes_a_new_name_and_the_old_one_opens_nothing(run: Run, ada: Member) -> None:
    """Session fixation: whoever planted a name in a browser holds one that is over."""
    planted = run(lambda c: sessions.begin(c, {"kind": "sign_in"}, NOW))
    own = run(lambda c: sessions.sign_in(c, planted, ada, how="passkey", rules=RULES, now=NOW))
    assert own.token != planted.token
    assert own.csrf != planted.csrf
    assert run(lambda c: sessions.resume(c, planted.token, rules=RULES, now=NOW)) is None
    resumed = run(lambda c: sessions.resume(c, own.token, rules=RULES, now=NOW))
    assert resumed
    assert resumed.member == ada


def test_a_session_ends_when_idle_and_at_the_end_of_its_time(run: Run, ada: Member) -> None:
    session = run(lambda c: sessions.sign_in(c, None, ada, how="passkey", rules=RULES, now=NOW))

    def use(moment: datetime) -> None:
        assert run(lambda c: sessions.resume(c, session.token, rules=RULES, now=moment))
        assert run(lambda c: sessions.needs_touch(c, session, moment))
        run(lambda c: sessions.touch(c, session, moment))
        assert not run(lambda c: sessions.needs_touch(c, session, moment))

    for minutes in range(29, 600, 29):
        use(NOW + timedelta(minutes=minutes))
    assert run(lambda c: sessions.resume(c, session.token, rules=RULES, now=NOW + RULES.longest)) is None
    other = run(lambda c: sessions.sign_in(c, None, ada, how="passkey", rules=RULES, now=NOW))
    assert run(lambda c: sessions.resume(c, other.token, rules=RULES, now=NOW + RULES.idle)) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 44, "é" * 43, "' OR 1=1 --"])
def test_a_name_that_was_not_given_out_opens_nothing(run: Run, token: str) -> None:
    assert run(lambda c: sessions.resume(c, token, rules=RULES, now=NOW)) is None


def test_the_cookie_is_not_in_the_database(run: Run, ada: Member) -> None:
    session = run(lambda c: sessions.sign_in(c, None, ada, how="passkey", rules=RULES, now=NOW))
    row = run(lambda c: c.execute(select(table)).one())
    assert session.token not in " ".join(str(value) for value in row)
    assert session.token not in repr(session)


def test_a_challenge_is_spent_by_the_first_answer(run: Run) -> None:
    session = run(lambda c: sessions.begin(c, {"kind": "sign_in", "challenge": "abc"}, NOW))
    assert run(lambda c: sessions.take_challenge(c, session, "sign_in"))["challenge"] == "abc"
    with pytest.raises(NotAllowed):
        run(lambda c: sessions.take_challenge(c, session, "sign_in"))


def test_a_challenge_of_one_kind_answers_no_other(run: Run) -> None:
    session = run(lambda c: sessions.begin(c, {"kind": "enrol", "challenge": "abc"}, NOW))
    with pytest.raises(NotAllowed):
        run(lambda c: sessions.take_challenge(c, session, "sign_in"))


def test_sign_ins_that_are_never_finished_are_bounded_and_vanish(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "BEGUN_MAX_COUNT", 3)

    def begin(seconds: int) -> sessions.Session:
        return run(lambda c: sessions.begin(c, {}, NOW + timedelta(seconds=seconds)))

    made = [begin(seconds) for seconds in range(5)]
    assert run(lambda c: c.execute(select(func.count()).select_from(table)).scalar()) == 3
    assert run(lambda c: sessions.resume(c, made[4].token, rules=RULES, now=NOW + timedelta(seconds=5)))
    later = NOW + sessions.SIGN_IN_VALID + timedelta(minutes=1)
    run(lambda c: sessions.begin(c, {}, later))
    assert run(lambda c: c.execute(select(func.count()).select_from(table)).scalar()) == 1


def test_a_form_of_another_session_is_refused(run: Run, ada: Member) -> None:
    one = run(lambda c: sessions.sign_in(c, None, ada, how="passkey", rules=RULES, now=NOW))
    two = run(lambda c: sessions.sign_in(c, None, ada, how="passkey", rules=RULES, now=NOW))
    one.check_csrf(one.csrf)
    for presented in (two.csrf, "", one.csrf[:-1], "é"):
        with pytest.raises(NotAllowed):
            one.check_csrf(presented)
