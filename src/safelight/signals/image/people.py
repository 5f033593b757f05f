"""People in a picture, by their faces, and the age that the youngest of them appears to have.

One detector for both, so that faces are looked for once. A person without a visible face is not counted: no count
proves that nobody is there. Faces too small or too unsure for an age are said to be so rather than guessed.
"""

import cv2
import numpy as np

from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Combine, Signal, SignalKind, SignalSpec
from safelight.signals.image.age import AGE, AgeReader
from safelight.signals.image.cutting import Frame
from safelight.signals.image.faces import YUNET, Face, FaceFinder
from safelight.signals.image.roles import for_both_roles, signal_name
from safelight.signals.model import Found, Picture, PictureRole, View

_PREPARATION = 1
_CLEAR_FACE_PX = 40
"""Shorter side of a face below which its age is a guess: the model looks at 64 px."""
_CLEAR_SCORE = 0.8
_NOBODY_YEARS = 120.0
_MAX_AGES = 24
"""Faces of one frame whose age is read; a larger crowd makes the rest unclear."""


class PeopleDetector:
    """`image_people`: how many faces, the youngest apparent age, and whether an age could not be judged."""

    name = "image_people"

    def __init__(self) -> None:
        self._finder = FaceFinder()
        self._reader = AgeReader()

    @property
    def version(self) -> str:
        """Preparation and both models."""
        return f"{_PREPARATION}-{YUNET.version}-{AGE.version}"

    @property
    def emits(self) -> tuple[SignalSpec, ...]:
        """Three signals for each role of a picture."""
        return (
            *for_both_roles("people", SignalKind.COUNT, "How many faces {it} shows in its fullest frame.", 0),
            *for_both_roles(
                "youngest_years",
                SignalKind.YEARS,
                "How old the youngest face in {it} looks, give or take ten years; 120 where no face could be judged.",
                _NOBODY_YEARS,
                Combine.MIN,
            ),
            *for_both_roles(
                "age_unclear",
                SignalKind.FLAG,
                "Whether {it} shows a face too small or too unsure for its age to be judged.",
                False,
            ),
        )

    def load(self) -> None:
        """Open both models. Raises DetectorUnfit."""
        self._finder.load()
        self._reader.load()

    def verify(self) -> None:
        """Look at a drawn face and at plain noise. Raises DetectorUnfit when either is taken for the other."""
        drawn, noise = _examples()
        faces = self._finder.find(drawn)
        if len(faces) != 1 or self._finder.find(noise):
            raise DetectorUnfit(
                f"image_people found {len(faces)} faces where one is drawn, or a face in noise; install the pinned "
                "onnxruntime and models again"
            )
        years = self._reader.years(drawn, faces[0])
        if not 0 < years < 81:
            raise DetectorUnfit(f"image_people read an age of {years}; install the pinned models again")

    def wants(self, view: View) -> bool:
        """Whether there is a picture other than a mask."""
        return any(picture.role is not PictureRole.MASK for picture in view.pictures)

    def observe(self, view: View) -> Found:
        """Look for faces in every frame; the fullest frame gives the count, the youngest face the age."""
        signals: list[Signal] = []
        for picture in view.pictures:
            if picture.role is not PictureRole.MASK:
                signals.extend(self._signals(picture))
        return Found(tuple(signals))

    def _signals(self, picture: Picture) -> list[Signal]:
        count, youngest, unclear = 0, _NOBODY_YEARS, False
        previous: Frame | None = None
        for frame in picture.frames:
            if previous is not None and np.array_equal(frame, previous):
                continue
            previous = frame
            faces = self._finder.find(frame)
            count = max(count, len(faces))
            clear = [face for face in faces if _is_clear(face)][:_MAX_AGES]
            unclear = unclear or len(clear) < len(faces)
            youngest = min([youngest, *(self._reader.years(frame, face) for face in clear)])
        source = f"{self.name}@{self.version}"
        values = {"people": count, "youngest_years": youngest, "age_unclear": unclear}
        return [Signal(signal_name(picture, what), value, source, picture.where) for what, value in values.items()]


def _is_clear(face: Face) -> bool:
    """Large, sure, and upright: on a face lying on its side or its head the age model reads years that mean nothing."""
    left_eye, right_eye, _, left_mouth, right_mouth = face.landmarks
    down, across = (left_mouth + right_mouth - left_eye - right_eye)[1], np.ptp(face.landmarks[:2, 0])
    upright = down > 0 and across > abs(right_eye[1] - left_eye[1])
    return bool(upright) and min(face.width, face.height) >= _CLEAR_FACE_PX and face.score >= _CLEAR_SCORE


def _examples() -> tuple[Frame, Frame]:
    """A face drawn with ellipses, which YuNet takes for one, and noise, which it does not."""
    drawn = np.full((256, 256, 3), (120, 140, 160), np.uint8)
    cv2.ellipse(drawn, (128, 128), (62, 82), 0, 0, 360, (224, 178, 150), -1, cv2.LINE_AA)
    cv2.ellipse(drawn, (128, 70), (66, 40), 0, 180, 360, (60, 40, 30), -1, cv2.LINE_AA)
    for x in (103, 153):
        cv2.ellipse(drawn, (x, 112), (13, 7), 0, 0, 360, (250, 250, 250), -1, cv2.LINE_AA)
        cv2.circle(drawn, (x, 112), 6, (50, 35, 25), -1, cv2.LINE_AA)
        cv2.ellipse(drawn, (x, 97), (16, 5), 0, 180, 360, (60, 40, 30), 4, cv2.LINE_AA)
    cv2.ellipse(drawn, (128, 145), (11, 5), 0, 0, 180, (170, 120, 100), 3, cv2.LINE_AA)
    cv2.ellipse(drawn, (128, 172), (24, 8), 0, 0, 360, (180, 80, 80), -1, cv2.LINE_AA)
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 2), np.uint8), noise
