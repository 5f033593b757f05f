"""A log in a real database, for tests that write and integrate without a gate around them."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from safelight.ledger.append import Appended, Ledger
from safelight.ledger.draft import Draft
from safelight.ledger.integrate import integrate
from safelight.ledger.opening import open_log
from safelight.ledger.proofs.audit import Audit
from safelight.ledger.proofs.checkpoint import Checkpoint
from safelight.ledger.proofs.leaf import LeafKind
from safelight.ledger.proofs.tiles import ENTRIES, parse_bundle, tile_at
from safelight.ledger.published import read_checkpoint, read_tile
from tests.database import empty_database
from tests.ledger.twin import KEY

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class StoreLog:
    """One process's hand on one database."""

    def __init__(self, path: Path) -> None:
        self.database = empty_database(path, timeout_s=30)  # a disk may stall
        self.ledger = Ledger(KEY, lambda: NOW)

    def run(self, work: Callable[[Connection], T]) -> T:
        return asyncio.run(self.database.write(work))

    def begin(self) -> None:
        self.run(lambda c: open_log(c, KEY.public(), None))
        self.run(lambda c: self.ledger.begin(c, release="1", policy="sha256:aa", models=["one@1"]))

    def decide(self, number: int = 1, subject_id: str = "sub_1") -> list[Appended]:
        drafts = [decision(subject_id, str(at)) for at in range(number)]
        return self.run(lambda c: self.ledger.append(c, drafts))

    def integrate(self) -> Checkpoint:
        self.run(lambda c: integrate(c, KEY, NOW))
        return self.head()

    def head(self) -> Checkpoint:
        return Checkpoint.parse(self.run(read_checkpoint).text)

    def entries(self) -> list[bytes]:
        """Everything published, as an outsider reads it."""
        size, found = self.head().size, []
        for number in range((size + 255) // 256):
            bundle = tile_at(ENTRIES, number, size)
            found += parse_bundle(self.run(partial(read_tile, tile=bundle)), bundle.width)
        return found

    def audit(self) -> Audit:
        audit = Audit()
        for entry in self.entries():
            audit.add(entry)
        audit.check_root(self.head())
        return audit


def decision(subject_id: str = "sub_1", tier: str = "free") -> Draft:
    """The leaf of a decision that nobody made."""
    public = {"stage": "input", "verdict": "allow", "category": None}
    return Draft(LeafKind.DECISION, NOW, public, {"tier": tier}, subject_id, sort="input/allow/-")


@contextmanager
def store_log(path: Path) -> Iterator[StoreLog]:
    """Open a log, close it at the end."""
    log = StoreLog(path)
    try:
        yield log
    finally:
        log.database.close()
