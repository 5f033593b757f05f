"""What detectors look at: the request after step 2 of the gate, every text spelt once and every image decoded once.

What is left to others: bytes from strangers become `Picture` only in `image/decode.py`, and text becomes `ReadText`
only in `text/normalise.py`; running detectors side by side under a deadline is `gate/observe.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from safelight.core.category import Stage
from safelight.core.request import Owner, Role
from safelight.core.signal import Signal


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of the request, exactly as it arrived."""

    where: str
    """`turn 2`, `negative_prompt`, `photo 1 file name`, `photo 1 metadata`, `photo 1 text`, …"""
    text: str
    role: Role | None = None
    """Who said it, for a turn of the conversation; None for everything else."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a passage."""

    name: str
    """`plain` for the text after harmless normalisation; otherwise the tricks undone, such as `leet` or `base64`."""
    text: str


@dataclass(frozen=True, slots=True)
class ReadText:
    """A passage and the bounded set of its readings; the first is always `plain`."""

    passage: Passage
    readings: tuple[Reading, ...]
    tricks: tuple[str, ...] = ()
    """Names of the tricks found that hide text from a plain reader; hiding is itself a signal."""


class PictureRole(StrEnum):
    """What a picture is to the request; also the prefix of the signals made on it (`photo_…`, `output_…`)."""

    PHOTO = "photo"
    MASK = "mask"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One image after the one safe decoding."""

    role: PictureRole
    where: str
    """`photo 1`, `mask`, `output 2`, counted from 1 in the order of the conversation."""
    frames: tuple[NDArray[np.uint8], ...]
    """Every frame as (height, width, 3) RGB, upright (EXIF orientation applied).

    A transparent one stands there over grey, then as the other looks at it (`image/pixels.py`).
    """
    alpha: NDArray[np.uint8] | None
    """(height, width) of the first frame, 255 opaque; None where the image has no transparency."""
    clean: bytes
    """The encoded image that goes on to the model or the client: shows what was checked and nothing else."""
    media_type: str
    """Of `clean`: `image/png`, `image/jpeg` or `image/webp`."""
    passages: tuple[Passage, ...] = ()
    """Text found in the file name and the metadata."""
    owner: Owner = Owner.UNKNOWN

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.frames[0].shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.frames[0].shape[0])


@dataclass(frozen=True, slots=True)
class View:
    """All that there is to look at, on one stage of one request."""

    stage: Stage
    texts: tuple[ReadText, ...] = ()
    """Turns of the conversation first, oldest first, then every other text."""
    pictures: tuple[Picture, ...] = ()
    """At the input stage the photos and the mask; at the output stage what the model made."""
    photos_count: int = 0
    """Photos attached over the whole conversation, at either stage: text detectors may need to know."""
    names_records: bool = False
    """Whether the request names consent records, so that its words have to be held against what they allow."""
    files: tuple[tuple[str, bytes], ...] = ()
    """Each picture's `where` and the file as it arrived: to be compared by digest, never to be decoded again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one detector found on one view."""

    signals: tuple[Signal, ...] = ()
    passages: tuple[Passage, ...] = ()
    """Text read out of pictures, to be handed to the text detectors."""
