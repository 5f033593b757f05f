"""What time does to a case: pure functions of where it stands, the rules, and now.

Nothing is remembered of a timer but its effect in the history, so a restart, a restored database or a clock that was
set forward finds again whatever is due.
"""

from datetime import datetime, timedelta

from safelight.cases.history import Case, Event, Step
from safelight.cases.machine import apply
from safelight.cases.model import CLOCK_ID, CaseKind, CaseState, Law, LegalClock, Visibility
from safelight.cases.rules import CaseRules
from safelight.core.canonical import Json


def hide_by(case: Case, rules: CaseRules) -> datetime | None:
    """When an undecided picture is hidden whatever happens; None where the rules never do."""
    if case.kind is not CaseKind.IMAGE or not rules.matter[case.matter].hide_at_due:
        return None
    return max(case.received_at, case.due_at - timedelta(minutes=rules.times.hide_before_due_min))


def clock_of(case: Case, rules: CaseRules) -> LegalClock:
    """The clock that runs, or ran last: no law names hours for a contest, the rules of the house do."""
    contest = contest_due(case, rules)
    if contest and case.contested_at:
        return LegalClock(Law.HOUSE, case.contested_at, contest)
    return LegalClock(case.law, case.received_at, case.due_at)


def contest_due(case: Case, rules: CaseRules) -> datetime | None:
    """By when a contest is to be decided; None where nothing is contested."""
    if case.state is not CaseState.CONTESTED or case.contested_at is None:
        return None
    return case.contested_at + timedelta(hours=rules.times.appeal_h)


def checked_at(case: Case, rules: CaseRules) -> datetime:
    """When the platform has to have confirmed that what was reported is out of sight, or decided."""
    return max(case.due_at, (case.check_from or case.received_at) + timedelta(minutes=rules.times.confirm_within_min))


def next_at(case: Case, rules: CaseRules) -> datetime | None:
    """When time next has something to do with this case; None when never."""
    moments = []
    is_undecided = case.state in (CaseState.OPEN, CaseState.PROPOSED)
    if is_undecided:
        hide = hide_by(case, rules)
        if hide and case.visibility is Visibility.VISIBLE:
            moments.append(hide)
        moments += [case.received_at + timedelta(hours=hours) for hours in _escalations_left(case, rules)]
    contest = contest_due(case, rules)
    if contest and not case.is_contest_late:
        moments.append(contest)
    if _is_to_be_checked(case):
        moments.append(checked_at(case, rules))
    return min(moments, default=None)


def destroy_at(case: Case, rules: CaseRules) -> datetime | None:
    """When the first words of a closed case are to be destroyed; None while it waits, is preserved, or has none left.

    Words that came later (another report of what was removed) are kept as long, from their own moment.
    """
    if case.is_waiting or case.is_preserved or case.closed_at is None or not case.texts_at:
        return None
    return max(case.closed_at, min(case.texts_at)) + timedelta(days=rules.matter[case.matter].keep_days)


def due_events(case: Case, rules: CaseRules, now: datetime, *, unconfirmed: int) -> list[Event]:
    """The steps that are due by `now`, in order. `unconfirmed`: places that the platform has not confirmed."""
    events: list[Event] = []
    if case.state in (CaseState.OPEN, CaseState.PROPOSED):
        hide = hide_by(case, rules)
        if hide and hide <= now and case.visibility is Visibility.VISIBLE:
            events.append(Event(now, Step.HIDDEN, CLOCK_ID, {"why": "due"}))
        for hours in sorted(_escalations_left(case, rules)):
            if case.received_at + timedelta(hours=hours) <= now:
                events.append(Event(now, Step.ESCALATED, CLOCK_ID, {"after_h": hours}))
    contest = contest_due(case, rules)
    if contest and contest <= now and not case.is_contest_late:
        said: dict[str, Json] = {"after_h": rules.times.appeal_h, "is_contest": True}
        events.append(Event(now, Step.ESCALATED, CLOCK_ID, said))
    after = case
    for event in events:
        after = apply(after, event)
    if _is_to_be_checked(after) and checked_at(after, rules) <= now:
        is_open = after.state in (CaseState.OPEN, CaseState.PROPOSED) and after.visibility is Visibility.VISIBLE
        missed = is_open and rules.matter[after.matter].hide_at_due
        if missed or (unconfirmed and after.visibility is not Visibility.VISIBLE):
            events.append(Event(now, Step.BREACHED, CLOCK_ID, {"unconfirmed": unconfirmed}))
        else:
            is_nowhere = after.visibility is not Visibility.VISIBLE and after.confirmed_at is None
            events.append(Event(now, Step.CHECKED, CLOCK_ID, {"found": False} if is_nowhere else {}))
    return events


def _is_to_be_checked(case: Case) -> bool:
    """Whether there is a check at the end of the clock still to be made."""
    return case.kind is CaseKind.IMAGE and not case.is_checked and case.state is not CaseState.WITHDRAWN


def _escalations_left(case: Case, rules: CaseRules) -> frozenset[float]:
    return frozenset(rules.matter[case.matter].escalate_h) - case.escalated_h
