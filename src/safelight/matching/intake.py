"""How hashes come into a bank, from a file, an exchange or a person: counted, guarded, added, noted.

The order makes a crash harmless: hashes are on disk before the event says so, and reading the same list again changes
nothing. That what is added will be held against the past is promised on disk first; whoever next adds to the bank keeps
the promise of somebody who was killed. What cannot be used is counted and told, never dropped in silence.

What was held back of a list belongs to it: a withdrawal reaches it there, and what waits there or was released is not
new when the list is read again. A list that comes in pages is one `Run`: guards judge the sum of its pages, and once it
is held back, so is what follows.
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
    """What became of a list, or of a page of one."""

    added: int = 0
    """New hashes that count."""
    waiting: int = 0
    """New hashes that were held back, or that came into a bank that is."""
    already_there: int = 0
    withdrawn: int = 0
    nonsense: int = 0
    """PDQ hashes that no picture can have."""
    aside: Mapping[str, int] = field(default_factory=dict)
    """Entries of signal types that are not known here, by type: kept out and counted."""
    held_back: str = ""
    """Why those wait; empty where all count at once."""
    batches: tuple[str, ...] = ()
    """The names of what they wait in, for `safelight banks release`: batches of their own, or the bank."""
    made_here: int = 0
    """Pictures that were made here before and that the new hashes know (`past.py`)."""


@dataclass(slots=True)
class Run:
    """One reading of a list, page after page."""

    held: int
    """Hashes that counted before it."""
    new: int = 0
    """Hashes of its pages so far that the bank did not have."""
    why: str = ""
    """Why it is held back from here on; empty where it is not."""
    batches: list[str] = field(default_factory=list)
    """The names of those that hold what was held back of it."""


def begin(database: Database, hashes: BankHashes, bank: Bank) -> Run:
    """Begin to read a list into a bank. Raises StoreFailed."""
    batches = database.read_here(partial(batches_of, number=bank.number))
    released = [one for one in batches if one.state is BankState.ACTIVE]
    counts = hashes.count()
    return Run(sum(counts.get(one.number, 0) for one in (bank, *released)))


def look_ahead(database: Database, hashes: BankHashes, bank: Bank, pages: Iterable[Iterable[Entry]]) -> Run:
    """Judge a list as a whole before the first of its pages is taken in. Raises StoreFailed, and what `pages` do."""
    run = begin(database, hashes, bank)
    batches = database.read_here(partial(batches_of, number=bank.number))
    seen: set[bytes] = set()
    for page in pages:
        usable = _by_kind(entry for entry in page if not entry.is_withdrawn and not _is_nonsense(entry))
        new = {kind: _not_in(hashes, (bank, *batches), kind, some) for kind, some in usable.items()}
        seen.update(entry.value for some in new.values() for entry in some)
        pdqs = [entry.value for entry in new.get(HashKind.PDQ, [])]
        run.why = why_hold_back(run.held, len(seen), pdqs, bank.threshold_bits) or run.why
    return run


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
    run: Run | None = None,
) -> Taken:
    """Add and withdraw `entries`, and whatever stands under `gone_items` (item and time of withdrawal).

    `run` is given where these are a page of more. It is led on here.

    Of several entries about one hash the newest counts, and the last of those that are equally new. A hash that was
    withdrawn later than an entry says it was listed stays away. What counts at once is held against `past`, if that is
    given; of a bank that is held back, its release does that. Raises StoreFailed.
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
    usable = [entry for entry in listed if not _is_nonsense(entry)]
    nonsense = len(listed) - len(usable)
    current = _by_kind(entry for entry in usable if not _is_outdated(hashes, bank, entry))
    new = {kind: left for kind, some in current.items() if (left := _not_in(hashes, (bank, *batches), kind, some))}
    gone = _by_kind(entry for entry in last.values() if entry.is_withdrawn)

    count, listed_here = (sum(map(len, some.values())) for some in (new, current))
    run = run or begin(database, hashes, bank)
    run.new += count
    pdqs = [entry.value for entry in new.get(HashKind.PDQ, [])]
    run.why = run.why or why_hold_back(run.held, run.new, pdqs, bank.threshold_bits)
    why = run.why if count else ""
    into = _batch(database, bank, batches, run, now) if why else bank
    waits = into.state is BankState.QUARANTINED
    past = past if bank.state is BankState.ACTIVE else None

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
        added=0 if waits else added,
        waiting=added if waits else 0,
        already_there=listed_here - added,
        withdrawn=withdrawn,
        nonsense=nonsense,
        aside=dict(aside or {}),
        held_back=into.why if waits and added else why,
        batches=(into.name,) if why or (waits and added) else (),
        made_here=was_made_here,
    )
    database.write_here(lambda connection: _note(connection, bank, taken, now))
    if why:
        log.error("list_held_back", bank=bank.name, batch=into.name, why=why, waiting=added)
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


def _is_nonsense(entry: Entry) -> bool:
    return entry.kind is HashKind.PDQ and is_nonsense(entry.value)


def _not_in(hashes: BankHashes, banks: Sequence[Bank], kind: HashKind, entries: list[Entry]) -> list[Entry]:
    """Those that none of the banks holds."""
    for bank in banks if entries else ():
        values, items = [entry.value for entry in entries], [entry.item for entry in entries]
        held = hashes.has(bank.number, kind, values, items)
        entries = [entry for entry, is_held in zip(entries, held, strict=True) if not is_held]
    return entries


def _is_outdated(hashes: BankHashes, bank: Bank, entry: Entry) -> bool:
    """Whether the hash, or the item that it belongs to, was withdrawn after this entry was made."""
    if not entry.at_s:
        return False
    keys = [(entry.kind.value, entry.value), *([(_ITEM, entry.item.to_bytes(5))] if entry.item else [])]
    return any(hashes.withdrawn_at_s(bank.number, kind, value) >= entry.at_s for kind, value in keys)


def _batch(database: Database, bank: Bank, batches: Sequence[Bank], run: Run, now: datetime) -> Bank:
    """The batch that holds what this run brings: one for all of it, unless somebody released it on the way."""
    for one in batches:
        if one.name in run.batches and one.state is BankState.QUARANTINED:
            return one
    batch = database.write_here(partial(_new_batch, bank=bank, why=run.why, now=now))
    run.batches.append(batch.name)
    return batch


def _new_batch(connection: Connection, bank: Bank, why: str, now: datetime) -> Bank:
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
        "waiting": taken.waiting,
        "already_there": taken.already_there,
        "withdrawn": taken.withdrawn,
        "nonsense": taken.nonsense,
        "aside": dict(taken.aside),
        "held_back": taken.held_back,
        "batches": list(taken.batches),
        "made_here": taken.made_here,
    }
    note(connection, bank.number, "taken_in", body, now)
    touch(connection, bank.number, now)
