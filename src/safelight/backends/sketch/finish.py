"""Reads the options that a picture is finished by, sizes it, writes the caption into it and encodes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.core.canonical import Json
from safelight.core.errors import BackendCode, BackendFailed

CAPTION = "Safelight sketch: no model"
_SIDE_MIN_PX, _SIDE_MAX_PX = 64, 2048
_DEFAULT_SIZE = (1024, 1024)
_QUALITIES = {"low": 60, "medium": 80, "standard": 80, "auto": 80, "high": 92, "hd": 92}
_AVIF_SPEED = 9
"""0 to 10, of which the last is the fastest."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True)
class Finish:
    """How a picture leaves."""

    size: tuple[int, int] | None
    """Width and height in pixels; None for the size of the photo, or the usual one where there is none."""
    output_format: str
    """`png`, `jpeg`, `webp` or `avif`."""
    quality: str
    """`low`, `medium` or `high`."""
    compression: int
    """0 to 100, the encoder's quality for all but png."""

    def size_for(self, photo: NDArray[np.uint8] | None) -> tuple[int, int]:
        """Width and height of the picture to make."""
        if self.size is not None:
            return self.size
        if photo is None:
            return _DEFAULT_SIZE
        height, width = photo.shape[:2]
        scale = min(1.0, _SIDE_MAX_PX / max(height, width))
        return max(1, round(width * scale)), max(1, round(height * scale))


def finish_of(options: Mapping[str, Json]) -> Finish:
    """Read `size`, `quality`, `background`, `output_format` and `output_compression`; no other option means anything.

    Raises BackendFailed (REJECTED) for a value that cannot be met.
    """
    quality = _word(options, "quality", "auto")
    if quality not in _QUALITIES:
        raise _rejected("quality", f"one of {', '.join(_QUALITIES)}")
    if _word(options, "background", "auto") not in {"auto", "opaque"}:
        raise _rejected("background", "opaque or auto: what it draws fills the picture")
    output_format = _word(options, "output_format", "png").replace("jpg", "jpeg")
    if output_format not in {"png", "jpeg", "webp", "avif"}:
        raise _rejected("output_format", "png, jpeg, webp or avif")
    compression = options.get("output_compression")
    if isinstance(compression, str) and re.fullmatch(r"[0-9]{1,3}", compression):
        compression = int(compression)
    if compression is None:
        compression = _QUALITIES[quality]
    if isinstance(compression, bool) or not isinstance(compression, int) or not 0 <= compression <= 100:
        raise _rejected("output_compression", "a whole number from 0 to 100")
    named = {"standard": "medium", "auto": "medium", "hd": "high"}.get(quality, quality)
    return Finish(_size(_word(options, "size", "auto")), output_format, named, compression)


def fit(photo: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """`photo` scaled to cover `size` (width, height), the overhang cut off evenly."""
    height, width = photo.shape[:2]
    if (width, height) == size:
        return photo
    scale = max(size[0] / width, size[1] / height)
    wide, tall = max(size[0], round(width * scale)), max(size[1], round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(photo, (wide, tall), interpolation=how)
    left, top = (wide - size[0]) // 2, (tall - size[1]) // 2
    return np.asarray(scaled[top : top + size[1], left : left + size[0]], np.uint8)


def caption(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy with the caption in the lower left corner, light on dark, legible on anything."""
    picture = np.ascontiguousarray(picture).copy()
    height, width = picture.shape[:2]
    (full_width, full_height), _ = cv2.getTextSize(CAPTION, _FONT, 1.0, 1)
    scale = min(max(width * 0.3, 190), width * 0.94) / full_width
    pad = max(2, round(full_height * scale * 0.6))
    text_height = round(full_height * scale)
    top = max(0, height - text_height - 2 * pad)
    box = picture[top:, : min(width, round(full_width * scale) + 2 * pad)]
    box[:] = box // 4
    at = (pad, height - pad)
    cv2.putText(picture, CAPTION, at, _FONT, scale, (255, 214, 150), max(1, round(scale * 1.6)), cv2.LINE_AA)
    return picture


def encode(picture: NDArray[np.uint8], finish: Finish) -> bytes:
    """The encoded picture. Raises BackendFailed where the encoder fails."""
    suffix, settings = {
        "png": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]),
        "jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, finish.compression]),
        "webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, max(1, finish.compression)]),
        "avif": (".avif", [cv2.IMWRITE_AVIF_QUALITY, finish.compression, cv2.IMWRITE_AVIF_SPEED, _AVIF_SPEED]),
    }[finish.output_format]
    done, content = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)
    if not done:
        raise BackendFailed(f"the sketch could not be written as {finish.output_format}; ask for another format")
    return content.tobytes()


def _word(options: Mapping[str, Json], name: str, default: str) -> str:
    value = options.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _rejected(name, "a word")
    return value.lower()


def _size(value: str) -> tuple[int, int] | None:
    if value == "auto":
        return None
    found = re.fullmatch(r"([0-9]{2,4})x([0-9]{2,4})", value)
    sides = tuple(int(side) for side in found.groups()) if found else (0, 0)
    if not all(_SIDE_MIN_PX <= side <= _SIDE_MAX_PX for side in sides):
        raise _rejected("size", f"WIDTHxHEIGHT, each side {_SIDE_MIN_PX} to {_SIDE_MAX_PX}, or auto")
    return sides[0], sides[1]


def _rejected(name: str, wanted: str) -> BackendFailed:
    return BackendFailed(f"the sketch cannot meet this `{name}`; give {wanted}", code=BackendCode.REJECTED, param=name)
