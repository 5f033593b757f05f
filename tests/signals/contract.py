"""What every detector must do, ours and strangers'. Inherit `DetectorContract`, give the fixtures, and run.

`detector` is loaded; `view` holds something for it to look at. The contract speaks only through the port.
"""

import re
import threading

import pytest

from safelight.core.category import Stage
from safelight.core.signal import Combine, SignalKind, Vocabulary
from safelight.signals.model import Found, View
from safelight.signals.ports import Detector

_NAME = re.compile(r"(text|photo|output)_[a-z][a-z0-9_]*")
_TYPES = {SignalKind.SCORE: float, SignalKind.COUNT: int, SignalKind.YEARS: float, SignalKind.FLAG: bool}


class DetectorContract:
    """Inherited by the test class of each detector."""

    @pytest.fixture
    def detector(self) -> Detector:
        """The detector, loaded."""
        raise NotImplementedError

    @pytest.fixture
    def view(self) -> View:
        """A view that it wants."""
        raise NotImplementedError

    def test_is_a_detector(self, detector: Detector) -> None:
        """Structurally: it need not inherit anything."""
        assert isinstance(detector, Detector)
        assert re.fullmatch(r"[a-z][a-z0-9_]*", detector.name)
        assert detector.version
        assert "@" not in detector.name + detector.version

    def test_declares_names_that_a_policy_can_use(self, detector: Detector) -> None:
        """CEL identifiers with a known prefix, a help text, and an absent value of their kind and range."""
        Vocabulary.of(detector.emits)
        assert detector.emits
        for spec in detector.emits:
            assert _NAME.fullmatch(spec.name)
            assert spec.help.endswith(".")
            assert type(spec.absent) is _TYPES[spec.kind]
            assert spec.combine in Combine
            assert "{" not in spec.help

    def test_verifies_itself(self, detector: Detector) -> None:
        """Twice, since nothing may be kept between calls."""
        detector.verify()
        detector.verify()

    @pytest.mark.parametrize("stage", Stage)
    def test_does_not_want_an_empty_view(self, detector: Detector, stage: Stage) -> None:
        """There is nothing to look at; if it is asked all the same, it finds nothing."""
        assert detector.wants(View(stage)) is False
        assert detector.observe(View(stage)) == Found()

    def test_says_only_what_it_declared(self, detector: Detector, view: View) -> None:
        """Names, types and ranges; its own source; a place that is in the view."""
        assert detector.wants(view) is True
        found = detector.observe(view)
        specs = {spec.name: spec for spec in detector.emits}
        places = {text.passage.where for text in view.texts} | {picture.where for picture in view.pictures}
        assert found.signals
        for signal in found.signals:
            kind = specs[signal.name].kind
            assert type(signal.value) is _TYPES[kind]
            assert signal.value >= 0
            assert kind is not SignalKind.SCORE or signal.value <= 1
            assert signal.source == f"{detector.name}@{detector.version}"
            assert signal.where in places or not places
        for passage in found.passages:
            assert any(passage.where.startswith(place) for place in places)

    def test_finds_the_same_each_time_and_from_several_threads(self, detector: Detector, view: View) -> None:
        """It keeps no state between calls."""
        first = detector.observe(view)
        others: list[Found] = []
        threads = [threading.Thread(target=lambda: others.append(detector.observe(view))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert others == [first] * 4
