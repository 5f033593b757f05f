"""What keeps the log going beside the requests: leaves go into the tree, the process says that it runs, witnesses sign,
and what other rooms record is followed.

Rules of this module
- A leaf is integrated within a second. When the tree falls behind by `behind_max_s`, or its task has ended, the gate is
  told, and lets nothing out: a receipt is a promise with a term.
- An outage of the database is met by trying again; anything else ends the task, and then the gate stands still.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from sqlalchemy import Connection

from safelight.core.clock import Clock
from safelight.core.errors import LedgerUnfit, StoreFailed
from safelight.ledger.append import HEARTBEAT_S, Ledger
from safelight.ledger.follow import Follower
from safelight.ledger.head_file import HeadFile
from safelight.ledger.integrate import Integrated, has_pending, integrate
from safelight.ledger.opening import open_log
from safelight.ledger.proofs.note import Note
from safelight.store.database import Database

log = structlog.get_logger()

INTEGRATE_EVERY_S = 0.25
TOTALS_EVERY_BEATS = 10
_ROUNDS_MAX_COUNT = 1000
"""Rounds of integration in a row, so that a flood of leaves leaves room for the rest."""


class Witnesses(Protocol):
    """Those who sign heads beside the log, if any."""

    async def check_start(self) -> None:
        """Ask them whether they have seen more of this log than it has. Raises LedgerUnfit."""

    async def ask(self, note: Note) -> None:
        """Have a head signed, as far as they can be reached. Raises LedgerUnfit when they have seen another log."""


class Stamps(Protocol):
    """An authority that says when it had seen a head."""

    async def run(self) -> None:
        """Have heads stamped, now and then, until cancelled. Raises nothing: a failure is logged and tried again."""


class Keeper:
    """Runs one process's side of the log."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        head_file: HeadFile,
        clock: Clock,
        witnesses: Witnesses | None = None,
        stamps: Stamps | None = None,
        *,
        behind_max_s: float,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._head_file = head_file
        self._clock = clock
        self._witnesses = witnesses
        self._stamps = stamps
        self._behind_max_s = behind_max_s
        self._follower = Follower(ledger, clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._caught_up_at = time.monotonic()
        self._has_begun = False
        self._unwitnessed: Note | None = None
        self._trouble = ""

    async def open(
        self, *, release: str, policy: str | None, models: Sequence[str], thresholds: Mapping[str, float] | None = None
    ) -> None:
        """Check the log, begin to count, run; without a `policy`, as no gate. Raises LedgerUnfit, StoreFailed."""
        kept = await asyncio.to_thread(self._head_file.read)
        await self._database.write(lambda c: open_log(c, self._ledger.key.public(), kept))
        if self._witnesses:
            await self._witnesses.check_start()
        self._has_begun = True  # before: who stops waiting for it does not know whether it was written
        await self._database.write(
            lambda c: self._ledger.begin(c, release=release, policy=policy, models=models, thresholds=thresholds)
        )
        await self._follow()
        await self.catch_up()
        runs = [self._integrate(), self._beat(), *([self._have_witnessed()] if self._witnesses else [])]
        if self._stamps:
            runs.append(self._stamps.run())
        self._tasks = [asyncio.create_task(run) for run in runs]

    async def close(self) -> None:
        """Stop, say so in the log, and integrate what is left. What cannot be written is logged and left pending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._has_begun:
            return
        try:
            await self._database.write(self._ledger.end)
            await self.catch_up()
        except StoreFailed as error:
            log.error("ledger_not_closed", error=error.message)  # noqa: TRY400 (the message is all there is to it)

    def trouble(self) -> str:
        """What keeps the log from keeping its promise; empty when nothing does."""
        if self._trouble:
            return self._trouble
        behind_s = time.monotonic() - self._caught_up_at
        if self._tasks and (behind_s > self._behind_max_s or self._tasks[0].done()):
            return f"The log has been behind for {behind_s:.0f} s, so nothing is released; look at the database."
        return ""

    async def catch_up(self) -> None:
        """Integrate everything that is pending. Raises StoreFailed."""
        for _ in range(_ROUNDS_MAX_COUNT):
            if not await self._database.read(has_pending):
                break
            done = await self._database.write(self._integrate_once)
            if done:
                self._unwitnessed = done.checkpoint
                await asyncio.to_thread(self._keep_head, done.checkpoint)
        self._caught_up_at = time.monotonic()

    async def _follow(self) -> None:
        """Write leaves for events of other rooms that have none. Raises StoreFailed."""
        for _ in range(_ROUNDS_MAX_COUNT):
            if not await self._database.read(self._follower.is_behind):
                return
            await self._database.write(self._follower.catch_up)

    def _integrate_once(self, connection: Connection) -> Integrated | None:
        return integrate(connection, self._ledger.key, self._clock())

    def _keep_head(self, note: Note) -> None:
        try:
            self._head_file.keep(note)
        except OSError as error:
            raise StoreFailed(f"The log's head could not be kept outside the database: {error.strerror}.") from error

    async def _integrate(self) -> None:
        while True:
            try:
                await self._follow()
                await self.catch_up()
            except StoreFailed as error:
                log.warning("ledger_behind", error=error.message)
            await asyncio.sleep(INTEGRATE_EVERY_S)

    async def _beat(self) -> None:
        beats = 0
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            beats += 1
            try:
                await self._database.write(
                    self._ledger.count_up if beats % TOTALS_EVERY_BEATS == 0 else self._ledger.beat
                )
            except StoreFailed as error:
                log.warning("ledger_silent", error=error.message)

    async def _have_witnessed(self) -> None:
        assert self._witnesses  # noqa: S101 (the task is started only with witnesses)
        while True:
            await asyncio.sleep(INTEGRATE_EVERY_S)
            note, self._unwitnessed = self._unwitnessed, None
            if note is None:
                continue
            try:
                await self._witnesses.ask(note)
            except LedgerUnfit as error:
                self._trouble = error.message
                log.error("ledger_disputed", code=error.code, error=error.message)  # noqa: TRY400 (as above)
                return
            except StoreFailed as error:
                log.warning("ledger_not_witnessed", error=error.message)
