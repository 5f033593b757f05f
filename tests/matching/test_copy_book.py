"""Pictures whose features are kept are found cropped, turned and pasted; nobody else's are; dropping counts at once."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from safelight.core.errors import StoreFailed
from safelight.matching.banks import create_bank, set_state
from safelight.matching.copies import Features, features
from safelight.matching.copy_book import CopyBook
from safelight.matching.copy_index import CopyIndex, Registered, describe
from safelight.matching.errors import BankError
from safelight.matching.hashes import BankHashes
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory, BankState, CopyKind
from safelight.matching.pdq import Frame, Turn
from safelight.store.database import Database
from safelight.store.matching_tables import bank_copies
from tests.matching.conftest import NOW, SECRET
from tests.matching.pictures import jpeg, photo

OTHERS = ("coffee", "chelsea", "rocket", "camera", "hubble_deep_field", "retina", "coins", "moon", "page")


@pytest.fixture
def bank(database: Database) -> Bank:
    return database.write_here(
        lambda c: create_bank(c, name="taken-down", owner="o", source="s", category=BankCategory.NCII, now=NOW)
    )


@pytest.fixture
def book(database: Database, monkeypatch: pytest.MonkeyPatch) -> CopyBook:
    """That looks for changes each time."""
    monkeypatch.setattr("safelight.matching.copy_book._MAX_AGE_S", -1.0)
    monkeypatch.setattr("safelight.matching.known._BANKS_MAX_AGE_S", -1.0)
    return CopyBook(database, SECRET, max_count=20)


def cropped(frame: Frame, lost: float) -> Frame:
    height, width = frame.shape[:2]
    return np.ascontiguousarray(frame[int(lost * height) :, int(lost / 2 * width) : int((1 - lost / 2) * width)])


def turned(frame: Frame, degrees: float) -> Frame:
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(frame, turn, (width, height), borderValue=(255, 255, 255)), np.uint8)


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(lambda f: cropped(f, 0.25), id="crop"),
        pytest.param(lambda f: turned(f, 15), id="turned"),
        pytest.param(lambda f: np.ascontiguousarray(cropped(f, 0.15)[:, ::-1]), id="crop of the mirror image"),
        pytest.param(lambda f: jpeg(cropped(f, 0.2), 40), id="crop and JPEG"),
    ],
)
def test_a_copy_that_no_hash_finds_is_known(
    copy: object, database: Database, hashes: BankHashes, bank: Bank, book: CopyBook
) -> None:
    known = KnownImages(database, hashes, book)
    for number, name in enumerate(("astronaut", *OTHERS), 1):
        book.add(bank.number, number, photo(name), NOW)
    assert callable(copy)
    (match,) = known.look([copy(photo())]).matches
    assert (match.bank.name, match.item, match.kind) == ("taken-down", 1, CopyKind.FEATURES)
    assert match.agreeing >= 12


def test_a_mirror_image_says_so_and_an_unknown_picture_is_not_known(
    database: Database, hashes: BankHashes, bank: Bank, book: CopyBook
) -> None:
    known = KnownImages(database, hashes, book)
    for number, name in enumerate(("astronaut", *OTHERS[:5]), 1):
        book.add(bank.number, number, photo(name), NOW)
    (match,) = known.look([np.ascontiguousarray(photo()[:, ::-1])]).matches
    assert match.turn is Turn.MIRROR
    for name in OTHERS[5:]:
        assert known.look([photo(name)]).matches == ()


def test_adding_dropping_and_holding_back_count_at_once_and_change_what_was_asked(
    database: Database, hashes: BankHashes, bank: Bank, book: CopyBook
) -> None:
    """Two processes: one changes, the other asks."""
    known, copy = KnownImages(database, hashes, CopyBook(database, SECRET, 20)), cropped(photo(), 0.2)
    asked = [known.look([copy])]
    book.add(bank.number, 7, photo(), NOW)
    book.add(bank.number, 8, photo("coffee"), NOW)
    asked.append(known.look([copy]))
    database.write_here(lambda c: set_state(c, bank.name, BankState.QUARANTINED, "why", NOW))
    asked.append(known.look([copy]))
    database.write_here(lambda c: set_state(c, bank.name, BankState.ACTIVE, "why", NOW))
    book.drop(bank.number, 7)
    asked.append(known.look([copy]))
    assert [len(look.matches) for look in asked] == [0, 1, 0, 0]
    assert len({look.lists for look in asked}) == 4


def test_many_late_pictures_are_filed_with_the_others(
    bank: Bank, book: CopyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safelight.matching.copy_book._TAIL_MAX", 2)
    for number, name in enumerate(OTHERS[:5], 1):
        book.add(bank.number, number, photo(name), NOW)
        assert [one.item for one in book.find(cropped(photo(name), 0.2))] == [number]
    assert [one.item for one in book.find(cropped(photo(OTHERS[0]), 0.2))] == [1]
    book.add(bank.number, 1, photo(), NOW)
    assert book.find(photo(OTHERS[0])) == []
    assert [one.item for one in book.find(photo())] == [1], "the same item, another picture"


def test_the_book_is_bounded_and_a_plain_picture_is_no_member(database: Database, bank: Bank) -> None:
    book = CopyBook(database, SECRET, max_count=2)
    for number in (1, 2):
        book.add(bank.number, number, photo(OTHERS[number]), NOW)
    book.add(bank.number, 2, photo(OTHERS[3]), NOW)
    with pytest.raises(BankError, match="drop some"):
        book.add(bank.number, 3, photo(), NOW)
    book.drop(bank.number)
    with pytest.raises(BankError, match="too little detail"):
        book.add(bank.number, 3, np.full((300, 400, 3), 90, np.uint8), NOW)


def test_what_is_on_disk_needs_the_key(database: Database, bank: Bank, tmp_path: Path) -> None:
    CopyBook(database, SECRET, 5).add(bank.number, 1, photo(), NOW)
    described = describe(photo())[0]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert described.bits[0].tobytes() not in stored
    with pytest.raises(StoreFailed, match=r"restore digest\.key"):
        CopyBook(database, b"\1" * 32, 5).find(photo())
    database.write_here(lambda c: c.execute(bank_copies.update().values(item=2)).close())
    with pytest.raises(StoreFailed):
        CopyBook(database, SECRET, 5).find(photo())


def test_an_index_of_nothing_finds_nothing() -> None:
    empty = Features(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8), (1, 1))
    assert CopyIndex([]).find(photo()) == []
    assert CopyIndex([Registered(1, 1, empty, empty)]).find_features(features(photo())) == []
