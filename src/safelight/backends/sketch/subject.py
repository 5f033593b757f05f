"""Which part of a photo is its subject: GrabCut on a small copy, started from where subjects stand in most photos.

No face or body is looked for. Source: Rother, Kolmogorov, Blake, "GrabCut" (2004), as in OpenCV.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE_PX = 144
_ROUNDS = 3
_LEAST, _MOST = 0.04, 0.92
"""A subject smaller or larger than this part of the photo is taken for a failure, and the starting guess is used."""


def subject_weight(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much each pixel of `photo` (height, width, 3) belongs to the subject: (height, width), 0 to 1, soft edges."""
    height, width = photo.shape[:2]
    scale = _SIDE_PX / max(height, width)
    small_size = (max(16, round(width * scale)), max(16, round(height * scale)))
    small = cv2.resize(photo, small_size, interpolation=cv2.INTER_AREA)
    guess = _starting_guess(*small_size)
    labels = guess.copy()
    cv2.setRNGSeed(1)  # GrabCut's clustering draws from it: the same photo must give the same cut
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))  # its colour models, filled in as it works
    cv2.grabCut(small, labels, (0, 0, 0, 0), background, foreground, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    if not _LEAST < np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).mean() < _MOST:
        labels = guess
    inside = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    inside = _largest_part(inside)
    full = cv2.resize(inside, (width, height), interpolation=cv2.INTER_CUBIC)
    softness = max(1, round(max(height, width) / _SIDE_PX)) * 2 + 1
    return np.asarray(cv2.blur(np.clip(full, 0, 1), (softness, softness)), np.float32)


def _starting_guess(width: int, height: int) -> NDArray[np.uint8]:
    """An oval with a smaller one on it, as of a bust, is probably subject, and the cores of both surely; the upper and
    outer edges are surely background."""
    guess = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    for x, y, across, down, label in (
        (0.5, 0.58, 0.34, 0.48, cv2.GC_PR_FGD),
        (0.48, 0.26, 0.16, 0.2, cv2.GC_PR_FGD),
        (0.48, 0.28, 0.05, 0.085, cv2.GC_FGD),
        (0.5, 0.58, 0.1, 0.2, cv2.GC_FGD),
    ):
        axes = (int(width * across), int(height * down))
        cv2.ellipse(guess, (int(width * x), int(height * y)), axes, 0, 0, 360, (int(label),), -1)
    edge = max(2, round(min(width, height) * 0.03))
    guess[:edge] = guess[: int(height * 0.7), :edge] = guess[: int(height * 0.7), -edge:] = cv2.GC_BGD
    return guess


def _largest_part(inside: NDArray[np.float32]) -> NDArray[np.float32]:
    """Only the largest connected part, its holes filled."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8))
    if count < 2:
        return inside
    largest = (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(largest, outlines, -1, (1,), -1)
    return np.asarray(largest, np.float32)
