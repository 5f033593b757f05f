"""What follows where a listed picture was made here: whoever opens cases is told, once for each decision behind it.

Rules of this module
- The outbox says what is to be done (`past.PAST_OUTPUT_KNOWN`). An entry is done once a case was opened; killed in
  between, the case is opened again, and whoever opens cases joins equal pictures (`Openers`).
- What the cases found themselves, of pictures that were reported here, is theirs already: nothing is opened for it.
- Finds of several lists under one decision are one matter, of the gravest of their categories.
- A find whose case cannot be opened keeps no other waiting: it is told as an error each time, tried again after longer
  and longer, and counted, in a metric and by `safelight doctor`, until it has its case.

Left to others: clocks, hiding, the account (`cases/`, through the port that `wiring/` fills).
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from sqlalchemy import Connection, Row, func, select, update

from safelight.core.clock import Clock, to_rfc3339
from safelight.core.errors import SafelightError
from safelight.matching.model import BankCategory
from safelight.matching.past import PAST_OUTPUT_KNOWN
from safelight.store.database import Database
from safelight.store.matching_tables import past_matches
from safelight.store.provenance_tables import outputs
from safelight.store.tables import banks, decisions, outbox

log = structlog.get_logger()
_LOOK_EVERY_S = 5.0
_AT_ONCE = 50
_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 600.0
_OVERDUE_S = 60.0
"""Longer than any find waits that can be opened."""
_GRAVEST_FIRST = (BankCategory.CSAM, BankCategory.NCII, BankCategory.ILLEGAL, BankCategory.PROTECTED)


@dataclass(frozen=True, slots=True)
class KnownOutput:
    """Pictures that one decision released, and that a list knows since."""

    decision_id: str
    request_id: str
    subject_id: str | None
    """The account that asked for them, by its pseudonym."""
    category: BankCategory
    fingerprints: tuple[bytes, ...]
    """PDQ."""


class Openers(Protocol):
    """Opens cases. What was opened before may come again, and is one case then."""

    async def open(self, found: KnownOutput) -> None:
        """Open a case, on which whatever follows stands. Raises SafelightError: then it is asked again."""


Finding = tuple[str, str]
"""A decision, and when a list was found to know what it released."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """A find whose case could not be opened."""

    times: int
    again_at: datetime


class PastFinds:
    """Works off what was found, in a task of its own."""

    def __init__(
        self,
        database: Database,
        openers: Openers,
        clock: Clock,
        others: Collection[str] = (),
        *,
        tell_failed: Callable[[int], object] = lambda _count: None,
    ) -> None:
        """`others`: names of banks whose finds are somebody else's to follow up.

        `tell_failed` is given the number of finds whose case could not be opened so far, after each look.
        """
        self._database = database
        self._openers = openers
        self._clock = clock
        self._others = tuple(others)
        self._tell_failed = tell_failed
        self._failed: dict[Finding, _Failure] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    async def start(self) -> None:
        """Begin to look every few seconds."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking. What is not done stays in the store."""
        self._is_closing = True
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def work(self) -> int:
        """Open a case for each decision with a find that is not put off. Returns how many. Raises SafelightError."""
        opened, last, waiting = 0, "", set[Finding]()
        while entries := await self._database.read(partial(_waiting, after=last)):
            last = entries[-1].id
            ids: dict[Finding, list[str]] = {}
            for entry in entries:
                ids.setdefault((entry.decision_id, entry.created_at), []).append(entry.id)
            for finding, of_it in ids.items():
                failure = self._failed.get(finding)
                if failure and self._clock() < failure.again_at:
                    waiting.add(finding)
                    continue
                try:
                    opened += await self._open(finding)
                except Exception as error:  # noqa: BLE001 (whatever it is, the finds behind it go on)
                    self._put_off(finding, error)
                    waiting.add(finding)
                    continue
                await self._database.write(partial(_mark_done, ids=of_it, now=self._clock()))
        self._failed = {finding: failure for finding, failure in self._failed.items() if finding in waiting}
        self._tell_failed(len(waiting))
        return opened

    async def _open(self, finding: Finding) -> bool:
        """Whether there was a case to open; it is open then."""
        found = await self._database.read(partial(_found, finding=finding, others=self._others))
        if found is not None:
            await self._openers.open(found)
        return found is not None

    def _put_off(self, finding: Finding, error: Exception) -> None:
        before = self._failed.get(finding)
        times = before.times + 1 if before else 1
        wait_s = min(_FIRST_WAIT_S * 2 ** min(times - 1, 10), _LONGEST_WAIT_S)
        self._failed[finding] = _Failure(times, self._clock() + timedelta(seconds=wait_s))
        log.error(
            "known_output_has_no_case",
            decision=finding[0],
            times=times,
            again_in_s=wait_s,
            why=error.message if isinstance(error, SafelightError) else type(error).__name__,
            exc_info=None if isinstance(error, SafelightError) else error,
        )

    async def _run(self) -> None:
        while not self._is_closing:
            try:
                if opened := await self.work():
                    log.warning("cases_opened_for_known_outputs", cases=opened)
            except SafelightError as error:
                log.warning("known_outputs_wait", why=error.message)
            except Exception:  # whatever it is, what is found later must not wait unseen until the next start
                log.exception("known_outputs_failed")
            await asyncio.sleep(_LOOK_EVERY_S)


def overdue_finds(connection: Connection, now: datetime) -> tuple[int, str]:
    """Of how many decisions a list knows what they released, without a case by now; and since when, at the longest."""
    columns = outbox.c
    query = select(func.count(columns.decision_id.distinct()), func.min(columns.created_at))
    query = query.where(columns.kind == PAST_OUTPUT_KNOWN, columns.done_at.is_(None))
    late = columns.created_at < to_rfc3339(now - timedelta(seconds=_OVERDUE_S))
    count, oldest = connection.execute(query.where(late)).one()
    return int(count), oldest or ""


def _waiting(connection: Connection, after: str) -> Sequence[Row[str, str, str]]:
    """Entries that nobody has worked off."""
    columns = outbox.c
    query = select(columns.id, columns.decision_id, columns.created_at)
    query = query.where(columns.kind == PAST_OUTPUT_KNOWN, columns.done_at.is_(None), columns.id > after)
    return connection.execute(query.order_by(columns.id).limit(_AT_ONCE)).all()


def _mark_done(connection: Connection, ids: Sequence[str], now: datetime) -> None:
    connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(done_at=to_rfc3339(now)))


def _found(connection: Connection, finding: Finding, others: Sequence[str]) -> KnownOutput | None:
    """What was found of a decision's pictures at a time; None where that is for others to follow up."""
    decision_id, at = finding
    query = (
        select(banks.c.category, outputs.c.fingerprint, decisions.c.request_id, decisions.c.subject_id)
        .select_from(past_matches.join(banks, banks.c.number == past_matches.c.bank))
        .join(decisions, decisions.c.id == past_matches.c.decision_id)
        .join(outputs, outputs.c.id == past_matches.c.output_id)
        .where(past_matches.c.decision_id == decision_id, past_matches.c.at == at, banks.c.name.not_in(others))
        .order_by(past_matches.c.id)
    )
    rows = connection.execute(query).all()
    if not rows:
        return None
    categories = {BankCategory(row.category) for row in rows}
    return KnownOutput(
        decision_id,
        rows[0].request_id,
        rows[0].subject_id,
        next(category for category in _GRAVEST_FIRST if category in categories),
        tuple(dict.fromkeys(row.fingerprint for row in rows)),
    )
