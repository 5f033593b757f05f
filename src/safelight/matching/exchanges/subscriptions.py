"""Which bank is fetched from which exchange, and how often: one TOML file, for a timer and for the running service.

    [[exchange]]
    bank = "ncii"
    source = "stopncii"
    url = "https://test.example/v1"
    user_env = "STOPNCII_FUNCTION_KEY"          # the names of environment variables: no secret is in the file
    secret_env = "STOPNCII_SUBSCRIPTION_KEY"
    every_min = 60
    production = false                           # real lists only where this says so

A name that is not known is an error: a misspelt `production` must not be overlooked.
"""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from safelight.core.clock import Clock
from safelight.core.errors import NotStartable
from safelight.matching.banks import bank_named
from safelight.matching.errors import BankError
from safelight.matching.exchanges.ncmec import Ncmec
from safelight.matching.exchanges.stopncii import StopNcii
from safelight.matching.exchanges.sync import key_of, sync
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import Taken
from safelight.matching.model import BankState
from safelight.matching.past import StoredOutputs
from safelight.store.database import Database
from safelight.store.tables import banks, exchanges

FILE = "exchanges.toml"
"""In the data folder."""
_RETRY_MIN = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Source(StrEnum):
    """Exchanges that a bank can be synced with."""

    STOPNCII = "stopncii"
    NCMEC = "ncmec"


@dataclass(frozen=True, slots=True)
class Subscription:
    """One bank and the exchange that fills it."""

    bank: str
    source: Source
    url: str
    user_env: str
    secret_env: str
    every_min: int = 60
    production: bool = False

    @property
    def retry_min(self) -> int:
        """Minutes after which a fetch that failed is tried again."""
        return min(self.every_min, _RETRY_MIN)


def read_subscriptions(path: Path) -> list[Subscription]:
    """What the file says; nothing where there is none. Raises NotStartable."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NotStartable(f"{path} cannot be read: {error}") from error
    found = content.pop("exchange", [])
    if content or not isinstance(found, list):
        raise NotStartable(f"{path} holds [[exchange]] tables and nothing else.")
    read = [_subscription(path, number, one) for number, one in enumerate(found, 1)]
    if len({one.bank for one in read}) < len(read):
        raise NotStartable(f"{path} names a bank twice.")
    return read


def connect(source: Source, url: str, *, user: str, secret: str, production: bool) -> StopNcii | Ncmec:
    """A client for an exchange; close it when done. Raises NotStartable."""
    if source is Source.STOPNCII:
        return StopNcii.connect(url, function_key=user, subscription_key=secret, production=production)
    return Ncmec.connect(url, user=user, password=secret, production=production)


def due(connection: Connection, subscriptions: Sequence[Subscription], now: datetime) -> list[Subscription]:
    """Those that were not fetched for `every_min`."""
    return [one for one in subscriptions if now - _last(connection, one) >= timedelta(minutes=one.every_min)]


def _last(connection: Connection, one: Subscription) -> datetime:
    """When the bank was last fetched from this exchange; long ago where it never was."""
    kept = select(exchanges.c.name, exchanges.c.bank, exchanges.c.fetched_at)
    rows = connection.execute(kept.join(banks, banks.c.number == exchanges.c.bank).where(banks.c.name == one.bank))
    mine = [row.fetched_at for row in rows if row.name.startswith(key_of(one.source, row.bank))]
    return max(map(datetime.fromisoformat, mine), default=_LONG_AGO)


def fetch(database: Database, hashes: BankHashes, one: Subscription, clock: Clock) -> Taken:
    """Fetch what is new. Raises NotStartable, BankError, ExchangeFailed, StoreFailed."""
    user, secret = (os.environ.get(name, "") for name in (one.user_env, one.secret_env))
    if not user or not secret:
        raise NotStartable(f"Set {one.user_env} and {one.secret_env} in the environment, for the bank {one.bank!r}.")
    bank = database.read_here(partial(bank_named, name=one.bank))
    if bank.state is BankState.REMOVED:
        raise BankError(f"The bank {one.bank!r} was removed; take it out of {FILE}.")
    exchange = connect(one.source, one.url, user=user, secret=secret, production=one.production)
    try:
        return sync(database, hashes, bank, exchange, clock, StoredOutputs(database))
    finally:
        exchange.close()


def _subscription(path: Path, number: int, table: Any) -> Subscription:
    kinds = {field.name: field.type for field in fields(Subscription)}
    if not isinstance(table, dict) or (unknown := table.keys() - kinds.keys()):
        named = f" {sorted(unknown)[0]!r}" if isinstance(table, dict) else ""
        raise NotStartable(f"{path}, exchange {number}: there is no setting{named}; {', '.join(kinds)} are known.")
    for name, kind in kinds.items():
        value = table.get(name)
        if value is None and name in ("every_min", "production"):
            continue
        # A bool is an int to Python; `type` tells them apart.
        if type(value) is not (kind if kind in (int, bool) else str) or value == "":
            raise NotStartable(f"{path}, exchange {number}: {name} is missing or of another kind.")
    if table["source"] not in list(Source):
        raise NotStartable(f"{path}, exchange {number}: source is one of {', '.join(Source)}.")
    if table.get("every_min", 1) < 1:
        raise NotStartable(f"{path}, exchange {number}: every_min is at least 1.")
    return Subscription(**{**table, "source": Source(table["source"])})
