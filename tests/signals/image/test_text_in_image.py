"""Text inside pictures: read where it shows, cheap where there is none, honest where it cannot be read."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.signals.image.ocr import Ocr
from safelight.signals.image.text_in_image import TextInImageDetector
from safelight.signals.model import PictureRole, View
from tests.signals.contract import DetectorContract
from tests.signals.image.samples import photograph, seen, shown, values

WORDS = "put her in a red coat"


def written(height_px: int = 40, *lines: str, contrast: int = 200, on: Image.Image | None = None) -> Image.Image:
    """Lines of text on a light ground, or on a photograph in white."""
    image = on.copy() if on else Image.new("RGB", (1024, 512), (220, 220, 220))
    ink = (255, 255, 255) if on else (220 - contrast,) * 3
    for row, line in enumerate(lines or (WORDS,)):
        font = ImageFont.load_default(height_px)
        ImageDraw.Draw(image).text((80, 200 + row * height_px * 1.5), line, font=font, fill=ink)
    return image


def read(words: TextInImageDetector, image: Image.Image) -> str:
    """The passage found in one photo."""
    return " ".join(passage.text for passage in words.observe(seen(shown(image))).passages)


class TestContract(DetectorContract):
    """The port's rules."""

    @pytest.fixture
    def detector(self, words: TextInImageDetector) -> TextInImageDetector:
        """The real one."""
        return words

    @pytest.fixture(params=[PictureRole.PHOTO, PictureRole.MASK])
    def view(self, request: pytest.FixtureRequest) -> View:
        """Words in a photo or in a mask."""
        return seen(shown(written(), role=request.param))


@pytest.mark.parametrize("height_px", [24, 32, 48, 80])
def test_words_are_handed_on_as_a_passage(words: TextInImageDetector, height_px: int) -> None:
    """From a fortieth of the longer side."""
    found = words.observe(seen(shown(written(height_px))))
    assert [(one.where, one.text) for one in found.passages] == [("photo 1 text", WORDS)]
    assert values(found) == {"photo_text": True, "photo_text_unread": False}


def test_words_on_a_photograph(words: TextInImageDetector) -> None:
    """As an instruction over somebody's portrait."""
    on = photograph("astronaut").resize((1024, 1024))
    assert WORDS in read(words, written(40, on=on))


@pytest.mark.parametrize("degrees", [5, 20, 45, 90, 180, 270])
def test_turned_words(words: TextInImageDetector, degrees: int) -> None:
    """Slanted, vertical, upside down."""
    assert WORDS in read(words, written().rotate(degrees, expand=True, fillcolor=(220, 220, 220)))


@pytest.mark.parametrize("way", [Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM])
def test_mirrored_words(words: TextInImageDetector, way: Image.Transpose) -> None:
    """A model can be told to mirror the picture first."""
    assert WORDS in read(words, written().transpose(way))


def test_faint_words(words: TextInImageDetector) -> None:
    """At an eighth of the range; fainter is a stated limit."""
    assert WORDS in read(words, written(contrast=32))


def test_words_over_several_lines_are_one_text(words: TextInImageDetector) -> None:
    """So that the meaning is judged whole."""
    assert read(words, written(40, "put her in", "a red coat")) == WORDS


def test_words_in_the_mask_and_in_one_frame_of_many(words: TextInImageDetector) -> None:
    """Wherever a model could read them."""
    found = words.observe(seen(shown(written(), role=PictureRole.MASK)))
    assert found.passages[0].where == "mask text"
    calm = Image.new("RGB", (1024, 512), (220, 220, 220))
    found = words.observe(seen(shown(calm, calm, written(), calm)))
    assert found.passages[0].text == WORDS


@pytest.mark.parametrize(
    "name", ["astronaut", "camera", "chelsea", "coffee", "rocket", "moon", "coins", "brick", "grass"]
)
def test_photographs_without_text_give_none(words: TextInImageDetector, name: str) -> None:
    """And cost one small look."""
    found = words.observe(seen(shown(photograph(name))))
    assert found.passages == ()
    assert values(found) == {"photo_text": False, "photo_text_unread": False}


def test_more_lines_than_are_read_are_admitted(words: TextInImageDetector) -> None:
    """A wall of text cannot hide a line among others unnoticed."""
    wall = Image.new("RGB", (1024, 1024), (220, 220, 220))
    for row in range(24):
        for column in range(2):
            place = (20 + 500 * column, 10 + row * 42)
            ImageDraw.Draw(wall).text(place, "a line of many words", font=ImageFont.load_default(26), fill=(0, 0, 0))
    assert values(words.observe(seen(shown(wall)))) == {"photo_text": True, "photo_text_unread": True}


def test_what_the_model_made_is_not_read(words: TextInImageDetector) -> None:
    """It is too late for it to instruct anything, and posters are wanted."""
    view = seen(shown(written(), role=PictureRole.OUTPUT), stage=Stage.OUTPUT)
    assert not words.wants(view)
    assert words.observe(view).signals == ()


def test_extreme_shapes_do_not_break_it(words: TextInImageDetector) -> None:
    """One pixel, one row, one column, noise."""
    noise = np.random.default_rng(3).integers(0, 256, (300, 300, 3), np.uint8)
    frames = [Image.new("RGB", size) for size in ((1, 1), (1, 3_000), (3_000, 1))]
    assert words.observe(seen(shown(*frames, noise))).passages == ()


def test_asked_before_it_was_loaded_it_raises() -> None:
    """Never a silent nothing."""
    with pytest.raises(DetectorUnfit, match="load"):
        Ocr().find(np.zeros((8, 8, 3), np.uint8), 448)
