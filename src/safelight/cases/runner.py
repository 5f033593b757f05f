"""What keeps the clocks: everything due is done at once, again every second, and whenever somebody has done a step.

Nothing is kept here. What is due stands in the store, so whoever restarts finds it, and two that run do it once.
"""

import asyncio
import contextlib
import time
from functools import partial

import structlog

from safelight.cases.effects import Courier
from safelight.cases.retention import Retention
from safelight.cases.rounds import Rounds
from safelight.core.errors import StoreFailed
from safelight.store.database import Database

log = structlog.get_logger()

ROUND_EVERY_S = 1.0
"""How often what is due is looked for; what a request leaves behind runs at once."""
_PAUSE_S = 0.01
"""Between batches of what is worked out anew after a start."""
_RECEIPTS_SHARE = 3
"""While many wait for receipts, effects pause thrice as long as they ran: hiding keeps a quarter of the time,"""
_GIVES_WAY_MAX_S = 1.0
"""and where a platform is slow to answer, more."""
_ROUNDS_MAX = 10_000
_SILENT_MAX_S = 60.0


class Runner:
    """Looks for what is due, from `start` to `close`."""

    def __init__(
        self,
        database: Database,
        rounds: Rounds,
        courier: Courier,
        retention: Retention,
        few_wait: asyncio.Event,
    ) -> None:
        """`few_wait`: set unless reports come faster than they get their receipts."""
        self._few_wait = few_wait
        self._database = database
        self._retention = retention
        self._rounds = rounds
        self._courier = courier
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._wake = asyncio.Event()
        self._is_closing = False
        self._last_round_at = 0.0

    async def start(self) -> None:
        """Begin."""
        self._last_round_at = asyncio.get_running_loop().time()
        self._tasks = (asyncio.create_task(self._run()), asyncio.create_task(self._match_back()))

    async def close(self) -> None:
        """Stop looking. What is due stays in the store."""
        # Python 3.11's `wait_for`, here or in the store, may swallow a cancellation: then the loops see this.
        self._is_closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """There is something to do now."""
        self._wake.set()

    def trouble(self) -> str:
        """What keeps the clocks from running; empty when nothing does."""
        if not self._tasks:
            return ""
        silent_s = asyncio.get_running_loop().time() - self._last_round_at
        if any(task.done() for task in self._tasks) or silent_s > _SILENT_MAX_S:
            return f"Nobody has looked at the clocks of reports for {silent_s:.0f} s; look at the database."
        return ""

    async def tick(self) -> int:
        """Do everything that is due now, and say how much that was. Raises StoreFailed."""
        done = 0
        for _ in range(_ROUNDS_MAX):
            some = await self._do_due() + await self._courier.match_back()
            if not some:
                break
            done += some
        return done

    async def _do_due(self) -> int:
        done = 0
        for _ in range(_ROUNDS_MAX):
            some = 0
            if await self._database.read(self._rounds.due_cases):
                some += await self._database.write(self._rounds.run_clocks)
            if await self._database.read(self._rounds.has_refusals):
                some += await self._database.write(self._rounds.run_refusals)
            if await self._database.read(self._rounds.has_liftable):
                some += await self._database.write(self._rounds.lift)
            start = time.monotonic()
            some += await self._courier.run_due()
            await self._give_way(time.monotonic() - start)
            if await self._database.read(self._retention.due):
                some += await self._database.write(self._retention.run)
            if self._retention.is_sweep_due():
                await self._database.write(self._retention.sweep)
            if not some:
                break
            done += some
        return done

    async def _give_way(self, took_s: float) -> None:
        """Receipts go first while many wait for theirs, but for this long only: the rest of the time is for effects."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(took_s * _RECEIPTS_SHARE, _GIVES_WAY_MAX_S)):
                await self._few_wait.wait()

    async def _match_back(self) -> None:
        while not self._is_closing:
            start, some = time.monotonic(), 0
            try:
                some = await self._courier.match_back()
            except StoreFailed as error:
                log.warning("match_back_waits", error=error.message)
            except Exception as error:  # noqa: BLE001 (as below)
                log.error("match_back_failed", error=type(error).__name__)  # noqa: TRY400
            if some:
                await self._give_way(time.monotonic() - start)
            else:
                await asyncio.sleep(ROUND_EVERY_S)

    async def _run(self) -> None:
        resume: str | None = ""
        while not self._is_closing:
            self._wake.clear()
            try:
                if resume is not None:
                    resume = await self._database.write(partial(self._rounds.recompute, after=resume))
                await self._do_due()
                self._last_round_at = asyncio.get_running_loop().time()
            except StoreFailed as error:
                log.warning("cases_wait", error=error.message)
            except Exception as error:  # noqa: BLE001 (whatever it is, the next clock must not stand still for it)
                log.error("cases_round_failed", error=type(error).__name__)  # noqa: TRY400 (its text may quote a report)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_EVERY_S if resume is None else _PAUSE_S):
                    await self._wake.wait()
