"""Finding lines of text in a frame and reading them: PP-OCRv4 (Apache-2.0) as rapidocr bundles it.

The two networks are run directly: the package's own pipeline upscales what it reads, holds state between calls and
takes 0.4 s to import. The outputs are read by the published methods: differentiable binarisation (Liao et al. 2020,
boxes grown by area × ratio ÷ perimeter) and CTC (best path, repeats collapsed, blanks dropped).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit
from safelight.signals.image.bundled import BundledModel, open_model, use_one_core
from safelight.signals.image.cutting import Floats, Frame, cut

_PACKAGE = "rapidocr_onnxruntime"
FINDER = BundledModel(
    _PACKAGE,
    "models/ch_PP-OCRv4_det_infer.onnx",
    "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    simplify=True,
)
READER = BundledModel(
    _PACKAGE,
    "models/ch_PP-OCRv4_rec_infer.onnx",
    "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
)

_VALUES = np.arange(256, dtype=np.float32) / np.float32(127.5) - np.float32(1)
"""Of each byte, as both networks take it."""
_CELL = 32
"""Both sides that the finder sees are multiples of this."""
_MIN_PIXEL_SCORE, _MIN_LINE_SCORE = 0.3, 0.5
_GROWTH = 1.6
_MIN_THICKNESS = 3
_MAX_LINES = 400
_HEIGHT = 48
"""Pixels of a line as the reader sees it."""
_MAX_WIDTH = 1_600
_UPRIGHT_FROM = 1.5
"""Height over width from which a line is taken to run downwards."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of text, found and not yet read."""

    corners: Floats
    """(4, 2) x and y in the frame: upper left, upper right, lower right, lower left."""

    @property
    def width(self) -> float:
        """Pixels along the line's upper edge."""
        return float(np.hypot(*(self.corners[1] - self.corners[0])))

    @property
    def height(self) -> float:
        """Pixels along its left edge."""
        return float(np.hypot(*(self.corners[3] - self.corners[0])))


class Ocr:
    """Finds and reads lines; safe to call from several threads once loaded."""

    def __init__(self) -> None:
        self._finder: onnxruntime.InferenceSession | None = None
        self._reader: onnxruntime.InferenceSession | None = None
        self._characters: tuple[str, ...] = ()

    def load(self) -> None:
        """Open both models. Raises DetectorUnfit."""
        use_one_core()
        self._finder = open_model(FINDER)
        self._reader = open_model(READER)
        listed = self._reader.get_modelmeta().custom_metadata_map.get("character", "").splitlines()
        if not listed:
            raise DetectorUnfit("the text reader lists no characters; install the pinned rapidocr-onnxruntime")
        self._characters = ("", *listed, " ")

    def find(self, frame: Frame, side: int) -> tuple[Line, ...]:
        """Lines of text in `frame`, shrunk until its longer side has at most `side` pixels; the largest first."""
        if self._finder is None:
            raise DetectorUnfit("text was looked for before the models were loaded; call load() first")
        height, width = frame.shape[:2]
        scale = min(1.0, side / max(height, width))
        columns, rows = (max(_CELL, round(length * scale / _CELL) * _CELL) for length in (width, height))
        small = cv2.resize(frame, (columns, rows), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        (scores,) = self._finder.run(None, {"x": _as_input(small)})
        lines = _lines(scores[0, 0], np.array([width / columns, height / rows]))
        return tuple(sorted(lines, key=lambda line: -line.width * line.height)[:_MAX_LINES])

    def read(self, frame: Frame, line: Line, *, turned: bool = False, mirrored: bool = False) -> tuple[str, float]:
        """The text of `line`, read upside down or mirrored where asked, and how sure its letters are, from 0 to 1."""
        if self._reader is None:
            raise DetectorUnfit("text was to be read before the models were loaded; call load() first")
        strip = _strip(frame, line)
        if turned:
            strip = strip[::-1, ::-1]
        if mirrored:
            strip = strip[:, ::-1]
        (scores,) = self._reader.run(None, {"x": _as_input(strip)})
        best, sure = scores[0].argmax(axis=1), scores[0].max(axis=1)
        kept = (best != 0) & np.insert(best[1:] != best[:-1], 0, True)
        if not kept.any():
            return "", 0.0
        return "".join(self._characters[index] for index in best[kept]), float(sure[kept].mean())


def _as_input(picture: cv2.typing.MatLike) -> NDArray[np.float32]:
    """BGR from -1 to 1, (1, 3, height, width). Looking values up takes a quarter of the time of computing them."""
    made = np.empty((1, 3, *picture.shape[:2]), np.float32)
    for channel, plane in enumerate(reversed(cv2.split(picture))):
        cv2.LUT(plane, _VALUES, dst=made[0, channel])
    return made


def _lines(scores: np.ndarray[tuple[int, int], np.dtype[np.float32]], to_frame: Floats) -> list[Line]:
    written = cv2.dilate((scores > _MIN_PIXEL_SCORE).astype(np.uint8), np.ones((2, 2), np.uint8))
    outlines, _ = cv2.findContours(written, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for shape in outlines[:_MAX_LINES]:
        centre, (width, height), angle = cv2.minAreaRect(shape)
        if min(width, height) < _MIN_THICKNESS:
            continue
        left, top, columns, rows = cv2.boundingRect(shape)
        inside = np.zeros((rows, columns), np.uint8)
        cv2.drawContours(inside, [shape], -1, 1, cv2.FILLED, offset=(-left, -top))
        if cv2.mean(scores[top : top + rows, left : left + columns], inside)[0] < _MIN_LINE_SCORE:
            continue
        grown = width * height * _GROWTH / (width + height)
        corners = cv2.boxPoints((centre, (width + grown, height + grown), angle)).astype(np.float64)
        found.append(Line(_clockwise(corners * to_frame)))
    return found


def _clockwise(corners: Floats) -> Floats:
    """From the upper left on: the two leftmost corners by height, then the two rightmost."""
    left, right = np.split(corners[np.argsort(corners[:, 0])], 2)
    (upper_left, lower_left), (upper_right, lower_right) = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
    return np.array([upper_left, upper_right, lower_right, lower_left])


def _strip(frame: Frame, line: Line) -> Frame:
    """The line as a level strip 48 pixels high; one that runs downwards is laid on its side."""
    corners, width, height = line.corners, line.width, line.height
    if height >= _UPRIGHT_FROM * width:
        corners, width, height = np.roll(corners, -1, axis=0), height, width
    columns = int(np.clip(np.ceil(_HEIGHT * width / max(height, 1.0)), _HEIGHT, _MAX_WIDTH))
    target = np.array([(0, 0), (columns, 0), (columns, _HEIGHT)], np.float32)
    transform = np.asarray(cv2.getAffineTransform(corners[:3].astype(np.float32), target), np.float64)
    return cut(frame, transform, columns, _HEIGHT)
