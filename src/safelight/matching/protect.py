"""Protected photos: a person registers the fingerprint of a photo of theirs, and is told when somebody tried to use it.

A hash is enough, so the photo need not leave their device; where they send it, features of it are kept as well, so that
cropped copies are found, and the photo is not. No face or other biometric is worked out. The
receipt is the only key to the registration: it is shown once and kept as a digest. What a person learns is that
someone tried and when, never who: nobody who could be named is recorded with it.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Row, insert, select, update

from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.matching.banks import PROTECTED_NAME, bank_named, create_bank
from safelight.matching.copy_book import CopyBook
from safelight.matching.copy_index import describe
from safelight.matching.errors import BankError
from safelight.matching.fingerprints import HashKind
from safelight.matching.guards import is_nonsense, why_hold_back
from safelight.matching.hashes import BankHashes
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.model import Bank, BankCategory
from safelight.matching.past import PastOutputs, match_back
from safelight.matching.pdq import Frame, Pdq, pdq
from safelight.store.database import Database
from safelight.store.tables import banks, protected_photos, protection_attempts

_RECEIPT = re.compile(r"protect_[A-Za-z0-9_-]{32}")
_ATTEMPTS_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class Protection:
    """One registered photo, as its person sees it."""

    item: int
    created_at: str
    removed_at: str | None
    attempts: tuple[tuple[str, str], ...]
    """When, and whether it was sent in (`input`) or came out (`output`); newest first, at most a thousand."""


def protect(
    database: Database, hashes: BankHashes, pdq_hash: bytes, now: datetime, past: PastOutputs | None = None
) -> str:
    """Register a photo by its PDQ hash. Returns the receipt, which cannot be shown again.

    Where `past` is given, copies that were made here before are found, and count as attempts of their time.

    Raises BankError for a hash that no photo has, or that everyday pictures would match; StoreFailed.
    """
    if len(pdq_hash) != MAX_RADIUS + 1 or is_nonsense(pdq_hash):
        raise BankError("This is not the hash of a photograph; make it with `safelight hash PHOTO`.")
    if why_hold_back(0, 1, [pdq_hash], MAX_RADIUS):
        raise BankError("A picture that everybody has cannot be registered as one's own.")
    receipt = "protect_" + secrets.token_urlsafe(24)
    bank, item = database.write_here(lambda connection: _register(connection, receipt, now))
    hashes.add(bank.number, HashKind.PDQ, [pdq_hash], [item])
    for match in match_back(database, hashes, past, bank, now, [(pdq_hash, item)]) if past else ():
        made_at = datetime.fromisoformat(match.output.made_at)
        database.write_here(partial(note_attempts, items=frozenset({item}), stage="output", now=made_at))
    return receipt


def protect_photo(
    database: Database,
    hashes: BankHashes,
    copies: CopyBook,
    frame: Frame,
    now: datetime,
    past: PastOutputs | None = None,
) -> str:
    """Register a photo with its features, so that cropped and turned copies are found too. As `protect`.

    Raises BankError also for a photo with too little detail, or where no more features are kept; nothing is registered
    then.
    """
    hashed = pdq(frame)
    if not isinstance(hashed, Pdq):
        raise BankError("This photo has too little detail to be told from others.")
    plain, mirrored = describe(frame)
    receipt = protect(database, hashes, hashed.hash, now, past)
    bank, item = database.read_here(partial(place_of, receipt=receipt))
    try:
        copies.add_features(bank.number, item, plain, mirrored, now)
    except BankError:
        unprotect(database, hashes, receipt, now)
        raise
    return receipt


def protection(connection: Connection, receipt: str) -> Protection:
    """What the holder of a receipt may know. Raises BankError, with the same words whatever is wrong with it."""
    return _to_protection(connection, _row(connection, receipt))


def list_protections(connection: Connection) -> list[Protection]:
    """Every registration, without its receipt: for the operator."""
    rows = connection.execute(select(protected_photos).order_by(protected_photos.c.item))
    return [_to_protection(connection, row) for row in rows]


def unprotect(
    database: Database, hashes: BankHashes, receipt: str, now: datetime, copies: CopyBook | None = None
) -> None:
    """Take a photo off at once. Raises BankError, StoreFailed."""

    def remove(connection: Connection) -> tuple[Bank, int]:
        row = _row(connection, receipt)
        if row.removed_at is None:
            statement = update(protected_photos).where(protected_photos.c.item == row.item)
            connection.execute(statement.values(removed_at=to_rfc3339(now)))
        return bank_named(connection, PROTECTED_NAME), row.item

    bank, item = database.write_here(remove)
    hashes.drop(bank.number, item)
    if copies:
        copies.drop(bank.number, item)


def place_of(connection: Connection, receipt: str) -> tuple[Bank, int]:
    """The bank and the item of a registration. Raises BankError."""
    return bank_named(connection, PROTECTED_NAME), _row(connection, receipt).item


def note_attempts(connection: Connection, items: frozenset[int], stage: str, now: datetime) -> None:
    """Keep that somebody tried with these photos. The stage is `input` or `output`."""
    rows = [{"id": new_id("try", now), "item": item, "at": to_rfc3339(now), "stage": stage} for item in sorted(items)]
    connection.execute(insert(protection_attempts), rows)


def _register(connection: Connection, receipt: str, now: datetime) -> tuple[Bank, int]:
    if not connection.execute(select(banks.c.number).where(banks.c.name == PROTECTED_NAME)).first():
        create_bank(
            connection,
            name=PROTECTED_NAME,
            owner="the people shown",
            source="their own registrations",
            category=BankCategory.PROTECTED,
            meaning="A person asked that nothing be done with this photo.",
            now=now,
        )
    row = {"receipt_sha256": _digest(receipt), "created_at": to_rfc3339(now)}
    key = connection.execute(insert(protected_photos).values(row)).inserted_primary_key
    assert key is not None  # noqa: S101 (one row was inserted)
    return bank_named(connection, PROTECTED_NAME), int(key[0])


def _row(connection: Connection, receipt: str) -> Row[tuple[object, ...]]:
    query = select(protected_photos).where(protected_photos.c.receipt_sha256 == _digest(receipt))
    row = connection.execute(query).one_or_none() if _RECEIPT.fullmatch(receipt) else None
    if row is None:
        raise BankError("There is no protected photo with this receipt; check that it was copied whole.")
    return row


def _to_protection(connection: Connection, row: Row[tuple[object, ...]]) -> Protection:
    query = select(protection_attempts).where(protection_attempts.c.item == row.item)
    newest = query.order_by(protection_attempts.c.id.desc()).limit(_ATTEMPTS_SHOWN)
    attempts = tuple((attempt.at, attempt.stage) for attempt in connection.execute(newest))
    return Protection(row.item, row.created_at, row.removed_at, attempts)


def _digest(receipt: str) -> bytes:
    """The receipt has 192 random bits, so its plain digest is safe to keep."""
    return hashlib.sha256(receipt.encode()).digest()
