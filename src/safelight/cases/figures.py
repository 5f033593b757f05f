"""Figures: how long it took, by route of intake; how often a decision was overturned; what waits. Reads only.

Every number is worked out from the rows of cases, which follow from their histories; nothing is counted along the way,
so nothing can drift. A case that has not come as far as a figure asks is not in that figure's count, and the count
stands beside it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import Any

from sqlalchemy import Connection, Row, func, select

from safelight.cases.draft import Route
from safelight.cases.history import Step
from safelight.cases.model import CaseKind, Outcome
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
    removal: Times
    within_48_h: float | None
    """Share of the decided or overdue cases whose picture was hidden or removed, or decided, within 48 hours."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a regulator asks for (Ofcom C4; DSA Art. 15). Every number can be computed again from the histories."""

    since: datetime
    until: datetime
    all: RouteFigures
    by_route: Mapping[Route, RouteFigures]
    by_outcome: Mapping[Outcome, int]
    appeals: int
    overturned: int
    overturn_rate: float | None
    """Of appeals decided."""
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
    rows = connection.execute(select(cases).where(cases.c.received_at >= first, cases.c.received_at < last)).all()
    images = [row for row in rows if row.kind == CaseKind.IMAGE.value]
    reports: Counter[str] = Counter(
        {
            row.route: row._mapping["count"]
            for row in connection.execute(
                select(case_reports.c.route, func.count().label("count"))
                .where(case_reports.c.at >= first, case_reports.c.at < last)
                .group_by(case_reports.c.route)
            )
        }
    )
    routes = sorted({row.route for row in images} | set(reports))
    contests = [row for row in rows if row.was_contested and row.decided_at]
    decided = [row for row in contests if row.state == "decided"]
    overturned = sum(bool(row.was_overturned) for row in decided)
    exposure: dict[str, int] = {}
    if with_exposure:
        seen = (
            select(case_events.c.by, func.count().label("count"))
            .where(case_events.c.step == Step.VIEWED.value, case_events.c.at >= first, case_events.c.at < last)
            .group_by(case_events.c.by)
        )
        exposure = {row.by: row._mapping["count"] for row in connection.execute(seen)}
    return Figures(
        since=since,
        until=until,
        all=_of(images, sum(reports.values()), now),
        by_route={
            Route(route): _of([row for row in images if row.route == route], reports[route], now) for route in routes
        },
        by_outcome=dict(Counter(Outcome(row.outcome) for row in rows if row.outcome)),
        appeals=sum(bool(row.was_contested) for row in rows),
        overturned=overturned,
        overturn_rate=overturned / len(decided) if decided else None,
        breaches=sum(bool(row.is_breached) for row in images),
        backlog=backlog,
        exposure=exposure,
    )


def times_of(seconds: Sequence[float]) -> Times:
    """Mean, median and percentiles (nearest rank: a value that really occurred)."""
    if not seconds:
        return Times(0, None, None, None, None)
    ordered = sorted(seconds)
    return Times(len(ordered), fmean(ordered), median(ordered), _percentile(ordered, 85), _percentile(ordered, 95))


def _of(rows: Sequence[Row[Any]], reports: int, now: datetime) -> RouteFigures:
    return RouteFigures(
        reports=reports,
        cases=len(rows),
        first_look=_times(rows, "first_look_at"),
        hiding=_times(rows, "hidden_at"),
        removal=_times(rows, "removed_at"),
        within_48_h=_within(rows, now),
    )


def _times(rows: Sequence[Row[Any]], column: str) -> Times:
    return times_of([_after_s(row, column) for row in rows if row._mapping[column]])


def _within(rows: Sequence[Row[Any]], now: datetime) -> float | None:
    """Of the cases that are decided, hidden, or older than 48 hours, the share that was dealt with in time."""
    in_time = late = 0
    for row in rows:
        ends = [_after_s(row, column) for column in ("hidden_at", "decided_at") if row._mapping[column]]
        if ends and min(ends) <= BOUND.total_seconds():
            in_time += 1
        elif ends or now - datetime.fromisoformat(row.received_at) > BOUND:
            late += row.state != "withdrawn"
    return in_time / (in_time + late) if in_time + late else None


def _after_s(row: Row[Any], column: str) -> float:
    received = datetime.fromisoformat(row.received_at)
    return (datetime.fromisoformat(row._mapping[column]) - received).total_seconds()


def _percentile(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]
