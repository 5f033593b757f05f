"""Text written into an upload, handed on so that the text detectors judge it like any other words of the request.

Every frame is searched at a small size, which is all that a picture without text costs. Where text shows, the frame is
searched again at a larger size and its lines are read, the largest first, up to a bound. What was seen but not read
(too many lines, a script that the reader does not know, letters too unsure) is said, so that a policy may refuse it.

Found: upright, slanted and vertical lines from about 1/50 of the longer side; upside down and mirrored lines are read
by trying. Missed: smaller text, text on a ground as busy as itself, contrast under an eighth of the range. Latin
letters and Chinese are read; other scripts are found, then misread or reported unread.
"""

import cv2
import numpy as np

from safelight.core.category import Stage
from safelight.core.errors import DetectorUnfit
from safelight.core.signal import Signal, SignalKind, SignalSpec
from safelight.signals.image.cutting import Frame
from safelight.signals.image.ocr import FINDER, READER, Line, Ocr
from safelight.signals.model import Found, Passage, Picture, PictureRole, View

_PREPARATION = 1
_FIRST_SIDE = 448
_SECOND_SIDE = 736
_MAX_LINES = 32
"""Lines read in one picture, all frames together: about a second."""
_TURNED_LINES = 8
"""Lines that are also read upside down and mirrored; the surest reading counts."""
_WAYS = ((False, False), (True, False), (False, True), (True, True))
"""Upside down or not, mirrored or not."""
_MIN_SURE = 0.5


class TextInImageDetector:
    """`image_text`: whether an upload or mask holds text, and the text itself as a passage."""

    name = "image_text"

    def __init__(self) -> None:
        self._ocr = Ocr()

    @property
    def version(self) -> str:
        """Preparation and both models."""
        return f"{_PREPARATION}-{FINDER.version}-{READER.version}"

    @property
    def emits(self) -> tuple[SignalSpec, ...]:
        """Two flags; the words themselves become text signals."""
        return (
            SignalSpec("photo_text", SignalKind.FLAG, "Whether an uploaded picture or the mask holds text.", False),
            SignalSpec(
                "photo_text_unread",
                SignalKind.FLAG,
                "Whether an uploaded picture or the mask holds text that could not all be read.",
                False,
            ),
        )

    def load(self) -> None:
        """Open both models. Raises DetectorUnfit."""
        self._ocr.load()

    def verify(self) -> None:
        """Read one drawn line. Raises DetectorUnfit when it reads as something else."""
        text, complete = self._read([_example()])
        if "SAFELIGHT" not in text.replace(" ", "") or not complete:
            raise DetectorUnfit("image_text did not read its example; install the pinned rapidocr-onnxruntime again")

    def wants(self, view: View) -> bool:
        """Whether anything was uploaded: what the model made is not read."""
        return view.stage is Stage.INPUT and bool(_uploads(view))

    def observe(self, view: View) -> Found:
        """Look for text in every frame of every upload and read it."""
        signals: list[Signal] = []
        passages: list[Passage] = []
        source = f"{self.name}@{self.version}"
        if view.stage is not Stage.INPUT:
            return Found()
        for picture in _uploads(view):
            frames = [frame for frame in _distinct(picture) if self._ocr.find(frame, _FIRST_SIDE)]
            text, complete = self._read(frames)
            signals.append(Signal("photo_text", bool(frames), source, picture.where))
            signals.append(Signal("photo_text_unread", not complete, source, picture.where))
            if text:
                passages.append(Passage(f"{picture.where} text", text))
        return Found(tuple(signals), tuple(passages))

    def _read(self, frames: list[Frame]) -> tuple[str, bool]:
        """All words in `frames`, and whether every line was read."""
        texts: dict[str, None] = {}
        complete = True
        lines_left = _MAX_LINES
        for frame in frames:
            if not lines_left:
                return " ".join(texts), False
            lines = self._ocr.find(frame, _SECOND_SIDE) or self._ocr.find(frame, _FIRST_SIDE)
            complete = complete and len(lines) <= lines_left
            for line in _in_reading_order(lines[:lines_left]):
                ways = _WAYS if _MAX_LINES - lines_left < _TURNED_LINES else _WAYS[:1]
                readings = (self._ocr.read(frame, line, turned=turned, mirrored=mirrored) for turned, mirrored in ways)
                text, sure = max(readings, key=lambda reading: reading[1])
                lines_left -= 1
                if sure >= _MIN_SURE:
                    texts[text.strip()] = None
                else:
                    complete = False
        return " ".join(texts), complete


def _uploads(view: View) -> list[Picture]:
    return [picture for picture in view.pictures if picture.role is not PictureRole.OUTPUT]


def _distinct(picture: Picture) -> list[Frame]:
    """The frames without those that equal the one before."""
    frames = picture.frames
    return [frame for index, frame in enumerate(frames) if not index or not np.array_equal(frame, frames[index - 1])]


def _in_reading_order(lines: tuple[Line, ...]) -> list[Line]:
    """From top to bottom, and from left to right where lines stand side by side (their middles within half a line)."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=_middle):
        if rows and _middle(line) - _middle(rows[-1][0]) < rows[-1][0].height / 2:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: float(line.corners[0, 0]))]


def _middle(line: Line) -> float:
    return float(line.corners[:, 1].mean())


def _example() -> Frame:
    """One drawn line on a light ground; (64, 320, 3)."""
    ground = np.full((64, 320, 3), 235, np.uint8)
    cv2.putText(ground, "SAFELIGHT", (20, 44), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20, 20, 20), 2, cv2.LINE_AA)
    return ground
