"""Lists come in whole, counted and guarded: floods and poison are held back, and what was there goes on matching."""

import hashlib
from datetime import timedelta
from functools import partial

import numpy as np
import pytest
from PIL import Image
from skimage import data
from structlog.testing import capture_logs

from safelight.matching.banks import bank_named, create_bank, events_of, list_banks, set_state
from safelight.matching.errors import BankError
from safelight.matching.everyday import EVERYDAY
from safelight.matching.fingerprints import HashKind
from safelight.matching.guards import is_nonsense, why_hold_back
from safelight.matching.hashes import BankHashes
from safelight.matching.intake import take_in
from safelight.matching.known import KnownImages
from safelight.matching.model import Bank, BankCategory, BankState, Entry
from safelight.store.database import Database
from tests.matching.conftest import NOW
from tests.matching.pictures import hash_of, photo

HOUR = timedelta(hours=1)


def random_pdqs(count: int, seed: int = 0) -> list[bytes]:
    """Hashes with half of the bits set, as real ones have."""
    rng = np.random.default_rng(seed)
    bits = np.repeat([[0, 1] * 128], count, axis=0).astype(np.uint8)
    return [row.tobytes() for row in np.packbits(rng.permuted(bits, axis=1), axis=1)]


def entries(pdqs: list[bytes], *, withdrawn: bool = False) -> list[Entry]:
    return [Entry(HashKind.PDQ, value, withdrawn) for value in pdqs]


@pytest.fixture
def bank(database: Database) -> Bank:
    return database.write_here(
        lambda c: create_bank(c, name="list", owner="a test", source="x", category=BankCategory.CSAM, now=NOW)
    )


def test_a_list_is_added_and_withdrawn_and_may_be_read_twice(
    database: Database, hashes: BankHashes, bank: Bank
) -> None:
    pdqs, md5 = random_pdqs(20), Entry(HashKind.MD5, hashlib.md5(b"x", usedforsecurity=False).digest())
    taken = take_in(database, hashes, bank, [*entries(pdqs), md5], now=NOW + HOUR)
    assert (taken.added, taken.already_there, taken.withdrawn) == (21, 0, 0)
    again = take_in(database, hashes, bank, [*entries(pdqs), *entries(pdqs[:5], withdrawn=True)], now=NOW + 2 * HOUR)
    assert (again.added, again.already_there, again.withdrawn) == (0, 15, 5)
    assert hashes.count() == {bank.number: 16}
    kinds = [kind for _, kind, _ in database.read_here(lambda c: events_of(c, bank.number))]
    assert kinds == ["made", "taken_in", "taken_in"]


def test_a_flood_is_held_back_and_the_old_list_goes_on(
    database: Database, hashes: BankHashes, bank: Bank, known: KnownImages
) -> None:
    take_in(database, hashes, bank, entries([*random_pdqs(150), hash_of(photo())]), now=NOW)
    flood = [*random_pdqs(1_600, seed=1), hash_of(photo("coffee"))]
    with capture_logs() as logs:
        taken = take_in(database, hashes, bank, entries(flood), now=NOW)
    assert "flood" in taken.held_back
    assert (taken.added, taken.waiting) == (0, 1_601)
    assert [log["event"] for log in logs] == ["list_held_back"]
    assert known.look([photo()]).matches[0].bank.name == "list"
    assert known.look([photo("coffee")]).matches == ()
    batch = database.read_here(lambda c: bank_named(c, taken.batches[0]))
    assert (batch.state, batch.parent) == (BankState.QUARANTINED, bank.number)
    database.write_here(lambda c: set_state(c, taken.batches[0], BankState.ACTIVE, "looked at", NOW))
    assert known.look([photo("coffee")]).matches[0].bank.name == taken.batches[0]


def test_a_withdrawal_reaches_what_was_held_back_before_it_is_released_and_after(
    database: Database, hashes: BankHashes, bank: Bank, known: KnownImages
) -> None:
    """Otherwise a source could never take back what it had once listed too fast."""
    take_in(database, hashes, bank, entries(random_pdqs(150)), now=NOW)
    listed = [hash_of(photo(name)) for name in ("astronaut", "coffee", "rocket")]
    taken = take_in(database, hashes, bank, entries([*random_pdqs(1_600, seed=1), *listed]), now=NOW)
    assert take_in(database, hashes, bank, entries(listed[:1], withdrawn=True), now=NOW).withdrawn == 1
    database.write_here(lambda c: set_state(c, taken.batches[0], BankState.ACTIVE, "looked at", NOW))
    assert [len(known.look([photo(name)]).matches) for name in ("astronaut", "coffee", "rocket")] == [0, 1, 1]
    assert take_in(database, hashes, bank, entries(listed[1:2], withdrawn=True), now=NOW).withdrawn == 1
    assert [len(known.look([photo(name)]).matches) for name in ("coffee", "rocket")] == [0, 1]


