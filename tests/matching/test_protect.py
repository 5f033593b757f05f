"""A person protects a photo, is told that someone tried and when, and can take it off; nobody else learns anything."""

from functools import partial

import pytest
from sqlalchemy import select

from safelight.cases.stay_down import BANK_NAMES, INDEX_NAME
from safelight.matching.banks import OWN_NAMES, PROTECTED_NAME, set_state
from safelight.matching.errors import BankError
from safelight.matching.hashes import BankHashes
from safelight.matching.known import KnownImages
from safelight.matching.model import BankCategory, BankState
from safelight.matching.protect import list_protections, note_attempts, protect, protection, unprotect
from safelight.store.database import Database
from safelight.store.tables import protected_photos, protection_attempts
from tests.matching.conftest import NOW
from tests.matching.pictures import hash_of, jpeg, photo


def test_a_protected_photo_is_known_until_it_is_taken_off(
    database: Database, hashes: BankHashes, known: KnownImages
) -> None:
    receipt = protect(database, hashes, hash_of(photo()), NOW)
    other = protect(database, hashes, hash_of(photo("coffee")), NOW)
    (match,) = known.look([jpeg(photo(), 40)]).matches
    assert match.bank.category is BankCategory.PROTECTED
    unprotect(database, hashes, receipt, NOW)
    unprotect(database, hashes, receipt, NOW)
    assert known.look([photo()]).matches == ()
    assert len(known.look([photo("coffee")]).matches) == 1
    assert database.read_here(lambda c: protection(c, receipt)).removed_at
    assert not database.read_here(lambda c: protection(c, other)).removed_at


def test_two_people_may_protect_the_same_photo(database: Database, hashes: BankHashes, known: KnownImages) -> None:
    first, second = (protect(database, hashes, hash_of(photo()), NOW) for _ in range(2))
    assert len(known.look([photo()]).matches) == 2
    unprotect(database, hashes, first, NOW)
    assert len(known.look([photo()]).matches) == 1
    assert database.read_here(lambda c: protection(c, second)).removed_at is None


def test_the_person_is_told_when_and_never_who(database: Database, hashes: BankHashes) -> None:
    receipt = protect(database, hashes, hash_of(photo()), NOW)
    item = database.read_here(lambda c: protection(c, receipt)).item
    for stage in ("input", "output"):
        database.write_here(partial(note_attempts, items=frozenset({item}), stage=stage, now=NOW))
    told = database.read_here(lambda c: protection(c, receipt))
    assert {stage for _, stage in told.attempts} == {"input", "output"}
    assert {at for at, _ in told.attempts} == {"2026-11-22T12:00:00.000000Z"}
    assert {column.name for column in protection_attempts.columns} == {"id", "item", "at", "stage"}
    assert len(database.read_here(list_protections)) == 1


@pytest.mark.parametrize("receipt", ["", "protect_", "protect_" + "A" * 32, "x" * 40, "protect_" + "A" * 32 + "\n"])
def test_a_wrong_receipt_says_nothing(database: Database, hashes: BankHashes, receipt: str) -> None:
    protect(database, hashes, hash_of(photo()), NOW)
    with pytest.raises(BankError, match="no protected photo with this receipt"):
        database.read_here(lambda c: protection(c, receipt))


def test_the_receipt_is_not_kept(database: Database, hashes: BankHashes) -> None:
    receipt = protect(database, hashes, hash_of(photo()), NOW)
    (row,) = database.read_here(lambda c: c.execute(select(protected_photos)).all())
    assert receipt.encode() not in repr(row).encode()


@pytest.mark.parametrize(
    "value", [b"\0" * 32, b"\xff" * 32, b"", hash_of(photo("chelsea"))], ids=["zeros", "ones", "empty", "everyday"]
)
def test_what_is_no_photo_of_ones_own_is_not_taken(database: Database, hashes: BankHashes, value: bytes) -> None:
    with pytest.raises(BankError):
        protect(database, hashes, value, NOW)
    assert hashes.count() == {}


def test_the_bank_of_protected_photos_is_nobodys_to_remove(database: Database, hashes: BankHashes) -> None:
    """Removed, it would take every registration with it, and each later one would be a receipt for nothing."""
    protect(database, hashes, hash_of(photo()), NOW)
    with pytest.raises(BankError, match="protect remove"):
        database.write_here(lambda c: set_state(c, PROTECTED_NAME, BankState.REMOVED, "tidying up", NOW))
    database.write_here(lambda c: set_state(c, PROTECTED_NAME, BankState.QUARANTINED, "looking", NOW))


def test_no_bank_that_reports_fill_can_be_removed() -> None:
    """What is taken down later would be put where nothing matches."""
    assert {name for name, _ in BANK_NAMES.values()} | {INDEX_NAME, PROTECTED_NAME} == OWN_NAMES
