"""Whoever works off what was found goes on after any failure: the next find must not wait unseen."""

import asyncio
from pathlib import Path

import pytest

from safelight.core.clock import utc_now
from safelight.matching import past_finds
from safelight.matching.past_finds import KnownOutput, PastFinds
from safelight.store.database import Database, sqlite_url


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
