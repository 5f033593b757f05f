"""What the watermark is measured on: pictures, and what happens to pictures.

Pictures are BGR, as OpenCV has them. The samples are scikit-image's; the drawn ones are the same in each run.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from safelight.provenance.watermark import Picture

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.provenance.watermark.pictures import blurred, brighter, cropped, mirrored, resized, turned
from tests.provenance.watermark.pictures import jpeg as jpeg

SAMPLES = (
    *("astronaut", "coffee", "chelsea", "rocket", "camera", "clock", "coins", "moon", "retina", "hubble_deep_field"),
    *("brick", "grass", "gravel", "immunohistochemistry", "cell", "page", "text", "logo", "colorwheel", "horse"),
)
QUICK_SAMPLES = ("astronaut", "coffee", "grass", "page")
QUICK_DRAWN = ("flat", "dark", "noise", "line art")
Transform = Callable[[Picture], Picture]


TRANSFORMS: Mapping[str, Transform] = {
    "JPEG 50": partial(jpeg, quality=50),
    **{f"resized × {factor:g}": partial(resized, factor=factor) for factor in (0.5, 0.63, 0.75, 1.5, 2)},
    "crop 10 %": cropped,
    "half + JPEG 75": lambda picture: jpeg(resized(picture, 0.5), 75),
    "mirror": mirrored,
    "brighter": brighter,
    "darker": partial(brighter, factor=0.7, more=0.0),
    "blur 1.5 px": blurred,
}
BEYOND: Mapping[str, Transform] = {
    "JPEG 30": partial(jpeg, quality=30),
    "quarter + JPEG 75": lambda picture: jpeg(resized(picture, 0.25), 75),
    "crop 50 %": partial(cropped, lost=0.5),
    "grey": lambda picture: np.repeat(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2).astype(np.uint8),
    "noise of 8 levels": lambda picture: brighter(
        picture + np.random.default_rng(1).normal(0, 8, picture.shape), factor=1, more=0
    ),
    "median 5 px": lambda picture: np.asarray(cv2.medianBlur(picture, 5), np.uint8),
    "turned by 3° (not searched)": lambda picture: turned(picture, 3),
}


def coloured(picture: object) -> Picture:
    """A sample, BGR as OpenCV has it; an alpha channel is left out."""
    array = np.asarray(picture)
    array = array * np.uint8(255) if array.dtype == np.bool_ else array
    array = np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array[..., 2::-1]
    return np.ascontiguousarray(array, dtype=np.uint8)


def samples(names: Sequence[str]) -> dict[str, Picture]:
    """Photographs and scans, in their own sizes."""
    return {name: coloured(getattr(skimage.data, name)()) for name in names}


def square(picture: Picture, side: int) -> Picture:
    """A square of this side, cut from `picture` after its shorter side was brought to it."""
    scale = side / min(picture.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    larger = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way)
    return np.ascontiguousarray(larger[:side, :side], dtype=np.uint8)


def drawn(side: int) -> dict[str, Picture]:
    """What photographs are not: flat, at the ends of the scale, dark, noisy, line art, text, regular patterns."""
    rng = np.random.default_rng(1)
    down, across = np.mgrid[:side, :side]
    lines = np.full((side, side, 3), 255, np.uint8)
    for _ in range(side // 12):
        points = rng.integers(0, side, (4, 2)).astype(np.int32)
        cv2.polylines(lines, [points], isClosed=False, color=(0, 0, 0), thickness=2, lineType=cv2.LINE_AA)
    shapes = np.asarray(cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (side, side)), np.uint8)
    for _ in range(60):
        corners = rng.normal(rng.uniform(0, side, 2), side / 10, (int(rng.integers(3, 8)), 2)).astype(np.int32)
        cv2.fillPoly(shapes, [corners], rng.integers(0, 256, 3).tolist(), cv2.LINE_AA)
    grain = rng.normal(0, 20, (side, side, 3))
    dark = square(coloured(skimage.data.astronaut()), side)
    return {
        "flat": np.full((side, side, 3), (90, 130, 120), np.uint8),
        "white": np.full((side, side, 3), 255, np.uint8),
        "black": np.zeros((side, side, 3), np.uint8),
        "gradient": coloured(across * 255 // side),
        "dark": np.asarray(dark * 0.12, np.uint8),
        "noise": rng.integers(0, 256, (side, side, 3)).astype(np.uint8),
        "grain": np.asarray(np.clip(128 + grain, 0, 255), np.uint8),
        "line art": lines,
        "shapes": shapes,
        "chequers": coloured((down // 32 + across // 32) % 2 * 255),
        "stripes": coloured(down // 7 % 2 * 200 + 20),
    }
