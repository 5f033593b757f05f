"""The sketch keeps the contract, honours the options, and really edits a real photo."""

import io

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from safelight.backends.ports import CleanImage, Job, Made
from safelight.backends.sketch import SketchBackend
from safelight.backends.sketch.finish import caption
from safelight.core.errors import BackendCode, BackendFailed
from safelight.core.request import Operation
from tests.backends.contract import BackendContract

pytestmark = pytest.mark.anyio


def encoded(pixels: NDArray[np.uint8]) -> CleanImage:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return CleanImage(out.getvalue(), "image/png")


def pixels(content: bytes) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"), np.int16)


def difference(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """Mean over pixels and colours, 0 to 255."""
    return float(np.abs(one - other).mean())


ASTRONAUT: NDArray[np.uint8] = skimage.data.astronaut()
PORTRAIT = encoded(ASTRONAUT)
# Away from the caption: the face and the shoulders, and the upper corner behind them.
FACE, CORNER = np.s_[70:190, 180:260], np.s_[10:60, 380:500]


@pytest.fixture
def backend() -> SketchBackend:
    return SketchBackend()


class TestSketchBackend(BackendContract):
    """The contract."""


async def edit(backend: SketchBackend, prompt: str, mask: CleanImage | None = None, **options: object) -> Made:
    return await backend.make(Job(Operation.EDIT, prompt, photos=(PORTRAIT,), mask=mask, options=options))  # type: ignore[arg-type]


async def test_the_same_job_gives_the_same_bytes(backend: SketchBackend) -> None:
    for job in (
        Job(Operation.GENERATE, "a sunset over the sea", count=2),
        Job(Operation.EDIT, "make the background a forest", photos=(PORTRAIT,)),
    ):
        assert (await backend.make(job)).images == (await backend.make(job)).images


async def test_the_images_of_a_batch_differ(backend: SketchBackend) -> None:
    made = await backend.make(Job(Operation.GENERATE, "snowy mountains", count=3))
    assert len(set(made.images)) == 3


@pytest.mark.parametrize(
    ("prompt", "upper", "lower"),
    [
        ("a sunset over the sea", "blue < red", "any"),
        ("a meadow under a blue sky", "blue > red", "green > blue"),
        ("a city at night", "dark", "any"),
        ("a white circle on a red background", "blue < red", "any"),
    ],
)
async def test_pictures_loosely_follow_the_words(backend: SketchBackend, prompt: str, upper: str, lower: str) -> None:
    picture = pixels((await backend.make(Job(Operation.GENERATE, prompt, options={"size": "256x256"}))).images[0])
    for rule, part in ((upper, picture[120:145]), (lower, picture[180:220])):
        red, green, blue = part.reshape(-1, 3).mean(axis=0)
        assert {
            "any": True,
            "dark": max(red, green, blue) < 100,
            "blue < red": blue < red,
            "blue > red": blue > red,
            "green > blue": green > blue,
        }[rule], (rule, red, green, blue)


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("quality", ["low", "medium", "high", "auto"])
async def test_size_format_and_quality_are_honoured(backend: SketchBackend, output_format: str, quality: str) -> None:
    options = {"size": "320x200", "output_format": output_format, "quality": quality, "output_compression": 70}
    made = await backend.make(Job(Operation.GENERATE, "a forest", options=options))
    with Image.open(io.BytesIO(made.images[0])) as image:
        assert image.size == (320, 200)
        assert (image.format or "").lower() == output_format
    assert made.extra["size"] == "320x200"
    assert made.extra["output_format"] == output_format


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "10x10"),
        ("size", "9000x9000"),
        ("size", "1024x1024\n"),
        ("size", 1024),
        ("quality", "best"),
        ("background", "transparent"),
        ("output_format", "svg"),
        ("output_compression", 101),
        ("output_compression", True),
    ],
)
async def test_an_option_that_cannot_be_met_is_named(backend: SketchBackend, name: str, value: str | int) -> None:
    with pytest.raises(BackendFailed) as caught:
        await backend.make(Job(Operation.GENERATE, "a hill", options={name: value}))
    assert (caught.value.code, caught.value.param) == (BackendCode.REJECTED, name)


