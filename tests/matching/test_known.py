"""A known picture is known again as a copy, turned, in an animation or as the same file, by the bank's own rules."""

import hashlib
from functools import partial

import numpy as np
import pytest

from safelight.matching.banks import bank_named, create_bank, set_state
from safelight.matching.fingerprints import HashKind
from safelight.matching.hashes import BankHashes
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory, BankKind, BankState
from safelight.matching.pdq import Frame, Turn
from safelight.store.database import Database
from tests.matching.conftest import NOW
from tests.matching.pictures import hash_of, jpeg, photo


def bank(database: Database, name: str = "stand-ins", **more: object) -> Bank:
    values: dict[str, object] = {"owner": "a test", "source": "a test", "category": BankCategory.NCII, **more}
    return database.write_here(lambda connection: create_bank(connection, name=name, now=NOW, **values))  # type: ignore[arg-type]


def names(known: KnownImages, *frames: Frame, file: bytes = b"") -> list[str]:
    return [match.bank.name for match in known.look(frames, file).matches]


def test_an_unknown_picture_is_not_known(known: KnownImages) -> None:
    look = known.look([photo()])
    assert look.matches == ()
    assert not look.is_unhashable


@pytest.mark.parametrize(
    ("copy", "turn"),
    [
        (photo(), Turn.NONE),
        (jpeg(photo(), 30), Turn.NONE),
        (photo("astronaut", 300, 260), Turn.NONE),
        (np.ascontiguousarray(photo()[:, ::-1]), Turn.MIRROR),
        (np.ascontiguousarray(np.rot90(photo(), 2)), Turn.ROTATE_180),
        (np.ascontiguousarray(np.rot90(photo())), Turn.ROTATE_270),
    ],
    ids=["same", "jpeg", "resized", "mirrored", "upside down", "turned"],
)
def test_a_copy_is_known(known: KnownImages, database: Database, hashes: BankHashes, copy: Frame, turn: Turn) -> None:
    hashes.add(bank(database).number, HashKind.PDQ, [hash_of(photo())])
    (match,) = known.look([copy]).matches
    assert (match.bank.name, match.kind, match.turn) == ("stand-ins", HashKind.PDQ, turn)
    assert match.distance <= 31


def test_one_frame_of_an_animation_is_enough(known: KnownImages, database: Database, hashes: BankHashes) -> None:
    hashes.add(bank(database).number, HashKind.PDQ, [hash_of(photo())])
    flat = np.full((90, 90, 3), 9, np.uint8)
    assert names(known, flat, photo("coffee"), photo("coffee"), photo()) == ["stand-ins"]
    assert not known.look([flat, photo()]).is_unhashable
    assert known.look([flat, flat]).is_unhashable


def test_each_bank_has_its_threshold(known: KnownImages, database: Database, hashes: BankHashes) -> None:
    loose, strict = bank(database, "loose"), bank(database, "strict", threshold_bits=2)
    original = np.frombuffer(hash_of(photo()), np.uint8).copy()
    original[3] ^= 0b0111
    for one in (loose, strict):
        hashes.add(one.number, HashKind.PDQ, [original.tobytes()])
    assert names(known, photo()) == ["loose"]


def test_the_same_file_is_known_though_it_cannot_be_hashed(
    known: KnownImages, database: Database, hashes: BankHashes
) -> None:
    flat, file = np.full((90, 90, 3), 9, np.uint8), b"a file as it was listed"
    hashes.add(bank(database, "md5").number, HashKind.MD5, [hashlib.md5(file, usedforsecurity=False).digest()])
    hashes.add(bank(database, "sha").number, HashKind.SHA256, [hashlib.sha256(file).digest()])
    look = known.look([flat], file)
    assert look.is_unhashable
    assert sorted(match.bank.name for match in look.matches) == ["md5", "sha"]
    assert names(known, flat, file=file + b" ") == []


def test_a_negative_bank_overrules_what_is_near_but_not_an_equal_file(
    known: KnownImages, database: Database, hashes: BankHashes
) -> None:
    hashes.add(bank(database).number, HashKind.PDQ, [hash_of(photo())])
    hashes.add(bank(database, "not-it", kind=BankKind.NEGATIVE).number, HashKind.PDQ, [hash_of(photo())])
    hashes.add(bank(database, "files").number, HashKind.SHA1, [hashlib.sha1(b"f", usedforsecurity=False).digest()])
    assert names(known, photo()) == []
    assert known.look([photo()]).overruled_by == ("not-it",)
    assert names(known, photo(), file=b"f") == ["files"]


def test_a_negative_bank_that_overrules_nothing_is_not_named(
    known: KnownImages, database: Database, hashes: BankHashes
) -> None:
    hashes.add(bank(database, "not-it", kind=BankKind.NEGATIVE).number, HashKind.PDQ, [hash_of(photo())])
    assert known.look([photo()]).overruled_by == ()


def test_what_is_held_back_or_removed_does_not_match(
    known: KnownImages, database: Database, hashes: BankHashes
) -> None:
    hashes.add(bank(database).number, HashKind.PDQ, [hash_of(photo())])
    before = known.look([photo()]).lists
    for state, expected in ((BankState.QUARANTINED, []), (BankState.ACTIVE, ["stand-ins"]), (BankState.REMOVED, [])):
        database.write_here(partial(set_state, name="stand-ins", state=state, why="why", now=NOW))
        assert names(known, photo()) == expected
    assert known.look([photo()]).lists != before
    assert database.read_here(lambda connection: bank_named(connection, "stand-ins")).why == "why"


def test_the_digest_follows_every_change_of_the_lists(
    known: KnownImages, database: Database, hashes: BankHashes
) -> None:
    digests = [known.lists]
    number = bank(database).number
    digests.append(known.lists)
    hashes.add(number, HashKind.PDQ, [hash_of(photo())])
    digests.append(known.lists)
    hashes.revoke(number, HashKind.PDQ, [hash_of(photo())])
    digests.append(known.lists)
    assert len(set(digests)) == 4
    assert known.lists == digests[-1]
    assert known.look([photo()]).lists == digests[-1]


def test_nothing_on_disk_can_be_looked_up(
    tmp_path_factory: pytest.TempPathFactory, database: Database, hashes: BankHashes
) -> None:
    """Neither the listed hash nor any turn of it, in binary or in hex, is in any file."""
    number, pdq, md5 = bank(database).number, hash_of(photo()), b"\x90\x01\x50\x98" * 4
    hashes.add(number, HashKind.PDQ, [pdq])
    hashes.add(number, HashKind.MD5, [md5])
    hashes.compact()
    folder = tmp_path_factory.getbasetemp()
    contents = [path.read_bytes() for path in folder.rglob("banks/**/*") if path.is_file()]
    assert contents
    for value in (pdq, md5):
        assert not any(value in content or value.hex().encode() in content for content in contents)
