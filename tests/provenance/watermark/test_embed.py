"""Writing: what may change, by how much, and what must not."""

import cv2
import numpy as np
import pytest

from safelight.provenance.watermark import NotMarkable, Picture, can_carry, embed
from tests.provenance.watermark.pictures import KEY, PAYLOAD, line_art, noise, photo, plain

PICTURES = {
    "photo": photo(),
    "line art": line_art(),
    "flat": plain(400, 500, 120),
    "white": plain(400, 500, 255),
    "black": plain(400, 500, 0),
    "noise": noise(400, 500),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_difference_stays_below_what_can_be_seen(name: str) -> None:
    assert cv2.PSNR(PICTURES[name], embed(PICTURES[name], PAYLOAD, KEY)) >= 42


@pytest.mark.parametrize("shape", [(300, 400), (300, 400, 3), (300, 400, 4)])
def test_shape_and_type_stay_and_the_given_picture_too(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    before = picture.copy()
    marked = embed(picture, PAYLOAD, KEY)
    assert (marked.shape, marked.dtype) == (picture.shape, np.dtype(np.uint8))
    assert np.array_equal(picture, before)
    assert not np.array_equal(marked, picture)


def test_transparency_stays_bit_for_bit() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (200, 300, 4)).astype(np.uint8)
    assert np.array_equal(embed(picture, PAYLOAD, KEY)[..., 3], picture[..., 3])


def test_colours_change_alike() -> None:
    picture = plain(200, 300, 100) + np.array([0, 20, 40], np.uint8)
    change = embed(picture, PAYLOAD, KEY).astype(int) - picture
    assert np.array_equal(change[..., 0], change[..., 1])
    assert np.array_equal(change[..., 1], change[..., 2])


def test_the_same_is_marked_alike_however_it_lies_in_memory() -> None:
    picture = photo()
    turned = np.ascontiguousarray(picture[::-1])[::-1]
    assert np.array_equal(embed(turned, PAYLOAD, KEY), embed(picture, PAYLOAD, KEY))


def test_what_is_too_small_is_refused_and_known_beforehand() -> None:
    assert can_carry(128, 128)
    assert not can_carry(127, 4000)
    with pytest.raises(NotMarkable, match="4000 × 127 pixels is too small"):
        embed(plain(127, 4000, 100), PAYLOAD, KEY)


@pytest.mark.parametrize("payload", [b"", bytes(7), bytes(9)])
def test_a_payload_of_another_length_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="carries 8 bytes"):
        embed(plain(200, 200, 100), payload, KEY)


@pytest.mark.parametrize(
    "picture", [np.zeros((200, 200, 3), np.float32), np.zeros((200, 200, 2), np.uint8), np.zeros((0, 5), np.uint8)]
)
def test_what_is_no_picture_is_refused(picture: Picture) -> None:
    with pytest.raises(ValueError, match="a picture"):
        embed(picture, PAYLOAD, KEY)
