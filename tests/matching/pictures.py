"""Photographs that may be shown to anyone, as frames, and copies of them."""

import cv2
import numpy as np
import skimage.data

from safelight.matching.pdq import Frame, Pdq, pdq


def photo(name: str = "astronaut", *size: int) -> Frame:
    """One of scikit-image's samples, RGB; resized to (width, height) where given."""
    picture = getattr(skimage.data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    picture = np.ascontiguousarray(picture[..., :3])
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8) if size else picture


def hash_of(frame: Frame) -> bytes:
    """Its PDQ hash."""
    found = pdq(frame)
    assert isinstance(found, Pdq)
    return found.hash


def jpeg(frame: Frame, quality: int) -> Frame:
    """After a JPEG of this quality."""
    _, coded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1])
