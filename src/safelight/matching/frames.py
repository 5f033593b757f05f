"""The picture within a picture: what a border, a page or a screenshot has put one colour around.

Rules of this module
- The colour around is that of the edge, where nearly all of the edge has it; then the largest thing that stands out
  from it is the part. Words beside it stay outside, as long as some of the colour lies between.
- It is a guess that costs a look: whoever asks goes on to compare the part, and only that decides.
"""

import cv2
import numpy as np

from safelight.matching.pdq import Frame

_LOOKED_AT_PX = 256
"""Longer side of the picture that is looked at."""
_EDGE_PX = 2
_EDGE_SHARE = 0.9
_SAME = 12
"""Grey levels within which a pixel has the colour of the edge."""
_GAP_PX = 5
_AREA = (0.02, 0.85)
"""Share of the picture: less is no picture, more is the picture itself."""


def part_within(frame: Frame) -> Frame | None:
    """The part of `frame` that one colour surrounds; None where there is none."""
    place = place_within(frame)
    return None if place is None else np.ascontiguousarray(frame[place])


def place_within(frame: Frame) -> tuple[slice, slice] | None:
    """Where that part is: rows and columns."""
    height, width = frame.shape[:2]
    scale = min(1.0, _LOOKED_AT_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if min(size) <= 4 * _EDGE_PX:
        return None
    grey = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY).astype(np.int16)
    inner = grey[_EDGE_PX:-_EDGE_PX]
    edges = (grey[:_EDGE_PX], grey[-_EDGE_PX:], inner[:, :_EDGE_PX], inner[:, -_EDGE_PX:])
    edge = np.concatenate([one.ravel() for one in edges])
    around = int(np.median(edge))
    if np.mean(np.abs(edge - around) <= _SAME) < _EDGE_SHARE:
        return None
    stands_out = (np.abs(grey - around) > _SAME).astype(np.uint8)
    closed = cv2.morphologyEx(stands_out, cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(closed)
    areas = boxes[1:, cv2.CC_STAT_WIDTH] * boxes[1:, cv2.CC_STAT_HEIGHT]
    if not len(areas) or not _AREA[0] <= areas.max() / closed.size <= _AREA[1]:
        return None
    left, top, across, down = (int(side) for side in boxes[1 + int(areas.argmax())][:4])
    rows = slice(int(top / scale), min(height, int((top + down) / scale) + 1))
    columns = slice(int(left / scale), min(width, int((left + across) / scale) + 1))
    return rows, columns
