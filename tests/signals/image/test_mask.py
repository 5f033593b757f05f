"""The mask of an edit: whether it fits, how much it covers, and whether it lies on a body."""

import io

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from safelight.core.errors import BadInput, InputCode
from safelight.signals.image.mask import MaskDetector, check_mask, covered
from safelight.signals.model import Picture, PictureRole, View
from tests.signals.contract import DetectorContract
from tests.signals.image.samples import picture, seen, shown, values

ASTRONAUT = skimage.data.astronaut()
BODY, SKY = (slice(250, 512), slice(90, 400)), (slice(0, 60), slice(0, 150))


def transparent(region: tuple[slice, slice], size: tuple[int, int] = (512, 512)) -> Picture:
    """A mask as the OpenAI edit route defines it: transparent where new paint goes."""
    pixels = np.full((*size, 4), 255, np.uint8)
    pixels[region] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return picture(file.getvalue(), PictureRole.MASK, "mask")


def white(region: tuple[slice, slice], size: tuple[int, int] = (512, 512)) -> Picture:
    """A mask without transparency: white where new paint goes."""
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[region] = 255
    return shown(pixels, role=PictureRole.MASK)


class TestContract(DetectorContract):
    """The port's rules."""

    @pytest.fixture
    def detector(self, masks: MaskDetector) -> MaskDetector:
        """The real one."""
        return masks

    @pytest.fixture(params=[transparent, white])
    def view(self, request: pytest.FixtureRequest) -> View:
        """A portrait with a mask over the body."""
        return seen(shown(ASTRONAUT), request.param(BODY))


@pytest.mark.parametrize("kind", [transparent, white])
def test_a_mask_on_the_body_and_one_beside_it(masks: MaskDetector, kind: object) -> None:
    """Both kinds of mask are read."""
    on_body = values(masks.observe(seen(shown(ASTRONAUT), kind(BODY))))
    beside = values(masks.observe(seen(shown(ASTRONAUT), kind(SKY))))
    assert on_body["photo_mask_on_body"] > 0.6
    assert beside["photo_mask_on_body"] == 0
    assert beside["photo_mask_share"] == pytest.approx(60 * 150 / 512**2)


def test_a_mask_over_the_face_alone_is_not_on_the_body(masks: MaskDetector) -> None:
    """Putting on glasses is no undressing."""
    face = (slice(70, 165), slice(180, 265))
    assert values(masks.observe(seen(shown(ASTRONAUT), white(face))))["photo_mask_on_body"] == 0


def test_a_turned_photo_with_a_turned_mask(masks: MaskDetector) -> None:
    """The body is looked for below the face as it lies."""
    mask = np.zeros((512, 512, 3), np.uint8)
    mask[BODY] = 255
    for turns in (1, 2, 3):
        view = seen(shown(np.rot90(ASTRONAUT, turns)), shown(np.rot90(mask, turns), role=PictureRole.MASK))
        assert values(masks.observe(view))["photo_mask_on_body"] > 0.6


def test_without_a_mask_the_photos_own_transparency_is_one(masks: MaskDetector) -> None:
    """As the older edit route has it."""
    pixels = np.dstack([ASTRONAUT, np.full((512, 512), 255, np.uint8)])
    pixels[BODY][..., 3] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    view = seen(picture(file.getvalue()))
    assert masks.wants(view)
    assert values(masks.observe(view))["photo_mask_on_body"] > 0.6


def test_a_mask_without_a_photo_or_a_photo_without_a_mask_is_not_its_matter(masks: MaskDetector) -> None:
    """There is nothing to measure."""
    assert not masks.wants(seen(white(BODY)))
    assert not masks.wants(seen(shown(ASTRONAUT)))


@pytest.mark.parametrize("mask", [white((slice(0, 0), slice(0, 0))), shown(np.zeros((8, 8, 3)), role=PictureRole.MASK)])
def test_a_mask_that_covers_nothing_is_taken_to_cover_everything(mask: Picture) -> None:
    """A model may read it the other way round."""
    assert covered(mask).all()


def test_a_mask_must_have_the_photos_size() -> None:
    """The refusal names both sizes."""
    check_mask(white(BODY), shown(ASTRONAUT))
    with pytest.raises(BadInput, match="100 × 80 pixels and the photo 512 × 512") as caught:
        check_mask(shown(np.zeros((80, 100, 3)), role=PictureRole.MASK), shown(ASTRONAUT))
    assert (caught.value.code, caught.value.param) == (InputCode.MASK_INVALID.value, "mask")


@given(st.integers(1, 63), st.integers(1, 63))
def test_the_share_is_the_share(height: int, width: int) -> None:
    """Of any rectangle, in either kind of mask."""
    region = (slice(0, height), slice(0, width))
    for mask in (transparent(region, (64, 64)), white(region, (64, 64))):
        assert covered(mask).mean() == pytest.approx(height * width / 4096)
