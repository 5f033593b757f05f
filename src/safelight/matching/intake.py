"""How hashes come into a bank, from a file, an exchange or a person: counted, guarded, added, noted.

The order makes a crash harmless: hashes are on disk before the event says so, and reading the same list again changes
nothing. That what is added will be held against the past is promised on disk first; whoever next adds to the bank keeps
the promise of somebody who was killed. What cannot be used is counted and told, never dropped in silence.

What was held back of a list belongs to it: a withdrawal reaches it there, and what waits there or was released is not
new when the list is read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Connection

from safelight.core.canonical import Json
from safelight.core.clock import to_rfc3339
from safelight.matching.banks import batches_of, create_bank, note, touch
from safelight.matching.fingerprints import HashKind
from safelight.matching.guards import is_nonsense, why_hold_back
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank, BankState, Entry
from safelight.matching.past import PastOutputs, match_back
from safelight.store.database import Database

log = structlog.get_logger()
_ITEM = "item"


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
    """The name of that batch, for `safelight banks release`."""
    made_here: int = 0
    """Pictures that were made here before and that the new hashes know (`past.py`)."""


def take_in(
    database: Database,
    hashes: BankHashes,
    bank: Bank,
    entries: Iterable[Entry],
    *,
    now: datetime,
    aside: Mapping[str, int] | None = None,
    gone_items: Mapping[int, int] | None = None,
    past: PastOutputs | None = None,
) -> Taken:
    """Add and withdraw `entries`, and whatever stands under `gone_items` (item and time of withdrawal).

    Of several entries about one hash the newest counts, and the last of those that are equally new. A hash that was
    withdrawn later than an entry says it was listed stays away. What counts at once is held against `past`, if that is
    given. Raises StoreFailed.
    """
    batches = database.read_here(partial(batches_of, number=bank.number))
    gone_items = gone_items or {}
    for item, at_s in gone_items.items():
        hashes.note_withdrawn(bank.number, [(_ITEM, item.to_bytes(5))], at_s)
        for one in (bank, *batches):
            hashes.drop(one.number, item)
    last: dict[tuple[HashKind, bytes], Entry] = {}
    for entry in entries:
        known = last.get((entry.kind, entry.value))
        if known is None or known.at_s <= entry.at_s:
            last[entry.kind, entry.value] = entry
    listed = [entry for entry in last.values() if not entry.is_withdrawn]
    usable = [entry for entry in listed if not (entry.kind is HashKind.PDQ and is_nonsense(entry.value))]
    nonsense = len(listed) - len(usable)
    current = _by_kind(entry for entry in usable if not _is_outdated(hashes, bank, entry))
    new = {kind: left for kind, some in current.items() if (left := _not_in(hashes, batches, kind, some))}
    gone = _by_kind(entry for entry in last.values() if entry.is_withdrawn)

    count, listed_here = (sum(map(len, some.values())) for some in (new, current))
    counts = hashes.count()
    released = [one for one in batches if one.state is BankState.ACTIVE]
    held = sum(counts.get(one.number, 0) for one in (bank, *released))
    pdqs = [entry.value for entry in new.get(HashKind.PDQ, [])]
    why = why_hold_back(held, count, pdqs, bank.threshold_bits)
    into = database.write_here(lambda connection: _batch(connection, bank, why, now)) if why else bank

    withdrawn = len(gone_items)
    for kind, some in gone.items():
        for entry in some:
            hashes.note_withdrawn(bank.number, [(kind.value, entry.value)], entry.at_s)
        values = [entry.value for entry in some]
        withdrawn += sum(hashes.revoke(one.number, kind, values) for one in (bank, *batches))
    mark = hashes.promise(bank.number) if past and HashKind.PDQ in new and not why else None
    added = sum(
        hashes.add(into.number, kind, [entry.value for entry in some], [entry.item for entry in some])
        for kind, some in new.items()
    )
    looked_for = new.get(HashKind.PDQ, []) if mark and added else []
    was_made_here = _look_back(database, hashes, past, bank, now, looked_for, mark) if past else 0
    taken = Taken(
        added, listed_here - added, withdrawn, nonsense, dict(aside or {}), why, into.name if why else "", was_made_here
    )
    database.write_here(lambda connection: _note(connection, bank, taken, now))
    if why:
        log.error("list_held_back", bank=bank.name, batch=into.name, why=why)
    if taken.aside or nonsense:
        log.warning("list_has_unusable_entries", bank=bank.name, aside=dict(taken.aside), nonsense=nonsense)
    return taken


def _look_back(
    database: Database,
    hashes: BankHashes,
    past: PastOutputs,
    bank: Bank,
    now: datetime,
    new: Sequence[Entry],
    mark: Path | None,
) -> int:
    """How many past outputs the `new` PDQ hashes know. What others promised and did not keep is done here too."""
    promises = hashes.promised(bank.number)
    # Another's mark is of somebody who was killed between adding and looking: then the whole bank is looked through.
    listed = None if {*promises} - {mark} else [(entry.value, entry.item) for entry in new]
    found = len(match_back(database, hashes, past, bank, now, listed))
    hashes.keep(promises)
    if found:
        log.error("listed_picture_was_made_here", bank=bank.name, outputs=found)
    return found


def _by_kind(entries: Iterable[Entry]) -> dict[HashKind, list[Entry]]:
    sorted_: dict[HashKind, list[Entry]] = {}
    for entry in entries:
        sorted_.setdefault(entry.kind, []).append(entry)
    return sorted_


def _not_in(hashes: BankHashes, batches: Sequence[Bank], kind: HashKind, entries: list[Entry]) -> list[Entry]:
    """Those that no batch of the bank holds."""
    for batch in batches if entries else ():
        values, items = [entry.value for entry in entries], [entry.item for entry in entries]
        held = hashes.has(batch.number, kind, values, items)
        entries = [entry for entry, is_held in zip(entries, held, strict=True) if not is_held]
    return entries


def _is_outdated(hashes: BankHashes, bank: Bank, entry: Entry) -> bool:
    """Whether the hash, or the item that it belongs to, was withdrawn after this entry was made."""
    if not entry.at_s:
        return False
    keys = [(entry.kind.value, entry.value), *([(_ITEM, entry.item.to_bytes(5))] if entry.item else [])]
    return any(hashes.withdrawn_at_s(bank.number, kind, value) >= entry.at_s for kind, value in keys)


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
        "made_here": taken.made_here,
    }
    note(connection, bank.number, "taken_in", body, now)
    touch(connection, bank.number, now)
