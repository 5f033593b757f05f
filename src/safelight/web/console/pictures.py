"""Pictures for those who have to look: fetched when asked for, with as little in them as will do, and kept nowhere.

Rules of this module
- Nothing of the original file reaches a browser: a picture is decoded by the one safe decoder, drawn small, and encoded
  anew. An animation is its first frame; nothing moves and nothing sounds.
- A veil is eight points of grey: it says that there is a picture, and nothing of what it shows. It is no showing.
- What was counted is what is shown: the drawn picture waits in memory, under a name that one session knows, for
  `SHOWN_FOR`, and is gone.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import cv2
import numpy as np

from safelight.cases.draft import Place, PlaceKind
from safelight.core.errors import BadInput, InputCode
from safelight.core.limits import Limits
from safelight.core.request import Upload
from safelight.gate.fetch import GuardedFetcher
from safelight.signals.image.decode import decode
from safelight.signals.model import PictureRole

SHOWN_FOR = timedelta(minutes=2)
WAITING_MAX_COUNT = 64
"""Drawn pictures in memory at once; the oldest gives way."""
_VEIL_PX, _REDUCED_PX, _FULL_PX = 8, 48, 1024


class Detail(StrEnum):
    """How much of a picture is shown."""

    VEIL = "veil"
    REDUCED = "reduced"
    """Grey, blurred, 48 points wide or high: what kind of scene, not who and not what exactly."""
    GREY = "grey"
    COLOUR = "colour"

    @property
    def is_full(self) -> bool:
        """Whether it counts as a picture in full."""
        return self in (Detail.GREY, Detail.COLOUR)


class PictureSource(Protocol):
    """Where the console gets a picture that was reported."""

    async def fetch(self, place: Place) -> bytes:
        """The file at `place`. Raises BadInput where there is none to be had."""


class FetchedPictures:
    """Fetches from the reported address, with the same guard as the gate's own fetching."""

    def __init__(self, fetcher: GuardedFetcher, limits: Limits) -> None:
        self._fetcher = fetcher
        self._limits = limits

    async def fetch(self, place: Place) -> bytes:
        """The file at an address. Raises BadInput for other places."""
        if place.kind is not PlaceKind.ADDRESS:
            raise BadInput(
                InputCode.URL_INVALID, "This place is no address: look at it where it is, or decide without."
            )
        return await self._fetcher.fetch(place.value, max_bytes=self._limits.image_max_bytes, param="places")


def draw(content: bytes, detail: Detail, limits: Limits) -> bytes:
    """The picture in `content` as JPEG, with no more in it than `detail` says. Raises BadInput."""
    picture = decode(Upload(content), role=PictureRole.PHOTO, where="picture", limits=limits)
    frame: Any = cv2.cvtColor(np.asarray(picture.frames[0]), cv2.COLOR_RGB2BGR)
    if detail is not Detail.COLOUR:
        frame = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    if detail is Detail.VEIL:
        frame = cv2.GaussianBlur(_at_most(_at_most(frame, _VEIL_PX), 240, grow=True), (0, 0), 12)
    elif detail is Detail.REDUCED:
        small = cv2.GaussianBlur(_at_most(frame, _REDUCED_PX), (0, 0), 1.2)
        frame = _at_most(small, 384, grow=True)
    else:
        frame = _at_most(frame, _FULL_PX)
    encoded, file = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not encoded:
        raise BadInput(InputCode.IMAGE_UNSUPPORTED, "This picture cannot be drawn. Decide without it, or pass it on.")
    return bytes(file.tobytes())


@dataclass(frozen=True, slots=True)
class _Waiting:
    owner: str
    until: datetime
    content: bytes


class Shown:
    """Pictures that were counted and are about to be shown."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()

    def keep(self, owner: str, content: bytes, now: datetime) -> str:
        """The name under which `owner` finds `content` for a while."""
        name = secrets.token_urlsafe(16)
        self._waiting[name] = _Waiting(owner, now + SHOWN_FOR, content)
        while len(self._waiting) > WAITING_MAX_COUNT or next(iter(self._waiting.values())).until <= now:
            self._waiting.popitem(last=False)
        return name

    def take(self, owner: str, name: str, now: datetime) -> bytes:
        """The picture under `name`, once. Raises BadInput."""
        found = self._waiting.pop(name, None)
        if found is None or found.owner != owner or found.until <= now:
            raise BadInput(InputCode.FIELD_INVALID, "This picture is veiled again. Ask for it once more.")
        return found.content


def _at_most(frame: Any, side_px: int, *, grow: bool = False) -> Any:
    height, width = frame.shape[:2]
    scale = side_px / max(height, width)
    if scale >= 1 and not grow:
        return frame
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
