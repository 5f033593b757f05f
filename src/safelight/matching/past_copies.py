"""Cropped, turned and pasted copies among what was made here before, of pictures whose features are kept.

Rules of this module
- Each picture is looked for once, in pieces beside the service, the newest outputs first. How far that went stands in
  its row (`bank_copies.looked_from`) and moves in the transaction that records what was found: a crash loses nothing,
  and a picture that is dropped is looked for no further. Outputs that come later are asked for at the gate.
- What is compared are the features that the register of outputs keeps for tracing. No picture is looked at.
- A find is what a find by hash is (`past.py`), without a distance. A protected photo's person is told as well.
- It takes a fifth of a core at most, so many pictures at once wait: those that came last go first.

Left to others: what follows of a find in a bank that cases own (`Told`).
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Row, Select, func, select

from safelight.core.clock import Clock
from safelight.core.errors import SafelightError
from safelight.matching.banks import PROTECTED_NAME, list_banks
from safelight.matching.copies import Features, likeness, same_picture, unpacked
from safelight.matching.copy_rows import CopyRows, Kept, NotLookedFor, looked_from
from safelight.matching.model import Bank
from safelight.matching.past import PastMatch, PastOutput, record
from safelight.matching.protect import note_attempts
from safelight.store.database import Database
from safelight.store.provenance_tables import outputs

log = structlog.get_logger()
_PICTURES_AT_ONCE = 8
_OUTPUTS_AT_ONCE = 50
_LOOK_EVERY_S = 5.0
_REST = 4.0
"""Times as long as a piece took."""
WORTH_A_LOOK = 8
"""Of the 64 features of `likeness`: nine in ten pictures that are no copies have fewer."""

Told = Callable[[Connection, Bank, Collection[int]], None]
"""Told, in the transaction that records it, of which items of a bank past outputs were found to be copies."""


@dataclass(frozen=True, slots=True)
class _Output:
    """A past output that has features."""

    number: int
    output: PastOutput
    features: Features


class PastCopies:
    """Looks for them, in a task of its own."""

    def __init__(self, database: Database, rows: CopyRows, clock: Clock, most: int, told: Told) -> None:
        """`most`: outputs, the newest, among which a picture is looked for."""
        self._database = database
        self._rows = rows
        self._clock = clock
        self._most = most
        self._told = told
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop after the piece in hand. What is not done stays in the store."""
        self._is_closing = True
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> int | None:
        """Look at the next piece. Returns how many copies were new, None where nothing is left. Raises StoreFailed."""
        waiting = self._rows.not_looked_for(_PICTURES_AT_ONCE)
        if waiting is None:
            return None
        rows = self._database.read_here(partial(_before, looked_from=waiting.looked_from, most=self._most))
        piece = [_Output(row.number, _past(row), unpacked(row.features)) for row in rows]
        kept = list(self._rows.read(waiting.numbers))
        found = {one.number: [past for past in piece if _shows(past, one)] for one in kept}
        until = piece[-1].number if len(piece) == _OUTPUTS_AT_ONCE else 0
        return self._database.write_here(
            partial(self._record, waiting=waiting, kept=kept, found=found, until=until, now=self._clock())
        )

    def _record(
        self,
        connection: Connection,
        waiting: NotLookedFor,
        kept: Sequence[Kept],
        found: dict[int, list[_Output]],
        until: int,
        now: datetime,
    ) -> int:
        standing = looked_from(connection, waiting.numbers, until)
        matches = [
            PastMatch(one.picture.item, past.output, None)
            for one in kept
            if one.number in standing
            for past in found[one.number]
        ]
        if not matches:
            return 0
        bank = next(bank for bank in list_banks(connection) if bank.number == waiting.bank)
        new = record(connection, bank, matches, now)
        if bank.name == PROTECTED_NAME:
            for match in new:
                made_at = datetime.fromisoformat(match.output.made_at)
                note_attempts(connection, frozenset({match.item}), "output", made_at)
        if new:
            self._told(connection, bank, {match.item for match in new})
            log.error("copy_of_listed_picture_was_made_here", bank=bank.name, outputs=len(new))
        return len(new)

    async def _run(self) -> None:
        while not self._is_closing:
            wait_s = _LOOK_EVERY_S
            began = time.monotonic()
            try:
                if await asyncio.to_thread(self.look) is not None:
                    wait_s = _REST * (time.monotonic() - began)
            except SafelightError as error:
                log.warning("past_copies_wait", why=error.message)
            except Exception:  # whatever it is, what is kept later must not wait unseen until the next start
                log.exception("past_copies_failed")
            await asyncio.sleep(wait_s)


def _shows(past: _Output, kept: Kept) -> bool:
    """Whether a past output shows the picture, as it is or mirrored, or a part of it."""
    return any(
        likeness(past.features, side) >= WORTH_A_LOOK and same_picture(past.features, side) is not None
        for side in (kept.picture.plain, kept.picture.mirrored)
    )


def _before(connection: Connection, looked_from: int | None, most: int) -> Sequence[Row[Any]]:
    """The newest outputs with features that are older than `looked_from`, of the newest `most`."""
    columns = outputs.c
    newest = connection.execute(select(func.max(columns.number))).scalar() or 0
    query: Select[Any] = select(
        columns.number, columns.id, columns.made_at, columns.decision_id, columns.fingerprint, columns.features
    ).where(columns.number > newest - most, columns.features.is_not(None), columns.fingerprint.is_not(None))
    if looked_from is not None:
        query = query.where(columns.number < looked_from)
    return connection.execute(query.order_by(columns.number.desc()).limit(_OUTPUTS_AT_ONCE)).all()


def _past(row: Row[Any]) -> PastOutput:
    return PastOutput(row.id, row.made_at, row.decision_id, row.fingerprint)
