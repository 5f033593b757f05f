"""The eight-bit form of the first nudity model settles only what the full model is far from minding.

On harmless pictures: photographs, crops, recolourings and JPEGs of them, and drawings in skin colours. The forms are
others than those that the model was calibrated on. On nude pictures nothing is, or may be, measured here.
"""

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from training.quantise_nudity import pictures

from safelight.core.errors import DetectorUnfit
from safelight.signals.image import nudity
from safelight.signals.image.bundled import multiplies_bytes, open_model
from safelight.signals.image.nudity import OPEN_NSFW, QUICK, OpenNsfwDetector, for_open_nsfw
from tests.signals.image.samples import photograph, seen, shown, values

CLEARLY_LOW = nudity._CLEARLY_LOW
FULL_AT_MOST = 0.1
"""What the full model may say where the quick form settled: half of the lowest threshold that a policy may set."""

needs_bytes = pytest.mark.skipif(not multiplies_bytes(), reason="this processor is not given the eight-bit form")


@cache
def scores() -> tuple[tuple[float, float, float], ...]:
    """For each of 380 pictures: the quick form's score, the full model's, and the detector's."""
    detector = OpenNsfwDetector()
    detector.load()
    quick, full = open_model(QUICK), open_model(OPEN_NSFW)
    found = []
    for frame in pictures(seed=2, variants=9, drawings=200):
        prepared = {"input:0": for_open_nsfw(frame)}
        both = [float(model.run(None, prepared)[0][0, 1]) for model in (quick, full)]
        found.append((both[0], both[1], detector._score(frame)))
    return tuple(found)


@needs_bytes
def test_what_it_settles_the_full_model_finds_low_too() -> None:
    """A tenth against thresholds of a fifth and more, on pictures that reach far above it."""
    assert max(full for _, full, _ in scores()) > 0.4
    assert max(full for quick, full, _ in scores() if quick < CLEARLY_LOW) < FULL_AT_MOST


@needs_bytes
def test_everything_else_is_the_full_models_to_say() -> None:
    """To the last digit: beyond the clearly low, no score and so no decision depends on eight bits."""
    for quick, full, came in scores():
        assert came == pytest.approx(quick if quick < CLEARLY_LOW else full, abs=1e-6)


@needs_bytes
def test_it_settles_most_photographs() -> None:
    """Otherwise it would only cost time."""
    names = ("astronaut", "chelsea", "coffee", "rocket", "coins", "brick", "grass", "camera", "moon")
    model = open_model(QUICK)
    found = [model.run(None, {"input:0": for_open_nsfw(np.asarray(photograph(name)))})[0][0, 1] for name in names]
    assert np.mean(np.array(found) < CLEARLY_LOW) >= 0.6


def test_no_policy_may_set_a_threshold_near_it() -> None:
    """A profile moves thresholds within the range that the default policy gives."""
    folder = files("safelight.policy")
    thresholds = tomllib.loads(folder.joinpath("default.toml").read_text("utf-8"))["thresholds"]
    lowest = [one["range"][0] for name, one in thresholds.items() if name.startswith("nudity")]
    assert lowest
    assert min(lowest) >= 2 * FULL_AT_MOST
    assert min(lowest) >= 10 * CLEARLY_LOW


def test_where_eight_bits_would_gain_nothing_the_full_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old processor, or one that does not say what it is."""
    monkeypatch.setattr(nudity, "multiplies_bytes", lambda: False)
    detector = OpenNsfwDetector()
    detector.load()
    detector.verify()
    full = open_model(OPEN_NSFW).run(None, {"input:0": for_open_nsfw(np.asarray(photograph("coffee")))})[0][0, 1]
    assert values(detector.observe(seen(shown(photograph("coffee")))))["photo_nudity_one"] == pytest.approx(full)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("flags : fpu avx2 avx512_vnni", True),
        ("Features : fp asimd asimddp", True),
        ("flags : fpu avx2", False),
        ("", False),
    ],
)
def test_what_a_processor_says_of_itself(tmp_path: Path, said: str, expected: bool) -> None:
    """As Linux lists it."""
    (tmp_path / "cpuinfo").write_text(said)
    assert multiplies_bytes(tmp_path / "cpuinfo") is expected
    assert multiplies_bytes(tmp_path / "absent") is False


def test_forms_that_disagree_are_unfit() -> None:
    """As on a processor that counts otherwise: found at start, not by a picture."""

    class Mute:
        """Finds nothing anywhere."""

        def run(self, *_: object) -> list[np.ndarray]:
            return [np.array([[1.0, 0.0]], np.float32)]

    detector = OpenNsfwDetector()
    detector.load()
    detector._quick = Mute()
    with pytest.raises(DetectorUnfit):
        detector.verify()
