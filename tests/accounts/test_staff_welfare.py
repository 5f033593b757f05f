"""What somebody is shown is counted before it is shown, capped in a shift, and interrupted by breaks."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from safelight.accounts.permissions import Role
from safelight.accounts.staff import Member, add_member, find_member, opt_out
from safelight.accounts.staff_welfare import (
    Exposure,
    NotShown,
    Refusal,
    WelfareRules,
    begin_break,
    count_showing,
    end_break,
    exposure_by_member,
    exposure_of,
)
from safelight.core.errors import PermissionLacking, StoreFailed
from safelight.store.staff_tables import staff_exposures
from tests.accounts.conftest import Run

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RULES = WelfareRules(shift=timedelta(hours=9), cap_points=10, break_after_points=6, break_length=timedelta(minutes=10))


@pytest.fixture
def ada(run: Run) -> Member:
    return run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW))


def show(run: Run, member: Member, now: datetime, *, in_full: bool = True) -> Exposure:
    shown: Exposure = run(
        lambda c: count_showing(c, member, "case_1", "intimate", in_full=in_full, rules=RULES, now=now)
    )
    return shown


def refusal(run: Run, member: Member, now: datetime, *, in_full: bool = True) -> str:
    with pytest.raises(NotShown) as caught:
        show(run, member, now, in_full=in_full)
    return caught.value.code


def take_break(run: Run, member: Member, now: datetime, minutes: int = 10) -> bool:
    run(lambda c: begin_break(c, member, now))
    counted: bool = run(lambda c: end_break(c, member, RULES, now + timedelta(minutes=minutes)))
    return counted


def test_less_detail_counts_for_less(run: Run, ada: Member) -> None:
    assert show(run, ada, NOW, in_full=False).points == 1
    shown = show(run, ada, NOW)
    assert (shown.points, shown.in_full, shown.reduced) == (3, 1, 1)


def test_a_break_comes_before_the_next_picture_and_a_short_one_does_not_count(run: Run, ada: Member) -> None:
    for _ in range(3):
        show(run, ada, NOW)
    assert refusal(run, ada, NOW) == Refusal.BREAK_DUE
    assert not take_break(run, ada, NOW, minutes=9)
    assert refusal(run, ada, NOW + timedelta(minutes=9)) == Refusal.BREAK_DUE
    assert take_break(run, ada, NOW + timedelta(minutes=20))
    assert show(run, ada, NOW + timedelta(minutes=31)).since_break_points == 2


def test_nothing_is_shown_on_a_break(run: Run, ada: Member) -> None:
    run(lambda c: begin_break(c, ada, NOW))
    run(lambda c: begin_break(c, ada, NOW))
    assert refusal(run, ada, NOW) == Refusal.ON_BREAK


def test_the_cap_of_a_shift_holds_whatever_breaks_are_taken(run: Run, ada: Member) -> None:
    moment = NOW
    for _ in range(5):
        show(run, ada, moment)
        assert take_break(run, ada, moment)
        moment += timedelta(minutes=11)
    assert refusal(run, ada, moment) == Refusal.CAP_REACHED
    assert refusal(run, ada, moment, in_full=False) == Refusal.CAP_REACHED
    assert show(run, ada, NOW + RULES.shift + timedelta(minutes=1)).points <= RULES.cap_points


def test_with_a_point_left_one_with_less_detail_can_be_shown(run: Run, ada: Member) -> None:
    moment = NOW
    for in_full in (False, True, True, True, True):
        show(run, ada, moment, in_full=in_full)
        assert take_break(run, ada, moment)
        moment += timedelta(minutes=11)
    with pytest.raises(NotShown, match="One with less detail can be shown"):
        show(run, ada, moment)
    show(run, ada, moment, in_full=False)
    with pytest.raises(NotShown, match="as much as one shift allows"):
        show(run, ada, moment)


def test_a_matter_that_somebody_opted_out_of_is_not_shown(run: Run, ada: Member) -> None:
    run(lambda c: opt_out(c, ada, frozenset({"intimate"}), now=NOW))
    found = run(lambda c: find_member(c, ada.id))
    assert found
    assert refusal(run, found, NOW) == Refusal.OPTED_OUT


@pytest.mark.parametrize("role", [Role.LEAD, Role.AUDITOR, Role.ADMIN])
def test_who_does_not_decide_is_shown_nothing(run: Run, role: Role) -> None:
    other = run(lambda c: add_member(c, "Bo", role, by="machine", now=NOW))
    with pytest.raises(PermissionLacking):
        show(run, other, NOW)
    assert run(lambda c: exposure_of(c, other, RULES, NOW)).points == 0


def test_what_was_shown_cannot_be_taken_back_and_is_told_by_member(run: Run, ada: Member) -> None:
    bo = run(lambda c: add_member(c, "Bo", Role.SENIOR, by="machine", now=NOW))
    show(run, ada, NOW)
    show(run, ada, NOW, in_full=False)
    show(run, bo, NOW)
    with pytest.raises(StoreFailed):
        run(lambda c: c.execute(delete(staff_exposures)))
    assert run(lambda c: exposure_by_member(c, NOW - timedelta(hours=1))) == [(ada.id, 1, 1), (bo.id, 1, 0)]
