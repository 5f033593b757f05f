"""PDQ as the reference computes it, in eight forms, and an answer of its own where there is nothing to match."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from safelight.matching import pdq as pdq_module
from safelight.matching.fingerprints import HashKind, file_digests, parse_hash
from safelight.matching.pdq import MIN_QUALITY, Frame, Pdq, Turn, Unhashable, WhyUnhashable, distance, pdq, pdq_once
from tests.matching.drawn import drawn

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "page", "text", "retina", "immunohistochemistry")
TURNED = {
    Turn.NONE: lambda a: a,
    Turn.ROTATE_90: lambda a: np.rot90(a, 1),
    Turn.ROTATE_180: lambda a: np.rot90(a, 2),
    Turn.ROTATE_270: lambda a: np.rot90(a, 3),
    Turn.MIRROR: np.fliplr,
    Turn.FLIP: np.flipud,
    Turn.TRANSPOSE: lambda a: np.swapaxes(a, 0, 1),
    Turn.TRANSVERSE: lambda a: np.swapaxes(a[::-1, ::-1], 0, 1),
}
REFERENCE: list[dict[str, Any]] = json.loads(Path(__file__).with_name("reference_hashes.json").read_text("utf-8"))
ASTRONAUT = "2d6b1af3a956c529e79ca3d2526fa834d4196c81cedd04de0a26b855fc99b724"


def photo(name: str, *size: int) -> Frame:
    picture = getattr(skimage.data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    picture = np.ascontiguousarray(picture[..., :3])
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8) if size else picture


def hashed(frame: Frame) -> Pdq:
    found = pdq(np.ascontiguousarray(frame))
    assert isinstance(found, Pdq)
    return found


@pytest.mark.skipif(not importlib.util.find_spec("pdqhash"), reason="pdqhash is not installed")
@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("size", [(512, 512), (1024, 1024), (64, 64), (70, 40), (517, 333), (777, 1300), (129, 130)])
def test_it_is_the_references_hash_bit_for_bit(name: str, size: tuple[int, int]) -> None:
    import pdqhash

    frame = photo(name, *size)
    bits, quality = pdqhash.compute(frame)
    mine = hashed(frame)
    assert mine.hash == np.packbits(np.asarray(bits)).tobytes()
    assert mine.quality == quality
    forms, _ = pdqhash.compute_dihedral(frame)
    assert {np.packbits(np.asarray(form)).tobytes() for form in forms} == {form for _, form in mine.forms}


@pytest.mark.parametrize("answer", REFERENCE, ids=lambda one: f"{one['picture']} at {one['size'][0]}x{one['size'][1]}")
def test_it_is_what_the_reference_answered_wherever_that_cannot_be_installed(answer: dict[str, Any]) -> None:
    """`make_reference_hashes.py` asked it. A frequency that ties with the median may fall to its other side."""
    mine = hashed(drawn(answer["picture"], *answer["size"]))
    assert mine.quality == answer["quality"]
    theirs = [bytes.fromhex(form) for form in answer["forms"]]
    assert distance(mine.hash, theirs[0]) <= 1
    for _, form in mine.forms:
        assert min(distance(form, one) for one in theirs) <= 1


def test_a_known_hash() -> None:
    """Made with the reference, so that a change shows where it is not installed."""
    assert distance(hashed(photo("astronaut")).hash, bytes.fromhex(ASTRONAUT)) == 0


@pytest.mark.parametrize("turn", Turn)
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_each_form_is_the_hash_of_the_picture_turned_so(turn: Turn, name: str) -> None:
    frame = photo(name)
    form = dict(hashed(frame).forms)[turn]
    assert distance(form, hashed(TURNED[turn](frame)).hash) <= 24  # a match allows 31; the samples are not symmetric


def test_copies_stay_near_and_other_pictures_far() -> None:
    original = hashed(photo("astronaut", 512, 512)).hash
    _, coded = cv2.imencode(".jpg", photo("astronaut", 512, 512), [cv2.IMWRITE_JPEG_QUALITY, 20])
    jpeg = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    assert distance(hashed(jpeg).hash, original) <= 16
    assert distance(hashed(photo("astronaut", 256, 256)).hash, original) <= 16
    others = [distance(hashed(photo(name)).hash, original) for name in PHOTOS if name != "astronaut"]
    assert min(others) > 80


def test_a_large_picture_is_shrunk_first_and_stays_within_a_match() -> None:
    small, large = hashed(photo("coffee", 1500, 1000)), hashed(photo("coffee", 4500, 3000))
    assert distance(small.hash, large.hash) <= 8


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (np.full((200, 300, 3), 90, np.uint8), WhyUnhashable.NO_DETAIL),
        (np.zeros((64, 64, 3), np.uint8), WhyUnhashable.NO_DETAIL),
        (np.zeros((4, 400, 3), np.uint8), WhyUnhashable.TOO_SMALL),
        (
            np.repeat(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], 256, 0).repeat(3, 2),
            WhyUnhashable.NO_DETAIL,
        ),
    ],
    ids=["flat", "black", "a line", "a slope"],
)
def test_what_cannot_be_matched_says_so(frame: Frame, why: WhyUnhashable) -> None:
    found = pdq(np.ascontiguousarray(frame))
    assert isinstance(found, Unhashable)
    assert found.why is why
    assert found.quality < MIN_QUALITY


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_distance_counts_bits(one: bytes, other: bytes) -> None:
    assert distance(one, other) == sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


def test_digests_are_the_usual_ones() -> None:
    digests = file_digests(b"abc")
    assert digests[HashKind.MD5].hex() == "900150983cd24fb0d6963f7d28e17f72"
    assert digests[HashKind.SHA1].hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert digests[HashKind.SHA256].hex().startswith("ba7816bf8f01cfea")


@given(st.sampled_from(HashKind), st.binary(min_size=16, max_size=32))
def test_a_hash_is_parsed_strictly(kind: HashKind, content: bytes) -> None:
    digits = {HashKind.MD5: 32, HashKind.SHA1: 40}.get(kind, 64)
    text = content.hex()
    if len(text) == digits:
        assert parse_hash(kind, text.upper()) == content
    for wrong in (text + "\n", " " + text, "0x" + text[2:], text[:-1], text + "00" * 32, ""):
        with pytest.raises(ValueError, match="hexadecimal"):
            parse_hash(kind, wrong)


def test_a_frame_that_is_asked_for_twice_is_hashed_once_and_forgotten_with_it() -> None:
    frame = photo("coffee", 320, 240)
    found = pdq_once(frame)
    assert pdq_once(frame) is found
    assert pdq_once(frame.copy()) == found
    held = len(pdq_module._held)
    del frame
    assert len(pdq_module._held) == held - 1
