"""Pictures whose features are kept are found cropped, turned and pasted; nobody else's are; dropping counts at once."""

import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import text

from safelight.core.errors import StoreFailed
from safelight.matching.banks import create_bank, set_state
from safelight.matching.copies import Features
from safelight.matching.copy_book import CopyBook
from safelight.matching.copy_index import Keying, Part, candidates, describe
from safelight.matching.errors import BankError
from safelight.matching.hashes import BankHashes
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory, BankState, CopyKind
from safelight.matching.pdq import Frame, Turn
from safelight.store.database import Database
from safelight.store.matching_tables import bank_copies
from tests.matching.conftest import NOW, SECRET
from tests.matching.pictures import jpeg, photo

NOBODY = np.empty(0, np.intp)
OTHERS = ("coffee", "chelsea", "rocket", "camera", "hubble_deep_field", "retina", "coins", "moon", "page")


@pytest.fixture
def bank(database: Database) -> Bank:
    return database.write_here(
        lambda c: create_bank(c, name="taken-down", owner="o", source="s", category=BankCategory.NCII, now=NOW)
    )


@pytest.fixture
def book(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CopyBook:
    """That looks for changes each time."""
    monkeypatch.setattr("safelight.matching.copy_book._MAX_AGE_S", -1.0)
    monkeypatch.setattr("safelight.matching.known._BANKS_MAX_AGE_S", -1.0)
    return CopyBook(database, tmp_path / "copies", SECRET, max_count=20)


@cache
def described(name: str) -> tuple[Features, Features]:
    """Of a photograph: describing is most of the time that these tests take."""
    return describe(photo(name))


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
        book.add_features(bank.number, number, *described(name), NOW)
    assert callable(copy)
    (match,) = known.look([copy(photo())]).matches
    assert (match.bank.name, match.item, match.kind) == ("taken-down", 1, CopyKind.FEATURES)
    assert match.copy is not None
    assert match.copy.agreeing >= 12


def test_a_mirror_image_says_so_and_an_unknown_picture_is_not_known(
    database: Database, hashes: BankHashes, bank: Bank, book: CopyBook
) -> None:
    known = KnownImages(database, hashes, book)
    for number, name in enumerate(("astronaut", *OTHERS[:5]), 1):
        book.add_features(bank.number, number, *described(name), NOW)
    (match,) = known.look([np.ascontiguousarray(photo()[:, ::-1])]).matches
    assert match.turn is Turn.MIRROR
    for name in OTHERS[5:]:
        assert known.look([photo(name)]).matches == ()


def test_adding_dropping_and_holding_back_count_at_once_and_change_what_was_asked(
    database: Database, hashes: BankHashes, bank: Bank, book: CopyBook, tmp_path: Path
) -> None:
    """Two processes: one changes, the other asks."""
    other = CopyBook(database, tmp_path / "copies", SECRET, 20)
    known, copy = KnownImages(database, hashes, other), cropped(photo(), 0.2)
    asked = [known.look([copy])]
    book.add_features(bank.number, 7, *described("astronaut"), NOW)
    book.add_features(bank.number, 8, *described("coffee"), NOW)
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
        book.add_features(bank.number, number, *described(name), NOW)
        assert [one.item for one in book.find(cropped(photo(name), 0.2))] == [number]
    assert [one.item for one in book.find(cropped(photo(OTHERS[0]), 0.2))] == [1]
    book.add_features(bank.number, 1, *described("astronaut"), NOW)
    assert book.find(photo(OTHERS[0])) == []
    assert [one.item for one in book.find(photo())] == [1], "the same item, another picture"


@pytest.fixture
def filed(bank: Bank, book: CopyBook, tmp_path: Path) -> Path:
    """The folder of a book of three pictures, all of them filed."""
    for number in (1, 2, 3):
        book.add_features(bank.number, number, *described(OTHERS[number]), NOW)
    book.file()
    return tmp_path / "copies"


def numbers_found(book: CopyBook, *names: str) -> list[int]:
    return [one.item for name in names for one in book.find(cropped(photo(name), 0.2))]


def test_what_is_filed_is_found_by_who_comes_later_and_what_is_dropped_is_left_out(
    database: Database, bank: Bank, book: CopyBook, filed: Path
) -> None:
    later = CopyBook(database, filed, SECRET, 20)
    assert numbers_found(later, *OTHERS[1:4]) == [1, 2, 3]
    book.drop(bank.number, 1)
    book.drop(bank.number, 3)
    before = sum(path.stat().st_size for path in filed.glob("part-*"))
    book.file()
    assert numbers_found(later, *OTHERS[1:4]) == numbers_found(book, *OTHERS[1:4]) == [2]
    assert sum(path.stat().st_size for path in filed.glob("part-*")) < before


@pytest.mark.parametrize(
    "damage", ["part is gone", "part is cut short", "no manifest", "half a manifest", "another key"]
)
def test_files_that_cannot_be_used_are_made_again(database: Database, filed: Path, damage: str) -> None:
    """The database has everything: nothing is lost, whatever happens to the folder."""
    (part,) = filed.glob("part-*")
    if damage == "part is gone":
        part.unlink()
    elif damage == "part is cut short":
        os.truncate(part, part.stat().st_size // 2)
    elif damage == "no manifest":
        (filed / "manifest.json").unlink()
    elif damage == "half a manifest":
        os.truncate(filed / "manifest.json", 20)
    else:
        other = Keying(b"another").method
        (filed / "manifest.json").write_text(f'{{"method": "{other}", "parts": ["{part.name}"]}}')
    later = CopyBook(database, filed, SECRET, 20)
    assert numbers_found(later, *OTHERS[1:4]) == [1, 2, 3]
    later.file()
    assert len(list(filed.glob("part-*"))) == 1, "leftovers are gone"
    assert numbers_found(CopyBook(database, filed, SECRET, 20), *OTHERS[1:4]) == [1, 2, 3]


def test_an_index_of_rows_that_a_restored_database_does_not_have_is_not_believed(
    database: Database, bank: Bank, filed: Path
) -> None:
    """The last row is lost with a restore, and its number given to another picture."""
    database.write_here(lambda c: c.execute(bank_copies.delete().where(bank_copies.c.id == 3)).close())
    database.write_here(
        lambda c: c.execute(text("UPDATE sqlite_sequence SET seq = 2 WHERE name = 'bank_copies'")).close()
    )
    CopyBook(database, filed, SECRET, 20).add(bank.number, 4, photo(), NOW)
    assert [one.item for one in CopyBook(database, filed, SECRET, 20).find(cropped(photo(), 0.2))] == [4]


def test_a_picture_that_is_kept_many_times_is_found_each_time(book: CopyBook, bank: Bank) -> None:
    for number in range(1, 9):
        book.add_features(bank.number, number, *described("astronaut"), NOW)
    book.add_features(bank.number, 9, *described("coffee"), NOW)
    assert sorted(one.item for one in book.find(cropped(photo(), 0.2))) == list(range(1, 9))


def test_a_screenshot_is_searched_for_the_picture_that_it_frames(book: CopyBook, bank: Bank) -> None:
    book.add_features(bank.number, 1, *described("page"), NOW)
    page = np.full((1100, 800, 3), 250, np.uint8)
    page[500:669, 200:540] = cv2.resize(photo("page"), (340, 169), interpolation=cv2.INTER_AREA)
    assert [one.item for one in book.find(page)] == [1]


def test_the_book_is_bounded_and_a_plain_picture_is_no_member(database: Database, bank: Bank, tmp_path: Path) -> None:
    book = CopyBook(database, tmp_path / "copies", SECRET, max_count=2)
    for number in (1, 2):
        book.add_features(bank.number, number, *described(OTHERS[number]), NOW)
    book.add_features(bank.number, 2, *described(OTHERS[3]), NOW)
    with pytest.raises(BankError, match="drop some"):
        book.add_features(bank.number, 3, *described("astronaut"), NOW)
    book.drop(bank.number)
    with pytest.raises(BankError, match="too little detail"):
        book.add(bank.number, 3, np.full((300, 400, 3), 90, np.uint8), NOW)


def test_what_is_on_disk_needs_the_key(database: Database, bank: Bank, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    CopyBook(database, folder, SECRET, 5).add(bank.number, 1, photo(), NOW)
    described = describe(photo())[0]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert described.bits[0].tobytes() not in stored
    with pytest.raises(StoreFailed, match=r"restore digest\.key"):
        CopyBook(database, folder, b"\1" * 32, 5).find(photo())
    database.write_here(lambda c: c.execute(bank_copies.update().values(item=2)).close())
    with pytest.raises(StoreFailed):
        CopyBook(database, folder, SECRET, 5).find(photo())


def test_an_index_of_nothing_finds_nothing(book: CopyBook) -> None:
    assert book.find(photo()) == []
    keying = Keying(SECRET)
    keys = keying.asked(np.empty((0, 32), np.uint8))
    nothing = Part.build([1], [1], [(keys, keys)])
    assert candidates([(nothing, NOBODY)], keying.asked(describe(photo())[0].bits), 5) == []
    assert candidates([], keying.asked(describe(photo())[0].bits), 5) == []
