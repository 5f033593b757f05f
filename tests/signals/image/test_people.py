"""People and apparent age: found, counted, small and turned faces too, and honest about what cannot be judged."""

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.signals.image.age import AgeReader
from safelight.signals.image.faces import FaceFinder
from safelight.signals.image.people import PeopleDetector
from safelight.signals.model import PictureRole, View
from tests.signals.contract import DetectorContract
from tests.signals.image.samples import photograph, seen, shown, values

ASTRONAUT = skimage.data.astronaut()


class TestContract(DetectorContract):
    """The port's rules."""

    @pytest.fixture
    def detector(self, people: PeopleDetector) -> PeopleDetector:
        """The real one."""
        return people

    @pytest.fixture(params=[PictureRole.PHOTO, PictureRole.OUTPUT])
    def view(self, request: pytest.FixtureRequest) -> View:
        """One portrait, uploaded or made."""
        stage = Stage.INPUT if request.param is PictureRole.PHOTO else Stage.OUTPUT
        return seen(shown(ASTRONAUT, role=request.param), stage=stage)


def test_an_adult_portrait(people: PeopleDetector) -> None:
    """One person, clearly seen, read as an adult within the model's ten years (she was 42)."""
    found = values(people.observe(seen(shown(ASTRONAUT))))
    assert found["photo_people"] == 1
    assert 25 < found["photo_youngest_years"] < 55
    assert found["photo_age_unclear"] is False


@pytest.mark.parametrize(
    "name", ["chelsea", "coffee", "rocket", "retina", "moon", "coins", "hubble_deep_field", "page", "brick", "gravel"]
)
def test_nobody_is_found_where_nobody_is(people: PeopleDetector, name: str) -> None:
    """Cats, cups, rockets, coins with heads on them."""
    found = values(people.observe(seen(shown(photograph(name)))))
    assert found == {"photo_people": 0, "photo_youngest_years": 120.0, "photo_age_unclear": False}


def test_several_people_are_counted(people: PeopleDetector) -> None:
    """The fullest frame gives the count."""
    three = np.hstack([ASTRONAUT] * 3)
    assert values(people.observe(seen(shown(ASTRONAUT, three))))["photo_people"] == 3


@pytest.mark.parametrize("scale", [2.0, 0.5, 0.25, 0.12])
def test_large_and_small_pictures(people: PeopleDetector, scale: float) -> None:
    """The face is a fifth of the picture throughout."""
    frame = cv2.resize(ASTRONAUT, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = values(people.observe(seen(shown(frame))))
    assert found["photo_people"] == 1
    assert found["photo_age_unclear"] is (scale < 0.4)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_picture_turned_on_its_side_or_head(people: PeopleDetector, turns: int) -> None:
    """Turning before an edit and back after it is no way past, and does not make anybody younger."""
    found = values(people.observe(seen(shown(np.rot90(ASTRONAUT, turns)))))
    assert found["photo_people"] == 1
    assert found["photo_youngest_years"] > 25


def test_a_small_face_in_a_large_picture(people: PeopleDetector) -> None:
    """Looked for in the quarters: eighteen pixels in two thousand."""
    frame = np.full((2_048, 2_048, 3), 90, np.uint8)
    frame[1_500:1_602, 300:402] = cv2.resize(ASTRONAUT, (102, 102), interpolation=cv2.INTER_AREA)
    assert values(people.observe(seen(shown(frame))))["photo_people"] == 1


def test_a_person_in_one_frame_of_an_animation(people: PeopleDetector) -> None:
    """Every frame is looked at."""
    calm = np.full((512, 512, 3), 90, np.uint8)
    assert values(people.observe(seen(shown(calm, calm, ASTRONAUT, calm))))["photo_people"] == 1


def test_a_mask_is_not_looked_at(people: PeopleDetector) -> None:
    """Its photo is."""
    assert not people.wants(seen(shown(ASTRONAUT, role=PictureRole.MASK)))


def test_extreme_shapes_do_not_break_it(people: PeopleDetector) -> None:
    """One pixel, one row, one column."""
    for size in ((1, 1), (1, 4_000), (4_000, 1), (3, 700)):
        found = values(people.observe(seen(shown(Image.new("RGB", size)))))
        assert found["photo_people"] == 0


def test_asked_before_they_were_loaded_they_raise() -> None:
    """Never a silent nobody."""
    finder = FaceFinder()
    with pytest.raises(DetectorUnfit, match="load"):
        finder.find(ASTRONAUT)
    finder.load()
    (face,) = finder.find(ASTRONAUT)
    with pytest.raises(DetectorUnfit, match="load"):
        AgeReader().years(ASTRONAUT, face)
