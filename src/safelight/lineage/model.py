"""What an output leaves behind, and what comes back with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safelight.core.signal import Observed, Signal, SignalValue

CARRIED = frozenset(
    {"text_undress", "text_sexual", "text_minor", "text_person", "photo_youngest_years", "photo_age_unclear"}
)
"""Signals that hold for a picture's later edits too: what was asked of it, and who was in it."""
EARLIER_MAX = 6
"""Earlier edits whose words come back; as many turns as are read together in a conversation."""
SOURCES_MAX = 64
"""Files that an output is remembered to come from, the earliest of its chain first."""
WORDS_MAX_CHARS = 2_000
"""Of the words of one edit, from their beginning."""
NAME = "lineage"

Fingerprint = Callable[[NDArray[np.uint8]], tuple[bytes, ...]]
"""From a frame, (height, width, 3) RGB, to 32 bytes that near copies share but for a few bits: of the picture as it is,
then of its mirrored and turned forms; nothing for a picture without detail."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of the pictures of a request from the edits that made them."""

    edits: int = 0
    """How many edits, one after the other, led to the picture with the longest chain."""
    signals: tuple[Signal, ...] = ()
    words: tuple[str, ...] = ()
    """What was asked in those edits, oldest first."""
    images: tuple[str, ...] = ()
    """Under which ids the pictures are remembered that the request's photos turned out to be."""
    sources: tuple[str, ...] = ()
    """Keyed digests of the request's photos, and of the files from which their chains came."""

    @property
    def observed(self) -> Observed:
        """As one more observation of the request."""
        return Observed(self.signals, (), (NAME,), (NAME,)) if self.edits else Observed()


NO_HISTORY = History()


@dataclass(frozen=True, slots=True)
class Made:
    """One picture that is about to be released."""

    content: bytes
    """Exactly the bytes that leave."""
    frame: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Draft:
    """What will be remembered of the pictures of one request, as rows of `made_images` and `made_image_bands`."""

    rows: tuple[Mapping[str, object], ...] = ()
    bands: tuple[Mapping[str, object], ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of each picture; none where nothing is remembered."""
        return tuple(str(row["id"]) for row in self.rows)


NOTHING = Draft()


def carried(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Those of `signals` that a later edit is judged with, without places, sources and readings of this one."""
    worst: dict[str, SignalValue] = {}
    for signal in signals:
        if signal.name not in CARRIED:
            continue
        value = worst.setdefault(signal.name, signal.value)
        pick = min if signal.name == "photo_youngest_years" else max
        worst[signal.name] = pick(value, signal.value)
    return tuple(told(name, value) for name, value in sorted(worst.items()))


def told(name: str, value: SignalValue) -> Signal:
    """A signal as it comes back."""
    return Signal(name, value, f"{NAME}@1", "earlier edit", "was part of an earlier edit of this picture")
