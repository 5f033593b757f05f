"""A small archive of pictures that may be shown to anyone, and of what else lies about in archives."""

from pathlib import Path

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

KNOWN = "astronaut"
"""The picture that is in a bank."""


def make(folder: Path, copies: int = 3) -> list[str]:
    """Fill `folder`. Returns the names of the files in it that show the known picture."""
    folder.mkdir(parents=True)
    for name in ("coffee", "chelsea", "rocket"):
        for number in range(copies):
            _write(folder / f"{name} {number}.jpg", cv2.GaussianBlur(_photo(name), (0, 0), 0.3 + number / 4))
    known = _photo(KNOWN)
    _write(folder / "<b>known & #1.png", known)
    (folder / "deep" / "er").mkdir(parents=True)
    _write(folder / "deep" / "er" / "mirrored.jpg", np.ascontiguousarray(known[:, ::-1]))
    _write(folder / "cropped.jpg", skimage.data.astronaut()[80:, :430])
    (folder / "cut off.jpg").write_bytes((folder / "coffee 0.jpg").read_bytes()[:900])
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("no picture at all")
    _write(folder / "grey.png", np.full((200, 300, 3), 90, np.uint8))
    return ["<b>known & #1.png", "mirrored.jpg", "cropped.jpg"]


def _photo(name: str) -> NDArray[np.uint8]:
    picture = getattr(skimage.data, name)()[..., :3]
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), (320, 240), interpolation=cv2.INTER_AREA), np.uint8)


def _write(path: Path, rgb: object) -> None:
    assert cv2.imwrite(str(path), np.asarray(rgb, np.uint8)[..., ::-1])
