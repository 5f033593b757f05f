"""One run of an exchange is judged as one, however many pages it comes in; what a broken one took in is said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pytest

from safelight.core.clock import utc_now
from safelight.matching.banks import bank_named, list_banks, set_state
from safelight.matching.errors import ExchangeFailed
from safelight.matching.exchanges.ports import Page
from safelight.matching.exchanges.sync import sync
from safelight.matching.fingerprints import HashKind
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import take_in
from safelight.matching.model import Bank, BankState, Entry
from safelight.store.database import Database
from tests.matching.conftest import NOW
from tests.matching.test_intake import entries, random_pdqs


@dataclass
class Pages:
    """An exchange that gives these pages, and breaks after them where it is told to."""

    given: Sequence[Sequence[Entry]]
    breaks: bool = False
    name: str = "pages"

    def pages(self, checkpoint: str) -> Iterator[Page]:
        for number, page in enumerate(self.given):
            yield Page(tuple(page), str(number))
        if self.breaks:
            raise ExchangeFailed("The other side hung up; try again later.")


def test_pages_that_flood_a_list_together_wait_together(database: Database, hashes: BankHashes, bank: Bank) -> None:
    take_in(database, hashes, bank, entries(random_pdqs(200)), now=NOW)
    new = entries(random_pdqs(4_000, seed=1))
    taken = sync(database, hashes, bank, Pages([new[:1_000], new[1_000:3_000], new[3_000:]]), utc_now)
    assert "flood: 3000 new hashes for a list of 200" in taken.held_back
    assert (taken.added, taken.waiting) == (1_000, 3_000)
    (name,) = taken.batches
    batch = database.read_here(lambda c: bank_named(c, name))
    assert hashes.count() == {bank.number: 1_200, batch.number: 3_000}


def test_what_comes_after_somebody_released_the_batch_waits_in_another(
    database: Database, hashes: BankHashes, bank: Bank
) -> None:
    """Whoever released it had not seen the rest."""
    take_in(database, hashes, bank, entries(random_pdqs(200)), now=NOW)
    new = entries(random_pdqs(4_000, seed=1))

    class Released(Pages):
        def pages(self, checkpoint: str) -> Iterator[Page]:
            for number, page in enumerate(super().pages(checkpoint)):
                if number == 1:
                    name = database.read_here(list_banks)[-1].name
                    database.write_here(partial(set_state, name=name, state=BankState.ACTIVE, why="seen", now=NOW))
                yield page

    taken = sync(database, hashes, bank, Released([new[:3_000], new[3_000:]]), utc_now)
    assert (taken.added, taken.waiting, len(taken.batches)) == (0, 4_000, 2)


def test_a_run_that_breaks_says_what_it_took_in(database: Database, hashes: BankHashes, bank: Bank) -> None:
    listed = entries(random_pdqs(5))
    gone = [Entry(HashKind.PDQ, listed[0].value, is_withdrawn=True)]
    with pytest.raises(ExchangeFailed, match=r"hung up.*before that: added 5, withdrawn 1"):
        sync(database, hashes, bank, Pages([listed, gone], breaks=True), utc_now)
    with pytest.raises(ExchangeFailed, match="before that: nothing"):
        sync(database, hashes, bank, Pages([], breaks=True), utc_now)
