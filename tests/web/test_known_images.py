"""A known picture does not pass the real door, and nothing that leaves says which list it is in."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
import skimage.data
from PIL import Image
from sqlalchemy import select

from safelight.backends.memory import MemoryBackend
from safelight.core.clock import utc_now
from safelight.gate.known_images import KnownImageDetector
from safelight.matching.banks import create_bank
from safelight.matching.fingerprints import HashKind
from safelight.matching.model import BankCategory
from safelight.matching.protect import protect, protection
from safelight.store.tables import decisions
from tests.conftest import png
from tests.detectors import scripted_detectors
from tests.matching.pictures import hash_of, jpeg, photo
from tests.service import Service, serving
from tests.signals.image.samples import HIDDEN, encoded


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Every detector but this one is scripted; the model always makes a cup of coffee."""
    folder: Path = tmp_path_factory.mktemp("known")
    detectors = [one for one in scripted_detectors().values() if one.name != KnownImageDetector.name]
    with serving(
        folder, detectors=[*detectors, KnownImageDetector()], backend=MemoryBackend(png(photo("coffee")))
    ) as s:
        yield s


def add(service: Service, name: str, category: BankCategory, pdq_hash: bytes) -> None:
    bank = service.sql(lambda c: create_bank(c, name=name, owner="o", source="s", category=category, now=utc_now()))
    service.safelight.known.hashes.add(bank.number, HashKind.PDQ, [pdq_hash])
    service.safelight.known._read_at = float("-inf")


def edit(service: Service, frame: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> None:
    service.client().images.edit(image=("image.png", png(frame), "image/png"), prompt="make it brighter")


def refused(service: Service, frame: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> openai.BadRequestError:
    with pytest.raises(openai.BadRequestError) as caught:
        edit(service, frame)
    return caught.value


def test_an_upload_that_is_known_is_refused_as_a_copy_too(service: Service) -> None:
    rocket = np.asarray(skimage.data.rocket())
    edit(service, rocket)
    add(service, "list-of-rockets", BankCategory.CSAM, hash_of(rocket))
    for copy in (rocket, jpeg(rocket, 40), np.ascontiguousarray(rocket[:, ::-1])):
        error = refused(service, copy)
        assert error.code == "moderation_blocked"
        assert "rockets" not in str(error.body)
        assert hash_of(rocket).hex()[:10] not in str(error.body)
    body = service.sql(lambda c: c.execute(select(decisions.c.body).order_by(decisions.c.id.desc())).scalars().first())
    assert body
    assert f'"image_known@{service.safelight.known.lists and "1-" + service.safelight.known.lists}"' in body
    assert "rockets" not in body


@pytest.mark.parametrize("name", HIDDEN)
def test_a_known_picture_does_not_pass_in_transparency(service: Service, name: str) -> None:
    """Laid over white, or over black, it is in plain sight; its colours and its look over grey are others."""
    add(service, f"hidden-{name.replace(' ', '-')}", BankCategory.CSAM, hash_of(photo("brick")))
    hide, _ = HIDDEN[name]
    shown, decoy = (Image.fromarray(photo(one, 512, 512)) for one in ("brick", "chelsea"))
    content = encoded(hide(shown, decoy), "PNG")
    with pytest.raises(openai.BadRequestError) as caught:
        service.client().images.edit(image=("image.png", content, "image/png"), prompt="make it brighter")
    assert caught.value.code == "moderation_blocked"


def test_a_protected_photo_is_refused_in_the_same_words_and_its_person_told(service: Service) -> None:
    add(service, "shared-without-consent", BankCategory.NCII, hash_of(photo("retina")))
    known = service.safelight.known
    receipt = protect(known.database, known.hashes, hash_of(photo()), utc_now())
    known._read_at = float("-inf")
    protected, shared = (refused(service, photo(name)) for name in ("astronaut", "retina"))
    for error in (protected, shared):
        assert isinstance(error.body, dict)
    ours = [{k: v for k, v in dict(e.body["safelight"]).items() if k != "decision"} for e in (protected, shared)]  # type: ignore[index,call-overload]
    assert ours[0] == ours[1]
    assert [stage for _, stage in service.sql(lambda c: protection(c, receipt)).attempts] == ["input"]


def test_what_came_back_and_is_known_is_destroyed(service: Service) -> None:
    service.client().images.generate(prompt="a cup")
    add(service, "cups", BankCategory.ILLEGAL, hash_of(photo("coffee")))
    with pytest.raises(openai.BadRequestError) as caught:
        service.client().images.generate(prompt="a cup")
    assert caught.value.body["safelight"]["category"] == "known_illegal"  # type: ignore[index,call-overload]


def test_a_crop_of_a_picture_that_was_taken_down_is_refused(service: Service) -> None:
    """No hash finds it; the features of the picture that was taken down do. The output is known by now as well."""
    known, now = service.safelight.known, utc_now()
    assert known.copies
    bank = service.sql(
        lambda c: create_bank(c, name="down", owner="o", source="s", category=BankCategory.NCII, now=now)
    )
    cat = photo("chelsea")
    crop = np.ascontiguousarray(cat[40:, 60:])
    refused(service, crop)
    known.copies.add(bank.number, 5, cat, now)
    known._read_at = known.copies._looked_at = float("-inf")
    refused(service, crop)
    query = select(decisions.c.body).order_by(decisions.c.id)
    before, after = (
        json.loads(body)["category"] for body in service.sql(lambda c: c.execute(query).scalars().all())[-2:]
    )
    assert (before, after) == ("known_illegal", "ncii")


@pytest.mark.parametrize(
    ("category", "name"), list(zip(BankCategory, ("coins", "camera", "page", "immunohistochemistry"), strict=True))
)
def test_no_refusal_tells_in_which_kind_of_list_a_picture_is(
    service: Service, category: BankCategory, name: str
) -> None:
    add(service, name, category, hash_of(photo(name)))
    body = refused(service, photo(name)).body
    assert isinstance(body, dict)
    assert (body["safelight"]["category"], body["safelight"]["reasons"]) == ("known_illegal", ["known_image"])
    assert body["moderation_details"]["categories"] == ["sexual"]
    assert "safety_violations=[sexual]." in body["message"]
