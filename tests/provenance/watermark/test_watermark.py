"""What is written is read again, after what pictures go through; what was not written is never read."""

import cv2
import numpy as np
import pytest
import skimage.data

from safelight.provenance.watermark import NotMarkable, NotRead, Picture, Reading, WatermarkKey, WhyNotRead, embed, read

KEY = WatermarkKey(bytes(range(32)))
OTHER = WatermarkKey(bytes(32))
PAYLOAD = bytes.fromhex("0123456789abcdef")


@pytest.fixture(scope="module")
def marked() -> Picture:
    return embed(np.asarray(skimage.data.astronaut(), np.uint8), PAYLOAD, KEY)


def test_a_marked_picture_reads(marked: Picture) -> None:
    answer = read(marked, [KEY])
    assert isinstance(answer, Reading)
    assert answer.payload == PAYLOAD
    assert answer.key_id == KEY.id


def test_a_mirror_image_of_half_the_size_reads(marked: Picture) -> None:
    half = np.asarray(cv2.resize(marked[:, ::-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    answer = read(half, [OTHER, KEY])
    assert isinstance(answer, Reading)
    assert (answer.payload, answer.key_id, answer.mirrored) == (PAYLOAD, KEY.id, True)


def test_another_key_reads_nothing(marked: Picture) -> None:
    assert read(marked, [OTHER]) == NotRead(WhyNotRead.NOTHING_FOUND)


def test_a_picture_without_a_mark_reads_nothing() -> None:
    assert read(np.asarray(skimage.data.astronaut(), np.uint8), [KEY]) == NotRead(WhyNotRead.NOTHING_FOUND)


def test_a_picture_that_is_too_small_says_so() -> None:
    assert read(np.zeros((20, 500, 3), np.uint8), [KEY]) == NotRead(WhyNotRead.TOO_SMALL)
    with pytest.raises(NotMarkable, match="too small"):
        embed(np.zeros((20, 500, 3), np.uint8), PAYLOAD, KEY)