def test_an_item_that_is_gone_is_gone_from_what_was_held_back(
    database: Database, hashes: BankHashes, bank: Bank
) -> None:
    poison = [Entry(HashKind.PDQ, hash_of(photo("chelsea")), item=4), Entry(HashKind.PDQ, random_pdqs(1)[0], item=5)]
    taken = take_in(database, hashes, bank, poison, now=NOW)
    take_in(database, hashes, bank, [], now=NOW, gone_items={5: 9})
    batch = database.read_here(lambda c: bank_named(c, taken.batches[0]))
    assert hashes.count() == {batch.number: 1}


def test_what_waits_or_was_released_is_not_held_back_again_when_the_list_is_read_again(
    database: Database, hashes: BankHashes, bank: Bank
) -> None:
    """A weekly list comes as a whole each week; new lines of it count although old ones were once held back."""
    take_in(database, hashes, bank, entries(random_pdqs(150)), now=NOW)
    flood, poison = random_pdqs(1_600, seed=1), hash_of(photo("chelsea"))
    taken = take_in(database, hashes, bank, entries([*flood, poison]), now=NOW)
    again = take_in(database, hashes, bank, entries([*flood, poison]), now=NOW)
    assert (again.held_back, again.added, again.already_there) == ("", 0, 1_601)
    database.write_here(lambda c: set_state(c, taken.batches[0], BankState.ACTIVE, "looked at", NOW))
    later = take_in(database, hashes, bank, entries([*flood, poison, *random_pdqs(1_400, seed=2)]), now=NOW)
    assert (later.held_back, later.added, later.already_there) == ("", 1_400, 1_601)
    assert len(database.read_here(list_banks)) == 2
    database.write_here(lambda c: set_state(c, taken.batches[0], BankState.REMOVED, "not ours", NOW))
    assert take_in(database, hashes, bank, entries([poison]), now=NOW + HOUR).held_back.startswith("poison")


def test_a_list_that_matches_everyday_pictures_is_held_back(database: Database, hashes: BankHashes, bank: Bank) -> None:
    taken = take_in(database, hashes, bank, entries([*random_pdqs(3), hash_of(photo("chelsea"))]), now=NOW)
    assert taken.held_back.startswith("poison")
    assert "chelsea" in taken.held_back
    assert hashes.count().get(bank.number, 0) == 0
    assert len(database.read_here(list_banks)) == 2


def test_what_cannot_be_used_is_counted_and_told(database: Database, hashes: BankHashes, bank: Bank) -> None:
    with capture_logs() as logs:
        taken = take_in(
            database, hashes, bank, entries([b"\0" * 32, b"\xff" * 32, *random_pdqs(2)]), now=NOW, aside={"PDNA": 7}
        )
    assert (taken.added, taken.nonsense, taken.aside) == (2, 2, {"PDNA": 7})
    assert logs[0]["event"] == "list_has_unusable_entries"


def test_everyday_hashes_are_those_of_the_samples() -> None:
    folder = data.__path__[0]
    for name, expected in EVERYDAY.items():
        suffix = "jpg" if name == "hubble_deep_field" else "png"
        frame = np.asarray(Image.open(f"{folder}/{name}.{suffix}").convert("RGB"))
        assert hash_of(frame) == expected
    assert len(EVERYDAY) >= 12


def test_real_hashes_are_no_nonsense_and_no_everyday_picture() -> None:
    for name in ("astronaut", "coffee", "rocket", "retina"):
        assert not is_nonsense(hash_of(photo(name)))
        assert why_hold_back(0, 1, [hash_of(photo(name))], 31) == ""


@pytest.mark.parametrize("name", ["", "UPPER", "a b", "../x", "a" * 81, "-a", "x~y"])
def test_a_name_is_plain(database: Database, name: str) -> None:
    with pytest.raises(BankError, match="name"):
        database.write_here(
            lambda c: create_bank(c, name=name, owner="", source="", category=BankCategory.NCII, now=NOW)
        )


def test_a_name_is_taken_once_and_a_threshold_is_in_range(database: Database, bank: Bank) -> None:
    make = partial(create_bank, owner="", source="", category=BankCategory.NCII, now=NOW)
    for name, bits, match in ((bank.name, 31, "already"), ("other", 32, "threshold"), ("other", -1, "threshold")):
        with pytest.raises(BankError, match=match):
            database.write_here(partial(make, name=name, threshold_bits=bits))
