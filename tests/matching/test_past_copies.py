"""Copies that no hash finds, among what was made before their pictures were kept: found once, in pieces, and told."""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import Connection, select, update

from safelight.matching import past_copies
from safelight.matching.banks import bank_named, set_state
from safelight.matching.copies import LIGHT, features, packed
from safelight.matching.copy_book import CopyBook
from safelight.matching.hashes import BankHashes
from safelight.matching.model import Bank, BankState
from safelight.matching.past import PAST_OUTPUT_KNOWN, past_matches_of
from safelight.matching.past_copies import PastCopies
from safelight.matching.pdq import Frame, distance
from safelight.matching.protect import protect_photo, protection
from safelight.store.database import Database
from safelight.store.provenance_tables import outputs
from safelight.store.tables import outbox
from tests.matching.conftest import NOW, SECRET
from tests.matching.pictures import hash_of, jpeg, photo
from tests.matching.test_past import MADE, make_bank, released


class Looker:
    """Looks for past copies, and remembers what was told of them."""

    def __init__(self, database: Database, folder: Path, most: int = 1_000) -> None:
        self.database = database
        self.book = CopyBook(database, folder, SECRET, 100)
        self.told: list[tuple[str, frozenset[int]]] = []
        self.past = PastCopies(database, self.book.rows, lambda: NOW, most, self._told)

    def _told(self, _connection: Connection, bank: Bank, items: Collection[int]) -> None:
        self.told.append((bank.name, frozenset(items)))

    def look(self) -> int:
        """Until nothing is left; returns what was found."""
        found = 0
        for _ in range(100):
            piece = self.past.look()
            if piece is None:
                return found
            found += piece
        raise AssertionError("it does not come to an end")

    def found(self, bank: Bank) -> set[str]:
        return {row[1] for row in self.database.read_here(partial(past_matches_of, bank=bank.number))}


@pytest.fixture
def looker(database: Database, tmp_path: Path) -> Looker:
    return Looker(database, tmp_path / "copies")


def made(database: Database, *frames: Frame) -> list[str]:
    """Have pictures been released, with the features that the register keeps. Returns their ids."""
    ids = released(database, frames)

    def describe(connection: Connection) -> None:
        for one, frame in zip(ids, frames, strict=True):
            mine = update(outputs).where(outputs.c.id == one)
            connection.execute(mine.values(features=packed(features(frame, LIGHT))))

    database.write_here(describe)
    return ids


def cropped(frame: Frame, share: float = 0.25) -> Frame:
    """Without a share of both sides, which PDQ does not survive."""
    height, width = frame.shape[:2]
    part = np.ascontiguousarray(frame[int(height * share) :, : int(width * (1 - share))])
    assert distance(hash_of(part), hash_of(frame)) > 31
    return part


def turned(frame: Frame, degrees: float = 12) -> Frame:
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(frame, turn, (width, height)), np.uint8)


@pytest.mark.parametrize("is_the_output_the_crop", [True, False])
@pytest.mark.parametrize("change", [cropped, turned, lambda one: cropped(one)[:, ::-1].copy()])
def test_a_copy_that_no_hash_finds_is_found_among_past_outputs(
    database: Database, looker: Looker, change: Callable[[Frame], Frame], is_the_output_the_crop: bool
) -> None:
    bank, whole = make_bank(database), photo()
    part = jpeg(change(whole), 70)
    wanted, _, _ = made(database, *((part if is_the_output_the_crop else whole), photo("coffee"), photo("chelsea")))
    looker.book.add(bank.number, 7, whole if is_the_output_the_crop else part, NOW)
    assert looker.look() == 1
    assert looker.found(bank) == {wanted}
    assert looker.told == [(bank.name, {7})]
    [effect] = database.read_here(lambda c: c.execute(select(outbox)).all())
    assert effect.kind == PAST_OUTPUT_KNOWN
    assert looker.look() == 0, "it is looked for once"


def test_what_is_no_copy_is_not_found(database: Database, looker: Looker) -> None:
    bank = make_bank(database)
    made(database, photo("coffee"), photo("chelsea"), photo("rocket"), photo("cat"))
    looker.book.add(bank.number, 1, photo(), NOW)
    assert looker.look() == 0
    assert looker.told == []


def test_many_outputs_are_looked_at_in_pieces_and_a_new_process_goes_on_where_the_last_was_killed(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_copies, "_OUTPUTS_AT_ONCE", 2)
    bank = make_bank(database)
    oldest, *_ = made(database, cropped(photo()), *[photo("coffee")] * 4, cropped(photo(), 0.2))
    first = Looker(database, tmp_path / "copies")
    first.book.add(bank.number, 1, photo(), NOW)
    assert first.past.look() == 1  # the newest two
    assert first.past.look() == 0
    second = Looker(database, tmp_path / "copies")
    assert second.past.look() == 1  # the oldest two: what was looked at is not looked at again
    assert oldest in second.found(bank)
    assert len(second.found(bank)) == 2
    assert second.look() == 0


def test_only_the_newest_outputs_are_looked_at(database: Database, tmp_path: Path) -> None:
    looker, bank = Looker(database, tmp_path / "copies", most=2), make_bank(database)
    made(database, cropped(photo()), photo("coffee"), photo("chelsea"))
    looker.book.add(bank.number, 1, photo(), NOW)
    assert looker.look() == 0


def test_a_picture_that_was_dropped_is_looked_for_no_further(
    database: Database, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = make_bank(database)
    made(database, cropped(photo()))
    looker.book.add(bank.number, 1, photo(), NOW)
    read = looker.book.rows.read

    def dropped_meanwhile(numbers: list[int]) -> list[object]:
        kept = list(read(numbers))
        looker.book.drop(bank.number, 1)
        return kept

    monkeypatch.setattr(looker.book.rows, "read", dropped_meanwhile)
    assert looker.look() == 0
    assert looker.found(bank) == set()
    assert looker.told == []


def test_a_list_that_is_held_back_waits_until_it_is_released(database: Database, looker: Looker) -> None:
    bank = make_bank(database)
    made(database, cropped(photo()))
    looker.book.add(bank.number, 1, photo(), NOW)
    hold = partial(set_state, name=bank.name, state=BankState.QUARANTINED, why="looked at", now=NOW)
    database.write_here(hold)
    assert looker.look() == 0
    database.write_here(partial(set_state, name=bank.name, state=BankState.ACTIVE, why="fine", now=NOW))
    assert looker.look() == 1


def test_whoever_protects_a_photo_learns_of_a_crop_that_was_made_before(
    database: Database, hashes: BankHashes, looker: Looker
) -> None:
    made(database, cropped(photo()))
    receipt = protect_photo(database, hashes, looker.book, photo(), NOW)
    assert looker.look() == 1
    seen = database.read_here(partial(protection, receipt=receipt)).attempts
    assert [stage for _, stage in seen] == ["output"]
    assert seen[0][0][:10] == MADE.isoformat()[:10]
    assert looker.told == [(database.read_here(partial(bank_named, name="protected-photos")).name, looker.told[0][1])]
