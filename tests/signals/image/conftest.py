"""The image detectors, each loaded once for all tests: they keep no state."""

import pytest

from safelight.signals.image.mask import MaskDetector
from safelight.signals.image.nudity import OpenNsfwDetector, SafetyClassifierDetector
from safelight.signals.image.people import PeopleDetector
from safelight.signals.image.text_in_image import TextInImageDetector


@pytest.fixture(scope="session")
def nudity_one() -> OpenNsfwDetector:
    """The first model, loaded."""
    made = OpenNsfwDetector()
    made.load()
    return made


@pytest.fixture(scope="session")
def nudity_two() -> SafetyClassifierDetector:
    """The second model, loaded."""
    made = SafetyClassifierDetector()
    made.load()
    return made


@pytest.fixture(scope="session", params=["one", "two"])
def nudity(
    request: pytest.FixtureRequest, nudity_one: OpenNsfwDetector, nudity_two: SafetyClassifierDetector
) -> OpenNsfwDetector | SafetyClassifierDetector:
    """Each of the two."""
    return nudity_one if request.param == "one" else nudity_two


@pytest.fixture(scope="session")
def people() -> PeopleDetector:
    """Loaded."""
    made = PeopleDetector()
    made.load()
    return made


@pytest.fixture(scope="session")
def masks() -> MaskDetector:
    """Loaded."""
    made = MaskDetector()
    made.load()
    return made


@pytest.fixture(scope="session")
def words() -> TextInImageDetector:
    """Loaded."""
    made = TextInImageDetector()
    made.load()
    return made
