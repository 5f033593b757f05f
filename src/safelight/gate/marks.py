"""Steps 6 and 7 for marks: pictures are watermarked before they are looked at, and signed once they may leave.

Rules of this module
- What detectors look at are the pixels that leave. A lossless file gives them back as they are; a lossy one is encoded
  first and decoded again, and what came of that is looked at.
- Encoding a lossless file needs nobody's word, so it goes on beside the detectors; a refused picture's file is thrown
  away unsent.
- Nothing here decides: a picture that cannot be marked stops the request with MarkFailed.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from safelight.core.errors import MarkCode, MarkFailed
from safelight.core.limits import Limits
from safelight.core.request import Upload
from safelight.gate.cores import Lane, TooBusy, TooLate
from safelight.provenance.marking import Inked, Marker
from safelight.provenance.model import Origin
from safelight.provenance.pixels import media_type_of
from safelight.signals.image.decode import decode
from safelight.signals.image.pixels import looks
from safelight.signals.model import Picture, View

T = TypeVar("T")
Frame = NDArray[np.uint8]
Fingerprints = Callable[[Frame], tuple[bytes, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A picture on its way out: what is looked at, and the file that it becomes."""

    picture: Picture
    inked: Inked | None
    """None where nothing is drawn into the pixels."""
    content: bytes | None
    """The file without credentials, where it is there already."""
    media_type: str


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """The file of a picture, as yet without credentials."""

    picture: Picture
    content: bytes
    media_type: str
    watermark: bytes | None
    prints: tuple[bytes, ...]
    """Perceptual fingerprints, as it is first; none for a picture without detail."""
    features: bytes | None


class Marks:
    """Marks the pictures of requests."""

    def __init__(
        self,
        marker: Marker | None,
        lane: Lane,
        limits: Limits,
        *,
        fingerprints: Fingerprints,
        features: Callable[[Frame], bytes] | None = None,
    ) -> None:
        """`marker` None: the operator wants no marks, and pictures leave as they were checked."""
        self._marker = marker
        self._lane = lane
        self._limits = limits
        self._fingerprints = fingerprints
        self._features = features

    async def ink(self, contents: Sequence[bytes], view: View) -> tuple[View, list[Draft]]:
        """`view` of what the model answered (`contents`) with each picture as it will leave. Raises MarkFailed."""
        works = [partial(self._ink, content, picture) for content, picture in zip(contents, view.pictures, strict=True)]
        drafts = await asyncio.gather(*map(self._run, works))
        return replace(view, pictures=tuple(draft.picture for draft in drafts)), drafts

    async def files(self, drafts: Sequence[Draft]) -> list[File]:
        """The files of `drafts`, and what the register knows them by. Raises MarkFailed."""
        return await asyncio.gather(*(self._run(partial(self._file, draft)) for draft in drafts))

    async def seal(self, files: Sequence[File], origins: Sequence[Origin]) -> list[bytes]:
        """The bytes that leave, each file with its credentials. Raises MarkFailed."""
        if self._marker is None or not self._marker.wants_credentials:
            return [file.content for file in files]
        seal = self._marker.seal
        works = [
            partial(seal, file.content, file.media_type, origin) for file, origin in zip(files, origins, strict=True)
        ]
        return await asyncio.gather(*map(self._run, works))

    def trouble(self) -> str:
        """What keeps pictures from being marked; empty where nothing is known to."""
        return self._marker.trouble() if self._marker else ""

    def _ink(self, content: bytes, picture: Picture) -> Draft:
        if self._marker is None:
            return Draft(picture, None, picture.clean, picture.media_type)
        inked = self._marker.ink(content, _pixels(picture))
        if inked.watermark is None and picture.media_type == inked.form.format:
            return Draft(picture, None, picture.clean, picture.media_type)  # as it is, without its metadata
        if inked.form.is_lossless:
            seen = _looks(inked.pixels)
            return Draft(replace(picture, frames=_with_rest(seen, picture)), inked, None, inked.form.format)
        made, format_ = self._marker.encode(inked)
        again = decode(Upload(made), role=picture.role, where=picture.where, limits=self._limits)
        shown = replace(picture, frames=_with_rest(again.frames, picture), alpha=again.alpha)
        return Draft(shown, inked, made, format_)

    def _file(self, draft: Draft) -> File:
        content, media_type = draft.content, draft.media_type
        if content is None:
            if draft.inked is None or self._marker is None:
                raise ValueError("a draft without pixels has its file")
            content, media_type = self._marker.encode(draft.inked)
        frame = draft.picture.frames[0]
        return File(
            draft.picture,
            content,
            media_type,
            draft.inked.watermark if draft.inked else None,
            self._fingerprints(frame),
            self._features(frame) if self._features else None,
        )

    async def _run(self, work: Callable[[], T]) -> T:
        deadline = asyncio.get_running_loop().time() + self._limits.marks_deadline_s
        try:
            return await self._lane.run(work, deadline=deadline)
        except (TooLate, TooBusy) as error:
            seconds = self._limits.marks_deadline_s
            message = f"The pictures could not be marked within {seconds:g} s, so nothing was released; try again soon."
            raise MarkFailed(MarkCode.BUSY, message, retry_after_s=5) from error


def source_type(content: bytes) -> str:
    """The media type of an uploaded photo, as credentials name it."""
    return media_type_of(content)


def _pixels(picture: Picture) -> Frame:
    """The picture's own pixels, (height, width, 3) RGB, or 4 channels where anything in it is transparent."""
    if picture.alpha is None:
        return picture.frames[0]
    # The frames lie over grey; the colours under the transparency are in the file that was checked.
    return np.asarray(Image.open(BytesIO(picture.clean)).convert("RGBA"))


def _with_rest(marked: Sequence[Frame], picture: Picture) -> tuple[Frame, ...]:
    """The marked looks at the first frame in place of the unmarked ones; of an animation all other frames stay."""
    return (*marked, *picture.frames[len(marked) :])


def _looks(pixels: Frame) -> list[Frame]:
    return looks(Image.fromarray(pixels)) if pixels.shape[2] == 4 else [pixels]
