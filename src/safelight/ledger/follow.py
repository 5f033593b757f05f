"""Leaves for what rooms beside the ledger record as events of their own: the banks, the consent register, the staff.

Those rooms may not know the ledger, and their commands run without a gate. So the keeper follows their tables, which
only grow, and writes a leaf for each event that has none; at the latest when the next gate process starts.

Rules of this module
- The log's head is locked before looking, so of several processes one writes each leaf.
- Events sort by their moment, and a transaction may take a while, so each look goes back by `OVERLAP`; the first goes
  back to the beginning.
- The leaf bears the event's own moment, which may lie before its process began.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, select, update

from safelight.core.clock import Clock
from safelight.core.ids import new_id
from safelight.ledger.append import Ledger
from safelight.ledger.draft import Draft
from safelight.ledger.matters import bank_update_draft, consent_draft, staff_draft
from safelight.store.staff_tables import staff_events
from safelight.store.tables import bank_events, banks, consent_events, ledger_head, ledger_leaves

OVERLAP = timedelta(minutes=30)
"""Longer than any transaction lasts (`Database`, and the commands' own, at most ten minutes)."""
_ONCE_MAX_COUNT = 500
"""Leaves written in one transaction."""
_NOT_LOGGED = ("signed_in", "opted_out")
"""Of the staff's events: when people work, and what they asked to be spared, is nobody else's business."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One table of events."""

    query: Select[Any]
    """All its events."""
    id: ColumnElement[str]
    prefix: str
    """Of the events' ids, which sort by their moment (`core/ids.py`)."""
    draft: Callable[[Row[Any]], Draft]

    def without_leaf(self, since: datetime | None) -> Select[Any]:
        logged = exists().where(ledger_leaves.c.record_id == self.id)
        query = self.query.where(~logged).order_by(self.id).limit(_ONCE_MAX_COUNT)
        if since is None:
            return query
        # The milliseconds are the first ten characters behind the prefix; the rest is chance.
        return query.where(self.id >= new_id(self.prefix, since)[: len(self.prefix) + 11])


class Follower:
    """Remembers how far this process has looked."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._since: datetime | None = None

    def is_behind(self, connection: Connection) -> bool:
        """Whether an event has no leaf. Reads only; when there is none, the next look begins later."""
        now = self._clock()
        if any(connection.execute(one.without_leaf(self._since).limit(1)).first() for one in _SOURCES):
            return True
        self._since = now - OVERLAP
        return False

    def catch_up(self, connection: Connection) -> int:
        """Write the leaves that are due, at most `_ONCE_MAX_COUNT` for each table; returns how many."""
        connection.execute(update(ledger_head).values(rounds=ledger_head.c.rounds + 1))
        drafts = [one.draft(row) for one in _SOURCES for row in connection.execute(one.without_leaf(self._since)).all()]
        self._ledger.append(connection, drafts)
        return len(drafts)


def _bank(row: Row[Any]) -> Draft:
    event = json.loads(row.body) | {"id": row.id, "bank": row.name, "kind": row.kind, "at": row.at}
    return bank_update_draft(_moment(row.at), event_id=row.id, bank=row.bank, change=row.kind, event=event)


def _consent(row: Row[Any]) -> Draft:
    event = {name: row._mapping[name] for name in ("id", "at", "kind", "signer_id", "record_id", "by", "reason")}
    return consent_draft(_moment(row.at), event_id=row.id, signer_id=row.signer_id, change=row.kind, event=event)


def _staff(row: Row[Any]) -> Draft:
    event = {name: row._mapping[name] for name in ("id", "at", "member_id", "done_by", "kind", "detail")}
    roles = row.detail.split(">") if row.kind in {"added", "role"} else []
    return staff_draft(
        _moment(row.at), event_id=row.id, member_id=row.member_id, change=row.kind, roles=roles, event=event
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


_SOURCES: Sequence[_Source] = (
    _Source(
        select(bank_events, banks.c.name).join(banks, banks.c.number == bank_events.c.bank),
        bank_events.c.id,
        "bev",
        _bank,
    ),
    _Source(select(consent_events), consent_events.c.id, "cev", _consent),
    _Source(select(staff_events).where(staff_events.c.kind.not_in(_NOT_LOGGED)), staff_events.c.id, "sev", _staff),
)
