"""Cutting a turned part out of a frame, at the size that a model wants, without aliasing."""

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Floats = NDArray[np.float64]


def cut(frame: Frame, transform: Floats, width: int, height: int) -> Frame:
    """The (height, width, 3) picture that the affine `transform`, (2, 3) from frame to cut, lays out.

    Where the cut is smaller than its part of the frame, that part is first shrunk by area: sampling alone would drop
    strokes and wrinkles, or invent them. What lies outside the frame is black.
    """
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    inverse = cv2.invertAffineTransform(transform)
    reached = corners @ inverse[:, :2].T + inverse[:, 2]
    # One pixel more on each side, for interpolation at the edge.
    left, top = np.clip(np.floor(reached.min(axis=0)).astype(int) - 1, 0, np.array(frame.shape[1::-1]) - 1)
    right, bottom = np.maximum(np.ceil(reached.max(axis=0)).astype(int) + 2, (left + 1, top + 1))
    part = frame[top:bottom, left:right]
    moved = transform.copy()
    moved[:, 2] += transform[:, :2] @ np.array([left, top], np.float64)
    scale = float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    if scale < 1:
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        shrunk = np.array([size[0] / part.shape[1], size[1] / part.shape[0]])
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
        moved[:, :2] /= shrunk
    return np.asarray(cv2.warpAffine(part, moved, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
