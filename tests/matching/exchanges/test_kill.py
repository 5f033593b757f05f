"""A sync that is killed at any moment goes on where it was: nothing acknowledged is lost, nothing withdrawn revived."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from safelight.matching.exchanges.http import mark_of
from safelight.matching.exchanges.sync import checkpoint_of
from safelight.matching.fingerprints import HashKind, file_digests
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank
from safelight.matching.past import past_matches_of
from safelight.store.database import Database
from tests.matching.exchanges import test_ncmec, test_stopncii
from tests.matching.exchanges.server import Asked, Exchange, Said, speaking
from tests.matching.exchanges.sync_worker import SECRET
from tests.matching.test_past import released_as

BEGINS_S = 1_790_000_000
KILLS = int(os.environ.get("SAFELIGHT_TEST_KILLS", "2"))
"""How often a sync with each exchange is killed; 50 before a release (docs/how-to/banks.md)."""
BEGINS_WITHIN_S = 120.0
"""On a machine that has much else to do."""
COUNT = 20
"""Entries of the list. All of them change with each edition of it, so that there is always something to lose."""
PAGE = 5
MADE_HERE = 8
"""As many of them were made here before."""
ROOT = Path(__file__).parents[3]
WORKER = "tests.matching.exchanges.sync_worker"


@dataclass(frozen=True)
class Change:
    """What a list says of one of its entries."""

    number: int
    at: int
    is_gone: bool


@dataclass
class Edition:
    """All that the list says now, in pages as a bad day brings them: out of order, some of it twice."""

    pages: list[list[Change]]
    taken: int = 0
    """Pages that are acknowledged."""

    @classmethod
    def drawn(cls, dice: random.Random, at: int) -> "Edition":
        now = [Change(number, at + dice.randrange(1, 9), dice.random() < 0.4) for number in range(COUNT)]
        # What was withdrawn had been listed anew before, and that may be said before and after.
        said = now + [Change(one.number, at, is_gone=False) for one in now if one.is_gone]
        dice.shuffle(said)
        said += dice.sample(said, 2 * PAGE)
        return cls([said[start : start + PAGE] for start in range(0, len(said), PAGE)])

    @property
    def under_way(self) -> set[int]:
        """Entries of the page that may be half taken in."""
        return {one.number for page in self.pages[self.taken : self.taken + 1] for one in page}


class StopNcii:
    """The list of test_stopncii."""

    source, name, pdqs = "stopncii", "stopncii", test_stopncii.PDQS

    @staticmethod
    def speaker(edition: Edition) -> Callable[[Asked], Said]:
        said = [one for page in edition.pages for one in page]
        states = {True: "Withdrawn", False: "Active"}
        records = [test_stopncii.record(one.number, states[one.is_gone], at=one.at) for one in said]
        return test_stopncii.Twin(records, PAGE)

    @staticmethod
    def page_asked_for(asked: Asked) -> int:
        return int(asked.query.get("nextPageToken", "t0")[1:])

    @staticmethod
    def next_page(checkpoint: str) -> int:
        return int(checkpoint.partition(" t")[2] or 0)

    def holds(self, hashes: BankHashes, number: int) -> bool:
        return bool(hashes.near([self.pdqs[number]], 0))


class Ncmec:
    """The list of test_ncmec: what is gone is gone by its name, with all of its fingerprints."""

    source, name, pdqs = "ncmec", "ncmec ngo", test_ncmec.PDQS

    @staticmethod
    def speaker(edition: Edition) -> Callable[[Asked], Said]:
        return test_ncmec.Twin(
            [
                [
                    test_ncmec.entry(one.number, f"{datetime.fromtimestamp(one.at, UTC)}", deleted=one.is_gone)
                    for one in page
                ]
                for page in edition.pages
            ]
        )

    @staticmethod
    def page_asked_for(asked: Asked) -> int:
        return int(asked.query.get("start", "0"))

    @staticmethod
    def next_page(checkpoint: str) -> int:
        address = json.loads(checkpoint or "{}").get("next", "")
        return int(parse_qs(urlsplit(address).query).get("start", ["0"])[0])

    def holds(self, hashes: BankHashes, number: int) -> bool:
        pdq = bool(hashes.near([self.pdqs[number]], 0))
        sha1 = bool(hashes.same(HashKind.SHA1, file_digests(str(number).encode())[HashKind.SHA1]))
        return pdq and sha1 if pdq == sha1 else pytest.fail(f"half of entry {number} is there")


@pytest.mark.slow
@pytest.mark.parametrize("feed", [StopNcii(), Ncmec()], ids=["stopncii", "ncmec"])
def test_kill_9_loses_nothing_acknowledged_and_revives_nothing_withdrawn(
    database: Database, bank: Bank, tmp_path: Path, feed: StopNcii | Ncmec
) -> None:
    dice = random.Random(feed.name)
    made = released_as(database, feed.pdqs[:MADE_HERE])
    edition, sure = Edition.drawn(dice, BEGINS_S), dict[int, Change]()

    killed = editions = 0
    with speaking(feed.speaker(edition)) as server, workers(tmp_path, feed.source, server) as sync_once:
        while killed < KILLS or edition.taken < len(edition.pages):
            if edition.taken == len(edition.pages):
                editions += 1
                edition = Edition.drawn(dice, BEGINS_S + 10 * editions)
                server.answer = feed.speaker(edition)
            before, told = len(server.asked), edition.taken
            said, was_killed = sync_once(dice if killed < KILLS else None)
            assert was_killed <= (killed < KILLS)
            killed += was_killed
            told += said
            # It began where the last one was, and what it said is saved; of one page only the word may be missing.
            assert all(feed.page_asked_for(asked) >= edition.taken for asked in server.asked[before:])
            name = f"{feed.name} {mark_of(server.address)}"
            saved = feed.next_page(database.read_here(partial(checkpoint_of, name=name, bank=bank.number)))
            if saved == 0 and told >= len(edition.pages) - 1:
                saved = len(edition.pages)
            assert saved - told in (0, 1)
            for one in (one for page in edition.pages[edition.taken : saved] for one in page):
                sure[one.number] = max(one, sure.get(one.number, one), key=lambda change: change.at)
            edition.taken = saved
            hashes = BankHashes(tmp_path / "banks", SECRET)
            for number in sure.keys() - edition.under_way:
                assert feed.holds(hashes, number) is not sure[number].is_gone, f"{number} after {killed} kills"
    held = [number for number in range(COUNT) if feed.holds(hashes, number)]
    assert held == [number for number in range(COUNT) if not sure[number].is_gone]
    found = {row[1] for row in database.read_here(partial(past_matches_of, bank=bank.number))}
    assert found >= {made[number] for number in held if number < MADE_HERE}


SyncOnce = Callable[[random.Random | None], tuple[int, bool]]
"""One run, killed if there are dice. Gives how many pages it acknowledged, and whether its end did not come."""


@contextmanager
def workers(folder: Path, source: str, server: Exchange) -> Iterator[SyncOnce]:
    """Whoever runs a sync in a process of its own, whenever asked."""
    command = [sys.executable, "-m", WORKER, str(folder), source, server.address]
    with subprocess.Popen(  # noqa: S603 (our own)
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin
        assert parent.stdout
        said, orders = parent.stdout, parent.stdin

        def sync_once(dice: random.Random | None) -> tuple[int, bool]:
            before = len(server.asked)
            orders.write("\n")
            orders.flush()
            child = int(said.readline().removeprefix("began "))
            if dice:
                wanted, deadline = before + dice.randrange(1, 6), time.monotonic() + BEGINS_WITHIN_S
                while len(server.asked) < wanted and is_there(child) and time.monotonic() < deadline:
                    time.sleep(0.005)
                time.sleep(dice.random() * 0.03)
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            lines = list(takewhile(lambda line: line != "over\n", said))
            assert "failed\n" not in lines
            assert len(server.asked) > before, "a sync did not begin"
            return lines.count("taken\n"), "done\n" not in lines  # the log speaks there too

        try:
            yield sync_once
        finally:
            orders.close()


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
