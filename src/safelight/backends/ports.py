"""The one door to an image model.

Rules of a backend
- It is given only what the gate has checked: text that was judged, and images that the gate itself encoded.
- It returns everything at once. What a model streams is collected first; nothing is handed on before it was looked at.
- What it returns is not yet checked: `Made.images` and `Made.partials` are bytes from a stranger, whatever model it is.
- It keeps nothing, logs no prompt and no image, and never writes a secret of its own into a message.
- A model's own refusal is BackendRefused; every other disappointment is BackendFailed with a BackendCode.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from safelight.core.canonical import Json
from safelight.core.request import Operation

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp")
"""What a model may answer with: the media types that the gate reads."""


@dataclass(frozen=True, slots=True)
class CleanImage:
    """An image that the gate has looked at and encoded itself."""

    content: bytes
    media_type: str
    """`image/png`, `image/jpeg` or `image/webp`."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the model is asked to make."""

    operation: Operation
    """GENERATE, EDIT or VARIATE; a CHECK never comes this far."""
    prompt: str = ""
    photos: tuple[CleanImage, ...] = ()
    mask: CleanImage | None = None
    """Same size as the first photo; transparent where the photo is to be changed."""
    count: int = 1
    """How many images."""
    options: Mapping[str, Json] = field(default_factory=dict)
    """Handed on untouched (`model`, `size`, `quality`, `output_format`, …)."""


@dataclass(frozen=True, slots=True)
class Made:
    """What the model made, all of it, unchecked."""

    images: tuple[bytes, ...]
    """One encoded image for each output; never empty, never more than were asked for."""
    partials: tuple[bytes, ...] = ()
    """Unfinished images in the order of their arrival, where a stream was asked for."""
    revised_prompts: tuple[str | None, ...] = ()
    """One for each of `images`; None where the model did not say. Unchecked text."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """Known facts of the answer (`created`, `usage`, `background`, `output_format`, `quality`, `size`) and no others,
    so that nothing unseen rides along."""


class ImageFetcher(Protocol):
    """Fetches an image from an address that somebody else chose; `gate/fetch.py` is the real one."""

    async def fetch(self, url: str, *, max_bytes: int, allow_types: Collection[str]) -> bytes:
        """The image's bytes. Raises SafelightError for a forbidden address, a bad answer or one that is too large."""


@runtime_checkable
class Backend(Protocol):
    """One image model."""

    @property
    def name(self) -> str:
        """Stable, lower case, such as `openai`."""

    async def make(self, job: Job, *, stream: bool = False) -> Made:
        """Do the job; with `stream`, bring unfinished images too where the model gives any.

        Raises BackendRefused when the model will not, BackendFailed when it cannot.
        """

    async def ready(self) -> None:
        """Return when the model can be asked now; raise BackendFailed with the way out when it cannot."""

    async def close(self) -> None:
        """Let go of connections and threads. May be called twice."""
