"""What the staff see: queues, counts, one case on one page. Reads only.

A queue is read along an index, in the order of work, so a page costs the same however long the queue is.
"""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select, tuple_

from safelight.accounts.measures import account_history, standing_of, strikes_of
from safelight.accounts.permissions import StaffPermission, require
from safelight.cases.decisions import Decisions
from safelight.cases.draft import Matter, Route
from safelight.cases.errors import ReportInvalid
from safelight.cases.mailroom import Mailroom
from safelight.cases.model import CaseKind, CaseState, Outcome, Visibility
from safelight.cases.panel import contests_of_nobody, seniors_wanting
from safelight.cases.reasons import allowed_reasons
from safelight.cases.records import Book
from safelight.cases.sealing import GONE
from safelight.cases.spelling import read_addition
from safelight.cases.staff_model import (
    AccountView,
    Action,
    CaseRow,
    CaseView,
    EffectView,
    HistoryEntry,
    PlaceView,
    QueueCounts,
    QueueFilter,
    QueuePage,
    QueueSort,
    RefusalView,
    ReportView,
    Staff,
)
from safelight.cases.stay_down import made_here
from safelight.cases.timers import clock_of
from safelight.core.clock import to_rfc3339
from safelight.store.cases_tables import case_additions, case_effects, case_reports, cases
from safelight.store.tables import decisions as decisions_table

_PAGE_MAX = 200
_WORK = frozenset({Action.DECIDE, Action.SECOND})
_WAITING = frozenset({CaseState.OPEN, CaseState.PROPOSED, CaseState.CONTESTED})


