"""The log of a data folder, opened for a command."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from safelight.core.clock import utc_now
from safelight.core.errors import LedgerCode, LedgerUnfit
from safelight.ledger.append import Ledger
from safelight.ledger.disclose import Shut
from safelight.ledger.head_file import HeadFile
from safelight.ledger.keys import load_or_make_key
from safelight.ledger.proofs.errors import ProofError
from safelight.settings import Settings
from safelight.store.database import Database, sqlite_url

T = TypeVar("T")

DataDir = Annotated[Path | None, typer.Option(help="The data folder of the running Safelight.")]
_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class OpenedLog:
    """A log, its key, and where its head is kept beside the database."""

    database: Database
    ledger: Ledger
    head_file: HeadFile

    def run(self, work: Callable[[Connection], T], *, write: bool = False) -> T:
        """Run `work` on the log's database. Raises LedgerUnfit or StoreFailed."""
        try:
            return asyncio.run(self.database.write(work) if write else self.database.read(work))
        except Shut as error:
            raise LedgerUnfit(LedgerCode.SHUT, str(error)) from error
        except ProofError as error:
            raise LedgerUnfit(LedgerCode.CHANGED, str(error)) from error


@contextmanager
def opened_log(data_dir: Path | None) -> Iterator[OpenedLog]:
    """The log of a data folder. Raises LedgerUnfit or StoreFailed."""
    settings = Settings() if data_dir is None else Settings(data_dir=data_dir)
    key_file = settings.data_dir / "ledger.key"
    if not key_file.exists():
        raise LedgerUnfit(LedgerCode.KEY_UNFIT, f"There is no log in {settings.data_dir}; name the gate's --data-dir.")
    head = settings.kept_head_file
    key = load_or_make_key(key_file, settings.ledger_origin, head)
    database = Database(settings.database_url or sqlite_url(settings.data_dir / "safelight.db"), timeout_s=_TIMEOUT_S)
    head_file = HeadFile(head, key.public())
    try:
        database.migrate()
        yield OpenedLog(database, Ledger(key, utc_now), head_file)
    finally:
        database.close()
