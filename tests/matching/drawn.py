"""Pictures that are the same on every machine: drawn with whole numbers alone."""

import numpy as np
from numpy.typing import NDArray

COUNT = 6
SIZES = ((512, 512), (1024, 1024), (64, 64), (70, 40), (517, 333), (777, 1300), (129, 130))
"""Width and height in pixels."""


def drawn(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Picture `number`, below `COUNT`, (height, width, 3) RGB: waves, discs and grain, different in each colour."""
    # In 4,096ths of a side, so that a picture is about the same in every size.
    x, y = (np.arange(side, dtype=np.int64) * 4096 // side for side in (width, height))
    across, down = x[None, :], y[:, None]
    channels = []
    for colour in range(3):
        seed = 7 * number + 3 * colour + 1
        waves = _wave(across * (2 + seed % 5) + down * (1 + seed % 3)) + _wave(across * 3 - down * (2 + seed % 7))
        for disc in range(5):
            centre = (seed * 977 + disc * 1213) % 4096, (seed * 569 + disc * 2339) % 4096
            inside = (across - centre[0]) ** 2 + (down - centre[1]) ** 2 < (300 + 97 * ((seed + disc) % 6)) ** 2
            waves = np.where(inside, waves + 60 - 40 * (disc % 3), waves)
        grain = (across * 73_856_093 ^ down * 19_349_663 ^ seed * 83_492_791) % 23
        channels.append(np.clip(waves + grain, 0, 255))
    return np.stack(channels, axis=2).astype(np.uint8)


def _wave(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """A wave of triangles, 0 to 100."""
    return np.abs(place % 2048 - 1024) * 100 // 1024
