"""Whatever is done to a case, in whatever order: what a state promises holds, and its history gives it again."""

from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from safelight.cases.draft import Matter
from safelight.cases.errors import CaseCode, CaseError
from safelight.cases.history import Case, Event, Step
from safelight.cases.machine import apply, replay
from safelight.cases.model import CaseKind, CaseState, Outcome, Party, ReasonCode, Visibility
from safelight.cases.records import body_of
from safelight.cases.rules import load_rules
from safelight.cases.timers import checked_at, due_events, hide_by, next_at
from tests.cases.house import START

RULES = load_rules()
PEOPLE = ("anna", "ben", "carol")


def received(matter: Matter, **more: Any) -> Event:
    body = body_of(matter, RULES, START, kind=CaseKind.IMAGE.value, route="page", report="rep_1", **more)
    return Event(START, Step.RECEIVED, "reporter", body)


@st.composite
def steps(draw: st.DrawFn) -> list[Event]:
    """A report, and then anything at all, whether it is allowed or not."""
    matter = draw(st.sampled_from(Matter))
    events, at = [received(matter)], START
    for _ in range(draw(st.integers(0, 14))):
        at += timedelta(minutes=draw(st.integers(0, 12 * 60)))
        step = draw(st.sampled_from([one for one in Step if one is not Step.RECEIVED]))
        body: dict[str, Any] = {
            "report": draw(st.sampled_from(("rep_1", "rep_2"))),
            "outcome": draw(st.sampled_from((Outcome.REMOVE, Outcome.KEEP))).value,
            "reason": draw(st.sampled_from(ReasonCode)).value,
            "party": draw(st.sampled_from(Party)).value,
            "until": (at + timedelta(minutes=30)).isoformat(),
            "after_h": 24,
            "freed": draw(st.booleans()),
            "before": at.isoformat(),
            "is_intimate": draw(st.booleans()),
            "reopens": draw(st.booleans()),
        }
        body |= body_of(draw(st.sampled_from(Matter)), RULES, at)
        events.append(Event(at, step, draw(st.sampled_from(PEOPLE)), body))
    return events


def fold(events: list[Event]) -> tuple[list[Event], list[Case]]:
    """The steps that were allowed, and the case after each."""
    kept, cases = [events[0]], [apply(None, events[0])]
    for event in events[1:]:
        try:
            cases.append(apply(cases[-1], event))
        except CaseError:
            continue
        kept.append(event)
    return kept, cases


@given(steps())
@settings(max_examples=150, deadline=None)
def test_every_state_keeps_its_promises(events: list[Event]) -> None:
    kept, cases = fold(events)
    for event, before, after in zip(kept[1:], cases, cases[1:], strict=False):
        assert after.version == before.version + 1
        if after.state is CaseState.DECIDED:
            assert after.visibility is (Visibility.REMOVED if after.outcome is Outcome.REMOVE else Visibility.VISIBLE)
        # What is out of sight comes back by a person's decision, its undoing, or the reporters' own withdrawal.
        if before.visibility is not Visibility.VISIBLE and after.visibility is Visibility.VISIBLE:
            assert event.step in (Step.DECIDED, Step.UNDONE, Step.SHOWN)
            assert event.step is not Step.SHOWN or before.state is CaseState.WITHDRAWN
        # A clock never moves away while somebody's report stands.
        is_reopened = event.step is Step.ADDED and before.state is CaseState.DECIDED and after.state is CaseState.OPEN
        if before.state is not CaseState.WITHDRAWN and not is_reopened:
            assert after.due_at <= before.due_at
        # Nobody decides on a contest of their own decision, nor seconds themselves.
        if event.step in (Step.PROPOSED, Step.REJECTED, Step.DECIDED) and before.state is CaseState.CONTESTED:
            assert event.by not in before.deciders
        if event.step is Step.DECIDED and before.proposed:
            assert event.by != before.proposed_by
        if after.matter is Matter.CHILD:
            assert after.state is not CaseState.WITHDRAWN or before.state is CaseState.WITHDRAWN
        if event.step is Step.DECIDED and (before.matter is Matter.INTIMATE or before.is_intimate):
            # Online Safety Act s.20A: two grounds to refuse, and no third, also where it may show a child.
            assert after.outcome is Outcome.REMOVE or after.reason in (
                ReasonCode.NOT_INTIMATE_CONTENT,
                ReasonCode.NOT_ENTITLED,
            )
        # Nothing is destroyed while anybody may still decide, or while it is preserved.
        if event.step is Step.DESTROYED:
            assert not before.is_waiting
            assert not before.is_preserved
    assert replay(kept) == cases[-1]


@given(steps(), st.integers(0, 80 * 60))
@settings(max_examples=150, deadline=None)
def test_time_leaves_nothing_undecided_in_sight_after_its_bound(events: list[Event], minutes: int) -> None:
    _, cases = fold(events)
    case = cases[-1]
    now = max(event.at for event in events) + timedelta(minutes=minutes)
    done = due_events(case, RULES, now, unconfirmed=0)
    for event in done:
        case = apply(case, event)
    bound = hide_by(case, RULES)
    if case.state in (CaseState.OPEN, CaseState.PROPOSED) and bound and bound <= now:
        assert case.visibility is not Visibility.VISIBLE
    # Time does each thing once, and says when it next has something to do.
    assert due_events(case, RULES, now, unconfirmed=0) == []
    upcoming = next_at(case, RULES)
    assert upcoming is None or upcoming > now


def test_an_intimate_image_report_cannot_be_refused_on_any_other_ground() -> None:
    case = apply(None, received(Matter.INTIMATE))
    refused = Event(START, Step.DECIDED, "anna", {"outcome": "keep", "reason": "within_terms"})
    with pytest.raises(CaseError) as caught:
        apply(case, refused)
    assert caught.value.code == CaseCode.REASON_FORBIDDEN


def test_a_breach_is_found_where_the_platform_has_not_confirmed() -> None:
    case = apply(None, received(Matter.INTIMATE))
    case = apply(case, Event(START, Step.HIDDEN, "rules", {"why": "reported"}))
    end = checked_at(case, RULES)
    assert [one.step for one in due_events(case, RULES, end, unconfirmed=1) if one.step is Step.BREACHED]
    assert [one.step for one in due_events(case, RULES, end, unconfirmed=0) if one.step is Step.CHECKED]
    early = end - timedelta(microseconds=1)
    assert not [one for one in due_events(case, RULES, early, unconfirmed=1) if one.step is Step.BREACHED]
