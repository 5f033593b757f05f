"""Second looks are blind, drawn by nobody's choice, and agreement is told apart from chance."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.accounts.permissions import Role
from safelight.accounts.staff import Member, add_member, find_member, opt_out
from safelight.accounts.staff_reviews import (
    agreement,
    agreement_of,
    answer_review,
    count_waiting,
    draw,
    find_review,
    is_drawn,
    next_review,
)
from safelight.core.errors import NotAllowed, PermissionLacking
from tests.accounts.conftest import Run

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANSWERS = st.sampled_from(["remove", "keep", "child"])


@pytest.fixture
def two(run: Run) -> tuple[Member, Member]:
    return (
        run(lambda c: add_member(c, "Ada", Role.MODERATOR, by="machine", now=NOW)),
        run(lambda c: add_member(c, "Bo", Role.MODERATOR, by="machine", now=NOW)),
    )


def test_the_second_is_another_person_and_is_not_told(run: Run, two: tuple[Member, Member]) -> None:
    ada, bo = two
    run(lambda c: draw(c, "case_1", "remove", "intimate", ada, now=NOW))
    assert run(lambda c: next_review(c, ada)) is None
    review = run(lambda c: next_review(c, bo))
    assert review
    assert review.case_id == "case_1"
    assert "remove" not in repr(review)
    assert ada.id not in repr(review)
    with pytest.raises(NotAllowed):
        run(lambda c: answer_review(c, ada, review.id, "keep", NOW))
    run(lambda c: answer_review(c, bo, review.id, "keep", NOW))
    assert (run(lambda c: count_waiting(c, ada)), run(lambda c: count_waiting(c, bo))) == (0, 0)
    with pytest.raises(NotAllowed):
        run(lambda c: find_review(c, bo, review.id))
    assert run(lambda c: agreement(c, NOW - timedelta(days=1))).count == 1
    assert run(lambda c: agreement(c, NOW - timedelta(days=1), member_id=ada.id)).agreed == 0
    assert run(lambda c: agreement(c, NOW - timedelta(days=1), member_id=bo.id)).count == 0


def test_a_case_is_drawn_once_and_not_for_who_opted_out(run: Run, two: tuple[Member, Member]) -> None:
    ada, bo = two
    for _ in range(2):
        run(lambda c: draw(c, "case_1", "remove", "intimate", ada, now=NOW))
    assert run(lambda c: count_waiting(c, bo)) == 1
    run(lambda c: opt_out(c, bo, frozenset({"intimate"}), now=NOW))
    found = run(lambda c: find_member(c, bo.id))
    assert found
    assert run(lambda c: count_waiting(c, found)) == 0


@pytest.mark.parametrize("role", [Role.LEAD, Role.AUDITOR, Role.ADMIN])
def test_who_does_not_decide_gives_no_second_look(run: Run, role: Role) -> None:
    other = run(lambda c: add_member(c, "Cy", role, by="machine", now=NOW))
    with pytest.raises(PermissionLacking):
        run(lambda c: next_review(c, other))


def test_the_share_that_is_drawn_is_the_share_that_was_asked_for() -> None:
    drawn = sum(is_drawn(b"k" * 32, f"case_{number}", 0.05) for number in range(10_000))
    assert 400 < drawn < 600
    assert not is_drawn(b"k" * 32, "case_1", 0.0)
    assert all(is_drawn(b"k" * 32, f"case_{number}", 1.0) for number in range(100))
    assert [is_drawn(b"k" * 32, f"case_{n}", 0.5) for n in range(64)] != [
        is_drawn(b"j" * 32, f"case_{n}", 0.5) for n in range(64)
    ]


def test_kappa_is_the_textbooks() -> None:
    """The worked example of Cohen's kappa: 20 and 15 of 50 agreed, 10 and 5 not: kappa 0.4."""
    pairs = [("yes", "yes")] * 20 + [("no", "no")] * 15 + [("yes", "no")] * 5 + [("no", "yes")] * 10
    found = agreement_of(pairs)
    assert (found.count, found.agreed, found.share) == (50, 35, 0.7)
    assert found.kappa == pytest.approx(0.4)


@given(st.lists(st.tuples(ANSWERS, ANSWERS), max_size=40))
def test_agreement_stays_in_its_bounds_and_is_even_handed(pairs: list[tuple[str, str]]) -> None:
    found = agreement_of(pairs)
    turned = agreement_of([(second, first) for first, second in pairs])
    assert (found.count, found.agreed) == (turned.count, turned.agreed)
    assert found.kappa is None or found.kappa == pytest.approx(turned.kappa)
    assert found.kappa is None or -1 <= found.kappa <= 1
    assert 0 <= found.share <= 1
