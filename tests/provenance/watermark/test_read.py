"""Reading: after what pictures go through, with the right key only, and never where nothing was written."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.provenance.watermark import NotRead, Picture, Reading, WatermarkKey, WhyNotRead, carried, embed, read
from safelight.provenance.watermark.code import CODE_BITS
from safelight.provenance.watermark.layout import WAVES, layout, on_grid, tile_px
from tests.provenance.watermark.pictures import (
    KEY,
    OTHER,
    PAYLOAD,
    blurred,
    brighter,
    cropped,
    jpeg,
    line_art,
    mirrored,
    noise,
    photo,
    plain,
    resized,
    turned,
)

MARKED = {
    "photo": embed(resized(photo(), 1.5), PAYLOAD, KEY),
    "line art": embed(line_art(), PAYLOAD, KEY),
    "flat": embed(plain(600, 700, 90), PAYLOAD, KEY),
}
AFTER: dict[str, Callable[[Picture], Picture]] = {
    "nothing": lambda picture: picture,
    "JPEG 50": lambda picture: jpeg(picture, 50),
    "half + JPEG 75": lambda picture: jpeg(resized(picture, 0.5), 75),
    "0.63 + crop": lambda picture: cropped(resized(picture, 0.63)),
    "twice the size + mirror": lambda picture: mirrored(resized(picture, 2)),
    "crop + brighter": lambda picture: brighter(cropped(picture)),
    "blur + mirror": lambda picture: mirrored(blurred(picture)),
}


def payload_in(picture: Picture, *keys: WatermarkKey) -> bytes | None:
    answer = read(picture, keys or [KEY])
    return answer.payload if isinstance(answer, Reading) else None


OUTLIVED = [
    (name, after) for name in MARKED for after in AFTER
    # White that is made brighter keeps nothing, and a few thin lines too little: docs/limits.md says so.
    if (name, after) != ("line art", "crop + brighter")
]  # fmt: skip


@pytest.mark.parametrize(("name", "after"), OUTLIVED)
def test_the_mark_outlives_what_pictures_go_through(name: str, after: str) -> None:
    assert payload_in(AFTER[after](MARKED[name])) == PAYLOAD


@given(
    height=st.integers(128, 700),
    width=st.integers(128, 700),
    channels=st.sampled_from([1, 3, 4]),
    level=st.integers(0, 255),
    slope=st.floats(-0.5, 0.5),
    payload=st.binary(min_size=8, max_size=8),
)
@settings(max_examples=15, deadline=None)
def test_every_payload_comes_back_from_every_size_and_format(
    height: int, width: int, channels: int, level: int, slope: float, payload: bytes
) -> None:
    colours = plain(height, width, level, slope)
    picture = {1: colours[..., 0], 3: colours, 4: np.dstack([colours, colours[..., 0]])}[channels]
    answer = read(embed(picture, payload, KEY), [KEY])
    assert isinstance(answer, Reading)
    assert answer.payload == payload
    assert answer.false_log10 <= -9


def test_a_reading_says_how_the_picture_was_changed() -> None:
    answer = read(mirrored(resized(MARKED["flat"], 0.5)), [KEY])
    assert isinstance(answer, Reading)
    assert answer.mirrored
    assert answer.tile_px == pytest.approx([tile_px(600, 700) / 2] * 2, rel=0.01)
    assert answer.turned_deg == 0


def test_a_picture_that_was_turned_a_little_is_read_when_turns_are_searched() -> None:
    marked = embed(photo(), PAYLOAD, KEY)
    answer = read(turned(marked, 2.0), [KEY], turns=True)
    assert isinstance(answer, Reading)
    assert answer.payload == PAYLOAD
    assert abs(answer.turned_deg) == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("after", ["nothing", "JPEG 50", "crop"])
def test_a_lawn_of_512_pixels_is_read_after_gentle_losses(after: str) -> None:
    """Loud in coarse waves everywhere, so its squares are smaller than those of other pictures of its size."""
    lawn = np.repeat(np.asarray(skimage.data.grass(), np.uint8)[..., None], 3, axis=2)
    marked = embed(lawn, PAYLOAD, KEY)
    assert payload_in({"crop": cropped, "JPEG 50": lambda one: jpeg(one, 50)}.get(after, np.copy)(marked)) == PAYLOAD


def test_old_keys_go_on_reading_what_they_marked() -> None:
    answer = read(MARKED["photo"], [OTHER, KEY])
    assert isinstance(answer, Reading)
    assert (answer.payload, answer.key_id) == (PAYLOAD, KEY.id)


@pytest.mark.parametrize("name", MARKED)
def test_another_key_reads_nothing(name: str) -> None:
    assert read(MARKED[name], [OTHER]) == NotRead(WhyNotRead.NOTHING_FOUND)


def test_without_keys_nothing_is_found() -> None:
    assert read(MARKED["flat"], []) == NotRead(WhyNotRead.NOTHING_FOUND)


@pytest.mark.parametrize("seed", range(6))
def test_foreign_pictures_are_never_read(seed: int) -> None:
    rng = np.random.default_rng(seed)
    foreign = [
        *(np.asarray(getattr(skimage.data, name)(), np.uint8) for name in ("coffee", "brick", "page")),
        noise(300, 300, seed),
        line_art(300),
    ]
    for picture in foreign:
        side = int(rng.integers(96, 160))
        top, left = (int(rng.integers(0, whole - side + 1)) for whole in picture.shape[:2])
        assert isinstance(read(picture[top : top + side, left : left + side], [KEY]), NotRead)


def test_a_payload_that_is_known_beforehand_is_found_where_none_can_be_read() -> None:
    """And no other one, nor with another key, nor in what was never marked."""
    damaged = jpeg(resized(MARKED["photo"], 0.3), 40)
    assert isinstance(read(damaged, [KEY]), NotRead)
    assert carried(damaged, [b"otherone", PAYLOAD], [OTHER, KEY]) == PAYLOAD
    assert carried(damaged, [b"otherone", PAYLOAD[::-1]], [OTHER, KEY]) is None
    assert carried(damaged, [PAYLOAD], [OTHER]) is None
    assert carried(jpeg(resized(resized(photo(), 1.5), 0.3), 40), [PAYLOAD], [KEY]) is None
    assert carried(plain(20, 500, 100), [PAYLOAD], [KEY]) is None


@pytest.mark.parametrize("level", [0, 127, 255])
def test_a_blank_picture_is_never_read(level: int) -> None:
    assert read(plain(256, 256, level), [KEY]) == NotRead(WhyNotRead.NOTHING_FOUND)


def test_a_picture_that_is_too_small_says_so() -> None:
    assert read(plain(20, 500, 100), [KEY]) == NotRead(WhyNotRead.TOO_SMALL)


def test_where_the_pattern_is_there_but_not_its_bits_the_answer_is_unsure() -> None:
    """The square of this key, but with code bits that stand for no payload."""
    bits = np.where(np.random.default_rng(3).random(CODE_BITS) < 0.5, -1, 1).astype(np.float32)
    square = on_grid(layout(KEY).amplitudes(bits), WAVES)
    pattern = cv2.resize(np.tile(square / square.std(), (5, 5)), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    picture = np.asarray(np.clip(120 + 2 * pattern, 0, 255), np.uint8)
    assert read(picture, [KEY]) == NotRead(WhyNotRead.DAMAGED, KEY.id)
