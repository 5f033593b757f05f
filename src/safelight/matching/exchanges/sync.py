"""One run of an exchange: page after page into its bank, and after each the checkpoint from which to go on."""

import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from safelight.core.canonical import canonical_json
from safelight.core.clock import Clock, to_rfc3339
from safelight.matching.errors import BankError, ExchangeFailed
from safelight.matching.exchanges.ports import Exchange
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import Taken, begin, look_ahead, take_in
from safelight.matching.model import Bank
from safelight.matching.past import PastOutputs
from safelight.store.database import Database
from safelight.store.tables import exchanges


def sync(
    database: Database,
    hashes: BankHashes,
    bank: Bank,
    exchange: Exchange,
    clock: Clock,
    past: PastOutputs | None = None,
    *,
    ahead: bool = False,
) -> Taken:
    """Fetch what is new and take it in; hold it against `past`, if that is given. Returns the totals of the run.

    With `ahead`, every page is read before the first is taken in: a list that can be read twice counts as a whole or
    not at all. Otherwise what came before a guard held the run back goes on counting.

    Raises BankError or ExchangeFailed where a page fails; what was taken in before it stands, and is told. The next run
    of an exchange goes on there.
    """
    total = Taken()
    start = database.read_here(partial(checkpoint_of, name=exchange.name, bank=bank.number))
    try:
        if ahead:
            run = look_ahead(database, hashes, bank, (page.entries for page in exchange.pages(start)))
        else:
            run = begin(database, hashes, bank)
        for page in exchange.pages(start):
            now = clock()
            taken = take_in(
                database,
                hashes,
                bank,
                page.entries,
                now=now,
                aside=page.aside,
                gone_items=page.gone_items,
                past=past,
                run=run,
            )
            total = _sum(total, taken)
            save = partial(
                _save, name=exchange.name, bank=bank, checkpoint=page.checkpoint, aside=dict(total.aside), now=now
            )
            database.write_here(save)
    except (BankError, ExchangeFailed) as error:
        raise type(error)(f"{error.message} Taken in before that: {_counted(total)}.") from error
    return total


def _counted(taken: Taken) -> str:
    counts = {"added": taken.added, "held back": taken.waiting, "withdrawn": taken.withdrawn}
    return ", ".join(f"{what} {count}" for what, count in counts.items() if count) or "nothing"


@contextmanager
def alone(lock: Path) -> Iterator[bool]:
    """Whether nobody else holds `lock`; held until the block ends, or this process does."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_alone = False
        else:
            is_alone = True
        yield is_alone
    finally:
        os.close(descriptor)


def checkpoint_of(connection: Connection, name: str, bank: int) -> str:
    """Where the next run of an exchange into a bank begins; empty before the first, whatever other banks have."""
    key = exchanges.c.name == key_of(name, bank)
    return connection.execute(select(exchanges.c.checkpoint).where(key)).scalar() or ""


def key_of(name: str, bank: int) -> str:
    """Under which the checkpoint of an exchange into a bank is kept, or of all whose names begin so."""
    return f"{bank} {name}"[:80]


def _save(connection: Connection, name: str, bank: Bank, checkpoint: str, aside: dict[str, int], now: datetime) -> None:
    key = key_of(name, bank.number)
    connection.execute(delete(exchanges).where(exchanges.c.name == key))
    row = {
        "name": key,
        "bank": bank.number,
        "checkpoint": checkpoint,
        "unknown": canonical_json(aside).decode(),
        "fetched_at": to_rfc3339(now),
    }
    connection.execute(insert(exchanges).values(row))


def _sum(total: Taken, one: Taken) -> Taken:
    return replace(
        one,
        added=total.added + one.added,
        waiting=total.waiting + one.waiting,
        already_there=total.already_there + one.already_there,
        withdrawn=total.withdrawn + one.withdrawn,
        nonsense=total.nonsense + one.nonsense,
        aside=Counter(total.aside) + Counter(one.aside),
        held_back=one.held_back or total.held_back,
        batches=tuple(dict.fromkeys(total.batches + one.batches)),
        made_here=total.made_here + one.made_here,
    )
