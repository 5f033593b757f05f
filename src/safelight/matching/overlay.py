"""Why a picture is held for a copy, as a picture: where features agree, and where the known picture's edges would lie.

It is drawn on the picture in hand, in grey, and shows nothing of the known one but its outline. So whoever may see the
picture in hand may see it; what is kept of the known one stays where it is.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.matching.copies import Agreement, Features, agreement, features
from safelight.matching.copy_index import ASKED
from safelight.matching.frames import place_within
from safelight.matching.pdq import Frame

_POINT = (255, 96, 0)
_EDGE = (0, 176, 255)
_DIMMED = 0.6
_POINT_SHARE = 1 / 160
"""Of the longer side: the radius of a point; a line is half of it."""


def overlay(frame: Frame, plain: Features, mirrored: Features) -> Frame | None:
    """`frame` with what agrees with a known picture, or with its mirror image; None where nothing does."""
    found = None
    for place in (None, place_within(frame)):
        if found is None:
            part = frame if place is None else np.ascontiguousarray(frame[place])
            corner = (0, 0) if place is None else (place[1].start, place[0].start)
            found = _surest(part, corner, plain, mirrored)
    return None if found is None else _drawn(frame, *found)


def _surest(
    part: Frame, corner: tuple[int, int], plain: Features, mirrored: Features
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Points and outline in pixels of the whole frame, of the side that agrees in more places."""
    asked = features(part, ASKED)
    sides = [(one, known) for known in (plain, mirrored) if (one := agreement(asked, known))]
    if not sides:
        return None
    one, known = max(sides, key=lambda side: side[0].places)
    per_px = part.shape[1] / asked.size[0]
    return one.here * per_px + np.array(corner), _outline(one, known) * per_px + np.array(corner)


def _outline(one: Agreement, known: Features) -> NDArray[np.float64]:
    """The known picture's corners, in the picture asked for."""
    width, height = known.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    back = cv2.invertAffineTransform(one.transform)
    return np.asarray(corners @ back[:, :2].T + back[:, 2], np.float64)


def _drawn(frame: Frame, points: NDArray[np.float64], outline: NDArray[np.float64]) -> Frame:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    shown = cv2.cvtColor((grey * _DIMMED).astype(np.uint8), cv2.COLOR_GRAY2RGB)
    radius = max(2, round(max(frame.shape[:2]) * _POINT_SHARE))
    cv2.polylines(shown, [np.round(outline).astype(np.int32)], True, _EDGE, max(1, radius // 2), cv2.LINE_AA)
    for x, y in np.round(points).astype(int).tolist():
        cv2.circle(shown, (x, y), radius, _POINT, -1, cv2.LINE_AA)
    return np.asarray(shown, np.uint8)
