"""Whoever works off what was found goes on after any failure: the next find must not wait unseen."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from safelight.core.clock import to_rfc3339, utc_now
from safelight.core.errors import StoreFailed
from safelight.matching import past_finds
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import take_in
from safelight.matching.past import StoredOutputs
from safelight.matching.past_finds import KnownOutput, PastFinds, overdue_finds
from safelight.store.database import Database, sqlite_url
from safelight.store.tables import outbox
from tests.matching.conftest import NOW
from tests.matching.test_intake import random_pdqs
from tests.matching.test_past import entries, make_bank, released_as


class NobodyOpens:
    """No case is opened in this test."""

    async def open(self, found: KnownOutput) -> None:
        raise AssertionError(found)


class FailsOnce(PastFinds):
    """A find that breaks what works it off, in a way that nobody foresaw."""

    looks = 0
    went_on: asyncio.Event

    async def work(self) -> int:
        self.looks += 1
        if self.looks == 1:
            raise LookupError("not foreseen")
        self.went_on.set()
        return 0


def test_a_failure_that_nobody_foresaw_does_not_end_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_finds, "_LOOK_EVERY_S", 0.01)

    async def story() -> None:
        finds = FailsOnce(Database(sqlite_url(tmp_path / "safelight.db")), NobodyOpens(), utc_now)
        finds.went_on = asyncio.Event()
        await finds.start()
        async with asyncio.timeout(10):
            await finds.went_on.wait()
        await finds.close()

    asyncio.run(story())


@dataclass
class OpensBut:
    """Opens cases, but not for one decision, for as long as something is wrong with it."""

    stuck: str
    why: Exception | None
    opened: list[str] = field(default_factory=list)
    asked: int = 0

    async def open(self, found: KnownOutput) -> None:
        if found.decision_id == self.stuck:
            self.asked += 1
            if self.why:
                raise self.why
        self.opened.append(found.decision_id)


@pytest.mark.parametrize("why", [StoreFailed("disk full"), LookupError("not foreseen")], ids=["foreseen", "not"])
def test_a_find_that_cannot_be_opened_is_told_and_tried_again_and_keeps_no_other_waiting(
    database: Database, hashes: BankHashes, why: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_finds, "_AT_ONCE", 2)  # the one that is stuck is in front of several pages
    bank, pdqs, time = make_bank(database), random_pdqs(6), Moving()
    for pdq in pdqs:
        released_as(database, [pdq])
    take_in(database, hashes, bank, entries(*pdqs), now=NOW, past=StoredOutputs(database))
    rows = database.read_here(lambda c: c.execute(select(outbox).order_by(outbox.c.id)).all())
    decisions = [row.decision_id for row in rows]
    openers, told = OpensBut(decisions[0], why), list[int]()
    finds = PastFinds(database, openers, time, tell_failed=told.append)
    overdue = partial(overdue_finds, now=NOW + timedelta(hours=1))

    with capture_logs() as logs:
        assert asyncio.run(finds.work()) == 5
    assert openers.opened == decisions[1:]
    [error] = [entry for entry in logs if entry["log_level"] == "error"]
    assert (error["event"], error["decision"], error["times"]) == ("known_output_has_no_case", decisions[0], 1)
    assert told == [1]
    assert database.read_here(overdue) == (1, to_rfc3339(NOW))

    with capture_logs() as logs:
        for wait_s in (5, 10, 20, 40, 80, 160, 320, 600, 600):
            before = openers.asked
            time.now += timedelta(seconds=wait_s - 1)
            asyncio.run(finds.work())
            assert openers.asked == before
            time.now += timedelta(seconds=1)
            asyncio.run(finds.work())
            assert openers.asked == before + 1
    assert [entry["times"] for entry in logs] == list(range(2, 11))

    openers.why = None
    time.now += timedelta(hours=1)
    assert asyncio.run(finds.work()) == 1
    assert sorted(openers.opened) == sorted(decisions)
    assert told[-1] == 0
    assert database.read_here(overdue) == (0, "")


@dataclass
class Moving:
    """A clock that the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now
