"""People decide: held by one, agreed by two where severe, contested before another, undone whole."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.accounts.permissions import PERMISSIONS, Role, StaffPermission
from safelight.cases.draft import Addition, Contact, ContactKind, Matter
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.model import CaseState, Law, Outcome, ReasonCode, Visibility
from safelight.cases.rules import load_rules
from safelight.cases.staff_model import Action, Choice, QueueFilter, Staff
from safelight.core.errors import PermissionLacking, SafelightError
from tests.cases.house import (
    KEEP,
    LEAD,
    MODERATOR,
    OTHER_MODERATOR,
    OTHER_SENIOR,
    REMOVE,
    SENIOR,
    START,
    House,
    post,
    report,
)

GREY = np.full((64, 64, 3), 128, np.uint8)
CHILD = Choice(Outcome.REMOVE, ReasonCode.CHILD_SEXUALISED)


def kinds(home: House, code: str, pin: str) -> list[str]:
    return [letter.kind for letter in home.run(home.cases.status(code, pin, "here")).letters]


def account_receipt(home: House) -> tuple[str, str]:
    """Code and PIN of the account, as its first letter says them."""
    body = next(parcel.body for parcel in home.post.parcels.values() if parcel.party == "account")
    words = body.replace(".", " ").replace(",", " ").split()
    code = next(word for word in words if word.count("-") == 2 and len(word) == 14)
    return code, next(word for word in words if word.isdigit() and len(word) == 6)


def test_while_one_works_on_a_case_nobody_else_decides_it(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.run(home.cases.claim(MODERATOR, receipt.case_id))
    version = home.row(receipt.case_id).version
    for attempt in (
        home.cases.claim(OTHER_MODERATOR, receipt.case_id),
        home.cases.decide(OTHER_MODERATOR, receipt.case_id, REMOVE, version),
    ):
        with pytest.raises(CaseError) as caught:
            home.run(attempt)
        assert caught.value.code == CaseCode.HELD_BY_OTHER
    home.travel(minutes=31)  # a claim that was forgotten ends by itself
    home.run(home.cases.claim(OTHER_MODERATOR, receipt.case_id))


def test_nobody_decides_on_what_has_changed_since_they_looked(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.run(home.cases.claim(MODERATOR, receipt.case_id))
    seen = home.run(home.cases.open(MODERATOR, receipt.case_id)).row.version
    home.run(home.cases.view(MODERATOR, receipt.case_id))  # looking is no change
    home.run(home.cases.receive(report(), "there"))  # a second report is
    with pytest.raises(CaseError) as caught:
        home.run(home.cases.decide(MODERATOR, receipt.case_id, REMOVE, seen))
    assert caught.value.code == CaseCode.CHANGED


def test_what_may_show_a_child_needs_two_people(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(matter=Matter.CHILD), "here"))
    home.decide(receipt.case_id, CHILD)
    row = home.row(receipt.case_id)
    assert row.state is CaseState.PROPOSED
    assert not home.platform.shows("p1")
    with pytest.raises(PermissionLacking):
        home.run(home.cases.second(OTHER_MODERATOR, receipt.case_id, row.version, agrees=True))
    home.run(home.cases.second(SENIOR, receipt.case_id, row.version, agrees=True))
    assert home.row(receipt.case_id).visibility is Visibility.REMOVED


def test_nobody_is_their_own_second(home: House) -> None:
    receipt = home.run(home.cases.receive(report(matter=Matter.CHILD), "here"))
    home.decide(receipt.case_id, CHILD, SENIOR)
    with pytest.raises(CaseError) as caught:
        home.run(home.cases.second(SENIOR, receipt.case_id, home.row(receipt.case_id).version, agrees=True))
    assert caught.value.code == CaseCode.STEP_FORBIDDEN or caught.value.code == CaseCode.SAME_PERSON


def test_a_second_person_who_disagrees_opens_the_case_again_and_nothing_is_shown(home: House) -> None:
    receipt = home.run(home.cases.receive(report(matter=Matter.CHILD), "here"))
    home.decide(receipt.case_id, Choice(Outcome.KEEP, ReasonCode.NO_CHILD_SEXUALISED))
    version = home.row(receipt.case_id).version
    home.run(home.cases.second(SENIOR, receipt.case_id, version, agrees=False, words="look at the left"))
    row = home.row(receipt.case_id)
    assert (row.state, row.visibility) == (CaseState.OPEN, Visibility.HIDDEN)


def test_both_sides_are_told_why_and_how_to_contest(home: House) -> None:
    receipt = home.run(home.cases.receive(report(contact=Contact(ContactKind.EMAIL, "a@b.example")), "here"))
    home.tick()
    home.decide(receipt.case_id)
    told = sorted((parcel.party.value, parcel.subject) for parcel in home.post.parcels.values())
    assert [party for party, _ in told] == ["account", "account", "reporter", "reporter"]
    reasons = next(p.body for p in home.post.parcels.values() if "the reasons" in p.subject)
    # DSA Art. 17(3): what, where and how long; the facts; machines or people; the law; how to contest.
    for element in (
        "everywhere that this service is offered",
        "for good",
        "Somebody reported it on",
        "A person decided, on the report and on what is known.",
    ):
        assert element in reasons
    for element in ("s.66B", "free of charge", "out-of-court", "a court"):
        assert element in reasons


def test_the_preview_shows_the_very_letters_and_changes_nothing(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.tick()
    home.now += timedelta(seconds=1)
    before = home.row(receipt.case_id)
    preview = home.run(home.cases.preview(MODERATOR, receipt.case_id, REMOVE))
    assert home.row(receipt.case_id) == before
    assert not preview.needs_second
    assert {"places", "bank"} <= set(preview.effects)
    home.decide(receipt.case_id)
    code, pin = account_receipt(home)
    sent = home.run(home.cases.status(receipt.code, receipt.pin, "here")).letters[-1]
    assert sent.body in [letter.body for letter in preview.letters]
    seen = home.run(home.cases.open(SENIOR, receipt.case_id)).letters
    assert all(code not in letter.body and pin not in letter.body for letter in (*preview.letters, *seen))


def test_another_person_decides_what_is_contested_and_a_reversal_restores(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(), "here"))
    home.tick()
    home.decide(receipt.case_id, REMOVE, SENIOR)
    assert not home.platform.shows("p1")
    code, pin = account_receipt(home)
    assert home.run(home.cases.status(code, pin, "there")).can_contest
    home.run(home.cases.contest(code, pin, "there", "That is me, and I have published it myself."))
    clock = home.run(home.cases.open(LEAD, receipt.case_id)).clock
    assert (clock.law, clock.due_at - clock.started_at) == (Law.HOUSE, timedelta(hours=72))
    version = home.row(receipt.case_id).version
    with pytest.raises(CaseError) as caught:
        home.run(home.cases.decide(SENIOR, receipt.case_id, KEEP, version))
    assert caught.value.code == CaseCode.SAME_PERSON
    with pytest.raises(PermissionLacking):
        home.run(home.cases.decide(MODERATOR, receipt.case_id, KEEP, version))
    home.decide(receipt.case_id, KEEP, OTHER_SENIOR)
    assert home.platform.shows("p1")
    assert kinds(home, code, pin)[-1] == "appeal_reversed"
    assert kinds(home, receipt.code, receipt.pin)[-1] == "kept"
    figures = home.run(home.cases.figures(START, home.now.replace(year=2027)))
    assert (figures.appeals, figures.overturned, figures.overturn_rate) == (1, 1, 1.0)


def test_a_reporter_contests_what_was_kept(home: House) -> None:
    home.platform.publish("p1", GREY)
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id, KEEP)
    home.run(home.cases.contest(receipt.code, receipt.pin, "here", "It is me."))
    home.decide(receipt.case_id, REMOVE, SENIOR)
    assert not home.platform.shows("p1")
    status = home.run(home.cases.status(receipt.code, receipt.pin, "here"))
    assert [step.value for _, step in status.steps][-2:] == ["contested", "appeal_reversed"]
    assert not status.can_contest


def test_whoever_takes_back_their_decision_of_a_contest_decides_it_again(home: House) -> None:
    """With one senior on the night shift nobody else could; the first decider still cannot."""
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id, KEEP, OTHER_SENIOR)
    home.run(home.cases.contest(receipt.code, receipt.pin, "here", "It is me."))
    home.decide(receipt.case_id, KEEP, SENIOR)
    home.undo(SENIOR, receipt.case_id, "the wrong key")
    with pytest.raises(CaseError) as caught:
        home.run(home.cases.decide(OTHER_SENIOR, receipt.case_id, KEEP, home.row(receipt.case_id).version))
    assert caught.value.code == CaseCode.SAME_PERSON
    home.decide(receipt.case_id, REMOVE, SENIOR)
    assert home.row(receipt.case_id).outcome is REMOVE.outcome


def test_what_is_contested_is_hidden_by_those_who_may_decide_it_only(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id, KEEP, SENIOR)
    home.run(home.cases.contest(receipt.code, receipt.pin, "here", "It is me."))
    assert home.row(receipt.case_id).visibility is Visibility.VISIBLE
    for staff in (MODERATOR, SENIOR):
        with pytest.raises(SafelightError):
            home.run(home.cases.hide(staff, receipt.case_id))
    assert Action.HIDE in home.run(home.cases.open(OTHER_SENIOR, receipt.case_id)).actions
    home.run(home.cases.hide(OTHER_SENIOR, receipt.case_id))
    assert home.row(receipt.case_id).visibility is Visibility.HIDDEN
    home.decide(receipt.case_id, KEEP, OTHER_SENIOR)
    assert home.row(receipt.case_id).visibility is Visibility.VISIBLE


def test_what_was_kept_and_turns_out_to_show_a_child_is_hidden_and_decided_anew(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id, KEEP, SENIOR)
    home.travel(days=9)
    home.run(home.cases.add(receipt.code, receipt.pin, "here", Addition(explanation="It is me all the same.")))
    assert home.row(receipt.case_id).state is CaseState.DECIDED
    status = home.run(home.cases.add(receipt.code, receipt.pin, "here", Addition(person_is_child=True)))
    assert (status.state, status.visibility, status.outcome) == (CaseState.OPEN, Visibility.HIDDEN, None)
    row = home.row(receipt.case_id)
    assert (row.matter, row.received_at, row.decided_at) == (Matter.CHILD, home.now, None)
    assert [one.id for one in home.run(home.cases.queue(SENIOR)).rows] == [receipt.case_id]
    home.tick()
    assert "escalated" not in [entry.kind for entry in home.run(home.cases.open(SENIOR, receipt.case_id)).history]


def test_what_turns_out_to_show_a_child_while_it_is_contested_is_hidden(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id, KEEP, SENIOR)
    home.run(home.cases.contest(receipt.code, receipt.pin, "here", "I am sixteen."))
    status = home.run(home.cases.add(receipt.code, receipt.pin, "here", Addition(person_is_child=True)))
    assert (status.state, status.visibility) == (CaseState.CONTESTED, Visibility.HIDDEN)


def test_nobody_contests_what_was_decided_for_them(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    home.decide(receipt.case_id)
    with pytest.raises(CaseError):
        home.run(home.cases.contest(receipt.code, receipt.pin, "here", ""))


def test_an_undone_decision_is_undone_whole(home: House) -> None:
    home.platform.publish("p1", GREY)
    account = "sub_" + "1" * 32
    receipt = home.run(home.cases.receive(report(), "here", subject_id=account))
    home.decide(receipt.case_id)
    home.undo(MODERATOR, receipt.case_id, "the wrong button")
    home.tick()
    row = home.row(receipt.case_id)
    assert (row.state, row.visibility) == (CaseState.OPEN, Visibility.HIDDEN)
    view = home.run(home.cases.open(SENIOR, receipt.case_id))
    assert view.account is not None
    assert (view.account.strikes, view.account.standing) == (0, "good")
    home.travel(minutes=61)
    home.decide(receipt.case_id)
    home.travel(minutes=61)
    with pytest.raises(CaseError) as caught:
        home.undo(MODERATOR, receipt.case_id, "")
    assert caught.value.code == CaseCode.TOO_LATE


def test_pictures_are_counted_and_there_is_a_cap(home: House) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    cap = load_rules().welfare.pictures_per_day
    for number in range(1, 4):
        assert home.run(home.cases.view(MODERATOR, receipt.case_id)) == number
    for _ in range(cap - 3):
        home.run(home.cases.view(MODERATOR, receipt.case_id))
    with pytest.raises(CaseError) as caught:
        home.run(home.cases.view(MODERATOR, receipt.case_id))
    assert caught.value.code == CaseCode.EXPOSURE_SPENT
    assert home.run(home.cases.view(OTHER_MODERATOR, receipt.case_id)) == 1
    home.now = home.now.replace(day=23)
    assert home.run(home.cases.view(MODERATOR, receipt.case_id)) == 1


def test_whoever_opted_out_neither_sees_nor_gets_such_cases(home: House) -> None:
    careful = Staff("eva", Role.MODERATOR, frozenset({Matter.CHILD}))
    child = home.run(home.cases.receive(report(matter=Matter.CHILD), "here"))
    other = home.run(home.cases.receive(report(places=(post("p2"),)), "here"))
    assert [row.id for row in home.run(home.cases.queue(careful)).rows] == [other.case_id]
    claimed = home.run(home.cases.claim_next(careful))
    assert claimed is not None
    assert claimed.id == other.case_id
    with pytest.raises(CaseError) as caught:
        home.run(home.cases.claim(careful, child.case_id))
    assert caught.value.code == CaseCode.OPTED_OUT


def test_nothing_starves_whatever_comes_later(home: House) -> None:
    old = home.run(home.cases.receive(report(matter=Matter.OTHER, declarations=report().declarations), "a"))
    first = home.run(home.cases.receive(report(matter=Matter.CHILD, places=(post("c0"),)), "b"))
    assert home.run(home.cases.queue(MODERATOR)).rows[0].id == first.case_id
    home.now = home.now.replace(day=27)
    for number in range(5):
        home.run(home.cases.receive(report(matter=Matter.CHILD, places=(post(f"c{number + 1}"),)), "c"))
    order = [row.id for row in home.run(home.cases.queue(MODERATOR)).rows]
    assert order.index(old.case_id) == 1  # behind the child that had waited as long, before all that came later


@given(
    st.sampled_from(Matter),
    st.sampled_from(Matter),
    st.floats(0, 24 * 30),
    st.booleans(),
    st.integers(0, 10**9),
)
def test_age_overtakes_every_priority(old: Matter, new: Matter, later_h: float, is_flood: bool, views: int) -> None:
    rules = load_rules()
    patience = rules.matter[old].patience_h + (rules.flood.delay_h if is_flood else 0)
    newer = rules.rank_at(new, START + timedelta(hours=later_h), in_danger=True, views=views)
    older = rules.rank_at(old, START, is_flood=is_flood)
    if later_h > patience + rules.virality.hours_at_most:
        assert older < newer


def test_pages_of_a_queue_leave_nothing_out_and_repeat_nothing(home: House) -> None:
    for number in range(23):
        home.run(home.cases.receive(report(places=(post(f"p{number}"),)), ""))
    seen: list[str] = []
    after = None
    for _ in range(10):
        page = home.run(home.cases.queue(MODERATOR, QueueFilter(), limit=5, after=after))
        seen += [row.id for row in page.rows]
        after = page.next_after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 23
    counts = home.run(home.cases.counts(MODERATOR))
    assert counts.total == 23
    assert counts.by_matter[Matter.INTIMATE] == 23


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_the_table_says_and_no_more(home: House, role: Role) -> None:
    receipt = home.run(home.cases.receive(report(), "here"))
    staff = Staff("x", role)
    attempts = {
        StaffPermission.QUEUE_READ: lambda: home.cases.queue(staff),
        StaffPermission.CASE_CLAIM: lambda: home.cases.claim(staff, receipt.case_id),
        StaffPermission.CASE_READ: lambda: home.cases.open(staff, receipt.case_id),
        StaffPermission.MEDIA_VIEW: lambda: home.cases.view(staff, receipt.case_id),
        StaffPermission.FIGURES_READ: lambda: home.cases.figures(START, home.now, staff),
        StaffPermission.CASE_DECIDE: lambda: home.cases.decide(
            staff, receipt.case_id, REMOVE, home.row(receipt.case_id).version
        ),
    }
    for permission, attempt in attempts.items():
        if permission in PERMISSIONS[role]:
            home.run(attempt())  # type: ignore[arg-type]
        else:
            with pytest.raises(PermissionLacking):
                home.run(attempt())  # type: ignore[arg-type]
