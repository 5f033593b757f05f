"""Pictures to mark, and what happens to pictures; `bench/watermark_cases.py` does the same to its own."""

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from safelight.provenance.watermark import Picture, WatermarkKey

KEY = WatermarkKey(bytes(range(32)))
OTHER = WatermarkKey(bytes(32))
PAYLOAD = bytes.fromhex("0123456789abcdef")


def photo() -> Picture:
    """512 × 512, RGB."""
    return np.asarray(skimage.data.astronaut(), np.uint8)


def line_art(side: int = 640) -> Picture:
    """Black lines on white."""
    rng = np.random.default_rng(1)
    canvas = np.full((side, side, 3), 255, np.uint8)
    for _ in range(side // 20):
        points = rng.integers(0, side, (4, 2)).astype(np.int32)
        cv2.polylines(canvas, [points], isClosed=False, color=(0, 0, 0), thickness=2, lineType=cv2.LINE_AA)
    return canvas


def plain(height: int, width: int, level: int, slope: float = 0.0) -> Picture:
    """One colour, or a slope from `level` on."""
    across = np.clip(level + slope * np.arange(width), 0, 255)
    return np.asarray(np.broadcast_to(across[None, :, None], (height, width, 3)).astype(np.uint8))


def noise(height: int, width: int, seed: int = 1) -> Picture:
    """Every value drawn by itself."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def jpeg(picture: Picture, quality: int) -> Picture:
    """After a JPEG of this quality."""
    kept = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(kept, cv2.IMREAD_COLOR), np.uint8)


def resized(picture: Picture, factor: float) -> Picture:
    """Smaller or larger."""
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=way), np.uint8)


def cropped(picture: Picture, lost: float = 0.1) -> Picture:
    """Without `lost` of each side, more of it at the top and the left."""
    height, width = picture.shape[:2]
    top, left = round(height * lost * 0.7), round(width * lost * 0.6)
    return np.ascontiguousarray(
        picture[top : top + round(height * (1 - lost)), left : left + round(width * (1 - lost))]
    )


def mirrored(picture: Picture) -> Picture:
    """Left to right."""
    return np.ascontiguousarray(picture[:, ::-1])


def brighter(picture: NDArray[np.generic], factor: float = 1.25, more: float = 15.0) -> Picture:
    """Every value multiplied and raised, clipped at the ends."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(np.asarray(picture, np.float32) * factor + more, 0)), np.uint8)


def blurred(picture: Picture) -> Picture:
    """By a Gaussian of 1.5 pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8)


def turned(picture: Picture, degrees: float) -> Picture:
    """About its middle, corners cut."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC), np.uint8)
