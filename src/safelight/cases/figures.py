"""Figures: how long it took, by route of intake; how often a decision was overturned; what waits. Reads only.

Every number is worked out from the rows of cases, which follow from their histories; nothing is counted along the way,
so nothing can drift. A case that has not come as far as a figure asks is not in that figure's count, and the count
stands beside it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, not_, or_, select

from safelight.cases.draft import Route
from safelight.cases.history import Step
from safelight.cases.model import CaseKind, CaseState, Outcome, Visibility
from safelight.cases.staff_model import QueueCounts
from safelight.core.clock import to_rfc3339
from safelight.store.cases_tables import case_events, case_reports, cases

BOUND = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in seconds, over the cases that came this far."""

    count: int
    mean_s: float | None
    median_s: float | None
    p85_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True)
class RouteFigures:
    """Of one route of intake, or of all."""

    reports: int
    cases: int
    first_look: Times
    hiding: Times
    """Until it was ordered, as removal."""
    removal: Times
    gone: Times
    """Until the platform had confirmed that nothing of the picture can be seen where it was found."""
    within_48_h: float | None
    """Of the cases that are gone, or decided otherwise, or overdue: the share gone or so decided within 48 hours.

    A picture that was looked for by its fingerprint, and found nowhere, is none of these.
    """


@dataclass(frozen=True, slots=True)
class Figures:
    """What a regulator asks for (Ofcom C4; DSA Art. 15). Every number can be computed again from the histories."""

    since: datetime
    until: datetime
    all: RouteFigures
    by_route: Mapping[Route, RouteFigures]
    by_outcome: Mapping[Outcome, int]
    appeals: int
    """Cases contested, once or more."""
    overturned: int
    """Of those, the cases in which a contest has overturned a decision."""
    overturn_rate: float | None
    """Of the cases in which a contest was decided."""
    breaches: int
    """Clocks that ran out with the picture not hidden, as far as the platform has confirmed it."""
    backlog: QueueCounts
    exposure: Mapping[str, int]
    """Pictures shown, by member; only for those who may read figures of the staff."""


def read_figures(
    connection: Connection,
    since: datetime,
    until: datetime,
    now: datetime,
    backlog: QueueCounts,
    *,
    with_exposure: bool,
) -> Figures:
    """The figures of the cases received from `since` to before `until`."""
    first, last = to_rfc3339(since), to_rfc3339(until)
    is_within = and_(cases.c.received_at >= first, cases.c.received_at < last)
    tally = _tally(connection, is_within)
    piles = _piled(connection, is_within)
    overdue = _overdue(connection, is_within, now)
    sent = select(case_reports.c.route, func.count()).where(case_reports.c.at >= first, case_reports.c.at < last)
    reports: Counter[str] = Counter(_pairs(connection, sent.group_by(case_reports.c.route)))
    counted: Counter[str] = Counter()
    for one in tally:
        counted[one.route] += one.cases * one.is_image
    appealed = [one for one in tally if one.was_contested]
    # A reversal stays one while it is contested in turn.
    heard = sum(one.cases for one in appealed if one.is_heard or one.was_overturned)
    overturned = sum(one.cases for one in appealed if one.was_overturned)
    by_outcome: Counter[Outcome] = Counter()
    for one in tally:
        if one.outcome:
            by_outcome[Outcome(one.outcome)] += one.cases
    exposure: dict[str, int] = {}
    if with_exposure:
        seen = select(case_events.c.by, func.count()).where(
            case_events.c.step == Step.VIEWED.value, case_events.c.at >= first, case_events.c.at < last
        )
        exposure = _pairs(connection, seen.group_by(case_events.c.by))
    return Figures(
        since=since,
        until=until,
        all=_of(list(piles.values()), reports.total(), counted.total(), overdue.total()),
        by_route={
            Route(name): _of([piles[name]], reports[name], counted[name], overdue[name])
            for name in sorted({*(+counted), *reports})
        },
        by_outcome=dict(by_outcome),
        appeals=sum(one.cases for one in appealed),
        overturned=overturned,
        overturn_rate=overturned / heard if heard else None,
        breaches=sum(one.cases for one in tally if one.is_breached and one.is_image),
        backlog=backlog,
        exposure=exposure,
    )


def times_of(seconds: Sequence[float]) -> Times:
    """Mean, median and percentiles (nearest rank: a value that really occurred)."""
    if not seconds:
        return Times(0, None, None, None, None)
    ordered = sorted(seconds)
    return Times(len(ordered), fmean(ordered), median(ordered), _percentile(ordered, 85), _percentile(ordered, 95))


