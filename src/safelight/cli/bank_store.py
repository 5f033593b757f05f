"""The banks of the running Safelight, for commands beside it, and how what was taken in is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from rich.markup import escape

from safelight.cli.database import settings_of
from safelight.cli.output import console, print_json
from safelight.core.clock import utc_now
from safelight.matching import banks as register
from safelight.matching.copy_book import CopyBook
from safelight.matching.copy_model import open_model
from safelight.matching.errors import BankError
from safelight.matching.exchanges.ports import Exchange
from safelight.matching.exchanges.sync import sync
from safelight.matching.intake import Taken
from safelight.matching.known import KnownImages, open_copies, open_hashes
from safelight.matching.model import Bank, BankState
from safelight.matching.past import StoredOutputs
from safelight.store.database import Database, sqlite_url
from safelight.store.digest_key import DigestKey


@contextmanager
def opened(data_dir: Path | None) -> Iterator[KnownImages]:
    """The banks of the running Safelight, beside it: what is changed here counts there within a second."""
    settings = settings_of(data_dir)
    database = Database(settings.database_url or sqlite_url(settings.data_dir / "safelight.db"), timeout_s=30)
    try:
        database.migrate()
        key = DigestKey.load_or_make(settings.data_dir / "digest.key")
        model = open_model(settings.copy_model_file, settings.copy_model_cosine)
        copies = open_copies(database, settings.data_dir, key, model=model)
        yield KnownImages(database, open_hashes(settings.data_dir, key), copies)
    finally:
        database.close()


def copies_of(known: KnownImages) -> CopyBook:
    """The features that are kept beside the hashes."""
    assert known.copies  # noqa: S101 (`opened` gives them)
    return known.copies


def open_bank(known: KnownImages, name: str) -> Bank:
    """A bank that can be added to. Raises BankError."""
    bank = known.database.read_here(partial(register.bank_named, name=name))
    if bank.state is BankState.REMOVED:
        raise BankError(f"The bank {name!r} was removed; make a new one.")
    return bank


def take_from(name: str, exchange: Exchange, data_dir: Path | None, as_json: bool, *, ahead: bool = False) -> None:
    """Run an exchange into a bank, and tell what became of it. Raises SafelightError."""
    with opened(data_dir) as known:
        bank = open_bank(known, name)
        past = StoredOutputs(known.database)
        taken = sync(known.database, known.hashes, bank, exchange, utc_now, past, ahead=ahead)
    if as_json:
        print_json(counts(taken))
        return
    told = {what: value for what in _SAYS if (value := counts(taken)[what])}
    for what, value in told.items():
        console.print(f"[bold]{value:,}[/] {_SAYS[what]}", highlight=False)
    for kind, count in taken.aside.items():
        console.print(f"[bold]{count:,}[/] set aside: {escape(kind)}", highlight=False)
    if not told and not taken.aside:
        console.print("Nothing has changed: nothing is new, and what was withdrawn was not in the bank.")
    if taken.held_back:
        console.print(f"[red]Held back[/]: {escape(taken.held_back)}. Look at it, then release or remove it:")
    for batch in taken.batches:
        console.print(f"safelight banks release {escape(batch)} --why …", highlight=False, soft_wrap=True)


_SAYS = {
    "added": "added: they count now",
    "waiting": "held back: they do not count yet",
    "already_there": "already there",
    "withdrawn": "withdrawn",
    "nonsense": "left out: as many or as few bits set as no picture has",
    "made_here": "pictures that they know were made here before: `safelight banks past`",
}


def counts(taken: Taken) -> dict[str, Any]:
    """For JSON."""
    return {
        "added": taken.added,
        "waiting": taken.waiting,
        "already_there": taken.already_there,
        "withdrawn": taken.withdrawn,
        "nonsense": taken.nonsense,
        "aside": dict(taken.aside),
        "held_back": taken.held_back,
        "batches": list(taken.batches),
        "made_here": taken.made_here,
    }