class Desk:
    """Reads for the staff, inside a caller's transaction."""

    def __init__(self, book: Book, mail: Mailroom, decisions: Decisions) -> None:
        self._book = book
        self._mail = mail
        self._decisions = decisions

    def queue(
        self,
        connection: Connection,
        staff: Staff,
        which: QueueFilter,
        sort: QueueSort = QueueSort.RANK,
        limit: int = 50,
        after: str | None = None,
    ) -> QueuePage:
        """One page."""
        require(staff.role, StaffPermission.QUEUE_READ)
        key, descending = {
            QueueSort.RANK: (cases.c.rank_at, False),
            QueueSort.DUE: (cases.c.due_at, False),
            QueueSort.NEWEST: (cases.c.received_at, True),
        }[sort]
        query = self._filtered(select(cases), staff, which)
        if after is not None:
            moment, _, case_id = after.partition("|")
            if not case_id:
                raise ReportInvalid("after", "Hand back `next_after` as it was given.")
            here = tuple_(key, cases.c.id)
            query = query.where(here < (moment, case_id) if descending else here > (moment, case_id))
        order = (key.desc(), cases.c.id.desc()) if descending else (key, cases.c.id)
        limit = max(1, min(limit, _PAGE_MAX))
        rows = connection.execute(query.order_by(*order).limit(limit + 1)).all()
        page = tuple(to_row(row) for row in rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return QueuePage(page, f"{last._mapping[key.name]}|{last.id}" if last is not None else None)

    def first_free(self, connection: Connection, staff: Staff, which: QueueFilter, *, besides: str = "") -> str | None:
        """The first of the queue that this member may claim, or holds; another one than `besides`."""
        now = to_rfc3339(self._book.clock())
        is_free = or_(cases.c.held_by.in_(["", staff.id]), cases.c.held_until <= now)
        query = self._filtered(select(cases.c.id, cases.c.state), staff, which).where(cases.c.is_waiting, is_free)
        query = query.where(cases.c.id != besides)
        for row in connection.execute(query.order_by(cases.c.rank_at, cases.c.id).limit(50)):
            if self._decisions.actions(self._book.load(connection, row.id), staff, self._book.clock()) & _WORK:
                return str(row.id)
        return None

    def counts(self, connection: Connection, staff: Staff | None = None) -> QueueCounts:
        """The backlog."""
        if staff is not None:
            require(staff.role, StaffPermission.QUEUE_READ)
        now = self._book.clock()
        bounds = {"overdue": 0, "under_4_h": 4, "under_12_h": 12, "under_24_h": 24}
        clocks: Counter[str] = Counter(dict.fromkeys([*bounds, "later"], 0))
        before = 0
        for name, hours in bounds.items():
            limit = to_rfc3339(now + timedelta(hours=hours))
            count = connection.execute(
                select(func.count()).where(cases.c.is_waiting, cases.c.due_at <= limit)
            ).scalar_one()
            clocks[name], before = count - before, count
        matters: Counter[Matter] = Counter(dict.fromkeys(Matter, 0))
        states: Counter[str] = Counter()
        grouped = select(cases.c.matter, cases.c.state, func.count().label("count")).where(cases.c.is_waiting)
        for row in connection.execute(grouped.group_by(cases.c.matter, cases.c.state)):
            matters[Matter(row.matter)] += row._mapping["count"]
            states[row.state] += row._mapping["count"]
        total = sum(states.values())
        clocks["later"] = total - before
        return QueueCounts(
            total, dict(matters), dict(clocks), states[CaseState.CONTESTED.value], states[CaseState.PROPOSED.value]
        )

    def case(self, connection: Connection, staff: Staff, case_id: str, banks: tuple[str, ...]) -> CaseView:
        """One case on one page; `banks` as asked before."""
        require(staff.role, StaffPermission.CASE_READ)
        book, now = self._book, self._book.clock()
        found = book.row(connection, case_id)
        row = to_row(found)
        case = book.load(connection, case_id)
        places = book.places(connection, case_id)
        return CaseView(
            row=row,
            clock=clock_of(case, book.rules),
            reports=self._reports(connection, case_id),
            places=tuple(
                PlaceView(place, kept.is_copy, Visibility(kept.visibility), _moment(kept.confirmed_at))
                for place, kept in places
            ),
            fingerprints=book.prints(connection, case_id),
            banks=banks,
            made_here=tuple(made_here(connection, [found.number])[found.number]),
            account=self.account(connection, found.subject_id),
            refusal=_refusal(connection, found.reference),
            history=tuple(
                HistoryEntry(seq, event.at, event.step.value, event.by, event.body, words)
                for seq, event, words in book.history(connection, case_id)
            ),
            letters=self._mail.letters_for_staff(connection, case_id),
            effects=tuple(
                to_effect(effect)
                for effect in connection.execute(
                    select(case_effects).where(case_effects.c.case_id == case_id).order_by(case_effects.c.id)
                )
            ),
            actions=self._decisions.actions(case, staff, now),
            allowed_reasons=allowed_reasons(case),
            deciders=tuple(sorted(case.deciders)),
            seniors_wanting=seniors_wanting(connection, case, self._decisions.needs_second),
            is_proposed=case.proposed is not None,
            decided_by=tuple(sorted(case.decided_by)),
        )

    def contests_of_nobody(self, connection: Connection) -> dict[str, int]:
        """Contested cases that the staff cannot decide, and how many more seniors each needs."""
        return contests_of_nobody(connection, self._book, self._decisions.needs_second)

    def account(self, connection: Connection, subject_id: str | None) -> AccountView | None:
        """An account's history, as it is known here."""
        if not subject_id:
            return None
        now = self._book.clock()
        events = account_history(connection, subject_id)
        window = timedelta(days=self._book.rules.measures.window_days)
        return AccountView(
            subject_id,
            standing_of(events, now)[0].value,
            strikes_of(events, now, window),
            tuple((event.at, event.kind.value, event.reason) for event in events),
        )

    def _reports(self, connection: Connection, case_id: str) -> tuple[ReportView, ...]:
        book, found = self._book, []
        query = select(case_reports).where(case_reports.c.case_id == case_id).order_by(case_reports.c.id)
        for row in connection.execute(query).all():
            later = select(case_additions).where(case_additions.c.report_id == row.id, case_additions.c.sealed != GONE)
            additions = tuple(
                (datetime.fromisoformat(one.at), read_addition(book.seal.open(one.id, one.sealed)).explanation)
                for one in connection.execute(later.order_by(case_additions.c.id))
            )
            draft = book.report(connection, row.id)
            at = datetime.fromisoformat(row.at)
            found.append(ReportView(row.id, at, draft, additions, row.withdrawn_at is not None, row.is_flood))
        return tuple(found)

    def _filtered(self, query: Select[Any], staff: Staff, which: QueueFilter) -> Select[Any]:
        if which.states and which.states <= _WAITING:
            query = query.where(cases.c.is_waiting)
        if which.states and which.states != _WAITING:
            query = query.where(cases.c.state.in_([state.value for state in which.states]))
        if staff.opted_out:
            query = query.where(cases.c.matter.not_in([matter.value for matter in staff.opted_out]))
        if which.matters:
            query = query.where(cases.c.matter.in_([matter.value for matter in which.matters]))
        if which.routes:
            query = query.where(cases.c.route.in_([route.value for route in which.routes]))
        if which.kinds:
            query = query.where(cases.c.kind.in_([kind.value for kind in which.kinds]))
        if which.due_before:
            query = query.where(cases.c.due_at < to_rfc3339(which.due_before))
        if which.held_by == "":
            now = to_rfc3339(self._book.clock())
            query = query.where(or_(cases.c.held_by == "", cases.c.held_until <= now))
        elif which.held_by is not None:
            query = query.where(cases.c.held_by == which.held_by, cases.c.held_until > to_rfc3339(self._book.clock()))
        return query


def _refusal(connection: Connection, decision_id: str | None) -> RefusalView | None:
    """The refusal that a measure followed from; None where it followed from something else."""
    query = select(decisions_table).where(decisions_table.c.id == decision_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    body = json.loads(row.body)
    reasons = tuple(body.get("reasons", ()))
    named = {name for reason in reasons for name in reason["signals"]}
    signals = tuple(one for one in body.get("signals", ()) if one["name"] in named)
    return RefusalView(row.id, row.request_id, row.at, row.category or "", reasons, signals)


def to_row(row: Row[Any]) -> CaseRow:
    """A case's row as a line of a queue."""
    matter = Matter(row.matter)
    return CaseRow(
        id=row.id,
        kind=CaseKind(row.kind),
        matter=matter,
        route=Route(row.route),
        state=CaseState(row.state),
        visibility=Visibility(row.visibility),
        received_at=datetime.fromisoformat(row.received_at),
        due_at=datetime.fromisoformat(row.due_at),
        rank_at=datetime.fromisoformat(row.rank_at),
        reports=row.reports,
        places=row.places,
        views=row.views,
        held_by=row.held_by,
        held_until=_moment(row.held_until),
        in_danger=row.in_danger,
        is_known=row.is_known,
        first_look_at=_moment(row.first_look_at),
        outcome=Outcome(row.outcome) if row.outcome else None,
        decided_at=_moment(row.decided_at),
        version=row.version,
    )


def to_effect(row: Row[Any]) -> EffectView:
    """An effect's row as people see it."""
    return EffectView(
        id=row.id,
        case_id=row.case_id or "",
        kind=row.kind,
        state=row.state,
        attempts=row.attempts,
        created_at=datetime.fromisoformat(row.created_at),
        due_at=datetime.fromisoformat(row.due_at),
        error=row.error,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
