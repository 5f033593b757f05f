"""The detector of the how-to is one: what the page prints keeps the contract of every detector."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safelight.core.category import Stage
from safelight.signals.model import Picture, PictureRole, View
from safelight.signals.ports import Detector
from tests.signals.contract import DetectorContract

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "detector.md"


class TestBrightnessDetector(DetectorContract):
    @pytest.fixture
    def detector(self) -> Detector:
        printed: dict[str, Any] = {}
        exec(PAGE.read_text("utf-8").split("```python\n")[1].split("```")[0], printed)  # noqa: S102 (our own page)
        made: Detector = printed["BrightnessDetector"]()
        made.load()
        return made

    @pytest.fixture
    def view(self) -> View:
        grey = np.full((8, 8, 3), 51, np.uint8)
        return View(Stage.INPUT, pictures=(Picture(PictureRole.PHOTO, "photo 1", (grey,), None, b"", "image/png"),))

    def test_it_says_what_it_is_for(self, detector: Detector, view: View) -> None:
        (signal,) = detector.observe(view).signals
        assert signal.value == pytest.approx(0.2)
