"""The queue: by clock, in the order of work; no words, no pictures. And what could not be delivered.

A page is fifty lines read along an index. The backlog is counted at most once in `COUNTS_KEPT` for everybody: counting
is what costs where there are many open cases.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from safelight.accounts.staff_welfare import Exposure, WelfareRules, exposure_of
from safelight.cases.draft import Matter, Route
from safelight.cases.model import CaseState
from safelight.cases.service import Cases
from safelight.cases.staff_model import QueueCounts, QueueFilter, QueueSort
from safelight.core.errors import BadInput, InputCode
from safelight.web.console.case_view import just_done, moment, names_of, span, staff_of
from safelight.web.console.door import PREFIX, Door, Visit
from safelight.web.console.words import say

COUNTS_KEPT = timedelta(seconds=5)
E_ = TypeVar("E_", bound=StrEnum)

_CLOCKS = {"under_4_h": 4, "under_12_h": 12, "under_24_h": 24}


class QueuePage:
    """The queue of one Safelight."""

    def __init__(self, door: Door, cases: Cases, welfare: WelfareRules) -> None:
        self._door = door
        self._cases = cases
        self._welfare = welfare
        self._counts: tuple[datetime, QueueCounts] | None = None

    async def page(self, visit: Visit) -> Response:
        """One page of the queue, as filtered. Raises BadInput for a filter that there is not."""
        exposure, names = await self._door.database.read(lambda c: self._around(c, visit))
        if exposure.on_break_since:
            return self._door.go("/break")
        asked = visit.request.query_params
        sort = _one_of(QueueSort, "sort", asked.get("sort") or QueueSort.RANK)
        page = await self._cases.queue(
            staff_of(visit.member), self._filter(visit), sort, after=asked.get("after") or None
        )
        kept = {name: value for name, value in asked.items() if name not in ("after", "done", "undo") and value}
        return self._door.show(
            "queue.html",
            visit,
            rows=page.rows,
            more=f"{PREFIX}/queue?{urlencode({**kept, 'after': page.next_after})}" if page.next_after else "",
            counts=await self._backlog(visit),
            exposure=exposure,
            names=names,
            asked=kept,
            done=just_done(visit.request),
            matters=Matter,
            states=CaseState,
            routes=Route,
            sorts=QueueSort,
            hidden=[matter for matter in Matter if matter in staff_of(visit.member).opted_out],
            say=say,
            span=span,
        )

    async def next(self, visit: Visit) -> Response:
        """Claim what is to be worked on next, besides the case that was just looked at, and go there."""
        row = await self._cases.claim_next(staff_of(visit.member), besides=visit.form.get("besides", ""))
        return self._door.go(f"/cases/{row.id}" if row else "/queue")

    async def undelivered(self, visit: Visit) -> Response:
        """Commands and letters that failed for good, or of which nobody knows."""
        found = await self._cases.dead_letters(staff_of(visit.member))
        return self._door.show("undelivered.html", visit, effects=found, say=say, moment=moment)

    async def retry(self, visit: Visit) -> Response:
        """Try one of them again."""
        await self._cases.retry(staff_of(visit.member), visit.request.path_params["effect_id"])
        return self._door.go("/undelivered")

    async def _backlog(self, visit: Visit) -> QueueCounts:
        if self._counts is None or visit.now - self._counts[0] >= COUNTS_KEPT or visit.now < self._counts[0]:
            self._counts = (visit.now, await self._cases.counts(staff_of(visit.member)))
        return self._counts[1]

    def _around(self, connection: Connection, visit: Visit) -> tuple[Exposure, dict[str, str]]:
        return exposure_of(connection, visit.member, self._welfare, visit.now), names_of(connection)

    def _filter(self, visit: Visit) -> QueueFilter:
        asked = visit.request.query_params
        due_before = None
        if clock := asked.get("clock"):
            if clock not in (*_CLOCKS, "overdue"):
                raise BadInput(InputCode.FIELD_INVALID, "There is no such clock.", param="clock")
            due_before = visit.now + timedelta(hours=_CLOCKS.get(clock, 0))
        held = {"mine": visit.member.id, "free": ""}.get(asked.get("held", ""))
        return QueueFilter(
            states=_set_of(CaseState, "state", asked.get("state")) or QueueFilter().states,
            matters=_set_of(Matter, "matter", asked.get("matter")),
            routes=_set_of(Route, "route", asked.get("route")),
            held_by=held,
            due_before=due_before,
        )


def _set_of(kind: type[E_], name: str, text: str | None) -> frozenset[E_]:
    return frozenset({_one_of(kind, name, text)}) if text else frozenset()


def _one_of(kind: type[E_], name: str, text: str) -> E_:
    try:
        return kind(text)
    except ValueError as error:
        message = f"There is no such {name}. Choose it from the list above the queue."
        raise BadInput(InputCode.FIELD_INVALID, message, param=name) from error
