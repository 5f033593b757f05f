"""A house of reports in a real database, with a platform in memory and a clock that a test can move."""

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from safelight.accounts.permissions import Role
from safelight.cases.desk import to_row
from safelight.cases.draft import (
    Contact,
    ContactKind,
    Declarations,
    Fingerprint,
    Matter,
    Place,
    PlaceKind,
    ReportDraft,
    Reporter,
)
from safelight.cases.model import Outcome, ReasonCode
from safelight.cases.rules import CaseRules, load_rules
from safelight.cases.service import Cases
from safelight.cases.staff_model import CaseRow, Choice, QueueFilter, Staff
from safelight.cases.stay_down import BankCopies
from safelight.cases.takedown.memory import MemoryPlatform, MemoryPost
from safelight.cases.takedown.ports import Platform, Post
from safelight.ledger.append import Ledger
from safelight.ledger.opening import open_log
from safelight.matching.fingerprints import HashKind
from safelight.matching.known import KnownImages, open_copies, open_hashes
from safelight.matching.past import StoredOutputs
from safelight.store.cases_tables import cases
from safelight.store.database import Database, sqlite_url
from safelight.store.digest_key import DigestKey
from tests.ledger.twin import KEY

T = TypeVar("T")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODERATOR = Staff("anna", Role.MODERATOR)
OTHER_MODERATOR = Staff("ben", Role.MODERATOR)
SENIOR = Staff("carol", Role.SENIOR)
OTHER_SENIOR = Staff("dora", Role.SENIOR)
LEAD = Staff("lena", Role.LEAD)
EVERYTHING = QueueFilter(states=frozenset())
DECLARED = Declarations(True, True, True, "A. Person")
REMOVE = Choice(Outcome.REMOVE, ReasonCode.INTIMATE_WITHOUT_CONSENT)
KEEP = Choice(Outcome.KEEP, ReasonCode.NOT_INTIMATE_CONTENT)


def post(name: str) -> Place:
    """A post of the platform in memory."""
    return Place(PlaceKind.POST, name)


def address(text: str) -> Place:
    """A place on the web."""
    return Place(PlaceKind.ADDRESS, text)


def print_of(value: bytes) -> Fingerprint:
    """A PDQ fingerprint of good quality."""
    return Fingerprint(HashKind.PDQ, value.hex())


def report(**changes: Any) -> ReportDraft:
    """A complete report of an intimate image at a post."""
    whole = ReportDraft(
        matter=Matter.INTIMATE,
        reporter=Reporter.SUBJECT,
        places=(post("p1"),),
        declarations=DECLARED,
        contact=Contact(ContactKind.RECEIPT),
    )
    return replace(whole, **changes)


@cache
def _migrated() -> Path:
    """An empty database, made once: migrating costs more than most tests."""
    path = Path(tempfile.mkdtemp(prefix="safelight-")) / "empty.db"
    database = Database(sqlite_url(path))
    database.migrate()
    database.close()
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return path


class House:
    """Cases, with everything around them."""

    def __init__(
        self,
        folder: Path,
        *,
        rules: CaseRules | None = None,
        platform: Platform | None = None,
        post_: Post | None = None,
        now: datetime = START,
        begin: bool = True,
    ) -> None:
        self.now = now
        self.folder = folder
        if begin:
            shutil.copy(_migrated(), folder / "cases.db")
        self.database = Database(sqlite_url(folder / "cases.db"), timeout_s=20)
        self.key = DigestKey(b"\x05" * 32)
        self.ledger = Ledger(KEY, self.clock)
        self.runner = asyncio.Runner()
        if begin:
            self.database.write_here(lambda c: open_log(c, KEY.public(), None))
        self.database.write_here(lambda c: self.ledger.begin(c, release="1", policy="sha256:aa", models=["one@1"]))
        self.platform = MemoryPlatform(self.clock)
        self.post = MemoryPost()
        self.known = KnownImages(
            self.database, open_hashes(folder, self.key), open_copies(self.database, folder, self.key)
        )
        self.copies = BankCopies(self.known, self.clock, StoredOutputs(self.database))
        self.cases = Cases(
            self.database,
            rules or load_rules(),
            self.key,
            self.clock,
            self.ledger,
            copies=self.copies,
            platform=platform or self.platform,
            post=post_ or self.post,
        )

    def clock(self) -> datetime:
        return self.now

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def sql(self, work: Callable[[Connection], T]) -> T:
        return self.run(self.database.write(work))

    def tick(self) -> int:
        return self.run(self.cases.tick())

    def travel(self, **by: float) -> None:
        """Let time pass, and have what is due done."""
        self.now += timedelta(**by)
        self.tick()

    def row(self, case_id: str) -> CaseRow:
        return self.run(
            self.database.read(lambda c: to_row(c.execute(select(cases).where(cases.c.id == case_id)).one()))
        )

    def decide(self, case_id: str, choice: Choice = REMOVE, staff: Staff = MODERATOR) -> None:
        """Claim, decide, and have it carried out; a second later than whatever came before."""
        self.now += timedelta(seconds=1)
        self.run(self.cases.claim(staff, case_id))
        self.run(self.cases.decide(staff, case_id, choice, self.row(case_id).version))
        self.tick()

    def undo(self, staff: Staff, case_id: str, words: str = "") -> None:
        """Take the decision back that stands now."""
        self.run(self.cases.undo(staff, case_id, self.row(case_id).version, words))

    def close(self) -> None:
        self.runner.close()
        self.database.close()


@contextmanager
def house(folder: Path, **more: Any) -> Iterator[House]:
    """Open it, close it."""
    opened = House(folder, **more)
    try:
        yield opened
    finally:
        opened.close()