async def test_a_new_background_leaves_the_subject(backend: SketchBackend) -> None:
    edited = pixels((await edit(backend, "make the background a sunset")).images[0])
    before = ASTRONAUT.astype(np.int16)
    assert edited.shape == before.shape
    assert difference(edited[FACE], before[FACE]) < 25
    assert difference(edited[CORNER], before[CORNER]) > 40


async def test_a_mask_bounds_the_change(backend: SketchBackend) -> None:
    alpha = np.full((512, 512, 4), 255, np.uint8)
    alpha[:200, 300:, 3] = 0
    edited = pixels((await edit(backend, "a blue sky with clouds", encoded(alpha))).images[0])
    before = ASTRONAUT.astype(np.int16)
    assert difference(edited[:200, :300], before[:200, :300]) == 0
    assert difference(edited[CORNER], before[CORNER]) > 40


async def test_a_mask_without_transparency_is_white_where_it_asks(backend: SketchBackend) -> None:
    white = np.zeros((512, 512, 3), np.uint8)
    white[:200, 300:] = 255
    edited = pixels((await edit(backend, "a blue sky", encoded(white))).images[0])
    assert difference(edited[:200, :300], ASTRONAUT[:200, :300].astype(np.int16)) == 0
    assert difference(edited[CORNER], ASTRONAUT[CORNER].astype(np.int16)) > 40


async def test_grey_has_no_colour_left(backend: SketchBackend) -> None:
    edited = pixels((await edit(backend, "black and white please")).images[0])[:400]
    assert np.ptp(edited, axis=2).max() == 0


@pytest.mark.parametrize(
    "prompt",
    [
        "brighten it",
        "a little darker",
        "make it warmer",
        "cooler colours",
        "more contrast",
        "sepia, like an old photo",
        "blur it",
        "sharpen it",
        "mirror it",
        "add a vignette",
        "put a frame around it",
        "blur the background",
        "make the sky a starry night",
        "remove the background",
    ],
)
async def test_every_edit_changes_the_photo(backend: SketchBackend, prompt: str) -> None:
    edited = pixels((await edit(backend, prompt)).images[0])
    assert difference(edited[:480], ASTRONAUT[:480].astype(np.int16)) > 1


async def test_an_edit_that_is_not_understood_leaves_the_photo(backend: SketchBackend) -> None:
    """It must never guess at what it cannot do."""
    edited = pixels((await edit(backend, "give her another hat")).images[0])
    assert difference(edited[:460], ASTRONAUT[:460].astype(np.int16)) == 0


async def test_every_picture_says_that_no_model_made_it(backend: SketchBackend) -> None:
    """The caption's strip is the same on any picture: dark, with light letters."""
    white = np.full((256, 256, 3), 255, np.uint8)
    strip = caption(white)[244:, :60]
    assert strip.min() < 70
    assert strip.max() > 150
    assert caption(white)[:200].min() == 255
    plain = await backend.make(Job(Operation.GENERATE, "plain white", options={"size": "256x256"}))
    assert difference(pixels(plain.images[0])[244:, :60], strip.astype(np.int16)) < 12


async def test_a_stream_brings_coarser_states_first(backend: SketchBackend) -> None:
    job = Job(Operation.GENERATE, "mountains", options={"size": "256x256", "partial_images": 2})
    made = await backend.make(job, stream=True)
    final = pixels(made.images[0])
    first, second = (difference(pixels(partial), final) for partial in made.partials)
    assert first > second > 0


async def test_a_large_photo_comes_back_no_larger_than_the_bound(backend: SketchBackend) -> None:
    wide = encoded(np.full((1000, 4000, 3), 90, np.uint8))
    made = await backend.make(Job(Operation.EDIT, "brighter", photos=(wide,)))
    assert pixels(made.images[0]).shape == (512, 2048, 3)


async def test_an_edit_without_a_photo_is_the_askers_mistake(backend: SketchBackend) -> None:
    with pytest.raises(BackendFailed) as caught:
        await backend.make(Job(Operation.EDIT, "brighter"))
    assert (caught.value.code, caught.value.param) == (BackendCode.REJECTED, "image")
