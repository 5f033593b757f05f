"""The figures: how long people wait, by the way they came; what was overturned; what waits; what the staff bear.

The same numbers as JSON at `/console/figures.json`. Every one is computed from the histories by `cases/`; agreement and
exposure come from the staff's own records, and are shown to those alone who may read them.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from safelight.accounts.permissions import StaffPermission
from safelight.accounts.staff import list_members
from safelight.accounts.staff_reviews import Agreement, agreement
from safelight.accounts.staff_welfare import exposure_by_member
from safelight.cases.figures import Figures, RouteFigures, Times
from safelight.cases.service import Cases
from safelight.core.clock import to_rfc3339
from safelight.core.errors import BadInput, InputCode
from safelight.web.console.case_view import staff_of
from safelight.web.console.charts import Spread, bar_chart, hours_words, spread_chart
from safelight.web.console.door import Door, Visit
from safelight.web.console.words import say

PERIODS = {"1": "a day", "7": "a week", "30": "30 days", "90": "90 days", "365": "a year"}
KEPT = timedelta(minutes=1)
"""How long one period's figures are given again: they are read from every case of the period."""
_KINDS = ("first_look", "hiding", "removal", "gone")
_CLOCKS = ("overdue", "under_4_h", "under_12_h", "under_24_h", "later")


class FiguresPage:
    """The figures of one Safelight."""

    def __init__(self, door: Door, cases: Cases) -> None:
        self._door = door
        self._cases = cases
        self._kept: dict[str, Figures] = {}

    async def page(self, visit: Visit) -> Response:
        """Charts and tables of a period. Raises BadInput for one that is not offered."""
        days, since = _period(visit)
        figures = await self._figures(visit, days, since)
        people, agreed = await self._people(visit, since)
        routes = {"All": figures.all, **{say(route): one for route, one in figures.by_route.items()}}
        charts = [
            (say(kind), spread_chart(say(kind), [_spread(label, getattr(one, kind)) for label, one in routes.items()]))
            for kind in _KINDS
        ]
        backlog = [(say(name), float(figures.backlog.by_clock.get(name, 0))) for name in _CLOCKS]
        return self._door.show(
            "figures.html",
            visit,
            figures=figures,
            routes=routes,
            charts=charts,
            backlog=bar_chart("Backlog by clock", backlog),
            outcomes=bar_chart("Decisions", [(say(one), float(n)) for one, n in figures.by_outcome.items()]),
            people=people,
            agreed=agreed,
            days=days,
            periods=PERIODS,
            kinds=_KINDS,
            say=say,
            hours=lambda seconds: hours_words(None if seconds is None else seconds / 3600),
            percent=_percent,
        )

    async def json(self, visit: Visit) -> Response:
        """The same numbers, in seconds and shares."""
        days, since = _period(visit)
        figures = await self._figures(visit, days, since)
        people, agreed = await self._people(visit, since)
        body: dict[str, Any] = {
            "since": to_rfc3339(figures.since),
            "until": to_rfc3339(figures.until),
            "all": _route(figures.all),
            "by_route": {route.value: _route(one) for route, one in figures.by_route.items()},
            "by_outcome": {outcome.value: count for outcome, count in figures.by_outcome.items()},
            "appeals": figures.appeals,
            "overturned": figures.overturned,
            "overturn_rate": figures.overturn_rate,
            "breaches": figures.breaches,
            "backlog": _backlog(figures),
        }
        if visit.may(StaffPermission.STAFF_FIGURES_READ):
            body["agreement"] = {"count": agreed.count, "agreed": agreed.agreed, "kappa": agreed.kappa}
            body["staff"] = [
                {"name": name, "in_full": in_full, "reduced": reduced, "second_looks": own.count, "agreed": own.agreed}
                for name, in_full, reduced, own in people
            ]
        return JSONResponse(body)

    async def _figures(self, visit: Visit, days: str, since: datetime) -> Figures:
        kept = self._kept.get(days)
        if kept is None or not timedelta() <= visit.now - kept.until < KEPT:
            kept = self._kept[days] = await self._cases.figures(since, visit.now, staff_of(visit.member))
        return kept

    async def _people(self, visit: Visit, since: datetime) -> tuple[list[tuple[str, int, int, Agreement]], Agreement]:
        may_read = visit.may(StaffPermission.STAFF_FIGURES_READ)

        def read(connection: Connection) -> tuple[list[tuple[str, int, int, Agreement]], Agreement]:
            if not may_read:
                return [], Agreement(0, 0, None)
            shown = {member_id: (full, less) for member_id, full, less in exposure_by_member(connection, since)}
            people = [
                (member.name, *shown.get(member.id, (0, 0)), agreement(connection, since, member_id=member.id))
                for member in list_members(connection)
            ]
            return [one for one in people if one[1] or one[2] or one[3].count], agreement(connection, since)

        return await self._door.database.read(read)


def _period(visit: Visit) -> tuple[str, datetime]:
    days = visit.request.query_params.get("days", "30")
    if days not in PERIODS:
        raise BadInput(InputCode.FIELD_INVALID, f"`days` is one of {', '.join(PERIODS)}.", param="days")
    return days, visit.now - timedelta(days=int(days))


def _spread(label: str, times: Times) -> Spread:
    def hours(seconds: float | None) -> float | None:
        return None if seconds is None else seconds / 3600

    return Spread(label, times.count, hours(times.median_s), hours(times.p85_s), hours(times.p95_s))


def _percent(share: float | None) -> str:
    return "none yet" if share is None else f"{share:.1%}"


def _route(one: RouteFigures) -> dict[str, Any]:
    return {
        "reports": one.reports,
        "cases": one.cases,
        "within_48_h": one.within_48_h,
        **{kind: _times(getattr(one, kind)) for kind in _KINDS},
    }


def _times(times: Times) -> dict[str, float | int | None]:
    return {
        "count": times.count,
        "mean_s": times.mean_s,
        "median_s": times.median_s,
        "p85_s": times.p85_s,
        "p95_s": times.p95_s,
    }


def _backlog(figures: Figures) -> dict[str, Any]:
    backlog = figures.backlog
    return {
        "total": backlog.total,
        "proposed": backlog.proposed,
        "contested": backlog.contested,
        "by_clock": dict(backlog.by_clock),
        "by_matter": {matter.value: count for matter, count in backlog.by_matter.items()},
    }
