"""Notices banks whose source has been silent for longer than it may be, and fetches from exchanges when they are due.

Rules of this module
- A stale bank goes on matching, and the service stays ready: an old list is better than none. It is told: in the log as
  an error and in the bank's history, once for each silence; in a metric, `safelight banks list` and `safelight doctor`.
- Whoever runs several processes hears of a silence once: the history says that it was told.
- What goes wrong with one exchange is told and tried again later; it keeps nothing else from being done.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Connection, select

from safelight.core.clock import Clock
from safelight.core.errors import SafelightError
from safelight.matching.banks import list_banks, note
from safelight.matching.exchanges.subscriptions import Subscription, due, fetch
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank
from safelight.store.database import Database
from safelight.store.tables import bank_events

log = structlog.get_logger()

STALE = "stale"
"""The kind of the event in a bank's history."""
_LOOK_EVERY_S = 60.0


def stale_banks(connection: Connection, now: datetime) -> list[Bank]:
    """The active banks without news for longer than they may be, by number."""
    return [bank for bank in list_banks(connection) if bank.is_stale(now)]


def tell_silence(connection: Connection, now: datetime) -> list[Bank]:
    """The stale banks whose history did not say so yet, and does now."""
    new = [bank for bank in stale_banks(connection, now) if not _is_told(connection, bank)]
    for bank in new:
        note(connection, bank.number, STALE, {"last_news": bank.updated_at, "allowed_h": bank.stale_after_h}, now)
    return new


def _is_told(connection: Connection, bank: Bank) -> bool:
    events = bank_events.c
    told = select(events.id).where(events.bank == bank.number, events.kind == STALE, events.at > bank.updated_at)
    return connection.execute(told.limit(1)).first() is not None


class BankWatch:
    """Looks every minute, in a thread of its own."""

    def __init__(
        self,
        database: Database,
        hashes: BankHashes,
        clock: Clock,
        *,
        tell_stale: Callable[[int], object] = lambda _count: None,
        subscriptions: Sequence[Subscription] = (),
    ) -> None:
        """`tell_stale` is given the number of stale banks at each look."""
        self._database = database
        self._hashes = hashes
        self._clock = clock
        self._tell_stale = tell_stale
        self._subscriptions = subscriptions
        self._tried: dict[str, datetime] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bank-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop, after the fetch under way if there is one and it ends soon."""
        self._stop.set()
        self._thread.join(timeout=2)

    def look(self) -> None:
        """Fetch what is due, then look for silence. Raises StoreFailed."""
        for one in self._due():
            self._tried[one.bank] = self._clock()
            try:
                taken = fetch(self._database, self._hashes, one, self._clock)
            except SafelightError as error:
                log.warning("exchange_failed", bank=one.bank, source=one.source.value, why=error.message)
            else:
                log.info("exchange_fetched", bank=one.bank, added=taken.added, withdrawn=taken.withdrawn)
            if self._stop.is_set():
                return
        now = self._clock()
        stale = self._database.read_here(partial(stale_banks, now=now))
        self._tell_stale(len(stale))
        for bank in self._database.write_here(partial(tell_silence, now=now)) if stale else ():
            silent_h = (now - datetime.fromisoformat(bank.updated_at)).total_seconds() / 3600
            log.error("bank_stale", bank=bank.name, silent_h=round(silent_h, 1), allowed_h=bank.stale_after_h)

    def _due(self) -> list[Subscription]:
        """Those whose time has come; one that failed waits as long as one that did not."""
        now = self._clock()
        waiting = self._database.read_here(partial(due, subscriptions=self._subscriptions, now=now))
        return [
            one
            for one in waiting
            if one.bank not in self._tried or (now - self._tried[one.bank]).total_seconds() >= 60 * one.retry_min
        ]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except SafelightError as error:
                log.warning("bank_watch_failed", why=error.message)
            self._stop.wait(_LOOK_EVERY_S)
