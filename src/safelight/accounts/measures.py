"""Strikes, limits and suspensions: an append-only history for each account, and the standing that follows from it.

Rules of this module
- What an account pays is no argument of any function here: the same history gives the same standing to everybody.
- A standing that ends lifts itself; a reversal voids an event, and later strikes climb the ladder anew without it.
- An account is a pseudonym. Who it is, the platform knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from safelight.accounts.standing import set_standing
from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.core.request import Standing
from safelight.store.standing_tables import account_events, account_terms


class MeasureKind(StrEnum):
    """What can happen to an account. Stable."""

    STRIKE = "strike"
    LIMITED = "limited"
    SUSPENDED = "suspended"
    REVERSED = "reversed"
    """An event is void, from the beginning."""
    REINSTATED = "reinstated"
    """A reversal was itself a mistake, and is void."""
    LIFTED = "lifted"
    """Its time was over."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder: from so many strikes in force on."""

    strikes: int
    standing: Standing
    lasts: timedelta | None
    """None: for good."""


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """One event of an account's history."""

    id: str
    subject_id: str
    at: datetime
    kind: MeasureKind
    reason: str
    reference: str
    until: datetime | None
    by: str
    about: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a measure came to."""

    events: tuple[AccountEvent, ...]
    standing: Standing
    until: datetime | None
    """None: for good, or in good standing."""
    strikes: int
    """In force, this one included."""


_WORST = {Standing.GOOD: 0, Standing.LIMITED: 1, Standing.SUSPENDED: 2}
_STANDING = {MeasureKind.LIMITED: Standing.LIMITED, MeasureKind.SUSPENDED: Standing.SUSPENDED}
_KIND = {standing: kind for kind, standing in _STANDING.items()}


def account_history(connection: Connection, subject_id: str) -> list[AccountEvent]:
    """Everything that happened to an account, oldest first."""
    query = select(account_events).where(account_events.c.subject_id == subject_id).order_by(account_events.c.id)
    return [_to_event(row) for row in connection.execute(query)]


def standing_of(events: Sequence[AccountEvent], now: datetime) -> tuple[Standing, datetime | None]:
    """The standing that a history gives at `now`, and until when (None: for good, or good)."""
    worst, until = Standing.GOOD, None
    for event in in_force(events):
        standing = _STANDING.get(event.kind)
        if standing is None or (event.until and event.until <= now):
            continue
        if _WORST[standing] > _WORST[worst]:
            worst, until = standing, event.until
        elif standing is worst and until is not None:
            until = max(until, event.until) if event.until else None
    return worst, until


def strikes_of(events: Sequence[AccountEvent], now: datetime, window: timedelta) -> int:
    """Strikes in force."""
    return sum(event.kind is MeasureKind.STRIKE and event.at > now - window for event in in_force(events))


def in_force(events: Sequence[AccountEvent]) -> list[AccountEvent]:
    """The events that were not reversed."""
    reinstated = {event.about for event in events if event.kind is MeasureKind.REINSTATED}
    reversals = (event for event in events if event.kind is MeasureKind.REVERSED and event.id not in reinstated)
    void = {event.about for event in reversals}
    return [event for event in events if event.id not in void]


def strike(
    connection: Connection,
    subject_id: str,
    *,
    reason: str,
    reference: str,
    by: str,
    now: datetime,
    window: timedelta,
    ladder: Sequence[Step],
) -> Taken:
    """Give a strike, and what so many of them come to."""
    events = account_history(connection, subject_id)
    new = [_event(subject_id, MeasureKind.STRIKE, reason, reference, by, now, None)]
    strikes = strikes_of([*events, *new], now, window)
    if rung := _rung(ladder, strikes, now):
        kind, until = rung
        new.append(_event(subject_id, kind, reason, reference, by, now, until))
    return _take(connection, subject_id, events, new, now, strikes, reason)


def suspend(connection: Connection, subject_id: str, *, reason: str, reference: str, by: str, now: datetime) -> Taken:
    """Suspend at once, for good."""
    events = account_history(connection, subject_id)
    new = [_event(subject_id, MeasureKind.SUSPENDED, reason, reference, by, now, None)]
    return _take(connection, subject_id, events, new, now, 0, reason)


def reverse(
    connection: Connection,
    subject_id: str,
    reference: str,
    *,
    by: str,
    now: datetime,
    window: timedelta,
    ladder: Sequence[Step],
) -> Taken | None:
    """Void everything that followed from `reference`; None where nothing in force did."""
    events = account_history(connection, subject_id)
    kinds = (MeasureKind.STRIKE, *_STANDING)
    void = [event for event in in_force(events) if event.reference == reference and event.kind in kinds]
    if not void:
        return None
    new = [_event(subject_id, MeasureKind.REVERSED, one.reason, reference, by, now, None, about=one.id) for one in void]
    new += _climb_anew(events, new, by, now, window, ladder)
    return _take(connection, subject_id, events, new, now, 0, "reversed")


def reinstate(
    connection: Connection,
    subject_id: str,
    reference: str,
    *,
    since: datetime,
    by: str,
    now: datetime,
    window: timedelta,
    ladder: Sequence[Step],
) -> Taken | None:
    """Undo a reversal of what followed from `reference` that was made at `since` or later; None where there is none."""
    events = account_history(connection, subject_id)
    undone = {event.about for event in events if event.kind is MeasureKind.REINSTATED}
    reversals = [
        event
        for event in events
        if event.kind is MeasureKind.REVERSED and event.reference == reference and event.at >= since
    ]
    new = [
        _event(subject_id, MeasureKind.REINSTATED, one.reason, reference, by, now, None, about=one.id)
        for one in reversals
        if one.id not in undone
    ]
    if not new:
        return None
    new += _climb_anew(events, new, by, now, window, ladder)
    return _take(connection, subject_id, events, new, now, 0, "reinstated")


def lift_due(connection: Connection, now: datetime) -> list[AccountEvent]:
    """Lift every standing whose time is over."""
    due = select(account_terms.c.subject_id).where(account_terms.c.until <= to_rfc3339(now))
    lifted = []
    for subject_id in connection.execute(due).scalars().all():
        events = account_history(connection, subject_id)
        new = [_event(subject_id, MeasureKind.LIFTED, "over", "", "clock", now, None)]
        _take(connection, subject_id, events, new, now, 0, "over")
        lifted += new
    return lifted


def _rung(ladder: Sequence[Step], strikes: int, at: datetime) -> tuple[MeasureKind, datetime | None] | None:
    """What a strike that was given at `at` comes to as the last of so many, and until when."""
    reached = [step for step in ladder if step.strikes <= strikes]
    step = max(reached, key=lambda one: one.strikes, default=None)
    if step is None or step.standing is Standing.GOOD:
        return None
    return _KIND[step.standing], at + step.lasts if step.lasts else None


def _climb_anew(
    events: Sequence[AccountEvent],
    new: Sequence[AccountEvent],
    by: str,
    now: datetime,
    window: timedelta,
    ladder: Sequence[Step],
) -> list[AccountEvent]:
    """What the strikes come to that `new` makes more or fewer of: of each what no longer follows is void.

    What a strike led to has its reference. One whose number is as before keeps what it led to under older rules.
    """
    valid = in_force([*events, *new])
    numbers, before = _numbers(valid, window), _numbers(in_force(events), window)
    changes = []
    for one in valid:
        if one.kind is not MeasureKind.STRIKE or before.get(one.id) == numbers[one.id]:
            continue
        rung = _rung(ladder, numbers[one.id], one.at)
        is_over = rung is not None and rung[1] is not None and rung[1] <= now
        due = set() if rung is None or is_over else {rung}
        led = [two for two in valid if two.reference == one.reference and two.kind in _STANDING]
        led = [two for two in led if two.until is None or two.until > now]
        about = (one.subject_id, MeasureKind.REVERSED, one.reason, one.reference, by, now, None)
        changes += [_event(*about, about=two.id) for two in led if (two.kind, two.until) not in due]
        for kind, until in due - {(two.kind, two.until) for two in led}:
            changes.append(_event(one.subject_id, kind, one.reason, one.reference, by, now, until))
    return changes


def _numbers(valid: Sequence[AccountEvent], window: timedelta) -> dict[str, int]:
    """Of each strike, which it was in the order of those that counted when it was given: 1 for the first."""
    strikes = [event for event in valid if event.kind is MeasureKind.STRIKE]
    return {
        one.id: sum(two.at > one.at - window for two in strikes[: number + 1]) for number, one in enumerate(strikes)
    }


def _take(
    connection: Connection,
    subject_id: str,
    events: Sequence[AccountEvent],
    new: Sequence[AccountEvent],
    now: datetime,
    strikes: int,
    reason: str,
) -> Taken:
    connection.execute(insert(account_events), [_to_row(event) for event in new])
    standing, until = standing_of([*events, *new], now)
    set_standing(connection, subject_id, standing, reason=reason, now=now)
    connection.execute(delete(account_terms).where(account_terms.c.subject_id == subject_id))
    if until:
        connection.execute(insert(account_terms).values(subject_id=subject_id, until=to_rfc3339(until)))
    return Taken(tuple(new), standing, until, strikes)


def _event(
    subject_id: str,
    kind: MeasureKind,
    reason: str,
    reference: str,
    by: str,
    now: datetime,
    until: datetime | None,
    *,
    about: str | None = None,
) -> AccountEvent:
    return AccountEvent(new_id("acc", now), subject_id, now, kind, reason, reference, until, by, about)


def _to_row(event: AccountEvent) -> dict[str, str | None]:
    return {
        "id": event.id,
        "subject_id": event.subject_id,
        "at": to_rfc3339(event.at),
        "kind": event.kind.value,
        "reason": event.reason,
        "reference": event.reference,
        "until": to_rfc3339(event.until) if event.until else None,
        "by": event.by,
        "about": event.about,
    }


def _to_event(row: Row[Any]) -> AccountEvent:
    return AccountEvent(
        id=row.id,
        subject_id=row.subject_id,
        at=datetime.fromisoformat(row.at),
        kind=MeasureKind(row.kind),
        reason=row.reason,
        reference=row.reference,
        until=datetime.fromisoformat(row.until) if row.until else None,
        by=row.by,
        about=row.about,
    )
