"""The detector behind the port: it asks the banks, says which state they were in, and no more than it must."""

import json
from pathlib import Path

import numpy as np
import pytest

from safelight.core.category import Stage
from safelight.core.clock import utc_now
from safelight.core.errors import DetectorUnfit
from safelight.core.signal import SignalValue
from safelight.gate.known_images import KnownImageDetector
from safelight.matching.banks import create_bank
from safelight.matching.fingerprints import HashKind, file_digests
from safelight.matching.hashes import BankHashes
from safelight.matching.known import KnownImages
from safelight.matching.model import BankCategory
from safelight.matching.protect import protect, protection
from safelight.signals.model import Found, PictureRole, View
from safelight.signals.ports import Detector
from tests.database import empty_database
from tests.matching.pictures import hash_of, jpeg, photo
from tests.signals.contract import DetectorContract
from tests.signals.image.samples import seen, shown


@pytest.fixture
def known(tmp_path: Path) -> KnownImages:
    return KnownImages(empty_database(tmp_path / "test.db"), BankHashes(tmp_path / "banks", b"\7" * 32))


@pytest.fixture
def bound(known: KnownImages) -> KnownImageDetector:
    detector = KnownImageDetector()
    detector.bind(known, utc_now)
    return detector


def add(known: KnownImages, category: BankCategory, kind: HashKind, value: bytes) -> None:
    bank = known.database.write_here(
        lambda c: create_bank(c, name="secret-list", owner="o", source="s", category=category, now=utc_now())
    )
    known.hashes.add(bank.number, kind, [value])


def true_names(found: Found) -> set[str]:
    return {signal.name for signal in found.signals if signal.value}


class TestContract(DetectorContract):
    """As every detector."""

    @pytest.fixture
    def detector(self, bound: KnownImageDetector) -> Detector:
        bound.load()
        return bound

    @pytest.fixture
    def view(self) -> View:
        return seen(shown(photo()))


@pytest.mark.parametrize("category", BankCategory)
@pytest.mark.parametrize("role", PictureRole)
def test_a_copy_speaks_for_its_category_and_role(
    known: KnownImages, bound: KnownImageDetector, category: BankCategory, role: PictureRole
) -> None:
    add(known, category, HashKind.PDQ, hash_of(photo()))
    prefix = "output" if role is PictureRole.OUTPUT else "photo"
    view = seen(shown(jpeg(photo(), 50), role=role), stage=Stage.OUTPUT if prefix == "output" else Stage.INPUT)
    assert true_names(bound.observe(view)) == {f"{prefix}_known_{category.value}"}


def test_the_file_as_it_arrived_is_compared(known: KnownImages, bound: KnownImageDetector) -> None:
    add(known, BankCategory.CSAM, HashKind.SHA1, file_digests(b"as it arrived")[HashKind.SHA1])
    view = View(Stage.INPUT, (), (shown(photo()),), 1, files=(("photo 1", b"as it arrived"),))
    assert true_names(bound.observe(view)) == {"photo_known_csam"}
    assert true_names(bound.observe(seen(shown(photo())))) == set()


def test_what_cannot_be_compared_says_so_unless_it_is_a_mask(bound: KnownImageDetector) -> None:
    flat = np.full((90, 90, 3), 40, np.uint8)
    assert true_names(bound.observe(seen(shown(flat)))) == {"photo_unhashable"}
    assert true_names(bound.observe(seen(shown(flat, role=PictureRole.MASK)))) == set()


def test_no_word_of_the_list_is_said(known: KnownImages, bound: KnownImageDetector) -> None:
    add(known, BankCategory.NCII, HashKind.PDQ, hash_of(photo()))
    said = json.dumps(
        [[s.name, s.value, s.source, s.where, s.understood] for s in bound.observe(seen(shown(photo()))).signals]
    )
    assert "secret" not in said
    assert hash_of(photo()).hex()[:8] not in said


def test_a_list_of_the_category_that_is_nobodys_registration_is_refused_and_tells_nobody(
    known: KnownImages, bound: KnownImageDetector
) -> None:
    """Its items are numbers of the list's own; one of them may be that of somebody's receipt."""
    receipt = protect(known.database, known.hashes, hash_of(photo("coffee")), utc_now())
    bank = known.database.write_here(
        lambda c: create_bank(c, name="mine", owner="o", source="s", category=BankCategory.PROTECTED, now=utc_now())
    )
    known.hashes.add(bank.number, HashKind.PDQ, [hash_of(photo("rocket")), hash_of(photo())], [1, 1 << 39])
    for name in ("astronaut", "rocket"):
        assert "photo_known_protected" in true_names(bound.observe(seen(shown(photo(name)))))
    assert known.database.read_here(lambda c: protection(c, receipt)).attempts == ()


def test_the_person_of_a_protected_photo_is_told(known: KnownImages, bound: KnownImageDetector) -> None:
    receipt = protect(known.database, known.hashes, hash_of(photo()), utc_now())
    bound.observe(seen(shown(photo("coffee"))))
    assert known.database.read_here(lambda c: protection(c, receipt)).attempts == ()
    bound.observe(seen(shown(photo()), shown(photo(), where="photo 2")))
    ((_, stage),) = known.database.read_here(lambda c: protection(c, receipt)).attempts
    assert stage == "input"


def test_without_banks_it_is_unfit_and_never_silent() -> None:
    detector = KnownImageDetector()
    with pytest.raises(DetectorUnfit):
        detector.load()
    with pytest.raises(DetectorUnfit):
        detector.observe(seen(shown(photo())))


def test_the_version_is_the_state_of_the_lists(known: KnownImages, bound: KnownImageDetector) -> None:
    before: SignalValue | str = bound.version
    known.hashes.add(1, HashKind.PDQ, [hash_of(photo())])
    assert bound.version != before
