"""What the leaf adds to the record step: the same step with the log and without, in one run, turn and turn about.

Both go through the gate's own `Recorder`, with its group commit, on one database; the baseline differs in nothing but a
log that writes no leaf and gives no receipt. With the log, leaves go into the tree beside the requests, as in a gate.

Three loads: one request at a time; fifty in flight, which are elsewhere (detectors, the image model) for `ELSEWHERE_S`
on average before they come to this step; and fifty that do nothing but this step, which is as fast as it goes.
"""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from safelight.core.category import Stage, Verdict
from safelight.core.decision import Decision
from safelight.core.facts import Facts
from safelight.core.ids import new_id
from safelight.core.request import ImageRequest, Operation, Role, Standing, Subject, Surface, Turn
from safelight.core.signal import Observed
from safelight.gate.record import Recorder
from safelight.ledger.append import Appended, Ledger
from safelight.ledger.draft import Draft
from safelight.ledger.keeper import INTEGRATE_EVERY_S
from safelight.lineage.service import Lineage
from safelight.policy.load import load_policy, profile_text
from safelight.policy.model import Policy
from safelight.store.database import Database
from safelight.store.digest_key import DigestKey
from safelight.wiring import builtin_vocabulary

ELSEWHERE_S = 0.1
"""Far less than a real request takes."""
LOADS = {"one": (1, 0.0), "50_in_flight": (50, ELSEWHERE_S), "50_without_pause": (50, 0.0)}
"""By name: how many at once, and seconds elsewhere before each."""
TURNS = 8
ANSWERED = ("text_deception", "text_garments", "text_meaning", "text_names")
"""Who looks at a request without a picture."""
Figures = dict[str, float]


def clock() -> datetime:
    """The machine's."""
    return datetime.now(UTC)


class NoLog(Ledger):
    """Takes leaves and writes none."""

    def append(self, _connection: Connection, drafts: Sequence[Draft]) -> list[Appended]:
        """Nothing."""
        return [Appended(b"", draft.at) for draft in drafts]

    def receipt(self, _appended: Appended) -> str:
        """No promise."""
        return ""


class RecordStep:
    """The gate's recorder, with the log and without."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self.policy: Policy = load_policy(profile_text("general"), builtin_vocabulary())
        self._with = self._recorder(ledger)
        self._without = self._recorder(NoLog(ledger.key, clock))

    def _recorder(self, ledger: Ledger) -> Recorder:
        key = DigestKey(b"\x02" * 32)
        chain = Lineage(self._database, key, clock, lambda _frame: (), None, keep=timedelta(0))
        kept = timedelta(days=1)
        return Recorder(self._database, key, self.policy, clock, ledger, edit_chain=chain, keep_outputs=kept)

    def decision(self) -> Decision:
        """An ordinary one."""
        now = clock()
        facts = Facts(Stage.INPUT, Operation.GENERATE, Surface.API, Standing.GOOD)
        observed = Observed(asked=ANSWERED, answered=ANSWERED)
        ids = new_id("dec", now), new_id("req", now)
        return Decision(*ids, Stage.INPUT, Verdict.ALLOW, None, (), self.policy.version, now, facts, observed)

    async def _record(self, recorder: Recorder) -> None:
        request = ImageRequest(Operation.GENERATE, (Turn(Role.USER, "a lighthouse"),))
        await recorder.record((self.decision(),), request, Subject("sub_bench", "key_bench"), ())

    async def measure(self, count: int, catch_up: Callable[[], Awaitable[object]]) -> Figures:
        """`count` of each sort under each load; `catch_up` puts pending leaves into the tree."""
        await self._with.keep_policy()
        figures: Figures = {}
        for load, (at_once, elsewhere_s) in LOADS.items():
            run = partial(timed, count=count // TURNS, at_once=at_once, elsewhere_s=elsewhere_s)
            found: dict[str, list[float]] = {"without": [], "with": []}
            for _ in range(TURNS):
                found["without"] += await run(partial(self._record, self._without))
                async with beside(catch_up):
                    found["with"] += await run(partial(self._record, self._with))
            for name, seconds in found.items():
                for percent in (50, 99):
                    figures[f"{load}_{name}_leaf_p{percent}_ms"] = part_ms(seconds, percent)
        return figures


@asynccontextmanager
async def beside(catch_up: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Leaves go into the tree as often as a gate has it, while the block runs, and at its end."""

    async def again_and_again() -> None:
        while True:
            await catch_up()
            await asyncio.sleep(INTEGRATE_EVERY_S)

    task = asyncio.create_task(again_and_again())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await catch_up()


async def timed(ask: Callable[[], Awaitable[None]], count: int, at_once: int, elsewhere_s: float = 0.0) -> list[float]:
    """Seconds of each of `count` calls, `at_once` of them under way, each after a pause about as long as given."""
    seconds: list[float] = []
    dice = random.Random(6)
    left = count

    async def one_after_another() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            if elsewhere_s:
                await asyncio.sleep(dice.uniform(0, 2 * elsewhere_s))
            start = time.perf_counter()
            await ask()
            seconds.append(time.perf_counter() - start)

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return seconds


def part_ms(seconds: Sequence[float], percent: int) -> float:
    """A percentile in milliseconds; nothing was measured: 0."""
    if len(seconds) < 2:
        return round(sum(seconds) * 1000, 3)
    return round(statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000, 3)
