"""Copies that PDQ loses are found by their local features, and other pictures are not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from safelight.matching.copies import LIGHT, CopySet, features, likeness, packed, same_picture, unpacked
from safelight.matching.pdq import Frame, distance
from tests.matching.pictures import hash_of, jpeg, photo

NAMES = ("astronaut", "coffee", "rocket", "chelsea")


def rotated(frame: Frame, degrees: float) -> Frame:
    height, width = frame.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(frame, turn, (width, height), borderValue=(255, 255, 255)), np.uint8)


COPIES: dict[str, Callable[[Frame], Frame]] = {
    "cropped": lambda f: np.ascontiguousarray(f[f.shape[0] // 5 :, : 4 * f.shape[1] // 5]),
    "turned": lambda f: rotated(f, 15),
    "bordered": lambda f: np.asarray(cv2.copyMakeBorder(f, 60, 60, 90, 90, cv2.BORDER_CONSTANT, value=(0, 0, 0))),
    "mirrored and cropped": lambda f: jpeg(np.ascontiguousarray(f[:, ::-1][:, f.shape[1] // 5 :]), 50),
}


@pytest.fixture(scope="module")
def copies() -> CopySet:
    return CopySet(features(photo(name)) for name in NAMES)


@pytest.mark.parametrize("what", COPIES)
@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_found_that_pdq_loses(copies: CopySet, name: str, what: str) -> None:
    copy = COPIES[what](photo(name))
    assert distance(hash_of(copy), hash_of(photo(name))) > 31
    (found,) = copies.find(copy)
    assert NAMES[found.number] == name
    assert found.is_mirrored == ("mirrored" in what)
    assert abs(abs(found.turned_deg) - (15 if what == "turned" else 0)) < 3


@pytest.mark.parametrize("what", COPIES)
def test_a_copy_has_far_more_alike_than_another_picture(what: str) -> None:
    """So that a part of the work says which pictures are worth the whole of it."""
    original = np.ascontiguousarray(photo()[:, ::-1]) if "mirrored" in what else photo()
    known = [original, *(photo(name) for name in (*NAMES[1:], "camera", "page"))]
    asked = features(COPIES[what](photo()))
    copy, *others = (likeness(asked, features(one)) for one in known)
    assert copy > 2 * max(others)


@pytest.mark.parametrize("name", ["camera", "retina", "page", "moon"])
def test_another_picture_is_not_found(copies: CopySet, name: str) -> None:
    assert copies.find(photo(name)) == []


def test_what_has_no_features_is_not_found() -> None:
    flat = np.full((200, 300, 3), 90, np.uint8)
    assert len(features(flat).points) == 0
    assert CopySet([features(flat), features(photo())]).find(flat) == []
    assert CopySet([]).find(photo()) == []
    assert same_picture(features(flat), features(photo())) is None
    assert likeness(features(flat), features(photo())) == likeness(features(photo()), features(flat)) == 0


def test_the_same_words_in_another_picture_are_no_copy() -> None:
    """A logo or a caption recurs; it is a small part of the picture."""

    def captioned(frame: Frame) -> Frame:
        copy = frame.copy()
        cv2.putText(copy, "the same words", (20, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (255, 255, 255), 2)
        return copy

    assert CopySet([features(captioned(photo()))]).find(captioned(photo("rocket", 512, 512))) == []


def test_packed_features_are_read_back_to_a_sixteenth_of_a_pixel() -> None:
    made = features(photo("coffee"), LIGHT)
    again = unpacked(packed(made))
    assert (again.size, len(again.points)) == (made.size, len(made.points))
    assert np.array_equal(again.bits, made.bits)
    assert np.abs(again.points - made.points).max() <= 1 / 32 + 1e-6
    assert same_picture(features(photo("coffee")), again) is not None


@pytest.mark.parametrize("raw", [b"", b"123456", b"\x01\x00\x01\x00\x01\x00"])
def test_what_are_no_packed_features_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no packed features"):
        unpacked(raw)