@dataclass(frozen=True, slots=True)
class _Tally:
    """How many cases are alike."""

    route: str
    is_image: bool
    outcome: str | None
    was_contested: bool
    was_overturned: bool
    is_breached: bool
    is_heard: bool
    """Decided, and nothing is contested any more."""
    cases: int


@dataclass(slots=True)
class _Pile:
    """Of one route, after how many seconds what happened to its pictures' cases."""

    first_look_s: list[float] = field(default_factory=list)
    hidden_s: list[float] = field(default_factory=list)
    removed_s: list[float] = field(default_factory=list)
    gone_s: list[float] = field(default_factory=list)
    in_time: int = 0
    late: int = 0


def _tally(connection: Connection, is_within: ColumnElement[bool]) -> list[_Tally]:
    columns = cases.c
    alike = (
        columns.route,
        columns.kind == CaseKind.IMAGE.value,
        columns.outcome,
        columns.was_contested,
        columns.was_overturned,
        columns.is_breached,
        and_(columns.state == CaseState.DECIDED.value, columns.decided_at.is_not(None)),
    )
    query = select(*alike, func.count()).where(is_within).group_by(*alike)
    return [_Tally(*row) for row in connection.execute(query)]


def _piled(connection: Connection, is_within: ColumnElement[bool]) -> defaultdict[str, _Pile]:
    """Percentiles need every value; a case that only waits has none, and most of a backlog is not read."""
    columns = cases.c
    otherwise_at = case((_is_decided_otherwise(), columns.decided_at))
    moments = (columns.first_look_at, columns.hidden_at, columns.removed_at, columns.confirmed_at, otherwise_at)
    query = (
        select(columns.route, columns.state, columns.received_at, *moments)
        .where(is_within, columns.kind == CaseKind.IMAGE.value)
        .where(or_(*(moment.is_not(None) for moment in moments)))
    )
    piles: defaultdict[str, _Pile] = defaultdict(_Pile)
    for route, state, received, *happened in connection.execute(query):
        pile, start = piles[route], datetime.fromisoformat(received)
        took = [(datetime.fromisoformat(one) - start).total_seconds() if one else None for one in happened]
        *until, _ = took
        for some, after_s in zip((pile.first_look_s, pile.hidden_s, pile.removed_s, pile.gone_s), until, strict=True):
            if after_s is not None:
                some.append(after_s)
        ends = [after_s for after_s in took[3:] if after_s is not None]
        if ends and min(ends) <= BOUND.total_seconds():
            pile.in_time += 1
        elif ends and state != CaseState.WITHDRAWN.value:
            pile.late += 1
    return piles


def _is_decided_otherwise() -> ColumnElement[bool]:
    """Whether somebody decided that the picture need not go."""
    return and_(cases.c.decided_at.is_not(None), cases.c.outcome != Outcome.REMOVE.value)


def _overdue(connection: Connection, is_within: ColumnElement[bool], now: datetime) -> Counter[str]:
    """Pictures that are not known to be gone after 48 hours, though nobody decided otherwise; by route."""
    columns = cases.c
    is_checked = exists().where(case_events.c.case_id == columns.id, case_events.c.step == Step.CHECKED.value)
    is_down = columns.visibility != Visibility.VISIBLE.value
    query = select(columns.route, func.count()).where(
        is_within,
        columns.kind == CaseKind.IMAGE.value,
        columns.state != CaseState.WITHDRAWN.value,
        columns.confirmed_at.is_(None),
        not_(_is_decided_otherwise()),
        not_(and_(is_down, not_(columns.is_breached), is_checked)),  # found nowhere
        columns.received_at < to_rfc3339(now - BOUND),
    )
    return Counter(_pairs(connection, query.group_by(columns.route)))


def _of(piles: Sequence[_Pile], reports: int, count: int, overdue: int) -> RouteFigures:
    in_time, late = sum(one.in_time for one in piles), sum(one.late for one in piles) + overdue
    return RouteFigures(
        reports=reports,
        cases=count,
        first_look=times_of([took for one in piles for took in one.first_look_s]),
        hiding=times_of([took for one in piles for took in one.hidden_s]),
        removal=times_of([took for one in piles for took in one.removed_s]),
        gone=times_of([took for one in piles for took in one.gone_s]),
        within_48_h=in_time / (in_time + late) if in_time + late else None,
    )


def _pairs(connection: Connection, query: Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]
