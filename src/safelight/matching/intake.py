"""How hashes come into a bank, from a file, an exchange or a person: counted, guarded, added, noted.

The order makes a crash harmless: hashes are on disk before the event says so, and reading the same list again changes
nothing. What cannot be used is counted and told, never dropped in silence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy import Connection

from safelight.core.canonical import Json
from safelight.core.clock import to_rfc3339
from safelight.matching.banks import create_bank, note, touch
from safelight.matching.fingerprints import HashKind
from safelight.matching.guards import is_nonsense, why_hold_back
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank, BankState, Entry
from safelight.store.database import Database

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch."""

    added: int = 0
    already_there: int = 0
    withdrawn: int = 0
    nonsense: int = 0
    """PDQ hashes that no picture can have."""
    aside: Mapping[str, int] = field(default_factory=dict)
    """Entries of signal types that are not known here, by type: kept out and counted."""
    held_back: str = ""
    """Why the new hashes wait in a batch of their own; empty where they count at once."""
    batch: str = ""
    """The name of that batch, for `safelight bank release`."""


def take_in(
    database: Database,
    hashes: BankHashes,
    bank: Bank,
    entries: Iterable[Entry],
    *,
    now: datetime,
    aside: Mapping[str, int] | None = None,
) -> Taken:
    """Add and withdraw `entries`; of several about one hash the last counts. Raises StoreFailed."""
    last = {(entry.kind, entry.value): entry.is_withdrawn for entry in entries}
    nonsense = [key for key, gone in last.items() if not gone and key[0] is HashKind.PDQ and is_nonsense(key[1])]
    for key in nonsense:
        del last[key]
    new = _by_kind(key for key, gone in last.items() if not gone)
    gone = _by_kind(key for key, is_gone in last.items() if is_gone)

    count = sum(map(len, new.values()))
    held = hashes.count().get(bank.number, 0)
    why = why_hold_back(held, count, new.get(HashKind.PDQ, []), bank.threshold_bits)
    into = database.write_here(lambda connection: _batch(connection, bank, why, now)) if why else bank

    withdrawn = sum(hashes.revoke(bank.number, kind, values) for kind, values in gone.items())
    added = sum(hashes.add(into.number, kind, values) for kind, values in new.items())
    taken = Taken(added, count - added, withdrawn, len(nonsense), dict(aside or {}), why, into.name if why else "")
    database.write_here(lambda connection: _note(connection, bank, taken, now))
    if why:
        log.error("list_held_back", bank=bank.name, batch=into.name, why=why)
    if taken.aside or nonsense:
        log.warning("list_has_unusable_entries", bank=bank.name, aside=dict(taken.aside), nonsense=len(nonsense))
    return taken


def _by_kind(keys: Iterable[tuple[HashKind, bytes]]) -> dict[HashKind, list[bytes]]:
    sorted_: dict[HashKind, list[bytes]] = {}
    for kind, value in keys:
        sorted_.setdefault(kind, []).append(value)
    return sorted_


def _batch(connection: Connection, bank: Bank, why: str, now: datetime) -> Bank:
    """A bank beside `bank` for what is held back; once released, it counts like the bank itself."""
    return create_bank(
        connection,
        name=f"{bank.name[:50]}~{to_rfc3339(now)[:19].lower().replace(':', '')}-{now.microsecond:06d}",
        owner=bank.owner,
        source=bank.source,
        category=bank.category,
        kind=bank.kind,
        threshold_bits=bank.threshold_bits,
        meaning=bank.meaning,
        state=BankState.QUARANTINED,
        why=why,
        parent=bank.number,
        now=now,
    )


def _note(connection: Connection, bank: Bank, taken: Taken, now: datetime) -> None:
    body: dict[str, Json] = {
        "added": taken.added,
        "already_there": taken.already_there,
        "withdrawn": taken.withdrawn,
        "nonsense": taken.nonsense,
        "aside": dict(taken.aside),
        "held_back": taken.held_back,
        "batch": taken.batch,
    }
    note(connection, bank.number, "taken_in", body, now)
    touch(connection, bank.number, now)
