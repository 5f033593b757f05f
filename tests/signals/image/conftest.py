"""The image detectors, each loaded once for all tests: they keep no state."""

import pytest

from safelight.signals.image.mask import MaskDetector
from safelight.signals.image.nudity import NudityDetector
from safelight.signals.image.people import PeopleDetector
from safelight.signals.image.text_in_image import TextInImageDetector


@pytest.fixture(scope="session")
def nudity() -> NudityDetector:
    """Loaded."""
    made = NudityDetector()
    made.load()
    return made


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
