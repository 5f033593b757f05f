"""Pictures to mark, and what happens to pictures."""

import cv2
import numpy as np
import skimage.data

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


def cropped(picture: Picture) -> Picture:
    """Without a tenth of each side."""
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[height // 15 : height - height // 30, width // 30 : width - width // 15])


def mirrored(picture: Picture) -> Picture:
    """Left to right."""
    return np.ascontiguousarray(picture[:, ::-1])


def brighter(picture: Picture) -> Picture:
    """By a quarter and a little, clipped."""
    return np.asarray(np.clip(picture * 1.25 + 15, 0, 255), np.uint8)


def blurred(picture: Picture) -> Picture:
    """By a Gaussian of 1.5 pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.5), np.uint8)


def turned(picture: Picture, degrees: float) -> Picture:
    """About its middle, corners cut."""
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_CUBIC), np.uint8)
